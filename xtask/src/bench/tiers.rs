//! `cargo xtask bench tiers`: programs in every tier of the hosted kernel, against `clang -O2`.
//!
//! A program runs twice, with much work and with next to none; the difference is the work alone, without
//! the start and the compilation. The interpreter gets less work, and times are compared per unit of it.

use std::fs;
use std::io::{sink, stderr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::ValueEnum;

use super::user_time_of;
use crate::e2e::build_for_linux;
use crate::error::{Error, Result};
use crate::kernel::{KernelKind, LlvmExtent};
use crate::launch::Kernel;
use crate::program::{Program, Tier};
use crate::temporary::TemporaryFolder;
use crate::workbench::Workbench;

/// A program and two amounts of work for it.
struct Subject {
    /// File name in `examples/`, without its extension.
    name: &'static str,
    /// The argument for native code.
    large: &'static str,
    /// The argument for the interpreter.
    small: &'static str,
    /// Work of `large` over work of `small`.
    work_ratio: f64,
}

const SUBJECTS: &[Subject] = &[
    // fib(n) makes 2 F(n + 1) - 1 calls.
    Subject {
        name: "fib",
        large: "36",
        small: "22",
        work_ratio: 48_315_633.0 / 57_313.0,
    },
    // n^3 multiplications.
    Subject {
        name: "matmul",
        large: "400",
        small: "40",
        work_ratio: 1000.0,
    },
    // A message of so many bytes.
    Subject {
        name: "sha256",
        large: "40000000",
        small: "40000",
        work_ratio: 1000.0,
    },
];

/// The argument for next to no work.
const NO_WORK: &str = "1";
const REPETITIONS: usize = 3;
const TIMEOUT: Duration = Duration::from_secs(120);

/// Prints the table.
///
/// # Errors
/// Whatever kept a program from being built or run.
pub fn run(bench: &Workbench) -> Result<()> {
    let executable = bench
        .kernel_builder()
        .build(KernelKind::Hosted, LlvmExtent::Full)?;
    let folder = TemporaryFolder::new("bench")?;
    println!(
        "time per unit of work over that of clang -O2 for Linux; user time, best of {REPETITIONS}"
    );
    print!("{:12} {:>12}", "program", "clang -O2 s");
    for tier in Tier::value_variants() {
        print!(" {:>12}", tier.name());
    }
    println!();
    for subject in SUBJECTS {
        let source = bench
            .root
            .join("examples")
            .join(format!("{}.c", subject.name));
        let native = folder.path().join(subject.name);
        build_for_linux(
            &bench.tools.program_clang,
            std::slice::from_ref(&source),
            &native,
        )
        .map_err(Error::Build)?;
        let reference = work_time(subject.large, |argument| run_native(&native, argument))?;
        print!("{:12} {reference:12.4}", subject.name);

        let program = Program::build(&[source], &bench.program_compiler())?;
        for tier in Tier::value_variants() {
            let (argument, factor) = match tier {
                Tier::Interpreter => (subject.small, subject.work_ratio),
                _ => (subject.large, 1.0),
            };
            let time = work_time(argument, |argument| {
                let bundle = folder.path().join("bundle");
                fs::write(&bundle, program.bundle(&[argument.to_owned()], *tier))?;
                let kernel = Kernel::Hosted {
                    executable: executable.clone(),
                    bundle,
                    memory_mib: None,
                };
                let ending = kernel.run(TIMEOUT, sink(), stderr())?;
                if ending.code == 0 {
                    Ok(())
                } else {
                    Err(Error::Build(format!(
                        "{} ended with {} in {}",
                        subject.name,
                        ending.code,
                        tier.name()
                    )))
                }
            })?;
            print!(" {:12.3}", time * factor / reference);
        }
        println!();
    }
    Ok(())
}

/// Seconds of user time that the work of `argument` takes.
fn work_time(argument: &str, mut run: impl FnMut(&str) -> Result<()>) -> Result<f64> {
    let mut best = |argument: &str| -> Result<f64> {
        let mut least = f64::INFINITY;
        for _ in 0..REPETITIONS {
            least = least.min(user_time_of(|| run(argument))?.as_secs_f64());
        }
        Ok(least)
    };
    Ok(best(argument)? - best(NO_WORK)?)
}

fn run_native(executable: &Path, argument: &str) -> Result<()> {
    let status = Command::new(executable)
        .arg(argument)
        .stdout(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::Build(format!(
            "{} {argument} failed",
            executable.display()
        )))
    }
}
