//! The compiler driver as build systems use it: each case is a folder with a script, and what the script must print.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use walkdir::WalkDir;

use super::runner::{Outcome, Test};
use super::subject::{self, Subject};

const FIXTURES: &str = "tests/fixtures/drivers";
const SCRIPT: &str = "test.sh";
const EXPECTED: &str = "expected";

const CASES: &[&str] = &[
    "make",
    "configure",
    "cmake",
    "symbols",
    "messages",
    "flags",
    "files",
    "bad_input",
    "assembly",
    "rust",
];

/// The tests of the compiler driver and of the commands that take what it takes.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    CASES
        .iter()
        .map(|case| {
            let subject = Arc::clone(subject);
            Test::new(format!("drivers::{case}"), move || {
                Outcome::from(check(&subject, case))
            })
        })
        .collect()
}

fn check(subject: &Subject, case: &str) -> Result<(), String> {
    let original = subject.context.root.join(FIXTURES).join(case);
    let folder = subject.fresh_path(case);
    copy(&original, &folder).map_err(|error| format!("{}: {error}", original.display()))?;
    let expected = fs::read_to_string(folder.join(EXPECTED)).map_err(|error| error.to_string())?;
    let found = run(subject, &folder)?;
    if found == expected {
        return Ok(());
    }
    Err(format!("expected:\n{expected}found:\n{found}"))
}

/// Runs the script in `folder`; returns what it printed.
fn run(subject: &Subject, folder: &Path) -> Result<String, String> {
    let context = &subject.context;
    let text = |error: std::io::Error| error.to_string();
    let own_path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(
        std::iter::once(context.sdk.join("bin")).chain(env::split_paths(&own_path)),
    )
    .map_err(|error| error.to_string())?;
    let output = Command::new("sh")
        .args(["-e", "-u", SCRIPT])
        .current_dir(folder)
        .env("PATH", path)
        .env("BAREFLOW_KERNEL", subject.hosted_kernel()?)
        .env("SDK", &context.sdk)
        .env("XTASK", subject::xtask().map_err(text)?)
        .env("CLANG", &context.tools.program_clang)
        .env("LC_ALL", "C")
        .env("BAREFLOW_SDK", &context.sdk)
        .env_remove("MAKEFLAGS")
        .env_remove("CFLAGS")
        .env_remove("CPATH")
        .stdin(Stdio::null())
        .output()
        .map_err(text)?;
    let found = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(found);
    }
    Err(format!(
        "{SCRIPT} ended with {}\n{found}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    ))
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in WalkDir::new(from) {
        let entry = entry?;
        let target = to.join(entry.path().strip_prefix(from).unwrap_or(entry.path()));
        if entry.file_type().is_dir() {
            fs::create_dir_all(&target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
