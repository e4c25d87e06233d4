//! `cargo xtask bench profile`: what counters and samples cost code at O2.
//!
//! Compared are ways of running the same program, hosted and in one run:
//!
//! - *whole*: `--tier O2`. The program is compiled as a whole, and nothing in it counts.
//! - *units*: the automatic tiers, told to compile every function at O2 when it is first called and never
//!   again. Every function is compiled by itself, is called through its stub, and counts its calls.
//! - *profiled*: the same with `--profile`: a timer takes samples as well.
//!
//! The overhead of profiling is *profiled* over *units*. What *units* lose against *whole* is the price of
//! code that can be replaced while it runs, counters included.

use super::hosted::{Hosted, Setup};
use super::rounds::{Limits, NAMES, RoundsProgram, announce};
use bareflow_image::context::Context;
use bareflow_image::error::Result;
use bareflow_image::program::{Tier, TierOptions};
use bareflow_report::tables::{geometric_mean, render, verdict};
use bareflow_run::say;

const REPETITIONS: usize = 8;
const LIMITS: Limits = Limits::ms(400);
/// Long enough for some samples, and short enough to be left alone by the rest of the host at times.
const STRETCH_S: f64 = 0.004;
/// The time with a profile over the time without.
const MOST_RATIO: f64 = 1.03;

/// The ways, in the order above.
fn setups() -> [Setup; 3] {
    let automatic = |profile| Setup {
        tier: Tier::Auto,
        options: TierOptions {
            settings: vec!["calls=-,-,0,-".into(), "iterations=-,-,-,-".into()],
            profile,
            ..TierOptions::default()
        },
        disk: None,
    };
    [Setup::from(Tier::O2), automatic(false), automatic(true)]
}

/// Measures and prints.
///
/// # Errors
/// Whatever kept a program from being built or run.
pub fn run(context: &Context) -> Result<()> {
    let hosted = Hosted::build(context)?;
    let folder = tempfile::tempdir()?;
    let mut ratios = Vec::new();
    for name in NAMES {
        announce(&format!("{name}, hosted"));
        let program = RoundsProgram::build(name, context, folder.path())?;
        let [whole, units, profiled] = measure(&program, &hosted)?;
        ratios.push([units / whole, profiled / whole, profiled / units]);
    }
    print(&ratios);
    Ok(())
}

/// Seconds of a round in each way.
fn measure(program: &RoundsProgram, hosted: &Hosted) -> Result<[f64; 3]> {
    let mut least = [f64::INFINITY; 3];
    for _ in 0..REPETITIONS {
        for (setup, least) in setups().iter().zip(&mut least) {
            let (rounds, _) = program.run_hosted(hosted, setup, LIMITS)?;
            *least = least.min(rounds.stretch_s(STRETCH_S));
        }
    }
    Ok(least)
}

fn print(ratios: &[[f64; 3]]) {
    say!(
        "Time of a round at O2, hosted; best stretch of {:.0} ms in {REPETITIONS} runs",
        STRETCH_S * 1e3
    );
    let header = [
        "program",
        "units / whole",
        "profiled / whole",
        "profiled / units",
    ];
    let cells = |title: &str, numbers: [f64; 3]| {
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
        [0, 1, 2].map(|index| geometric_mean(&column(index))),
    ));
    say!("{}\n", render(&header, rows));
    for (name, numbers) in NAMES.iter().zip(ratios) {
        say!(
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
