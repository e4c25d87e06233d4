//! The table of the hosted kernel.

use std::collections::BTreeMap;

use super::{
    LEAST_SPEED_UP, MOST_RATIO, Row, TIERS, divide, ratio_table, rows_of_tiers, tier_title,
};
use crate::ahead_of_time::{Executable, Optimisation};
use crate::hosted::{Hosted, Setup};
use crate::rounds::{Limits, NAMES, Rounds, RoundsProgram, announce};
use bareflow_image::context::Context;
use bareflow_image::error::Result;
use bareflow_image::program::{Tier, TierOptions};
use bareflow_report::profile::{Compilation, RunProfile};
use bareflow_report::tables::{digits, geometric_mean, render, verdict};
use bareflow_run::say;

const REPETITIONS: usize = 3;
/// Runs with a profile, for the compile time.
const PROFILES: usize = 6;
/// Long enough for many rounds.
const NATIVE: Limits = Limits::ms(300);
/// A round of the interpreter takes 20 to 200 ms.
const INTERPRETER: Limits = Limits::ms(1500);
/// The automatic tiers need time to get where they stay.
const AUTOMATIC: Limits = Limits::ms(1500);
/// For everything that is there once, at the start.
const NOTHING: Limits = Limits { rounds: 0, ms: 0 };

/// How long a tier runs to be where it stays.
pub const fn limits(tier: Tier) -> Limits {
    match tier {
        Tier::Interpreter => INTERPRETER,
        Tier::Auto => AUTOMATIC,
        _ => NATIVE,
    }
}

/// What the compile time is compared with, in seconds, and its greatest share.
const LONG_RUN_S: f64 = 10.0;
const MOST_SHARE: f64 = 0.01;

/// The least that was measured of one way of running a program.
#[derive(Clone, Copy, Debug)]
struct Least {
    /// Seconds of a round in the steady state.
    steady_s: f64,
    /// From the start of the process, with what is compiled before the first round.
    unsteady_s: f64,
}

impl Least {
    const NONE: Self = Self {
        steady_s: f64::INFINITY,
        unsteady_s: f64::INFINITY,
    };

    fn take(&mut self, rounds: &Rounds, start_s: f64) {
        self.steady_s = self.steady_s.min(rounds.steady_s());
        self.unsteady_s = self.unsteady_s.min(start_s + rounds.unsteady_s());
    }
}

const AHEAD_OF_TIME: [Optimisation; 2] = [Optimisation::O2, Optimisation::O3Native];

