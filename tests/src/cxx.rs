//! Programs of C++ under `tests/fixtures/cxx`: each prints what the standard promises. A `throw` is one clear error.

use std::io;
use std::process::Command;
use std::sync::Arc;

use super::cases::{Case, check_boots, check_exported, check_run};
use super::examples;
use super::runner::{Outcome, Test};
use super::subject::{Place, Subject};
use bareflow_image::program::Tier;

/// Those about the engine: they are run in all tiers, over boots and exported.
const OF_THE_ENGINE: &[&str] = &["operators", "order", "rtti"];
/// One with much of the library, in all tiers as well: nothing of a tier may grow with the square of a program.
const LARGE: &str = "streams";
/// Those that take minutes in an emulator.
const HOSTED_ALONE: &[&str] = &["library", "wide"];
/// Those of a later standard than what clang takes by itself.
const LATER: &[(&str, &[&str])] = &[("cxx20", &["-std=c++20"])];

/// What the program of that name is compiled with.
pub(super) fn flags_of(name: &str) -> &'static [&'static str] {
    let later = LATER.iter().find(|(later, _)| *later == name);
    later.map_or(&["-std=c++17"], |(_, flags)| *flags)
}

/// The tests of C++.
///
/// # Errors
/// That the programs cannot be read.
pub fn tests(subject: &Arc<Subject>) -> io::Result<Vec<Test>> {
    let mut tests = Vec::new();
    for example in examples::find(&subject.context.root.join("tests/fixtures/cxx"))? {
        let name = example.name.clone();
        let flags = flags_of(&name);
        let case = Arc::new(Case::new(example, flags));
        let mut add = |kind: &str, check: fn(&Subject, &Case) -> Result<(), String>| {
            let (subject, case) = (Arc::clone(subject), Arc::clone(&case));
            tests.push(Test::new(format!("cxx::{name}::{kind}"), move || {
                Outcome::from(check(&subject, &case))
            }));
        };
        add("hosted", |subject, case| {
            check_run(subject, case, Place::Hosted, Tier::Auto)
        });
        if !HOSTED_ALONE.contains(&name.as_str()) {
            add("machine", |subject, case| {
                check_run(subject, case, Place::Pvh, Tier::Auto)
            });
        }
        let is_of_the_engine = OF_THE_ENGINE.contains(&name.as_str());
        if is_of_the_engine || name == LARGE {
            add("tiers", check_tiers);
        }
        if is_of_the_engine {
            add("boots", check_boots);
            add("exported", check_exported);
        }
    }
    let subject = Arc::clone(subject);
    tests.push(Test::new("cxx::throw", move || {
        Outcome::from(check_throw(&subject))
    }));
    Ok(tests)
}

fn check_tiers(subject: &Subject, case: &Case) -> Result<(), String> {
    for tier in Tier::ALL {
        check_run(subject, case, Place::Hosted, tier)?;
    }
    Ok(())
}

/// However often a file throws, it is said once, with what to do.
fn check_throw(subject: &Subject) -> Result<(), String> {
    let source = subject.context.root.join("tests/fixtures/throw.cpp");
    let output = Command::new(subject.context.sdk.join("bin/bareflow-c++"))
        .arg("-c")
        .arg(&source)
        .arg("-o")
        .arg(subject.fresh_path("throw.o"))
        .output()
        .map_err(|error| format!("cannot start bareflow-c++: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let errors: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("error:"))
        .collect();
    let is_right = !output.status.success()
        && matches!(errors[..], [throw, other]
            if throw.contains("throw.cpp:4:") && throw.contains("exceptions")
                && other.contains("undeclared identifier 'nothing'"));
    if is_right && text.contains("note: BareFlow has no exceptions yet") {
        Ok(())
    } else {
        Err(text.into_owned())
    }
}
