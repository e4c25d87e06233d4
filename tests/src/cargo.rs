//! Cargo's own checks as tests: every test of every crate, clippy, rustfmt.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bareflow_build::cargo::{clean_cargo, clean_environment};
use bareflow_build::shell::output_of;
use serde::Deserialize;

use super::runner::{Outcome, Test};

/// One result of a test of a crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitResult {
    /// The binary and the test in it.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Unknown to stable libtest, except as a whole.
    pub elapsed: Duration,
}

/// Runs the tests of all host crates: under nextest where that is installed, which gives each test a process of its
/// own, and else under cargo's own harness. Nextest knows no tests in documentation.
pub fn unit_tests(root: &Path, filter: Option<&str>) -> Vec<UnitResult> {
    if output_of(clean_cargo(root).args(["nextest", "--version"])).is_none() {
        return under_cargo(root, &[], filter);
    }
    let mut results = under_nextest(root, filter);
    let mut documentation = vec!["--doc"];
    documentation.extend(WITHOUT_KERNELS);
    results.extend(under_cargo(root, &documentation, filter));
    results
}

/// With the host's crates, features of shared dependencies would bring std into the kernels.
const WITHOUT_KERNELS: [&str; 4] = [
    "--exclude=bareflow-hosted",
    "--exclude=bareflow-machine",
    "--exclude=bareflow-exported",
    "--exclude=bareflow-runtime",
];

fn under_cargo(root: &Path, kinds: &[&str], filter: Option<&str>) -> Vec<UnitResult> {
    let mut command = clean_cargo(root);
    command
        .args(["test", "--workspace", "--no-fail-fast"])
        .args(kinds)
        // The C library is for one thread: its tests share errno and the descriptors.
        .env("RUST_TEST_THREADS", "1");
    if let Some(filter) = filter {
        command.args(["--", filter]);
    }
    results_of(command, parse)
}

fn under_nextest(root: &Path, filter: Option<&str>) -> Vec<UnitResult> {
    let mut command = clean_cargo(root);
    command
        .args(["nextest", "run", "--workspace", "--no-fail-fast"])
        .args(["--retries", "0", "--no-tests", "pass"])
        .args(["--message-format", "libtest-json"])
        .args(["--message-format-version", "0.1"])
        .env("NEXTEST_EXPERIMENTAL_LIBTEST_JSON", "1")
        .args(filter);
    results_of(command, |output, _| parse_events(output))
}

/// The results that `read` finds in the output and the errors of the command.
fn results_of(
    mut command: Command,
    read: impl FnOnce(&str, &str) -> Vec<UnitResult>,
) -> Vec<UnitResult> {
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => return vec![failure(format!("cannot start cargo: {error}"))],
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let mut results = read(&text, &errors);
    let has_failed = results
        .iter()
        .any(|result| matches!(result.outcome, Outcome::Failed(_)));
    if !output.status.success() && !has_failed {
        results.push(failure(format!("{text}{errors}")));
    }
    results
}

/// A line of nextest's output; what else it says has other types and events.
#[derive(Deserialize)]
struct Event {
    event: String,
    /// `PACKAGE::BINARY$TEST`
    #[serde(default)]
    name: String,
    #[serde(default)]
    exec_time: f64,
    #[serde(default)]
    stdout: String,
}

fn parse_events(output: &str) -> Vec<UnitResult> {
    let events = output.lines().filter_map(|line| {
        let event: Event = serde_json::from_str(line).ok()?;
        let (binary, test) = event.name.split_once('$')?;
        let binary = binary.rsplit("::").next()?;
        let outcome = match event.event.as_str() {
            "ok" => Outcome::Passed,
            "failed" => Outcome::Failed(event.stdout.trim().to_owned()),
            "ignored" => Outcome::Skipped("ignored".to_owned()),
            _ => return None,
        };
        Some(UnitResult {
            name: format!("{binary}::{test}"),
            outcome,
            elapsed: Duration::try_from_secs_f64(event.exec_time).unwrap_or_default(),
        })
    });
    events.collect()
}

fn failure(details: String) -> UnitResult {
    UnitResult {
        name: "cargo::test".into(),
        outcome: Outcome::Failed(details),
        elapsed: Duration::ZERO,
    }
}

