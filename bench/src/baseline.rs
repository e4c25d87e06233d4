//! `cargo xtask bench baseline`: the hosted kernel of this checkout against that of another build, in one run.

use std::path::PathBuf;

use super::hosted::{Hosted, Setup};
use super::loops;
use super::rounds::{NAMES, RoundsProgram, announce};
use super::tiers::hosted::limits;
use super::tiers::{TIERS, tier_title};
use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result};
use bareflow_report::tables::{digits, geometric_mean, render, verdict};
use bareflow_run::say;

/// What a ratio of steady states may differ from 1 by.
const MOST_DIFFERENCE: f64 = 0.03;

/// The same figure of two builds, each the least of its runs.
#[derive(Clone, Copy)]
struct Pair([f64; 2]);

impl Pair {
    /// Measures the one and the other, again and again and in both orders: what disturbs the host disturbs both.
    fn measure(
        repetitions: usize,
        kernels: &[Hosted; 2],
        mut seconds: impl FnMut(&Hosted) -> Result<f64>,
    ) -> Result<Self> {
        let mut least = [f64::INFINITY; 2];
        for repetition in 0..repetitions {
            for turn in 0..2 {
                let index = (repetition + turn) % 2;
                least[index] = least[index].min(seconds(&kernels[index])?);
            }
        }
        Ok(Self(least))
    }

    fn ratio(self) -> f64 {
        self.0[0] / self.0[1]
    }
}

/// What is compared.
#[derive(Debug)]
pub struct Request {
    /// The executable of the other build, which must read the bundles of this one.
    pub kernel: PathBuf,
    /// Runs of each program, tier and build.
    pub repetitions: usize,
    /// Those of the programs with rounds whose names these are, and no long loops; all, if there are none.
    pub programs: Vec<String>,
}

/// Measures and prints.
///
/// # Errors
/// Whatever kept a program from being built or run.
pub fn run(context: &Context, request: Request) -> Result<()> {
    let Request {
        kernel,
        repetitions,
        programs,
    } = request;
    if repetitions == 0 {
        return Err(Error::build("a comparison needs at least one repetition"));
    }
    if let Some(unknown) = programs.iter().find(|name| !NAMES.contains(&name.as_str())) {
        let names = NAMES.join(", ");
        return Err(Error::build(format!("{unknown} is none of {names}")));
    }
    let is_chosen = |name: &&str| programs.is_empty() || programs.iter().any(|one| one == name);
    let names: Vec<&str> = NAMES.into_iter().filter(is_chosen).collect();
    let kernels = [Hosted::build(context)?, Hosted::with_executable(kernel)?];
    let folder = tempfile::tempdir()?;
    let mut tiers = [const { Vec::new() }; TIERS.len()];
    for name in &names {
        announce(&format!("{name}, hosted"));
        let program = RoundsProgram::build(name, context, folder.path())?;
        for (tier, ratios) in TIERS.iter().zip(&mut tiers) {
            let setup = Setup::from(*tier);
            let pair = Pair::measure(repetitions, &kernels, |kernel| {
                let (rounds, _) = program.run_hosted(kernel, &setup, limits(*tier))?;
                Ok(rounds.steady_s())
            })?;
            ratios.push(pair.ratio());
        }
    }
    say!("Steady state of this build over the other; best of {repetitions} runs");
    let header = [&["tier"], &names[..], &["geom. mean"]].concat();
    let rows = TIERS.iter().zip(&tiers).map(|(tier, ratios)| {
        let mut cells = vec![tier_title(*tier).to_owned()];
        cells.extend(ratios.iter().map(|ratio| digits(*ratio)));
        cells.push(digits(geometric_mean(ratios)));
        cells
    });
    say!("{}", render(&header, rows.collect()));

    let mut whole = Vec::new();
    let mut rows = Vec::new();
    let sources = if programs.is_empty() {
        loops::sources(context)?
    } else {
        Vec::new()
    };
    for source in sources {
        announce(&format!("{}, hosted", loops::name(&source)));
        let program = loops::build(context, &source)?;
        let mut cells = vec![loops::name(&source)];
        for tier in loops::WAYS {
            let setup = Setup::from(tier);
            let pair = Pair::measure(repetitions, &kernels, |kernel| {
                let run = kernel.run(&program, &setup, &[])?;
                Ok(run.user_time.as_secs_f64())
            })?;
            cells.push(digits(pair.ratio()));
            whole.push(pair.ratio());
        }
        rows.push(cells);
    }
    if !rows.is_empty() {
        say!("\nUser time of whole runs of long loops, compilation included");
        let header = [&["program"], &loops::WAYS.map(tier_title)[..]].concat();
        say!("{}", render(&header, rows));
    }

    say!();
    let steady = tiers.iter().map(|ratios| geometric_mean(ratios));
    say_verdict(
        "steady state, geometric mean, the tier furthest off",
        steady,
    );
    say_verdict(
        "steady state, each program and tier",
        tiers.iter().flatten().copied(),
    );
    if !whole.is_empty() {
        say_verdict("long loops, geometric mean", [geometric_mean(&whole)]);
    }
    Ok(())
}

fn say_verdict(what: &str, ratios: impl IntoIterator<Item = f64>) {
    let furthest = ratios
        .into_iter()
        .max_by(|one, other| one.ln().abs().total_cmp(&other.ln().abs()))
        .unwrap_or(1.0);
    say!(
        "{}",
        verdict(
            what,
            &format!("{furthest:.3}"),
            &format!("within {:.0} % of 1", MOST_DIFFERENCE * 100.0),
            (furthest - 1.0).abs() <= MOST_DIFFERENCE,
        )
    );
}
