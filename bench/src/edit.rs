//! `cargo xtask bench edit`: from the command to the program's first output, and what takes the time.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::cpu_time_of;
use bareflow_build::cargo::clean_cargo;
use bareflow_build::kernel::{KernelKind, LlvmExtent};
use bareflow_build::paths::Cache;
use bareflow_build::temporary::TemporaryFolder;
use bareflow_build::tools::Installation;
use bareflow_image::context::Context;
use bareflow_image::disk::DEFAULT_SIZE_BYTES;
use bareflow_image::error::{Error, Result};
use bareflow_image::program::{Memory, Program, Sources, Tier};
use bareflow_run::say;

const SOURCE: &str = "#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }\n";
const CXX_SOURCE: &str =
    "#include <iostream>\nint main() { std::cout << \"hello\" << std::endl; }\n";
const REPETITIONS: u32 = 5;
const REPETITIONS_OF_MACHINES: u32 = 2;
/// The most that a hosted run may take, beside clang where the source has changed.
const TARGET: Duration = Duration::from_millis(150);

/// Times, the best of several.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// Until the first output, or the end if there is none.
    first: Duration,
    /// Processor time until the end.
    cpu: Duration,
}

impl Times {
    const WORST: Self = Self {
        first: Duration::MAX,
        cpu: Duration::MAX,
    };

    fn better(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            cpu: self.cpu.min(other.cpu),
        }
    }

    fn say(self, what: &str) {
        say!(
            "{what:58} {:8.3} s {:8.3} s",
            self.first.as_secs_f64(),
            self.cpu.as_secs_f64()
        );
    }
}

/// Prints the figures.
///
/// # Errors
/// Whatever kept the programs from being built or run.
pub fn run(context: &Context) -> Result<()> {
    let folder = TemporaryFolder::new("bench")?;
    say!(
        "{:58} {:>10} {:>10}",
        "best of several",
        "time",
        "processors"
    );
    let own = std::env::current_exe()?;
    let whole = best(REPETITIONS, || {
        let mut command = clean_cargo(&context.root);
        command.args(["run", "--quiet", "--package", "xtask", "--", "--version"]);
        Ok(command)
    })?;
    let alone = best(REPETITIONS, || {
        let mut command = Command::new(&own);
        command.arg("--version");
        Ok(command)
    })?;
    whole.say("cargo xtask --version");
    alone.say("of it xtask itself, the rest is cargo's");

    for (what, file, text) in [("C", "hello.c", SOURCE), ("C++", "hello.cpp", CXX_SOURCE)] {
        let path = folder.path().join(file);
        fs::write(&path, text)?;
        let started = |options: &[&str]| {
            let mut command = Command::new(&own);
            command.arg("run").args(options).arg(&path);
            command
        };
        let unchanged = best(REPETITIONS, || Ok(started(&["--hosted"])))?;
        unchanged.say(&format!("{what}: xtask run --hosted, nothing changed"));
        let program = Program::build(std::slice::from_ref(&path), &context.program_compiler())?;
        let bundle = folder.path().join("bundle");
        fs::write(&bundle, program.bundle(&[], Tier::Auto))?;
        let kernel = context
            .kernel_builder()
            .build(KernelKind::Hosted, LlvmExtent::Full)?;
        let hosted = best(REPETITIONS, || {
            let mut command = Command::new(&kernel);
            command.arg(&bundle);
            Ok(command)
        })?;
        hosted.say("  of it the kernel");

        let mut edition = 0;
        let changed = best(REPETITIONS, || {
            edition += 1;
            fs::write(&path, format!("{text}// {edition}\n"))?;
            Ok(started(&["--hosted"]))
        })?;
        changed.say(&format!("{what}: xtask run --hosted, the source changed"));
        let compiling = timed(REPETITIONS, || {
            Program::build(std::slice::from_ref(&path), &context.program_compiler())?;
            Ok(())
        })?;
        compiling.say("  of it clang and the linker");
        let machine = best(REPETITIONS_OF_MACHINES, || Ok(started(&[])))?;
        machine.say(&format!("{what}: xtask run, nothing changed"));
        let image = folder.path().join("disk.img");
        let before = timed(REPETITIONS, || prepare_machine(&path, &image))?;
        before.say("  of it before QEMU is started");
        let beside_clang = changed.first.saturating_sub(compiling.first);
        say!(
            "{what}: {:.3} s unchanged, {:.3} s beside compiling (targets {:.2} s, without cargo)",
            unchanged.first.as_secs_f64(),
            beside_clang.as_secs_f64(),
            TARGET.as_secs_f64()
        );
    }
    Ok(())
}

/// What `run` does before it starts the machine.
fn prepare_machine(path: &Path, image: &Path) -> Result<()> {
    let context = Context::prepare(Installation::Forbidden)?;
    let sources = Sources::of_files(&[path.to_owned()]);
    let memory = Memory::of(&Cache::find()?);
    let program = memory.build(&sources, &context.program_compiler())?;
    let kernel = context
        .kernel_builder()
        .build(KernelKind::Machine, LlvmExtent::Full)?;
    let bundle = program.bundle(&[], Tier::Auto);
    Ok(context.write_image(&kernel, &bundle, DEFAULT_SIZE_BYTES, image)?)
}

/// Of an action in this process and in those that it starts.
fn timed(repetitions: u32, mut action: impl FnMut() -> Result<()>) -> Result<Times> {
    let mut times = Times::WORST;
    for _ in 0..repetitions {
        let start = Instant::now();
        let cpu = cpu_time_of(&mut action)?;
        let first = start.elapsed();
        times = times.better(Times { first, cpu });
    }
    Ok(times)
}

/// Of a command that prints something. It runs once before, so that everything that is kept is there.
fn best(repetitions: u32, mut command: impl FnMut() -> Result<Command>) -> Result<Times> {
    let mut times = Times::WORST;
    for round in 0..=repetitions {
        let mut command = command()?;
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(Stdio::null());
        let mut first = Duration::ZERO;
        let cpu = cpu_time_of(|| -> Result<()> {
            let start = Instant::now();
            let mut child = command.spawn()?;
            let mut output = child.stdout.take().expect("it is piped");
            let mut byte = [0];
            output.read_exact(&mut byte)?;
            first = start.elapsed();
            output.read_to_end(&mut Vec::new())?;
            if child.wait()?.success() {
                return Ok(());
            }
            Err(Error::build(format!("{command:?} did not succeed")))
        })?;
        if round > 0 {
            times = times.better(Times { first, cpu });
        }
    }
    Ok(times)
}