/// The binaries are announced on stderr, in the order of their reports on stdout.
fn parse(output: &str, errors: &str) -> Vec<UnitResult> {
    let mut binaries = errors.lines().filter_map(binary_name);
    let mut binary = String::new();
    let mut results: Vec<UnitResult> = Vec::new();
    for line in output.lines() {
        if line.starts_with("running ") && line.trim_end().ends_with(['t', 's']) {
            binary = binaries.next().unwrap_or_else(|| "unknown".into());
        } else if let Some((name, verdict)) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.rsplit_once(" ... "))
        {
            let outcome = match verdict.split(',').next().unwrap_or_default() {
                "ok" => Outcome::Passed,
                "ignored" => Outcome::Skipped(
                    verdict
                        .split_once(", ")
                        .map_or("ignored", |(_, reason)| reason)
                        .into(),
                ),
                _ => Outcome::Failed(details(output, name)),
            };
            let name = format!("{binary}::{}", name.trim_end_matches(" - should panic"));
            results.push(UnitResult {
                name,
                outcome,
                elapsed: Duration::ZERO,
            });
        }
    }
    results
}

/// `Running unittests src/lib.rs (target/debug/deps/name-0123)` or `Doc-tests name`.
fn binary_name(line: &str) -> Option<String> {
    let line = line.trim();
    if let Some(name) = line.strip_prefix("Doc-tests ") {
        return Some(format!("{name}::doc"));
    }
    let path = line
        .strip_prefix("Running ")?
        .rsplit_once('(')?
        .1
        .strip_suffix(')')?;
    let file = Path::new(path).file_name()?.to_string_lossy().into_owned();
    Some(
        file.rsplit_once('-')
            .map_or(file.clone(), |(name, _)| name.to_owned()),
    )
}

/// What a failed test printed: the block `---- NAME stdout ----`.
fn details(output: &str, name: &str) -> String {
    let header = format!("---- {name} stdout ----");
    let Some((_, after)) = output.split_once(&header) else {
        return "no output was captured: it ended its process, or writes past the harness to \
                standard output, where this line lost its verdict"
            .into();
    };
    let end = after
        .find("\n---- ")
        .or_else(|| after.find("\nfailures:"))
        .unwrap_or(after.len());
    after[..end].trim().to_owned()
}

/// A checker of the whole repository.
#[derive(Clone, Copy, Debug)]
struct Lint {
    name: &'static str,
    /// Cargo's subcommand, or a program of its own.
    command: &'static [&'static str],
    arguments: &'static [&'static str],
    /// What installs it.
    installation: &'static str,
}

const LINTS: &[Lint] = &[
    Lint {
        name: "lint::rustfmt",
        command: &["cargo", "fmt"],
        arguments: &["--all", "--", "--check"],
        installation: "rustup component add rustfmt",
    },
    Lint {
        name: "lint::clippy",
        command: &["cargo", "clippy"],
        arguments: &[
            "--workspace",
            WITHOUT_KERNELS[0],
            WITHOUT_KERNELS[1],
            WITHOUT_KERNELS[2],
            WITHOUT_KERNELS[3],
            "--all-targets",
            "--quiet",
            "--",
            "--deny",
            "warnings",
        ],
        installation: "rustup component add clippy",
    },
    Lint {
        // See `WITHOUT_KERNELS`.
        name: "lint::clippy_kernels",
        command: &["cargo", "clippy"],
        arguments: &[
            "--package",
            "bareflow-hosted",
            "--package",
            "bareflow-machine",
            "--package",
            "bareflow-runtime",
            "--quiet",
            "--",
            "--deny",
            "warnings",
        ],
        installation: "rustup component add clippy",
    },
    Lint {
        name: "lint::clippy_generators",
        command: &["cargo", "clippy"],
        arguments: &[
            "--package",
            "bareflow-hosted",
            "--features",
            "bareflow-hosted/generators",
            "--quiet",
            "--",
            "--deny",
            "warnings",
        ],
        installation: "rustup component add clippy",
    },
    Lint {
        name: "lint::clippy_jit",
        command: &["cargo", "clippy"],
        arguments: &[
            "--package",
            "bareflow-exported",
            "--features",
            "bareflow-exported/cranelift",
            "--quiet",
            "--",
            "--deny",
            "warnings",
        ],
        installation: "rustup component add clippy",
    },
    Lint {
        // Without libFuzzer itself, which is C++.
        name: "lint::clippy_fuzz",
        command: &["cargo", "clippy"],
        arguments: &[
            "--manifest-path",
            "fuzz/Cargo.toml",
            "--locked",
            "--no-default-features",
            "--bins",
            "--quiet",
            "--",
            "--deny",
            "warnings",
        ],
        installation: "rustup component add clippy",
    },
    Lint {
        // With the other kernels, the machine would have its engine.
        name: "lint::clippy_exported",
        command: &["cargo", "clippy"],
        arguments: &[
            "--package",
            "bareflow-exported",
            "--quiet",
            "--",
            "--deny",
            "warnings",
        ],
        installation: "rustup component add clippy",
    },
    Lint {
        name: "lint::clippy_exported_process",
        command: &["cargo", "clippy"],
        arguments: &[
            "--package",
            "bareflow-exported",
            "--no-default-features",
            "--features",
            "hosted",
            "--quiet",
            "--",
            "--deny",
            "warnings",
        ],
        installation: "rustup component add clippy",
    },
    Lint {
        name: "lint::deny",
        command: &["cargo", "deny"],
        // Advisories need the network; the others do not.
        arguments: &["--offline", "check", "bans", "licenses", "sources"],
        installation: "cargo install --locked cargo-deny",
    },
    Lint {
        name: "lint::typos",
        command: &["typos"],
        arguments: &[],
        installation: "cargo install --locked typos-cli",
    },
];

