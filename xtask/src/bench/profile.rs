//! `cargo xtask bench profile`: what counters and samples cost code at O2.
//!
//! Compared are ways of running the same program, hosted and in one run:
//!
//! - *whole*: `--tier O2`. The program is compiled as a whole, and nothing in it counts.
//! - *units*: the automatic tiers, told to compile every function at O2 when it is first called and never
//!   again. Nothing needs to be counted, and nothing is.
//! - *counted*: the same with O3 due after 2^63 - 1 calls, which never comes: every call is counted.
//! - *profiled*: as *units*, with `--profile`: every call is counted, and a timer takes samples.
//!
//! The overhead of profiling is *profiled* over *units*: the same code, but for what the profile needs.

use std::path::Path;

use super::rounds::{Limits, NAMES, RoundsProgram, Setup, announce};
use super::tables::{geometric_mean, render, verdict};
use crate::error::Result;
use crate::kernel::{KernelKind, LlvmExtent};
use crate::program::{Tier, TierOptions};
use crate::workbench::Workbench;

const REPETITIONS: usize = 5;
const LIMITS: Limits = Limits::ms(400);
/// Long enough for some samples, and short enough to be left alone by the rest of the host at times.
const STRETCH_S: f64 = 0.008;
/// The time with a profile over the time without.
const MOST_RATIO: f64 = 1.03;

/// The ways, in the order above.
fn setups() -> [Setup; 4] {
    let automatic = |calls: &str, profile| Setup {
        tier: Tier::Auto,
        options: TierOptions {
            settings: vec![format!("calls={calls}"), "iterations=-,-,-,-".into()],
            profile,
        },
    };
    [
        Setup::from(Tier::O2),
        automatic("-,-,0,-", false),
        automatic("-,-,0,9223372036854775807", false),
        automatic("-,-,0,-", true),
    ]
}

/// Measures and prints.
///
/// # Errors
/// Whatever kept a program from being built or run.
pub fn run(bench: &Workbench) -> Result<()> {
    let kernel = bench
        .kernel_builder()
        .build(KernelKind::Hosted, LlvmExtent::Full)?;
    let folder = tempfile::tempdir()?;
    let mut ratios = Vec::new();
    for name in NAMES {
        announce(&format!("{name}, hosted"));
        let program = RoundsProgram::build(name, bench, folder.path())?;
        let [whole, units, counted, profiled] = measure(&program, &kernel)?;
        ratios.push([
            units / whole,
            counted / units,
            profiled / units,
            counted / whole,
            profiled / whole,
        ]);
    }
    print(&ratios);
    Ok(())
}

/// Seconds of a round in each way.
fn measure(program: &RoundsProgram, kernel: &Path) -> Result<[f64; 4]> {
    let mut least = [f64::INFINITY; 4];
    for _ in 0..REPETITIONS {
        for (setup, least) in setups().iter().zip(&mut least) {
            let (rounds, _, _) = program.run_hosted(kernel, setup, LIMITS)?;
            *least = least.min(rounds.stretch_s(STRETCH_S));
        }
    }
    Ok(least)
}

fn print(ratios: &[[f64; 5]]) {
    println!(
        "Time of a round at O2, hosted; best stretch of {:.0} ms in {REPETITIONS} runs",
        STRETCH_S * 1e3
    );
    let header = [
        "program",
        "units / whole",
        "counted / units",
        "profiled / units",
        "counted / whole",
        "profiled / whole",
    ];
    let cells = |title: &str, numbers: [f64; 5]| {
        let mut cells = vec![title.to_owned()];
        cells.extend(numbers.map(|number| format!("{number:.3}")));
        cells
    };
    let mut rows: Vec<_> = NAMES
        .iter()
        .zip(ratios)
        .map(|(name, numbers)| cells(name, *numbers))
        .collect();
    let column = |index: usize| -> Vec<f64> { ratios.iter().map(|row| row[index]).collect() };
    rows.push(cells(
        "geom. mean",
        [0, 1, 2, 3, 4].map(|index| geometric_mean(&column(index))),
    ));
    println!("{}\n", render(&header, rows));
    for (name, numbers) in NAMES.iter().zip(ratios) {
        println!(
            "{}",
            verdict(
                &format!("{name}, profiled over units"),
                &format!("{:.3}", numbers[2]),
                &format!("at most {MOST_RATIO:.2}"),
                numbers[2] <= MOST_RATIO,
            )
        );
    }
}
