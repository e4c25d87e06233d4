//! `cargo xtask bench generators`: the levels of all code generators, side by side, in one run.
//!
//! Each program runs at one level alone, in the automatic tiers: functions and loops count as they do at the level when
//! others are above it, and each function is compiled when it is first called.

use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result};
use bareflow_image::program::{Tier, TierOptions};
use bareflow_report::profile::{Compilation, Function, RunProfile};
use bareflow_report::tables::{digits, geometric_mean, render, verdict};
use bareflow_run::say;
use bareflow_tier_policy::{LEVELS, Level, LevelSet};

use super::ahead_of_time::Optimisation;
use super::hosted::{Hosted, Setup};
use super::images;
use super::rounds::{NAMES, RoundsProgram, announce};
use super::tiers::hosted::limits;

/// What the plan expects of a generator that stands in the place of LLVM: the time of its code over that of code that is
/// made ahead of time, and how many times faster it compiles than LLVM's O0.
const MOST_OVER_AHEAD: f64 = 2.0;
const LEAST_FASTER: f64 = 10.0;

/// Of a program at a level.
#[derive(Clone, Copy)]
struct Figures {
    /// Seconds of a round in the steady state, the least of all runs.
    steady_s: f64,
    /// Microseconds of a compilation for each instruction of its IR, the least of all runs.
    microseconds: f64,
    /// Bytes of code and constants, in all.
    bytes: f64,
    /// Functions that were refused.
    refused: usize,
}

impl Figures {
    const NONE: Self = Self {
        steady_s: f64::INFINITY,
        microseconds: f64::INFINITY,
        bytes: 0.0,
        refused: 0,
    };

    fn take(&mut self, level: Level, profile: &RunProfile) {
        let of_level = |made: &&Compilation| made.level == level;
        let made: Vec<(&Function, &Compilation)> = profile
            .functions
            .iter()
            .flat_map(|one| {
                one.compilations
                    .iter()
                    .filter(of_level)
                    .map(move |made| (one, made))
            })
            .collect();
        let instructions: u32 = made
            .iter()
            .filter_map(|(function, _)| function.size.map(|size| size.compiled))
            .sum();
        let cycles: u64 = made.iter().map(|(_, made)| made.cycles).sum();
        let seconds = cycles as f64 / profile.cycles_per_second as f64;
        let microseconds = seconds * 1e6 / f64::from(instructions.max(1));
        self.microseconds = self.microseconds.min(microseconds);
        self.bytes = made.iter().map(|(_, made)| made.code_bytes as f64).sum();
        let is_refused = |function: &&Function| {
            let mut failures = function.failures.iter();
            failures.any(|failure| failure.level == level && failure.refused)
        };
        self.refused = profile.functions.iter().filter(is_refused).count();
    }
}

/// Measures and prints.
///
/// # Errors
/// Whatever kept a program from being built or run.
pub fn run(context: &Context, repetitions: usize) -> Result<()> {
    if repetitions == 0 {
        return Err(Error::build("a comparison needs at least one repetition"));
    }
    let hosted = Hosted::build_for(context, &LevelSet::of(Level::MIR))?;
    let folder = tempfile::tempdir()?;
    let mut reference = Vec::new();
    let mut figures: [Vec<Figures>; LEVELS.len()] = LEVELS.map(|_| Vec::new());
    for name in NAMES {
        announce(&format!("{name}, hosted"));
        let program = RoundsProgram::build(name, context, folder.path())?;
        let executable = program.build_for_linux(Optimisation::O2)?;
        let mut ahead = f64::INFINITY;
        let mut levels = [Figures::NONE; LEVELS.len()];
        for _ in 0..repetitions {
            let (rounds, _) = program.run_on_linux(&executable.path, limits(Tier::O2))?;
            ahead = ahead.min(rounds.steady_s());
            for (level, figures) in LEVELS.into_iter().zip(&mut levels) {
                let setup = setup_of(level);
                let (rounds, run) = program.run_hosted(&hosted, &setup, limits(Tier::O2))?;
                figures.steady_s = figures.steady_s.min(rounds.steady_s());
                if let Some(profile) = &run.profile {
                    figures.take(level, profile);
                }
            }
        }
        reference.push(ahead);
        for (all, one) in figures.iter_mut().zip(levels) {
            all.push(one);
        }
    }
    print(&reference, &figures);
    images::run(context, &reference, repetitions)
}

fn setup_of(level: Level) -> Setup {
    Setup {
        tier: Tier::Auto,
        options: TierOptions {
            settings: vec![format!("levels={}", level.name())],
            profile: true,
            ..TierOptions::default()
        },
        disk: None,
    }
}

fn print(reference: &[f64], figures: &[Vec<Figures>; LEVELS.len()]) {
    let ratios = |level: Level| -> Vec<f64> {
        let of_level = figures[level.index()].iter().zip(reference);
        of_level.map(|(one, ahead)| one.steady_s / ahead).collect()
    };
    let microseconds = |level: Level| -> Vec<f64> {
        let of_level = figures[level.index()].iter();
        of_level.map(|one| one.microseconds).collect()
    };
    let bytes = |level: Level| -> Vec<f64> {
        let of_level = figures[level.index()]
            .iter()
            .zip(&figures[Level::O2.index()]);
        of_level
            .map(|(one, other)| one.bytes / other.bytes)
            .collect()
    };
    table(
        "Time of a round in the steady state, over clang -O2",
        ratios,
    );
    table(
        "Microseconds of compiling for each instruction of IR",
        microseconds,
    );
    table("Bytes of code, over those of O2", bytes);
    for level in LEVELS.into_iter().filter(|level| level.can().may_refuse) {
        let refused: usize = figures[level.index()].iter().map(|one| one.refused).sum();
        say!("\nfunctions that {} has refused: {refused}", level.name());
        let over_ahead = geometric_mean(&ratios(level));
        say!(
            "{}",
            verdict(
                &format!("{} over clang -O2, geometric mean", level.name()),
                &format!("{over_ahead:.2}"),
                &format!("at most {MOST_OVER_AHEAD:.0}"),
                over_ahead <= MOST_OVER_AHEAD,
            )
        );
        let faster =
            geometric_mean(&microseconds(Level::O0)) / geometric_mean(&microseconds(level));
        say!(
            "{}",
            verdict(
                &format!("compiling at {}, times faster than at O0", level.name()),
                &format!("{faster:.1}"),
                &format!("at least {LEAST_FASTER:.0}"),
                faster >= LEAST_FASTER,
            )
        );
    }
}

fn table(title: &str, numbers: impl Fn(Level) -> Vec<f64>) {
    say!("\n{title}");
    let header = [&["level"], &NAMES[..], &["geom. mean"]].concat();
    let rows = LEVELS.map(|level| {
        let numbers = numbers(level);
        let mut cells = vec![level.name().to_owned()];
        cells.extend(numbers.iter().map(|number| digits(*number)));
        cells.push(digits(geometric_mean(&numbers)));
        cells
    });
    say!("{}", render(&header, rows.into()));
}