/// What clippy, rustfmt and others say about the repository.
pub fn lints(root: &Path) -> Vec<Test> {
    LINTS
        .iter()
        .map(|lint| {
            let root = root.to_path_buf();
            Test::new(lint.name, move || lint.check(&root))
        })
        .collect()
}

impl Lint {
    fn command(&self, root: &Path) -> Command {
        let (program, subcommands) = self.command.split_first().unwrap_or((&"true", &[]));
        let mut command = clean_environment(Command::new(program));
        command.current_dir(root).args(subcommands);
        command
    }

    fn check(&self, root: &Path) -> Outcome {
        let is_installed = self
            .command(root)
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success());
        if !is_installed {
            let name = self.command.join(" ");
            return Outcome::Skipped(format!(
                "`{name}` is not installed; `{}` installs it",
                self.installation
            ));
        }
        match self.command(root).args(self.arguments).output() {
            Ok(output) if output.status.success() => Outcome::Passed,
            Ok(output) => Outcome::Failed(format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            )),
            Err(error) => Outcome::Failed(format!("cannot start {}: {error}", self.name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERRORS: &str = "   Compiling one v0.1.0
     Running unittests src/lib.rs (target/debug/deps/one-0123abcd)
     Running tests/whole.rs (target/debug/deps/whole-99)
   Doc-tests one
";
    const OUTPUT: &str = "
running 3 tests
test a::good ... ok
test a::later ... ignored, needs a disk
test a::bad ... FAILED

failures:

---- a::bad stdout ----
assertion failed: 1 == 2
note: more

failures:
    a::bad

test result: FAILED. 1 passed; 1 failed; 1 ignored

running 1 test
test whole ... ok

running 1 test
test src/lib.rs - example (line 3) ... ok
";

    #[test]
    fn results_are_named_after_binary_and_test() {
        let results = parse(OUTPUT, ERRORS);
        let names: Vec<&str> = results.iter().map(|result| result.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "one::a::good",
                "one::a::later",
                "one::a::bad",
                "whole::whole",
                "one::doc::src/lib.rs - example (line 3)"
            ]
        );
        assert_eq!(results[1].outcome, Outcome::Skipped("needs a disk".into()));
        assert_eq!(
            results[2].outcome,
            Outcome::Failed("assertion failed: 1 == 2\nnote: more".into())
        );
    }

    #[test]
    fn the_events_of_nextest_are_read() {
        let events = r#"{"type":"suite","event":"started","test_count":3}
{"type":"test","event":"started","name":"one-crate::one_crate$a::good"}
{"type":"test","event":"ok","name":"one-crate::one_crate$a::good","exec_time":0.5}
{"type":"test","event":"failed","name":"one-crate::whole$bad","exec_time":1.0,"stdout":"assertion failed: 1 == 2\n"}
{"type":"test","event":"ignored","name":"one-crate::one_crate$later"}
{"type":"suite","event":"failed","passed":1,"failed":1,"ignored":1,"exec_time":1.5}
"#;
        let results = parse_events(events);
        let names: Vec<&str> = results.iter().map(|result| result.name.as_str()).collect();
        assert_eq!(
            names,
            ["one_crate::a::good", "whole::bad", "one_crate::later"]
        );
        assert_eq!(results[0].elapsed, Duration::from_millis(500));
        let outcomes: Vec<&Outcome> = results.iter().map(|result| &result.outcome).collect();
        assert_eq!(
            outcomes,
            [
                &Outcome::Passed,
                &Outcome::Failed("assertion failed: 1 == 2".into()),
                &Outcome::Skipped("ignored".into())
            ]
        );
    }
}
