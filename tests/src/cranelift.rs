//! The levels of Cranelift: programs run as they do at those of LLVM, and what Cranelift refuses goes to one of those.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use bareflow_image::program::{Program, Sources, Tier, TierOptions};
use bareflow_report::profile::RunProfile;
use bareflow_tier_policy::{Generator, Level};

use super::cxx;
use super::examples::{self, Example};
use super::generated::Generated;
use super::generators::Kernels;
use super::matrix::expect;
use super::runner::{Check, Test};
use super::snapshots::{Machine, Remembered, SAMPLE};
use super::subject::{Conditions, Place, Subject};

/// Compiled as soon as anything is due, and then at each level in turn.
const IN_TURN: &[&str] = &[
    "levels=interpreter,C0,C1,O2,O3",
    "calls=1,2,3,4",
    "iterations=1,2,3,4",
];
/// By costs.
const FIRST: &[&str] = &["levels=interpreter,C0,O2,O3"];
/// One level alone, with a profile.
const ONLY_C0: &[&str] = &["levels=C0"];

/// The tests of Cranelift's levels.
pub fn tests(kernels: &Arc<Kernels>) -> Vec<Test> {
    let checks: [(&str, Check<Kernels>); 12] = [
        ("examples::c0", |kernels| {
            check_examples(kernels, Tier::C0, &[])
        }),
        ("examples::c1", |kernels| {
            check_examples(kernels, Tier::C1, &[])
        }),
        ("examples::qbe", |kernels| {
            check_examples(kernels, Tier::Qbe, &[])
        }),
        ("examples::in_turn", |kernels| {
            check_examples(kernels, Tier::Auto, IN_TURN)
        }),
        ("examples::first", |kernels| {
            check_examples(kernels, Tier::Auto, FIRST)
        }),
        ("machine", |kernels| check_machine(kernels, IN_TURN)),
        ("refusals", check_refusals),
        ("failures", check_failures),
        ("absent", check_absent),
        ("passing", check_passing),
        ("variadic", check_variadic),
        ("snapshots", check_snapshots),
    ];
    Test::of_checks("cranelift", kernels, &checks)
}

pub(super) fn program(subject: &Subject, example: &Example) -> Result<Program, String> {
    let mut sources = Sources::of_files(&example.sources);
    let is_cxx = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "cpp");
    if example.sources.iter().any(is_cxx) {
        let flags = cxx::flags_of(&example.name).iter();
        sources.words.extend(flags.map(OsString::from));
    }
    Program::build_from(&sources, &subject.compiler).map_err(|error| error.to_string())
}

fn options(settings: &[&str]) -> TierOptions {
    TierOptions {
        settings: settings.iter().copied().map(str::to_owned).collect(),
        ..TierOptions::default()
    }
}

pub(super) fn check_examples(
    kernels: &Kernels,
    tier: Tier,
    settings: &[&str],
) -> Result<(), String> {
    let subject = kernels.hosted()?;
    for folder in ["examples", "tests/fixtures/cases", "tests/fixtures/cxx"] {
        let found = examples::find(&subject.context.root.join(folder));
        for example in found.map_err(|error| error.to_string())? {
            let bundle = program(subject, &example)?.bundle_with(&[], tier, &options(settings));
            let run = subject.run(Place::Hosted, &bundle, Conditions::default())?;
            expect(&run, 0, &example.expected)
                .map_err(|error| format!("{}: {error}", example.name))?;
        }
    }
    Ok(())
}

