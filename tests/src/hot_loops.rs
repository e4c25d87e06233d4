//! Loops that get hot while they run: the rest of the call goes on in better code.

use std::fs;
use std::sync::Arc;

use bareflow_tier_policy::Level;

use super::generated::Generated;
use super::runner::{Outcome, Test};
use super::subject::{Place, Subject};
use bareflow_report::profile::RunProfile;

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
    let subject = Arc::clone(subject);
    tests.push(Test::new("hot_loops::flat::hosted".to_owned(), move || {
        Outcome::from(check_flat(&subject))
    }));
    tests
}

/// A loop in which nothing else stands does not count at O2: by costs it gets to O3 all the same.
fn check_flat(subject: &Subject) -> Result<(), String> {
    let source = "#include <stdio.h>\nint main(void) {\n  unsigned h = 1;\n  \
                  for (unsigned i = 0; i < 100000000u; i++) { h = h * 1664525u + 1013904223u; h ^= h >> 7; }\n  \
                  printf(\"%u\\n\", h);\n}\n";
    let program = Generated::build(subject, source)?;
    let run = program.run(subject, Place::Hosted, &[])?;
    let profile = program.examine(&run)?;
    expect_best_loop(profile, "main")
}

fn expect_best_loop(profile: &RunProfile, name: &str) -> Result<(), String> {
    let is_hot = profile
        .functions
        .iter()
        .filter(|function| function.name == name)
        .flat_map(|function| &function.loops)
        .flat_map(|part| &part.compilations)
        .any(|made| made.level == Level::O3);
    if is_hot {
        Ok(())
    } else {
        Err(format!("no loop of {name} has reached O3"))
    }
}

fn check(subject: &Subject, place: Place, fixture: &str, functions: &[&str]) -> Result<(), String> {
    let path = subject
        .context
        .root
        .join("tests/fixtures")
        .join(format!("{fixture}.c"));
    let source = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let program = Generated::build(subject, &source)?;
    let run = program.run(subject, place, &["policy=counts"])?;
    let profile = program.examine(&run)?;
    functions
        .iter()
        .try_for_each(|name| expect_best_loop(profile, name))
}
