//! Random programs in the automatic tiers, against clang for Linux.
//!
//! The thresholds are so low that functions and loops move between the tiers while the program runs.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::csmith::{self, OPTIONS, RandomProgram, Useless};
use super::generators::Kernels;
use super::matrix::expect;
use super::refusals::{Refusals, refusing_levels};
use super::runner::{Outcome, Test};
use super::subject::{Conditions, Place, Run, Subject};
use bareflow_image::program::{Program, Tier, TierOptions};
use bareflow_tier_policy::Level;

/// Which random programs are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Random {
    /// How many, beside the regressions.
    pub count: u32,
    /// The seed of the first.
    pub first_seed: u32,
}

/// A program that once ran wrong.
#[derive(Debug)]
struct Regression {
    seed: u32,
    options: &'static [&'static str],
    /// What it found.
    found: &'static str,
}

/// With the seeds of csmith 2.3.0, which Debian and Ubuntu have.
const REGRESSIONS: &[Regression] = &[
    Regression {
        seed: 30,
        options: csmith::LARGE,
        found: "a main that cannot be interpreted, here for its i152, ended with 'unknown external function: main'",
    },
    Regression {
        seed: 100_001_987,
        options: OPTIONS,
        found: "a bit-field in an i128 was read 8 bytes too far: LLVM 18 has another data layout than clang 16",
    },
];

/// Settings of the tiers.
type Settings = [&'static str; 2];
/// The same, as programs are run with them.
type Mode = Vec<String>;

/// Straight to the best level at the first, second and third occasion. Every program runs with each of them.
const AT_ONCE: &[Settings] = &[
    ["calls=1,1,1,1", "iterations=1,1,1,1"],
    ["calls=2,2,2,2", "iterations=2,2,2,2"],
    ["calls=3,3,3,3", "iterations=3,3,3,3"],
];
/// Every level in turn.
const IN_TURN: Settings = ["calls=1,2,3,4", "iterations=1,2,3,4"];
/// Such that a function and its loops go through several levels and are at different ones. Programs take turns.
const IN_STEPS: &[Settings] = &[
    IN_TURN,
    ["calls=-,-,-,-", "iterations=-,1,2,3"],
    ["calls=1,3,-,6", "iterations=-,-,2,-"],
];
const MACHINE_SETTINGS: &[Settings] = &[IN_TURN];

const BATCH: u32 = 10;
const MACHINE_COUNT: usize = 3;
/// A seed of no use is replaced by one that is this far away, so that batches do not meet.
const REPLACEMENT_DISTANCE: u32 = 100_000_000;
const REPLACEMENTS: u32 = 10;

/// The tests of random programs: regressions, then hosted, then in the machine.
/// And of all code generators but LLVM's, hosted.
pub fn tests(subject: &Arc<Subject>, kernels: &Arc<Kernels>, random: Random) -> Vec<Test> {
    let mut tests = Vec::new();
    for regression in REGRESSIONS {
        let subject = Arc::clone(subject);
        let name = format!("random::regression::{}", regression.seed);
        tests.push(test(name, move || check_regression(&subject, regression)));
    }
    let seeds = seeds(random);
    for batch in batches(seeds.clone()) {
        let subject = Arc::clone(subject);
        let name = format!("random::hosted::{}", name_of(&batch));
        tests.push(test(name.clone(), move || {
            check_batch(&subject, &name, batch)
        }));
    }
    for batch in batches(seeds.clone()) {
        let kernels = Arc::clone(kernels);
        let name = format!("random::generators::{}", name_of(&batch));
        tests.push(test(name.clone(), move || {
            check_generators(&kernels, &name, batch)
        }));
    }
    for seed in seeds.take(MACHINE_COUNT) {
        let subject = Arc::clone(subject);
        let name = format!("random::machine::{seed}");
        tests.push(test(name.clone(), move || {
            check_in_machine(&subject, &name, seed)
        }));
    }
    tests
}

pub fn test(name: String, body: impl FnOnce() -> Result<(), String> + Send + 'static) -> Test {
    Test::new(name, || {
        if let Some(missing) = csmith::missing() {
            return Outcome::Skipped(format!(
                "{missing} is missing; `cargo xtask doctor` says how to install it"
            ));
        }
        body().map_or_else(Outcome::Failed, |()| Outcome::Passed)
    })
}

pub fn seeds(random: Random) -> Range<u32> {
    let first = random.first_seed;
    first..first.saturating_add(random.count)
}

pub fn batches(seeds: Range<u32>) -> Vec<Range<u32>> {
    let end = seeds.end;
    seeds
        .step_by(BATCH as usize)
        .map(|first| first..first.saturating_add(BATCH).min(end))
        .collect()
}

pub fn name_of(batch: &Range<u32>) -> String {
    match (batch.start, batch.end - 1) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    }
}

