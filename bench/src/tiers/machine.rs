//! The table of the machine, in instructions: the same on every host.

use std::fs;
use std::io::sink;
use std::path::Path;
use std::time::Duration;

use super::{LEAST_SPEED_UP, MOST_RATIO, Row, ratio_table, rows_of_tiers};
use crate::rounds::{Limits, NAMES, Rounds, RoundsProgram, announce};
use bareflow_build::kernel::{KernelKind, LlvmExtent};
use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result};
use bareflow_image::program::{Program, Tier, TierOptions};
use bareflow_report::profile;
use bareflow_report::tables::{geometric_mean, render, verdict};
use bareflow_run::launch::LaunchError;
use bareflow_run::qemu::{Boot, Console, Machine, Processors, Verdict, boot};
use bareflow_run::say;

const MEMORY_MIB: u32 = 512;
const TIMEOUT: Duration = Duration::from_secs(600);
const NO_LIMIT_MS: u32 = 1_000_000;
/// The counts are the same in every round but for the timer's interrupts.
const NATIVE_ROUNDS: u32 = 40;
const INTERPRETER_ROUNDS: u32 = 2;
/// By then the hottest loops have been compiled for the last time.
const AUTOMATIC_ROUNDS: u32 = 1500;

const fn limits(tier: Tier) -> Limits {
    Limits {
        rounds: match tier {
            Tier::Interpreter => INTERPRETER_ROUNDS,
            Tier::Auto => AUTOMATIC_ROUNDS,
            _ => NATIVE_ROUNDS,
        },
        ms: NO_LIMIT_MS,
    }
}

/// Measures and prints.
///
/// # Errors
/// Whatever kept a program from being built or run.
pub fn run(context: &Context) -> Result<()> {
    let kernel = context
        .kernel_builder()
        .build(KernelKind::Machine, LlvmExtent::Full)?;
    let folder = tempfile::tempdir()?;
    let mut reference = Vec::new();
    let mut counts = Vec::new();
    for name in NAMES {
        announce(&format!("{name}, in the machine"));
        let program = RoundsProgram::build(name, context, folder.path())?;
        let count = |program: &Program, tier: Tier| {
            let bundle = folder.path().join("bundle");
            let options = TierOptions {
                profile: tier == Tier::Auto,
                ..TierOptions::default()
            };
            let arguments = limits(tier).arguments();
            fs::write(&bundle, program.bundle_with(&arguments, tier, &options))?;
            instructions(context, &kernel, &bundle)
        };
        reference.push(count(&program.embedded()?, Tier::O0)?.steady);
        let of_program = super::TIERS.map(|tier| count(&program.program, tier));
        let of_program: Result<Vec<Counts>> = of_program.into_iter().collect();
        counts.push(of_program?);
    }
    let of_tier = |tier: Tier| -> Vec<f64> {
        let index = super::TIERS.iter().position(|other| *other == tier);
        let index = index.expect("every tier is in the table");
        counts.iter().map(|one| one[index].steady).collect()
    };
    say!("Instructions of a round in the steady state, in the machine");
    let rows: Vec<Row> = rows_of_tiers(&reference, of_tier);
    say!("{}", ratio_table(&rows));
    let header = [&["instructions"], &NAMES[..]].concat();
    let absolute = |title: &str, numbers: &mut dyn Iterator<Item = f64>| {
        let mut cells = vec![title.to_owned()];
        cells.extend(numbers.map(|number| format!("{number:.0}")));
        cells
    };
    let compiling = |one: &[Counts]| one.iter().filter_map(|counts| counts.compiling).sum();
    let rows = vec![
        absolute("a round, clang -O2", &mut reference.iter().copied()),
        absolute(
            "all compilations, automatic",
            &mut counts.iter().map(|one| compiling(one)),
        ),
    ];
    say!("{}\n", render(&header, rows));
    let automatic: Vec<f64> = super::divide(&of_tier(Tier::Auto), &reference);
    let automatic = geometric_mean(&automatic);
    say!(
        "{}",
        verdict(
            "instructions of the automatic tiers over clang -O2, geometric mean",
            &format!("{automatic:.3}"),
            &format!("at most {MOST_RATIO:.1}"),
            automatic <= MOST_RATIO,
        )
    );
    let fib = of_tier(Tier::Interpreter)[0] / of_tier(Tier::O3)[0];
    say!(
        "{}",
        verdict(
            "instructions of the interpreter over O3 on fib",
            &format!("{fib:.0}"),
            &format!("at least {LEAST_SPEED_UP:.0}"),
            fib >= LEAST_SPEED_UP,
        )
    );
    Ok(())
}

struct Counts {
    /// Of a round in the steady state.
    steady: f64,
    /// Of all compilations, where there is a profile.
    compiling: Option<f64>,
}

/// With one instruction a nanosecond, the time stamp counter counts instructions: cycles of a round are
/// the instructions of a round, without the machine's start.
fn instructions(context: &Context, kernel: &Path, bundle: &Path) -> Result<Counts> {
    let machine = Machine {
        qemu: context.tools.qemu.clone(),
        memory_mib: MEMORY_MIB,
        processors: Processors::default(),
        counts_instructions: true,
        console: Console::default(),
        boot: Boot::Pvh {
            kernel: kernel.to_owned(),
            bundle: bundle.to_owned(),
        },
    };
    let mut output = Vec::new();
    let (verdict, report) =
        boot(&machine, TIMEOUT, &mut output, sink()).map_err(LaunchError::from)?;
    if verdict != Verdict::Ended(0) {
        return Err(Error::build(format!(
            "the machine did not run a program: {verdict}"
        )));
    }
    let compiling = match &report.profile {
        Some(text) => {
            let profile = profile::parse(text.as_bytes())
                .map_err(|error| Error::build(format!("the kernel's profile: {error}")))?;
            Some(profile.compile_cycles as f64)
        }
        None => None,
    };
    Ok(Counts {
        steady: Rounds::parse(&output)?.steady_cycles(),
        compiling,
    })
}
