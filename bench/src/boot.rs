//! `cargo xtask bench boot`: from an edit of the kernel to an image, and from power-on to the program's
//! first output.
//!
//! Times are the host's, of a machine that is emulated. Instructions are counted by the machine itself in
//! a second run in which one instruction takes one nanosecond of its time: the same on every host.

use std::fs::{self, File};
use std::io::{self, Write, sink};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use bareflow_protocol::report::Counters;
use bareflow_run::say;

use bareflow_build::kernel::{KernelKind, LlvmExtent};
use bareflow_build::temporary::TemporaryFolder;
use bareflow_image::context::Context;
use bareflow_image::disk::{DEFAULT_SIZE_BYTES, ImageOptions, Storage};
use bareflow_image::error::{Error, Result};
use bareflow_image::program::{Program, Tier};
use bareflow_run::launch::LaunchError;
use bareflow_run::qemu::{Boot, Console, Drive, Machine, Processors, Verdict, boot};

const PROGRAM: &str = "examples/fib.c";
/// What an edit changes: a file of the kernel.
const EDITED: &str = "kernel/machine/src/start.rs";
const MEMORY_MIB: u32 = 256;
const REPETITIONS: usize = 3;
const TIMEOUT: Duration = Duration::from_secs(600);

/// When the first byte was written.
#[derive(Clone, Copy, Debug, Default)]
struct FirstByte(Option<Instant>);

impl Write for &mut FirstByte {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.get_or_insert_with(Instant::now);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Prints the figures.
///
/// # Errors
/// Whatever kept the machine from being built or booted.
pub fn run(context: &Context) -> Result<()> {
    let folder = TemporaryFolder::new("bench")?;
    let image = folder.path().join("disk.img");
    let builder = context.kernel_builder();
    let program = Program::build(&[context.root.join(PROGRAM)], &context.program_compiler())?;
    let kernel = builder.build(KernelKind::Machine, LlvmExtent::Full)?;

    let bundle = program.bundle(&[], Tier::O2);
    File::open(context.root.join(EDITED))?.set_modified(SystemTime::now())?;
    let start = Instant::now();
    builder.build(KernelKind::Machine, LlvmExtent::Full)?;
    context.write_image(&kernel, &bundle, DEFAULT_SIZE_BYTES, &image)?;
    say!(
        "an edit of {EDITED} to the image: {:.1} s",
        start.elapsed().as_secs_f64()
    );
    say!(
        "kernel file {:.1} MB, image {:.1} MB on disk of {:.1} MB",
        megabytes(fs::metadata(&kernel)?.len()),
        megabytes(allocated_bytes(&image)?),
        megabytes(fs::metadata(&image)?.len())
    );

    let write_image = |bundle: &[u8], llvm| {
        let options = ImageOptions {
            llvm,
            ..DEFAULT_SIZE_BYTES.into()
        };
        context.write_image(&kernel, bundle, options, &image)
    };
    write_image(&bundle, Storage::Compressed)?;
    say!(
        "image with LLVM compressed {:.1} MB on disk",
        megabytes(allocated_bytes(&image)?)
    );

    say!("{PROGRAM}, {MEMORY_MIB} MiB of RAM; best of {REPETITIONS}, from power-on:");
    say!(
        "{:12} {:>18} {:>18} {:>10} {:>22} {:>14} {:>12} {:>8} {:>6}",
        "tier",
        "boot",
        "first output s",
        "end s",
        "Minstr. to output",
        "Minstr. in all",
        "RAM MiB",
        "LLVM MB",
        "reads"
    );
    for tier in [Tier::Interpreter, Tier::O0, Tier::O2] {
        let bundle = program.bundle(&[], tier);
        let bundle_path = folder.path().join("bundle");
        fs::write(&bundle_path, &bundle)?;
        let disk = Boot::Disk(Drive::new(&image));
        let pvh = Boot::Pvh {
            kernel: kernel.clone(),
            bundle: bundle_path,
        };
        // The first boot of an image knows no record of what is touched; the later ones do.
        let (plain, packed) = (Storage::Plain, Storage::Compressed);
        for (name, way, fresh) in [
            ("first", disk.clone(), Some(plain)),
            ("later", disk.clone(), None),
            ("first, compressed", disk.clone(), Some(packed)),
            ("later, compressed", disk, None),
            ("pvh", pvh, None),
        ] {
            let renew = || fresh.map_or(Ok(()), |llvm| write_image(&bundle, llvm));
            let machine = |counts_instructions| Machine {
                qemu: context.tools.qemu.clone(),
                memory_mib: MEMORY_MIB,
                processors: Processors::default(),
                counts_instructions,
                console: Console::default(),
                boot: way.clone(),
            };
            let (mut first, mut end) = (f64::INFINITY, f64::INFINITY);
            for _ in 0..REPETITIONS {
                renew()?;
                let run = measure(&machine(false))?;
                first = first.min(run.first_output.as_secs_f64());
                end = end.min(run.end.as_secs_f64());
            }
            renew()?;
            let counters = measure(&machine(true))?.counters;
            let (llvm_mb, reads) = counters.llvm.map_or((String::from("all"), 0), |llvm| {
                (format!("{:.1}", megabytes(llvm.bytes)), llvm.reads)
            });
            say!(
                "{:12} {name:>18} {first:18.2} {end:10.2} {:22.1} {:14.1} {:12.1} {llvm_mb:>8} {reads:>6}",
                tier.name(),
                counters.first_output_cycles as f64 / 1e6,
                counters.cycles as f64 / 1e6,
                counters.peak_memory_bytes as f64 / f64::from(1 << 20),
            );
        }
    }
    Ok(())
}

/// A boot.
pub struct Measurement {
    /// From the start of QEMU to the first byte of output.
    pub first_output: Duration,
    end: Duration,
    /// What the machine has counted.
    pub counters: Counters,
}

/// Boots a machine and waits for its end.
///
/// # Errors
/// That it did not end with status 0.
pub fn measure(machine: &Machine) -> Result<Measurement> {
    let mut first = FirstByte::default();
    let start = Instant::now();
    let (verdict, report) =
        boot(machine, TIMEOUT, &mut first, sink()).map_err(LaunchError::from)?;
    let end = start.elapsed();
    match (verdict, first.0, report.counters) {
        (Verdict::Ended(0), Some(first), Some(counters)) => Ok(Measurement {
            first_output: first - start,
            end,
            counters,
        }),
        _ => Err(Error::build(format!(
            "the machine did not run its program: {verdict}"
        ))),
    }
}

/// Millions of bytes.
pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// What a sparse file takes.
fn allocated_bytes(path: &Path) -> Result<u64> {
    use std::os::unix::fs::MetadataExt;
    // Of 512 bytes, whatever the file system's own block is.
    Ok(fs::metadata(path)?.blocks() * 512)
}
