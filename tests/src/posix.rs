//! The everyday part of POSIX: programs under `tests/fixtures/posix` print what the same source prints on Linux,
//! random regular expressions among it, and what has no like there ends as the reference says; and each header
//! compiles alone in every standard of C and C++.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use super::examples;
use super::matrix::expect;
use super::runner::{Outcome, Test};
use super::subject::{Conditions, Place, Subject};
use bareflow_image::program::{Program, Tier};

/// These print what they print on Linux, and end with the same status.
const AS_ON_LINUX: &[&str] = &[
    "beyond",
    "calendar",
    "contexts",
    "environment",
    "error_texts",
    "faults",
    "options",
    "patterns",
    "pipes",
    "random_numbers",
    "regex_random",
    "regex_table",
    "searching",
    "signals",
    "stream_state",
    "threads",
];

/// These have no like there: what they print, their status, and what is said on standard error.
const OF_ITS_OWN: &[(&str, &[u8], u8, &[&str])] = &[
    ("deadlock", b"", 114, &["the program waits for ever"]),
    (
        "ended_by_signal",
        b"before",
        143,
        &["the program was ended by signal 15: Terminated"],
    ),
    (
        "one_process",
        b"one two\nexit handler, 0 failures\n",
        5,
        &["a warning: No such file or directory", "the end"],
    ),
];

const RUNS: &[(Place, Tier)] = &[
    (Place::Hosted, Tier::Auto),
    (Place::Hosted, Tier::Interpreter),
    (Place::Hosted, Tier::O2),
    (Place::Pvh, Tier::Auto),
];

/// The random expressions take long where the machine itself is interpreted.
const HOSTED_ONLY: &[&str] = &["regex_random"];

const C_STANDARDS: &[&str] = &["gnu89", "c99", "c17", "gnu2x"];
const CXX_STANDARDS: &[&str] = &["c++17", "c++20"];

/// The headers that other tests compile.
const OF_MATHEMATICS: &[&str] = &["complex.h", "fenv.h", "math.h", "tgmath.h"];

/// A program that is compiled when the first test wants it, and what it prints and ends with on Linux.
#[derive(Default)]
struct Case {
    program: OnceLock<Result<Program, String>>,
    on_linux: OnceLock<Result<(Vec<u8>, u8), String>>,
}

fn source(subject: &Subject, name: &str) -> PathBuf {
    subject
        .context
        .root
        .join(format!("tests/fixtures/posix/{name}.c"))
}

impl Case {
    fn program(&self, subject: &Subject, name: &str) -> Result<&Program, String> {
        self.program
            .get_or_init(|| {
                Program::build(&[source(subject, name)], &subject.compiler)
                    .map_err(|error| error.to_string())
            })
            .as_ref()
            .map_err(Clone::clone)
    }

    fn on_linux(&self, subject: &Subject, name: &str) -> Result<&(Vec<u8>, u8), String> {
        self.on_linux
            .get_or_init(|| {
                let executable = subject.fresh_path(name);
                let clang = &subject.context.tools.program_clang;
                examples::build_for_linux(clang, &[source(subject, name)], &executable)?;
                let output = Command::new(&executable)
                    .env_clear()
                    .output()
                    .map_err(|error| error.to_string())?;
                let status = output
                    .status
                    .code()
                    .and_then(|code| u8::try_from(code).ok());
                let status =
                    status.ok_or_else(|| format!("on Linux it ended with {}", output.status))?;
                Ok((output.stdout, status))
            })
            .as_ref()
            .map_err(Clone::clone)
    }
}

/// The tests of POSIX.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let mut tests = Vec::new();
    for &name in AS_ON_LINUX {
        let case = Arc::new(Case::default());
        for &(place, tier) in RUNS {
            if place != Place::Hosted && HOSTED_ONLY.contains(&name) {
                continue;
            }
            let (subject, case) = (Arc::clone(subject), Arc::clone(&case));
            tests.push(test(name, place, tier, move || {
                let (output, status) = case.on_linux(&subject, name)?;
                let bundle = case.program(&subject, name)?.bundle(&[], tier);
                let run = subject.run(place, &bundle, Conditions::default())?;
                expect(&run, *status, output)
            }));
        }
    }
    for &(name, output, status, messages) in OF_ITS_OWN {
        let case = Arc::new(Case::default());
        for &(place, tier) in RUNS {
            let (subject, case) = (Arc::clone(subject), Arc::clone(&case));
            tests.push(test(name, place, tier, move || {
                let bundle = case.program(&subject, name)?.bundle(&[], tier);
                let run = subject.run(place, &bundle, Conditions::default())?;
                expect(&run, status, output)?;
                match messages.iter().find(|message| !run.log.contains(**message)) {
                    None => Ok(()),
                    Some(message) => Err(format!("no '{message}' in:\n{}", run.log)),
                }
            }));
        }
    }
    let subject = Arc::clone(subject);
    tests.push(Test::new("posix::headers", move || {
        Outcome::from(check_headers(&subject))
    }));
    tests
}

fn test(
    name: &str,
    place: Place,
    tier: Tier,
    body: impl FnOnce() -> Result<(), String> + Send + 'static,
) -> Test {
    Test::new(
        format!("posix::{name}::{}::{}", place.name(), tier.name()),
        move || Outcome::from(body()),
    )
}

/// The names of the headers in a folder, as programs include them.
fn headers_in(folder: &Path, prefix: &str, names: &mut Vec<String>) -> Result<(), String> {
    let entries = fs::read_dir(folder).map_err(|error| error.to_string())?;
    for entry in entries {
        let entry = entry.map_err(|error| error.to_string())?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            headers_in(&entry.path(), &format!("{name}/"), names)?;
        } else if name.ends_with(".h") && !OF_MATHEMATICS.contains(&name.as_str()) {
            names.push(name);
        }
    }
    Ok(())
}

/// Each header compiles alone, and twice.
fn check_headers(subject: &Subject) -> Result<(), String> {
    let mut headers = Vec::new();
    let folder = subject.context.root.join("sysroot/program/include");
    headers_in(&folder, "", &mut headers)?;
    headers.sort();
    let standards = C_STANDARDS
        .iter()
        .map(|standard| ("c", standard))
        .chain(CXX_STANDARDS.iter().map(|standard| ("c++", standard)));
    for (language, standard) in standards {
        for header in &headers {
            let source = subject.fresh_path("header.c");
            fs::write(
                &source,
                format!("#include <{header}>\n#include <{header}>\n"),
            )
            .map_err(|error| error.to_string())?;
            let output = Command::new(&subject.context.tools.program_clang)
                .args(subject.compiler.target_arguments())
                .args(["-fsyntax-only", "-Wall", "-Wextra", "-x", language])
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