/// The seeds to try for the program of `seed`.
pub fn candidates(seed: u32) -> impl Iterator<Item = u32> {
    (0..REPLACEMENTS).map(move |number| seed.wrapping_add(number * REPLACEMENT_DISTANCE))
}

/// For one of the hosted programs.
fn settings_of(seed: u32) -> Vec<Mode> {
    let in_steps = IN_STEPS[seed as usize % IN_STEPS.len()];
    AT_ONCE.iter().chain([&in_steps]).map(mode).collect()
}

fn mode(settings: &Settings) -> Mode {
    settings.map(String::from).to_vec()
}

/// For each level of other code generators: everything at this level, and from the interpreter to this level and beyond.
fn settings_of_generators() -> Vec<(Level, Mode)> {
    let settings_of = |level: Level| {
        let (name, best) = (level.name(), Level::BEST.name());
        let alone = vec![format!("levels={name}")];
        let in_turn = vec![
            format!("levels=interpreter,{name},{best}"),
            "calls=2,5".into(),
            "iterations=2,5".into(),
        ];
        [(level, alone), (level, in_turn)]
    };
    refusing_levels().flat_map(settings_of).collect()
}

/// For a program that once ran wrong.
fn all_settings() -> Vec<Mode> {
    AT_ONCE.iter().chain(IN_STEPS).map(mode).collect()
}

fn check_batch(subject: &Subject, name: &str, seeds: Range<u32>) -> Result<(), String> {
    let mut failures = String::new();
    let mut left_out = Vec::new();
    for seed in seeds {
        let modes = settings_of(seed);
        let checked = check_seed(subject, seed, Place::Hosted, &modes, &mut left_out);
        failures.extend(checked.err());
    }
    report(name, &left_out);
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures)
    }
}

/// Says what the generators have refused, too.
fn check_generators(kernels: &Kernels, name: &str, seeds: Range<u32>) -> Result<(), String> {
    let subject = kernels.hosted()?;
    let (levels, modes): (Vec<Level>, Vec<Mode>) = settings_of_generators().into_iter().unzip();
    let mut refusals = vec![Refusals::default(); modes.len()];
    let mut failures = String::new();
    let mut left_out = Vec::new();
    for seed in seeds {
        match check_seed(subject, seed, Place::Hosted, &modes, &mut left_out) {
            Ok(runs) => {
                for ((level, all), run) in levels.iter().zip(&mut refusals).zip(&runs) {
                    let profile = run.profile.as_ref();
                    all.add(*level, profile.ok_or("a run has no profile")?);
                }
            }
            Err(details) => failures.push_str(&details),
        }
    }
    report(name, &left_out);
    for (mode, refusals) in modes.iter().zip(&refusals) {
        eprintln!("{name}: {}: {refusals}", mode[0]);
        if refusals.asked() == 0 && failures.is_empty() {
            failures = format!("{}: the generator was asked for nothing\n", mode[0]);
        }
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures)
    }
}

fn check_in_machine(subject: &Subject, name: &str, seed: u32) -> Result<(), String> {
    let mut left_out = Vec::new();
    let modes: Vec<Mode> = MACHINE_SETTINGS.iter().map(mode).collect();
    let result = check_seed(subject, seed, Place::Pvh, &modes, &mut left_out);
    report(name, &left_out);
    result.map(|_| ())
}

/// A seed that is of no use.
type LeftOut = (u32, Useless);

/// Says which seeds others took the place of.
fn report(name: &str, left_out: &[LeftOut]) {
    if left_out.is_empty() {
        return;
    }
    let seeds: Vec<String> = left_out
        .iter()
        .map(|(seed, useless)| format!("{seed} ({useless})"))
        .collect();
    eprintln!("{name}: replaced {}", seeds.join(", "));
}

/// Checks the program of `seed`, or of the first candidate that is of use. Returns its runs.
fn check_seed(
    subject: &Subject,
    seed: u32,
    place: Place,
    modes: &[Mode],
    left_out: &mut Vec<LeftOut>,
) -> Result<Vec<Run>, String> {
    for candidate in candidates(seed) {
        match check_program(subject, candidate, OPTIONS, place, modes)? {
            Ok(runs) => return Ok(runs),
            Err(useless) => left_out.push((candidate, useless)),
        }
    }
    Err(format!(
        "{REPLACEMENTS} seeds from {seed} on were of no use\n"
    ))
}

fn check_regression(subject: &Subject, regression: &Regression) -> Result<(), String> {
    let Regression {
        seed,
        options,
        found,
    } = regression;
    match check_program(subject, *seed, options, Place::Hosted, &all_settings()) {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(useless)) => Err(format!("seed {seed}: {useless}")),
        Err(details) => Err(format!("once it found: {found}\n{details}")),
    }
}

