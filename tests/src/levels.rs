//! Levels whose code generator refuses everything: what they were to compile is compiled at the next level, and the
//! program does not notice.

use std::sync::Arc;

use bareflow_report::profile::{Compilation, Failure, RunProfile};
use bareflow_tier_policy::{LEVELS, Level, LevelSet};

use super::background::{BESIDE, rounds};
use super::generated::Generated;
use super::runner::{Check, Test};
use super::subject::{Place, Subject};

/// Enough for functions and loops to be due for every level.
const ROUNDS: usize = 300;
/// Enough for a copy of the process to have made some of it.
const ROUNDS_BESIDE: usize = 40_000;

/// The tests of levels that refuse.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let checks: [(&str, Check<Subject>); 5] = [
        ("lowest::hosted", |subject| {
            check(subject, Place::Hosted, "refuse=O0", &[])
        }),
        ("two::hosted", |subject| {
            check(subject, Place::Hosted, "refuse=O0,O1", &[])
        }),
        ("middle::machine", |subject| {
            check(subject, Place::Disk, "refuse=O1", &[])
        }),
        ("all_but_the_best::hosted", |subject| {
            check(subject, Place::Hosted, "refuse=O0,O1,O2", &[])
        }),
        ("beside::hosted", |subject| {
            check_beside(subject, "refuse=O1")
        }),
    ];
    Test::of_checks("levels", subject, &checks)
}

fn check(subject: &Subject, place: Place, refuse: &str, others: &[&str]) -> Result<(), String> {
    let found = run(subject, place, refuse, others, ROUNDS)?;
    match found.refused {
        0 => Err("nothing was refused".into()),
        refused if refused == found.followed => Ok(()),
        _ => Err(format!("what was refused has no other code: {found:?}")),
    }
}

/// The program may end before the code is there that was asked for last.
fn check_beside(subject: &Subject, refuse: &str) -> Result<(), String> {
    let found = run(subject, Place::Hosted, refuse, &[BESIDE], ROUNDS_BESIDE)?;
    match found.followed {
        0 => Err(format!("what was refused has no other code: {found:?}")),
        _ => Ok(()),
    }
}

/// How many compilations were refused, and of how many units there is code of the next level.
#[derive(Debug, Default)]
struct Found {
    refused: usize,
    followed: usize,
}

fn run(
    subject: &Subject,
    place: Place,
    refuse: &str,
    others: &[&str],
    count: usize,
) -> Result<Found, String> {
    let program = Generated::build(subject, &rounds(count))?;
    // Were a refused level not followed by the next one, the next would be due much later.
    let counts = [
        "calls=2,3,1000000,2000000",
        "iterations=-,5,1000000,2000000",
    ];
    let settings = [&counts[..], &[refuse], others].concat();
    let run = program.run(subject, place, &settings)?;
    let profile = program.examine(&run)?;
    let refusing: Vec<Level> = LEVELS
        .into_iter()
        .filter(|level| refuse.contains(level.name()))
        .collect();
    check_profile(profile, &refusing)
}

fn check_profile(profile: &RunProfile, refusing: &[Level]) -> Result<Found, String> {
    let mut found = Found::default();
    for function in &profile.functions {
        check_unit(
            &function.failures,
            &function.compilations,
            refusing,
            &mut found,
        )
        .map_err(|text| format!("{}: {text}", function.name))?;
        for part in &function.loops {
            check_unit(&part.failures, &part.compilations, refusing, &mut found)
                .map_err(|text| format!("{}, {}: {text}", function.name, part.name))?;
        }
    }
    Ok(found)
}

fn check_unit(
    failures: &[Failure],
    compilations: &[Compilation],
    refusing: &[Level],
    found: &mut Found,
) -> Result<(), String> {
    if let Some(made) = compilations
        .iter()
        .find(|made| refusing.contains(&made.level))
    {
        return Err(format!("there is code of {}", made.level.name()));
    }
    for failure in failures {
        let is_refusal = failure.refused
            && refusing.contains(&failure.level)
            && failure.reason.contains("refuse everything");
        if !is_refusal {
            return Err(format!(
                "failed at {}: {}",
                failure.level.name(),
                failure.reason
            ));
        }
        let next = LevelSet::LLVM
            .iter()
            .find(|level| *level > failure.level && !refusing.contains(level));
        found.refused += 1;
        if compilations.iter().any(|made| Some(made.level) == next) {
            found.followed += 1;
        }
    }
    Ok(())
}
