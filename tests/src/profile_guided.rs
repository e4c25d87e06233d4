//! What the lower tiers have seen reaches the optimiser, and is never relied on.

use std::fs;
use std::sync::Arc;

use bareflow_tier_policy::Level;

use super::generated::Generated;
use super::runner::{Outcome, Test};
use super::subject::{Place, Subject};
use bareflow_report::profile::RunProfile;

/// Functions count for ever, and loops are optimised once and late.
const SETTINGS: [&str; 2] = ["calls=-,5,-,-", "iterations=-,100,-,1000"];
/// The calls by address that lead to one function, in the fixture's first three quarters.
pub const USUAL_CALLS: u64 = 15_000;
/// How many of them there may be until the loop is optimised.
pub const SEEN_CALLS: u64 = 2_000;

/// The tests of profiles that the optimiser gets.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let mut tests = Vec::new();
    for place in [Place::Hosted, Place::Disk] {
        let subject = Arc::clone(subject);
        let name = format!("profile_guided::{}", place.name());
        tests.push(Test::new(name, move || {
            Outcome::from(check(&subject, place))
        }));
    }
    tests
}

fn check(subject: &Subject, place: Place) -> Result<(), String> {
    let path = subject.context.root.join("tests/fixtures/seen_ways.c");
    let source = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let program = Generated::build(subject, &source)?;
    let run = |switch: &str| {
        let settings = [SETTINGS[0], SETTINGS[1], switch];
        program.run(subject, place, &settings)
    };
    let (plain, guided) = (run("guided=0")?, run("guided=1")?);
    let (plain, guided) = (program.examine(&plain)?, program.examine(&guided)?);
    let calls = |profile: &RunProfile| {
        let mut functions = profile.functions.iter();
        functions
            .find(|function| function.name == "add")
            .map_or(0, |function| function.calls)
    };
    // Inlined behind a comparison, calls are counted no more.
    let (without, with) = (calls(plain), calls(guided));
    if without < USUAL_CALLS || with > without - USUAL_CALLS + SEEN_CALLS {
        return Err(format!(
            "add was called {without} times, and {with} times with the profile"
        ));
    }
    // What was never called does not come along.
    let (without, with) = (bytes_of_loop(plain)?, bytes_of_loop(guided)?);
    if with >= without {
        return Err(format!(
            "the loop of usual has {without} bytes, and {with} with the profile"
        ));
    }
    Ok(())
}

fn bytes_of_loop(profile: &RunProfile) -> Result<u64, String> {
    let functions = profile.functions.iter();
    functions
        .filter(|function| function.name == "usual")
        .flat_map(|function| &function.loops)
        .flat_map(|part| &part.compilations)
        .find(|made| made.level == Level::O3)
        .map(|made| made.code_bytes)
        .ok_or_else(|| "the loop of usual has not reached O3".to_owned())
}
