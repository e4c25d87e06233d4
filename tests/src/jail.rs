//! Compilations that fail, in every way and at random points: the program does not notice.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::generated::{Generated, function_with_loop};
use super::runner::{Outcome, Test};
use super::subject::{Place, Run, Subject};
use bareflow_report::profile::RunProfile;

/// What failures are told by, one for each kind that is injected.
const KINDS: [&str; 7] = [
    "injected fatal error",
    "panic: injected panic",
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
            Outcome::from(check(&subject, &plan))
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
    let program = Generated::build(subject, &many_functions(plan.function_count))?;
    let clean = run(subject, plan, &program, None)?;
    let clean_profile = program.examine(&clean)?;
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
        let profile = program.examine(&run).map_err(of_seed)?;
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
    program: &Generated,
    seed: Option<u64>,
) -> Result<Run, String> {
    let budget = format!("compile-ms={}", plan.compile_ms);
    let injection = seed.map(|seed| format!("inject={seed}"));
    let mut settings = vec!["calls=1,2,3,4", "iterations=-,5,-,50", &budget];
    settings.extend(injection.as_deref());
    program.run(subject, plan.place, &settings)
}

fn count_failures(
    profile: &RunProfile,
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

fn check_growth(clean: &RunProfile, injected: &RunProfile) -> Result<(), String> {
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
        text += &function_with_loop(index, 20);
        // Writing to a String cannot fail.
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
