//! The level of MIR: programs run at it as at those of LLVM, alone and in turn with these.

use std::sync::Arc;

use bareflow_image::program::Tier;
use bareflow_tier_policy::Level;

use super::cranelift::{PASSING, check_examples, check_machine, profile_of};
use super::generators::Kernels;
use super::runner::{Check, Test};

/// Compiled as soon as anything is due, and then at each level in turn.
const IN_TURN: &[&str] = &[
    "levels=interpreter,O0,MIR,O2,O3",
    "calls=1,2,3,4",
    "iterations=1,2,3,4",
];
const ONLY_MIR: &[&str] = &["levels=MIR"];

/// The tests of MIR's level.
pub fn tests(kernels: &Arc<Kernels>) -> Vec<Test> {
    let checks: [(&str, Check<Kernels>); 6] = [
        ("examples::alone", |kernels| {
            check_examples(kernels, Tier::Mir, &[])
        }),
        ("examples::in_turn", |kernels| {
            check_examples(kernels, Tier::Auto, IN_TURN)
        }),
        ("machine", |kernels| check_machine(kernels, IN_TURN)),
        ("passing", check_passing),
        ("refusals", check_refusals),
        ("absent", check_absent),
    ];
    Test::of_checks("mir", kernels, &checks)
}

/// Arguments and results of all kinds, between functions of both generators.
fn check_passing(kernels: &Kernels) -> Result<(), String> {
    for settings in [ONLY_MIR, IN_TURN] {
        profile_of(kernels.hosted()?, PASSING, settings)?;
    }
    Ok(())
}

/// Of the program with all kinds of arguments, MIR refuses integers of 128 bits and variadic functions.
fn check_refusals(kernels: &Kernels) -> Result<(), String> {
    let profile = profile_of(kernels.hosted()?, PASSING, ONLY_MIR)?;
    let mut has_made = false;
    for function in &profile.functions {
        let is_made = function
            .compilations
            .iter()
            .any(|one| one.level == Level::MIR);
        let mut failures = function.failures.iter();
        let failure = failures.find(|failure| failure.level == Level::MIR);
        has_made |= is_made;
        if let Some(failure) = failure {
            let is_known = ["type: 128 bits", "variadic function: a definition"]
                .iter()
                .any(|reason| failure.reason.contains(reason));
            if !failure.refused || !is_known || is_made {
                return Err(format!("{}: {}", function.name, failure.reason));
            }
        }
    }
    let failures = profile.functions.iter().flat_map(|one| &one.failures);
    match has_made && failures.count() > 0 {
        true => Ok(()),
        false => Err("MIR has made nothing, or refused nothing".into()),
    }
}

/// A kernel without MIR goes to the next level.
fn check_absent(kernels: &Kernels) -> Result<(), String> {
    let profile = profile_of(kernels.plain(), PASSING, &["levels=interpreter,MIR,O2,O3"])?;
    let mut failures = profile.functions.iter().flat_map(|one| &one.failures);
    match failures.find(|failure| !failure.reason.contains("no code generator 'mir'")) {
        Some(other) => Err(other.reason.clone()),
        None => Ok(()),
    }
}
