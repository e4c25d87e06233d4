//! The mathematics of the C library: special values, errno and exceptions, rounding directions, long double,
//! complex and type-generic functions, errors at known points, and the headers in every standard of C and C++.

use std::fs;
use std::process::Command;
use std::sync::{Arc, OnceLock};

use super::matrix::expect;
use super::runner::{Outcome, Test};
use super::subject::{Conditions, Place, Subject};
use crate::program::{Program, Tier};

/// Each prints one word if everything in it is right.
const PROGRAMS: &[&str] = &[
    "accuracy",
    "complex_values",
    "rounding",
    "small_functions",
    "special_values",
    "type_generic",
];
const RIGHT: &[u8] = b"right\n";

const RUNS: &[(Place, Tier)] = &[
    (Place::Hosted, Tier::Interpreter),
    (Place::Hosted, Tier::O0),
    (Place::Hosted, Tier::O2),
    (Place::Hosted, Tier::O3),
    (Place::Pvh, Tier::Auto),
];

const HEADERS: &[&str] = &["complex.h", "fenv.h", "float.h", "math.h", "tgmath.h"];
const C_STANDARDS: &[&str] = &["gnu89", "c89", "c99", "c11", "c17", "gnu17", "gnu2x"];

/// The tests of mathematics.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let mut tests = Vec::new();
    for &name in PROGRAMS {
        let program: Arc<OnceLock<Result<Program, String>>> = Arc::default();
        for &(place, tier) in RUNS {
            let (subject, program) = (Arc::clone(subject), Arc::clone(&program));
            let test_name = format!("math::{name}::{}::{}", place.name(), tier.name());
            tests.push(Test::new(test_name, move || {
                Outcome::from(check(&subject, &program, name, place, tier))
            }));
        }
    }
    let subject = Arc::clone(subject);
    tests.push(Test::new("math::headers".to_owned(), move || {
        Outcome::from(check_headers(&subject))
    }));
    tests
}

fn check(
    subject: &Subject,
    program: &OnceLock<Result<Program, String>>,
    name: &str,
    place: Place,
    tier: Tier,
) -> Result<(), String> {
    let program = program
        .get_or_init(|| {
            let source = format!("xtask/fixtures/math/{name}.c");
            Program::build(&[subject.bench.root.join(source)], &subject.compiler)
                .map_err(|error| error.to_string())
        })
        .as_ref()
        .map_err(Clone::clone)?;
    let run = subject.run(place, &program.bundle(&[], tier), Conditions::default())?;
    let printed = String::from_utf8_lossy(&run.output);
    expect(&run, 0, RIGHT).map_err(|error| format!("{printed}{error}"))
}

/// Each header compiles alone, without a warning of its own.
fn check_headers(subject: &Subject) -> Result<(), String> {
    for header in HEADERS {
        let source = subject.fresh_path("header.c");
        fs::write(&source, format!("#include <{header}>\n")).map_err(|error| error.to_string())?;
        for standard in C_STANDARDS {
            let output = Command::new(&subject.bench.tools.program_clang)
                .args(subject.compiler.target_arguments())
                .args(["-fsyntax-only", "-Wall", "-Wextra", "-Wsystem-headers"])
                .arg(format!("-std={standard}"))
                .arg(&source)
                .output()
                .map_err(|error| error.to_string())?;
            if !output.status.success() || !output.stderr.is_empty() {
                let messages = String::from_utf8_lossy(&output.stderr);
                return Err(format!("<{header}> as {standard}:\n{messages}"));
            }
        }
    }
    Ok(())
}