/// Runs the program of `seed` in each of these modes; says so if the seed is of no use.
fn check_program(
    subject: &Subject,
    seed: u32,
    options: &[&str],
    place: Place,
    modes: &[Mode],
) -> Result<Result<Vec<Run>, Useless>, String> {
    let clang = &subject.context.tools.program_clang;
    let folder = subject.fresh_path("random");
    fs::create_dir(&folder).map_err(|error| error.to_string())?;
    let random = match csmith::make(clang, seed, options, &folder)? {
        Ok(random) => random,
        Err(useless) => return Ok(Err(useless)),
    };
    let program = Program::build(std::slice::from_ref(&random.source), &subject.compiler)
        .map_err(|error| error.to_string())?;
    let mut runs = Vec::new();
    for mode in modes {
        let tiers = tiers(mode);
        let bundle = program.bundle_with(&[csmith::ARGUMENT.into()], Tier::Auto, &tiers);
        let run = subject.run(place, &bundle, Conditions::default())?;
        let Err(details) = expect(&run, random.status, &random.expected) else {
            runs.push(run);
            continue;
        };
        if let Err(useless) = random.check_meaning(clang)? {
            return Ok(Err(useless));
        }
        let kept = format!("target/random/{seed}");
        keep(&subject.context.root.join(&kept), &random, &run)
            .map_err(|error| format!("cannot keep {kept}: {error}"))?;
        let command = repeat_command(place, &tiers.settings, &kept);
        return Err(failure(seed, options, &details, &command));
    }
    // What is left goes with the subject's folder.
    let _ = fs::remove_dir_all(&folder);
    Ok(Ok(runs))
}

fn tiers(mode: &Mode) -> TierOptions {
    TierOptions {
        settings: mode.clone(),
        profile: true,
        ..TierOptions::default()
    }
}

fn failure(seed: u32, options: &[&str], details: &str, command: &str) -> String {
    let mut text = format!("seed {seed}, csmith {}\n", options.join(" "));
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}", details.trim_end());
    let _ = writeln!(text, "to repeat it:\n  {command}");
    text
}

fn keep(folder: &Path, random: &RandomProgram, run: &Run) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::copy(&random.source, folder.join("program.c"))?;
    fs::write(folder.join("expected"), &random.expected)?;
    fs::write(folder.join("found"), &run.output)?;
    fs::write(folder.join("log"), &run.log)
}

/// The command that runs the program in `folder` again and shows what is different.
fn repeat_command(place: Place, settings: &[String], folder: &str) -> String {
    let place = match place {
        Place::Hosted => "--hosted",
        Place::Disk => "--boot disk",
        Place::Pvh => "--boot pvh",
    };
    let settings = settings
        .iter()
        .map(|setting| format!("--set {setting}"))
        .collect::<Vec<_>>()
        .join(" ");
    format!(
        "cargo xtask run {place} {settings} {folder}/program.c -- {} | diff {folder}/expected -",
        csmith::ARGUMENT
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_is_in_one_batch() {
        let random = Random {
            count: 25,
            first_seed: 7,
        };
        let batches = batches(seeds(random));
        assert_eq!(batches, [7..17, 17..27, 27..32]);
        let names: Vec<String> = batches.iter().map(name_of).collect();
        assert_eq!(names, ["7-16", "17-26", "27-31"]);
        assert_eq!(name_of(&(3..4)), "3");
    }

    #[test]
    fn no_programs_make_no_batches() {
        let random = Random {
            count: 0,
            first_seed: 7,
        };
        assert!(batches(seeds(random)).is_empty());
    }

    #[test]
    fn replacements_belong_to_no_other_seed() {
        assert_eq!(candidates(5).next(), Some(5));
        let other: Vec<u32> = candidates(6).collect();
        assert!(candidates(5).all(|seed| !other.contains(&seed)));
        let last = candidates(u32::MAX).last().unwrap();
        assert_eq!(last, REPLACEMENT_DISTANCE * (REPLACEMENTS - 1) - 1);
    }

    #[test]
    fn settings_are_settings() {
        let of_generators = settings_of_generators();
        let of_generators = of_generators.into_iter().map(|(_, mode)| mode);
        let of_machine = MACHINE_SETTINGS.iter().map(mode);
        for mode in all_settings()
            .into_iter()
            .chain(of_machine)
            .chain(of_generators)
        {
            tiers(&mode).check(Tier::Auto).unwrap();
        }
    }

    #[test]
    fn a_failure_says_how_to_repeat_it() {
        let settings = IN_TURN.map(String::from);
        let command = repeat_command(Place::Hosted, &settings, "target/random/3");
        assert_eq!(
            command,
            "cargo xtask run --hosted --set calls=1,2,3,4 --set iterations=1,2,3,4 \
             target/random/3/program.c -- 1 | diff target/random/3/expected -"
        );
        let text = failure(3, &["--float"], "expected status 0\n", &command);
        assert!(text.starts_with("seed 3, csmith --float\nexpected status 0\nto repeat it:\n"));
        assert!(text.ends_with("diff target/random/3/expected -\n"));
    }
}
