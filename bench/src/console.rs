//! `cargo xtask bench console`: how fast a program's input and output are, hosted, and in the machine by virtio and by
//! the serial line.

use std::fs::{self, File};
use std::io::sink;
use std::time::Duration;

use bareflow_build::kernel::{KernelKind, LlvmExtent};
use bareflow_build::process::{Input, Output, Recorder, Streams};
use bareflow_build::temporary::TemporaryFolder;
use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result};
use bareflow_image::program::{Program, Tier};
use bareflow_run::launch::Runner;
use bareflow_run::qemu::{Boot, Console, Machine, Processors};
use bareflow_run::say;

const PROGRAM: &str = "bench/programs/console.c";
const MEMORY_MIB: u32 = 256;
const TIMEOUT: Duration = Duration::from_secs(600);
const LARGE_BYTES: u64 = 256 << 20;
const SMALL_BYTES: u64 = 1 << 20;
/// What output by virtio is to reach at least.
const TARGET_MB_PER_S: f64 = 50.0;

/// Prints the figures.
///
/// # Errors
/// Whatever kept the program from being run to its end.
pub fn run(context: &Context) -> Result<()> {
    let program = Program::build(&[context.root.join(PROGRAM)], &context.program_compiler())?;
    let folder = TemporaryFolder::new("console")?;
    let builder = context.kernel_builder();
    let machine_kernel = builder.build(KernelKind::Machine, LlvmExtent::Full)?;
    let hosted_kernel = builder.build(KernelKind::Hosted, LlvmExtent::Full)?;
    say!("MB/s; a reader takes what is written, and input is a file; O2");
    say!("{:18} {:>10} {:>10} {:>10}", "", "blocks", "lines", "input");
    let machine = |console| Place::Machine(console);
    let places = [
        ("hosted", Place::Hosted, LARGE_BYTES),
        ("machine, virtio", machine(Console::Fast), LARGE_BYTES),
        ("machine, serial", machine(Console::Serial), SMALL_BYTES),
    ];
    for (name, place, bytes) in places {
        let bundle = folder.path().join("bundle");
        fs::write(&bundle, program.bundle(&[bytes.to_string()], Tier::O2))?;
        let is_serial = place == Place::Machine(Console::Serial);
        let kernel = match place {
            Place::Hosted => Runner::Hosted {
                executable: hosted_kernel.clone(),
                bundle,
                memory_mib: None,
                disk: None,
            },
            Place::Machine(console) => Runner::Machine(Machine {
                qemu: context.tools.qemu.clone(),
                memory_mib: MEMORY_MIB,
                processors: Processors::default(),
                counts_instructions: false,
                console,
                boot: Boot::Pvh {
                    kernel: machine_kernel.clone(),
                    bundle,
                },
            }),
        };
        let input = folder.path().join("input");
        // A line ends where a serial line is at its end of input.
        let contents = match is_serial {
            true => b"\x04".to_vec(),
            false => vec![b'x'; bytes as usize],
        };
        fs::write(&input, contents)?;
        let log = Recorder::new(1 << 16, sink());
        let streams = Streams {
            input: Input::File(File::open(&input)?),
            output: Output::To(sink()),
            errors: Output::To(log.clone()),
        };
        let ending = kernel.run_with(TIMEOUT, streams, None)?;
        let log = String::from_utf8_lossy(&log.bytes()).into_owned();
        if ending.code != 0 {
            return Err(Error::build(format!(
                "{name}: status {}\n{log}",
                ending.code
            )));
        }
        let figure = |what| figure(&log, what);
        let shown = |what| figure(what).map_or("-".to_owned(), |found| format!("{found:.1}"));
        say!(
            "{name:18} {:>10} {:>10} {:>10}",
            shown("blocks"),
            shown("lines"),
            shown("input")
        );
        if name.ends_with("virtio") {
            let found = figure("blocks").unwrap_or(0.0);
            let verdict = if found >= TARGET_MB_PER_S {
                "met"
            } else {
                "MISSED"
            };
            say!("  target at least {TARGET_MB_PER_S}: {verdict}");
        }
    }
    Ok(())
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Hosted,
    Machine(Console),
}

fn figure(log: &str, what: &str) -> Option<f64> {
    log.lines()
        .find_map(|line| line.strip_prefix(what)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_among_other_lines() {
        let log = "bareflow: note\nblocks 61.5\nlines 40\n";
        assert_eq!(figure(log, "blocks"), Some(61.5));
        assert_eq!(figure(log, "lines"), Some(40.0));
        assert_eq!(figure(log, "input"), None);
    }
}