/// The compilations of the automatic tiers, each with the least time that it took in any run: what it
/// takes when nothing disturbs it.
#[derive(Default)]
struct Compilations(BTreeMap<(String, Option<String>, &'static str), f64>);

impl Compilations {
    fn take(&mut self, profile: &RunProfile) {
        for function in &profile.functions {
            self.take_unit(profile, &function.name, None, &function.compilations);
            for part in &function.loops {
                let name = Some(part.name.clone());
                self.take_unit(profile, &function.name, name, &part.compilations);
            }
        }
    }

    fn take_unit(
        &mut self,
        profile: &RunProfile,
        function: &str,
        part: Option<String>,
        compilations: &[Compilation],
    ) {
        for made in compilations {
            let seconds = made.cycles as f64 / profile.cycles_per_second as f64;
            let key = (function.to_owned(), part.clone(), made.level.name());
            let least = self.0.entry(key).or_insert(f64::INFINITY);
            *least = least.min(seconds);
        }
    }

    fn seconds(&self) -> f64 {
        self.0.values().sum()
    }
}

/// All figures of one program.
struct Figures {
    ahead: [Least; AHEAD_OF_TIME.len()],
    /// By the order of [`TIERS`].
    tiers: [Least; TIERS.len()],
    compilations: Compilations,
    ahead_code_bytes: [u64; AHEAD_OF_TIME.len()],
    /// By the order of [`TIERS`]; the interpreter has none.
    code_bytes: [u64; TIERS.len()],
}

/// Measures and prints.
///
/// # Errors
/// Whatever kept a program from being built or run.
pub fn run(context: &Context) -> Result<()> {
    let hosted = Hosted::build(context)?;
    let folder = tempfile::tempdir()?;
    let mut figures = Vec::new();
    for name in NAMES {
        announce(&format!("{name}, hosted"));
        let program = RoundsProgram::build(name, context, folder.path())?;
        figures.push(measure(&program, &hosted)?);
    }
    print(&figures);
    Ok(())
}

fn measure(program: &RoundsProgram, hosted: &Hosted) -> Result<Figures> {
    let executables = AHEAD_OF_TIME.map(|optimisation| program.build_for_linux(optimisation));
    let [o2, o3] = executables;
    let executables: [Executable; 2] = [o2?, o3?];
    let mut figures = Figures {
        ahead: [Least::NONE; AHEAD_OF_TIME.len()],
        tiers: [Least::NONE; TIERS.len()],
        compilations: Compilations::default(),
        ahead_code_bytes: [executables[0].code_bytes, executables[1].code_bytes],
        code_bytes: [0; TIERS.len()],
    };
    // One way after the other, again and again: what disturbs the host disturbs all of them.
    for _ in 0..REPETITIONS {
        for (executable, least) in executables.iter().zip(&mut figures.ahead) {
            let (_, start) = program.run_on_linux(&executable.path, NOTHING)?;
            let (rounds, _) = program.run_on_linux(&executable.path, NATIVE)?;
            least.take(&rounds, start.as_secs_f64());
        }
        for (tier, least) in TIERS.iter().zip(&mut figures.tiers) {
            let setup = Setup::from(*tier);
            let limits = limits(*tier);
            let (_, start) = program.run_hosted(hosted, &setup, NOTHING)?;
            let (rounds, _) = program.run_hosted(hosted, &setup, limits)?;
            least.take(&rounds, start.cpu_time.as_secs_f64());
        }
    }
    for _ in 0..PROFILES {
        if let Some(profile) = profile_of(program, hosted, &[], AUTOMATIC)? {
            figures.compilations.take(&profile);
            figures.code_bytes[TIERS.len() - 1] = final_code_bytes(&profile);
        }
    }
    for (tier, bytes) in TIERS.iter().zip(&mut figures.code_bytes) {
        if let Some(setting) = calls_at_once(*tier)
            && let Some(profile) =
                profile_of(program, hosted, &[setting, "iterations=-,-,-,-"], NATIVE)?
        {
            *bytes = final_code_bytes(&profile);
        }
    }
    Ok(figures)
}

/// The setting that compiles every function at the tier when it is first called.
fn calls_at_once(tier: Tier) -> Option<&'static str> {
    match tier {
        Tier::O0 => Some("calls=0,-,-,-"),
        Tier::O1 => Some("calls=-,0,-,-"),
        Tier::O2 => Some("calls=-,-,0,-"),
        Tier::O3 => Some("calls=-,-,-,0"),
        Tier::Qbe | Tier::C0 | Tier::Mir | Tier::C1 | Tier::Interpreter | Tier::Auto => None,
    }
}

fn profile_of(
    program: &RoundsProgram,
    hosted: &Hosted,
    settings: &[&str],
    limits: Limits,
) -> Result<Option<RunProfile>> {
    let setup = Setup {
        tier: Tier::Auto,
        options: TierOptions {
            settings: settings.iter().map(|text| (*text).to_owned()).collect(),
            profile: true,
            ..TierOptions::default()
        },
        disk: None,
    };
    let (_, run) = program.run_hosted(hosted, &setup, limits)?;
    Ok(run.profile)
}

/// The newest code of every function and every loop that has any.
fn final_code_bytes(profile: &RunProfile) -> u64 {
    profile
        .functions
        .iter()
        .map(|function| {
            let loops = function.loops.iter().filter_map(|part| {
                let newest = part.compilations.last()?;
                Some(newest.code_bytes)
            });
            function.code_bytes + loops.sum::<u64>()
        })
        .sum()
}

fn ahead_title(optimisation: Optimisation) -> String {
    format!("clang {}", optimisation.flags().join(" "))
}

fn print(figures: &[Figures]) {
    let ahead = |index: usize, part: fn(&Least) -> f64| -> Vec<f64> {
        figures.iter().map(|one| part(&one.ahead[index])).collect()
    };
    let of_tier = |tier: Tier, part: fn(&Least) -> f64| -> Vec<f64> {
        let index = TIERS.iter().position(|other| *other == tier);
        let index = index.expect("every tier is in the table");
        figures.iter().map(|one| part(&one.tiers[index])).collect()
    };
    let steady = |least: &Least| least.steady_s;
    let unsteady = |least: &Least| least.unsteady_s;
    let reference = ahead(0, steady);

    say!("Time of a round in the steady state, hosted; best of {REPETITIONS} runs");
    let mut rows = vec![Row {
        title: ahead_title(Optimisation::O3Native),
        numbers: divide(&ahead(1, steady), &reference),
        prior: "",
    }];
    rows.extend(rows_of_tiers(&reference, |tier| of_tier(tier, steady)));
    say!("{}", ratio_table(&rows));

    say!(
        "\nMilliseconds from the start of the process to the first round within 5 % of the steady state"
    );
    let header = [&["ms"], &NAMES[..]].concat();
    let milliseconds = |title: String, numbers: Vec<f64>| {
        let cells = numbers.iter().map(|seconds| digits(seconds * 1e3));
        std::iter::once(title).chain(cells).collect::<Vec<_>>()
    };
    let mut rows: Vec<_> = AHEAD_OF_TIME
        .iter()
        .enumerate()
        .map(|(index, way)| milliseconds(ahead_title(*way), ahead(index, unsteady)))
        .collect();
    rows.extend(TIERS.map(|tier| milliseconds(tier_title(tier).into(), of_tier(tier, unsteady))));
    say!("{}", render(&header, rows));

    say!("\nCompilation in the automatic tiers, and bytes of code; at O0 to O2 with the counters");
    say!("{}", compilation_table(figures));

    say!();
    let automatic = geometric_mean(&divide(&of_tier(Tier::Auto, steady), &reference));
    say!(
        "{}",
        verdict(
            "automatic tiers over clang -O2, steady state, geometric mean",
            &format!("{automatic:.3}"),
            &format!("at most {MOST_RATIO:.1}"),
            automatic <= MOST_RATIO,
        )
    );
    let worst = figures
        .iter()
        .map(|one| one.compilations.seconds() / LONG_RUN_S)
        .fold(0.0, f64::max);
    say!(
        "{}",
        verdict(
            "compile time of a run of 10 s, the worst program",
            &format!("{:.2} %", worst * 100.0),
            &format!("below {:.0} %", MOST_SHARE * 100.0),
            worst < MOST_SHARE,
        )
    );
    let fib = of_tier(Tier::Interpreter, steady)[0] / of_tier(Tier::O3, steady)[0];
    say!(
        "{}",
        verdict(
            "interpreter over O3 on fib",
            &format!("{fib:.0}"),
            &format!("at least {LEAST_SPEED_UP:.0}"),
            fib >= LEAST_SPEED_UP,
        )
    );
}

fn compilation_table(figures: &[Figures]) -> String {
    let mut header = vec![
        "program",
        "compilations",
        "compile ms",
        "of 10 s",
        "clang -O2",
        "clang -O3 native",
    ];
    // All but the interpreter.
    header.extend(TIERS[1..].iter().map(|tier| tier_title(*tier)));
    let rows = NAMES
        .iter()
        .zip(figures)
        .map(|(name, one)| {
            let mut cells = vec![
                (*name).to_owned(),
                one.compilations.0.len().to_string(),
                digits(one.compilations.seconds() * 1e3),
                format!("{:.2} %", one.compilations.seconds() / LONG_RUN_S * 100.0),
            ];
            cells.extend(one.ahead_code_bytes.map(|bytes| bytes.to_string()));
            cells.extend(one.code_bytes[1..].iter().map(u64::to_string));
            cells
        })
        .collect();
    render(&header, rows)
}