pub(super) fn check_machine(kernels: &Kernels, settings: &[&str]) -> Result<(), String> {
    let subject = kernels.machine()?;
    let found = examples::find(&subject.context.root.join("examples"));
    let found = found.map_err(|error| error.to_string())?;
    for name in ["nbody", "json"] {
        let example = found.iter().find(|example| example.name == name);
        let example = example.ok_or("an example is missing")?;
        let bundle = program(subject, example)?.bundle_with(&[], Tier::Auto, &options(settings));
        let run = subject.run(Place::Disk, &bundle, Conditions::default())?;
        expect(&run, 0, &example.expected).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

/// A function for each kind of what is refused, named by that, and one that is not.
const REFUSED: &str = include_str!("../fixtures/cranelift/refused.c");
/// As they are called in the reasons.
const KINDS: &[(&str, &str)] = &[
    ("f_assembly", "assembly"),
    ("f_long_double", "type"),
    ("f_variadic", "variadic function"),
    ("f_dynamic", "dynamic stack"),
    ("f_twice", "call that returns twice"),
    ("f_vector", "passing"),
    ("main", "passing"),
];

pub(super) fn profile_of(
    subject: &Subject,
    source: &str,
    settings: &[&str],
) -> Result<RunProfile, String> {
    let program = Generated::build(subject, source)?;
    let run = program.run(subject, Place::Hosted, settings)?;
    program.examine(&run).cloned()
}

fn check_refusals(kernels: &Kernels) -> Result<(), String> {
    let profile = profile_of(kernels.hosted()?, REFUSED, ONLY_C0)?;
    for function in &profile.functions {
        let at_c0 = |level| level == Level::C0;
        let refusal = function.failures.iter().find(|one| at_c0(one.level));
        let is_made = function.compilations.iter().any(|one| at_c0(one.level));
        let kind = KINDS.iter().find(|(name, _)| *name == function.name);
        let name = &function.name;
        match (kind, refusal) {
            (Some((_, kind)), Some(refusal)) if refusal.refused => {
                if !refusal.reason.contains(&format!("{kind}: ")) || is_made {
                    return Err(format!("{name}: {}", refusal.reason));
                }
                if function.compilations.is_empty() {
                    return Err(format!("{name} has no code"));
                }
            }
            (None, None) => {}
            _ => return Err(format!("{name}: {:?}", function.failures)),
        }
    }
    let names: BTreeSet<&str> = profile
        .functions
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    match KINDS.iter().find(|(name, _)| !names.contains(name)) {
        Some((missing, _)) => Err(format!("{missing} did not run")),
        None => Ok(()),
    }
}

/// Faults inside compilations end these alone, whoever compiles; a panic, as the generator's own code may have it, too.
fn check_failures(kernels: &Kernels) -> Result<(), String> {
    const RUNS: u64 = 30;
    let subject = kernels.hosted()?;
    let (mut failed, mut panicked) = (0, 0);
    for seed in 1..=RUNS {
        let inject = format!("inject={seed}");
        let settings = [IN_TURN, &["compile-ms=100", &inject]].concat();
        let profile = profile_of(subject, REFUSED, &settings)?;
        let failures = profile.functions.iter().flat_map(|one| &one.failures);
        for failure in failures.filter(|failure| !failure.refused) {
            failed += 1;
            let is_of_others = failure.level.row().generator != Generator::Llvm;
            panicked += usize::from(is_of_others && failure.reason.contains(PANIC));
        }
        if panicked > 0 && seed >= 6 {
            return Ok(());
        }
    }
    Err(format!(
        "{failed} failures, and no generator has panicked in {RUNS} runs"
    ))
}

/// How a panic is told.
const PANIC: &str = "panic: injected panic";

/// Code of C0 is remembered, and used by a boot that would have made it at O0; but not by a kernel without Cranelift.
fn check_snapshots(kernels: &Kernels) -> Result<(), String> {
    let subject = kernels.hosted()?;
    let program = Remembered::build(subject, SAMPLE)?;
    let mut machine = Machine::new(subject, &["levels=C0", "calls=1", "settle-ms=0"])?;
    let first = machine.boot(&program)?;
    let made = &first.function("step")?.compilations;
    if !made.iter().any(|one| one.level == Level::C0) {
        return Err(format!("step has no code of C0: {made:?}"));
    }
    machine.boot(&program)?.expect_restored(1)?;
    let others = ["levels=O0", "calls=1000000"];
    machine.options.settings.extend(others.map(String::from));
    machine.boot(&program)?.expect_restored(1)?;
    machine.kernel = kernels.plain().hosted_kernel()?;
    let booted = machine.boot(&program)?;
    let refused = "boot_001.snap is refused: it was made for another kernel";
    match booted.notes().contains(&refused) {
        true => Ok(()),
        false => Err(booted.run.describe()),
    }
}

/// A kernel without Cranelift goes to the next level.
fn check_absent(kernels: &Kernels) -> Result<(), String> {
    let profile = profile_of(kernels.plain(), REFUSED, FIRST)?;
    let mut failures = profile.functions.iter().flat_map(|one| &one.failures);
    match failures.find(|failure| !failure.reason.contains("no code generator 'cranelift'")) {
        Some(other) => Err(other.reason.clone()),
        None => Ok(()),
    }
}

/// Arguments and results of all kinds.
pub(super) const PASSING: &str = include_str!("../fixtures/cranelift/passing.c");

/// They are passed between functions of both generators.
fn check_passing(kernels: &Kernels) -> Result<(), String> {
    check_all_made(kernels, PASSING)
}

/// Variadic functions, called by all ways.
fn check_variadic(kernels: &Kernels) -> Result<(), String> {
    const VARIADIC: &str = include_str!("../fixtures/cranelift/variadic.c");
    check_all_made(kernels, VARIADIC)
}

/// Runs what none of which is refused.
fn check_all_made(kernels: &Kernels, source: &str) -> Result<(), String> {
    let subject = kernels.hosted()?;
    for settings in [ONLY_C0, &["levels=C1"], IN_TURN] {
        let profile = profile_of(subject, source, settings)?;
        let mut failures = profile.functions.iter().flat_map(|one| &one.failures);
        if let Some(failure) = failures.next() {
            return Err(format!("at {}: {}", failure.level.name(), failure.reason));
        }
    }
    Ok(())
}
