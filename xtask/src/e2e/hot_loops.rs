//! Loops that get hot while they run: the rest of the call goes on in better code.

use std::fs;
use std::sync::Arc;

use bareflow_tiers::Level;

use super::generated::Generated;
use super::runner::{Outcome, Test};
use super::subject::{Place, Subject};

/// A fixture, and the functions of which a loop must reach O3.
const CASES: &[(&str, &[&str])] = &[
    (
        "hot_loops",
        &[
            "nested",
            "several_exits",
            "leaves_two_levels",
            "recursive",
            "backwards",
            "moved_address",
            "one_of_two",
        ],
    ),
    ("long_main", &["main"]),
    (
        "own_frames",
        &[
            "variable_arguments",
            "variable_length",
            "large_arrays",
            "jumps_out",
            "jumps_inside",
            "interpret",
            "keeps_labels",
            "stays",
        ],
    ),
];

/// The tests of hot loops.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let mut tests = Vec::new();
    for (fixture, functions) in CASES {
        for place in [Place::Hosted, Place::Disk] {
            let subject = Arc::clone(subject);
            let name = format!("hot_loops::{fixture}::{}", place.name());
            tests.push(Test::new(name, move || {
                Outcome::from(check(&subject, place, fixture, functions))
            }));
        }
    }
    tests
}

fn check(subject: &Subject, place: Place, fixture: &str, functions: &[&str]) -> Result<(), String> {
    let path = subject
        .bench
        .root
        .join("xtask/fixtures")
        .join(format!("{fixture}.c"));
    let source = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let program = Generated::build(subject, &source)?;
    let run = program.run(subject, place, &["policy=counts"])?;
    let profile = program.examine(&run)?;
    for name in functions {
        let is_hot = profile
            .functions
            .iter()
            .filter(|function| function.name == *name)
            .flat_map(|function| &function.loops)
            .flat_map(|part| &part.compilations)
            .any(|made| made.level == Level::O3);
        if !is_hot {
            return Err(format!("no loop of {name} has reached O3"));
        }
    }
    Ok(())
}
