//! Compilations that fail, in every way and at random points: the program does not notice.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::sync::Arc;

use super::examples;
use super::runner::{Outcome, Test};
use super::subject::{Conditions, Place, Run, Subject};
use crate::profile::Profile;
use crate::program::{Program, Tier, TierOptions};

/// What failures are told by, one for each kind that is injected.
const KINDS: [&str; 6] = [
    "injected fatal error",
    "abort() was called",
    "out of memory",
    "stack overflow",
    "null pointer dereference",
    "longer than its budget",
];
/// The least number of failed compilations in all, hosted and in the machine.
const HOSTED_FAILURES: usize = 1000;
const MACHINE_FAILURES: usize = 20;
/// Seeds of a test that does not get to its number within so many runs are of no use.
const RUN_LIMIT: u64 = 12;
/// How many bytes more than without failures the heap may have at the end, and the compiler. Both grow by 4 MiB
/// at a time.
const GROWTH_LIMIT_BYTES: u64 = 8 << 20;

/// The tests of the compile jail.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let case = |name: &str, place: Place, function_count: usize, compile_ms: u64, least: usize| {
        let subject = Arc::clone(subject);
        Test::new(format!("jail::{name}"), move || {
            let plan = Plan {
                place,
                function_count,
                compile_ms,
                least,
            };
            match check(&subject, &plan) {
                Ok(()) => Outcome::Passed,
                Err(details) => Outcome::Failed(details),
            }
        })
    };
    vec![
        case("hosted", Place::Hosted, 200, 200, HOSTED_FAILURES),
        case("machine", Place::Disk, 12, 2000, MACHINE_FAILURES),
    ]
}

struct Plan {
    place: Place,
    function_count: usize,
    compile_ms: u64,
    least: usize,
}

fn check(subject: &Subject, plan: &Plan) -> Result<(), String> {
    let source = subject.fresh_path("many.c");
    fs::write(&source, many_functions(plan.function_count)).map_err(|error| error.to_string())?;
    let sources = [source];
    let executable = subject.fresh_path("many");
    examples::build_for_linux(&subject.bench.tools.program_clang, &sources, &executable)?;
    let expected = Command::new(&executable)
        .output()
        .map_err(|error| error.to_string())?
        .stdout;
    let program = Program::build(&sources, &subject.compiler).map_err(|error| error.to_string())?;

    let clean = run(subject, plan, &program, None)?;
    let clean_profile = examine(&clean, &expected)?;
    let mut counts = BTreeMap::new();
    for seed in 1.. {
        if counts.values().sum::<usize>() >= plan.least {
            break;
        }
        if seed > RUN_LIMIT {
            return Err(format!(
                "{RUN_LIMIT} runs, and only these failures: {counts:?}"
            ));
        }
        let of_seed = |text: String| format!("with inject={seed}: {text}");
        let run = run(subject, plan, &program, Some(seed)).map_err(of_seed)?;
        let profile = examine(&run, &expected).map_err(of_seed)?;
        count_failures(profile, &mut counts).map_err(of_seed)?;
        check_growth(clean_profile, profile).map_err(of_seed)?;
    }
    let missing: Vec<&str> = KINDS
        .into_iter()
        .filter(|kind| !counts.contains_key(kind))
        .collect();
    if plan.place == Place::Hosted && !missing.is_empty() {
        return Err(format!("no compilation failed by: {}", missing.join(", ")));
    }
    println!(
        "{} compilations failed in the {} kernel: {counts:?}",
        counts.values().sum::<usize>(),
        plan.place.name()
    );
    Ok(())
}

fn run(
    subject: &Subject,
    plan: &Plan,
    program: &Program,
    seed: Option<u64>,
) -> Result<Run, String> {
    let mut settings = vec![
        "calls=1,2,3,4".to_owned(),
        "iterations=-,5,-,50".to_owned(),
        format!("compile-ms={}", plan.compile_ms),
    ];
    settings.extend(seed.map(|seed| format!("inject={seed}")));
    let options = TierOptions {
        settings,
        profile: true,
    };
    let bundle = program.bundle_with(&[], Tier::Auto, &options);
    subject.run(plan.place, &bundle, Conditions::default())
}

/// The run's profile, if it ended as it should.
fn examine<'a>(run: &'a Run, expected: &[u8]) -> Result<&'a Profile, String> {
    let difference = examples::difference(expected, &run.output);
    match &run.profile {
        Some(profile) if run.ending.code == 0 && difference.is_none() => Ok(profile),
        _ => Err(format!(
            "{}\n{}",
            difference.unwrap_or_default(),
            run.describe()
        )),
    }
}

fn count_failures(
    profile: &Profile,
    counts: &mut BTreeMap<&'static str, usize>,
) -> Result<(), String> {
    for function in &profile.functions {
        let loops = function.loops.iter().map(|part| &part.failures);
        for failure in std::iter::once(&function.failures).chain(loops).flatten() {
            let kind = KINDS
                .into_iter()
                .find(|kind| failure.reason.contains(kind))
                .ok_or_else(|| {
                    format!(
                        "{} failed at {} by what was not injected: {}",
                        function.name,
                        failure.level.name(),
                        failure.reason
                    )
                })?;
            *counts.entry(kind).or_default() += 1;
        }
    }
    Ok(())
}

fn check_growth(clean: &Profile, injected: &Profile) -> Result<(), String> {
    let (before, after) = (&clean.memory, &injected.memory);
    for (what, before, after) in [
        ("heap", before.heap_bytes, after.heap_bytes),
        ("compiler", before.compiler_bytes, after.compiler_bytes),
        ("code pool", before.pool_bytes, after.pool_bytes),
    ] {
        if after > before + GROWTH_LIMIT_BYTES {
            return Err(format!(
                "the {what} has {after} bytes at the end, and {before} when nothing fails"
            ));
        }
    }
    Ok(())
}

/// A program whose functions get through all levels within six calls each.
fn many_functions(count: usize) -> String {
    let mut text = String::from("#include <stdio.h>\n");
    let mut calls = String::new();
    for index in 0..count {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "static unsigned f{index}(unsigned x) {{\n  \
               unsigned sum = {index};\n  \
               for (unsigned i = 0; i < 20; ++i)\n    \
                 sum = sum * 31 + (x ^ i) % {};\n  \
               return sum;\n}}\n",
            index + 3
        );
        let _ = writeln!(calls, "    sum ^= f{index}(sum);");
    }
    let _ = write!(
        text,
        "int main(void) {{\n  unsigned sum = 1;\n  \
         for (int round = 0; round < 6; ++round) {{\n{calls}    \
         printf(\"%u\\n\", sum);\n  }}\n  return 0;\n}}\n"
    );
    text
}
