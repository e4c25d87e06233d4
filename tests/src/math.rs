//! The mathematics of the C library: special values, errno and exceptions, rounding directions, long double,
//! complex and type-generic functions, errors at known points, and the headers in every standard of C and C++.

use std::ffi::OsString;
use std::fs;
use std::process::Command;
use std::sync::{Arc, OnceLock};

use super::matrix::expect;
use super::runner::{Outcome, Test};
use super::subject::{Conditions, Place, Subject};
use bareflow_image::program::{Program, Sources, Tier};

/// Each prints one word if everything in it is right. The flags beside it are the compiler's.
const PROGRAMS: &[(&str, &[&str])] = &[
    ("accuracy", &[]),
    ("complex_values", &[]),
    ("intrinsics", &["-fno-math-errno"]),
    ("rounding", &[]),
    ("small_functions", &[]),
    ("special_values", &[]),
    ("type_generic", &[]),
];
const RIGHT: &[u8] = b"right\n";

const RUNS: &[(Place, Tier)] = &[
    (Place::Hosted, Tier::Interpreter),
    (Place::Hosted, Tier::O0),
    (Place::Hosted, Tier::O2),
    (Place::Hosted, Tier::O3),
    (Place::Pvh, Tier::Auto),
];

/// Headers, and how they are compiled: <float.h> and <tgmath.h> are clang's own.
const HEADERS: &[(&str, &[&str])] = &[
    ("complex.h", &["-Wsystem-headers"]),
    ("fenv.h", &["-Wsystem-headers"]),
    ("float.h", &[]),
    ("math.h", &["-Wsystem-headers"]),
    ("tgmath.h", &[]),
];
const C_STANDARDS: &[&str] = &["gnu89", "c89", "c99", "c11", "c17", "gnu17", "gnu2x"];

/// The tests of mathematics.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let mut tests = Vec::new();
    for &(name, flags) in PROGRAMS {
        let program: Arc<OnceLock<Result<Program, String>>> = Arc::default();
        for &(place, tier) in RUNS {
            let (subject, program) = (Arc::clone(subject), Arc::clone(&program));
            let test_name = format!("math::{name}::{}::{}", place.name(), tier.name());
            tests.push(Test::new(test_name, move || {
                let program = program.get_or_init(|| build(&subject, name, flags));
                Outcome::from(check(&subject, program, place, tier))
            }));
        }
    }
    let subject = Arc::clone(subject);
    tests.push(Test::new("math::headers".to_owned(), move || {
        Outcome::from(check_headers(&subject))
    }));
    tests
}

fn build(subject: &Subject, name: &str, flags: &[&str]) -> Result<Program, String> {
    let source = format!("tests/fixtures/math/{name}.c");
    let sources = Sources {
        words: [source.as_str()]
            .iter()
            .chain(flags)
            .map(OsString::from)
            .collect(),
        folder: Some(subject.context.root.clone()),
        name: None,
    };
    Program::build_from(&sources, &subject.compiler).map_err(|error| error.to_string())
}

fn check(
    subject: &Subject,
    program: &Result<Program, String>,
    place: Place,
    tier: Tier,
) -> Result<(), String> {
    let program = program.as_ref().map_err(Clone::clone)?;
    let run = subject.run(place, &program.bundle(&[], tier), Conditions::default())?;
    let printed = String::from_utf8_lossy(&run.output);
    expect(&run, 0, RIGHT).map_err(|error| format!("{printed}{error}"))
}

/// Each header compiles alone, without a warning of its own.
fn check_headers(subject: &Subject) -> Result<(), String> {
    for (header, flags) in HEADERS {
        let source = subject.fresh_path("header.c");
        fs::write(&source, format!("#include <{header}>\n")).map_err(|error| error.to_string())?;
        for standard in C_STANDARDS {
            let output = Command::new(&subject.context.tools.program_clang)
                .args(subject.compiler.target_arguments())
                .args(["-fsyntax-only", "-Wall", "-Wextra"])
                .args(*flags)
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
