//! The targets in the folder `fuzz`, run by cargo-fuzz.

use std::io::{Write, sink, stderr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::cargo::clean_cargo;
use crate::error::{Error, Result, system};
use crate::process::{End, Recorder, supervise};
use crate::shell::{display, output_of};
use crate::tools::Installation;

const INSTALL: [&str; 3] = ["install", "--locked", "cargo-fuzz"];
const LOG_LIMIT_BYTES: usize = 1 << 20;
/// The number of inputs is the limit, not the time.
const TIMEOUT: Duration = Duration::from_secs(30 * 24 * 3600);

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// The partition table
    Partition,
    /// Snapshots
    Snapshot,
    /// The FAT16 volume
    Volume,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Partition, Self::Snapshot, Self::Volume];

    /// Its name, which is also that of its file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Partition => "partition",
            Self::Snapshot => "snapshot",
            Self::Volume => "volume",
        }
    }

    fn most_bytes(self) -> u32 {
        match self {
            Self::Partition | Self::Snapshot => 4096,
            // Names a good volume and some changes of it.
            Self::Volume => 512,
        }
    }

    /// Flags of `cargo fuzz run`. The volume compares thousands of numbers for each input, and its input holds
    /// none that are hard to guess: to look at comparisons only takes time.
    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Partition | Self::Snapshot => &["--sanitizer", "none"],
            Self::Volume => &["--sanitizer", "none", "--no-trace-compares"],
        }
    }
}

/// What a run has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Inputs that were run.
    pub executions: u64,
    /// Without building.
    pub elapsed: Duration,
    /// Edges of the control flow that were reached.
    pub edges: u64,
    /// The same, told apart by how often.
    pub features: u64,
    /// Files with inputs that break a promise.
    pub findings: Vec<PathBuf>,
}

/// cargo-fuzz, and the folder of the targets.
pub struct Fuzzer {
    root: PathBuf,
}

impl Fuzzer {
    /// Looks for cargo-fuzz, or installs it; writes the inputs to start from.
    ///
    /// # Errors
    /// [`Error::MissingTools`] names the command that installs it.
    pub fn prepare(root: &Path, installation: Installation) -> Result<Self> {
        let fuzzer = Self {
            root: root.to_owned(),
        };
        if !fuzzer.is_installed() {
            if installation == Installation::Forbidden {
                return Err(Error::MissingTools {
                    missing: "cargo-fuzz".into(),
                    advice: format!(
                        "install it with: cargo {}\n  or add --install-tools",
                        INSTALL.join(" ")
                    ),
                });
            }
            fuzzer.run_cargo(&INSTALL)?;
        }
        let example = ["run", "--package", "bareflow-robustness", "--example"];
        fuzzer.run_cargo(&[&example[..], &["seeds", "--", "fuzz/corpus"]].concat())?;
        Ok(fuzzer)
    }

    fn is_installed(&self) -> bool {
        output_of(clean_cargo(&self.root).args(["fuzz", "--version"])).is_some()
    }

    fn run_cargo(&self, arguments: &[&str]) -> Result<()> {
        let mut command = clean_cargo(&self.root);
        command.args(arguments);
        match run(&mut command, &mut sink())? {
            true => Ok(()),
            false => Err(Error::Build(format!("{} failed", display(&command)))),
        }
    }

    fn fuzz_command(&self, target: Target) -> Command {
        let mut command = clean_cargo(&self.root);
        command.args(["fuzz", "run"]).args(target.flags());
        command.arg(target.name());
        command
    }

    /// How one types the run of a single input.
    pub fn repeat_command(&self, target: Target, input: &Path) -> String {
        display(self.fuzz_command(target).arg(input))
    }

    /// Runs a target on so many inputs, or up to the first finding.
    ///
    /// # Errors
    /// That it could not be built or started.
    pub fn run(&self, target: Target, runs: u64) -> Result<Report> {
        let mut build = clean_cargo(&self.root);
        build.args(["fuzz", "build"]).args(target.flags());
        build.arg(target.name());
        if !run(&mut build, &mut sink())? {
            return Err(Error::Build(format!("{} failed", display(&build))));
        }
        let mut command = self.fuzz_command(target);
        command.args([
            "--".to_owned(),
            format!("-runs={runs}"),
            format!("-max_len={}", target.most_bytes()),
            "-print_final_stats=1".to_owned(),
        ]);
        let log = Recorder::new(LOG_LIMIT_BYTES, sink());
        let start = Instant::now();
        let is_success = run(&mut command, &mut log.clone())?;
        let report = Report {
            elapsed: start.elapsed(),
            ..parse(&String::from_utf8_lossy(&log.bytes()))
        };
        if is_success != report.findings.is_empty() {
            return Err(Error::Build(format!("{} failed", display(&command))));
        }
        Ok(report)
    }
}

/// Runs a command; what it says goes to the error stream and to `log`. Returns whether it succeeded.
fn run(command: &mut Command, log: &mut (impl Write + Send)) -> Result<bool> {
    let line = display(command);
    eprintln!("$ {line}");
    let end = supervise(command, TIMEOUT, stderr(), Both(log, stderr()))
        .map_err(system(format!("cannot run {line}")))?;
    Ok(matches!(end, End::Exited(status) if status.success()))
}

/// Writes to both.
struct Both<A, B>(A, B);

impl<A: Write, B: Write> Write for Both<A, B> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write_all(bytes)?;
        self.1.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()?;
        self.1.flush()
    }
}

/// Reads what libFuzzer says: lines like `#1000 DONE cov: 12 ft: 34 corp: 5/67b`, and its statistics.
fn parse(log: &str) -> Report {
    let mut report = Report::default();
    for line in log.lines() {
        let mut words = line.split_whitespace();
        if line.starts_with('#') {
            while let Some(word) = words.next() {
                let number = match word {
                    "cov:" => &mut report.edges,
                    "ft:" => &mut report.features,
                    _ => continue,
                };
                *number = words.next().and_then(|text| text.parse().ok()).unwrap_or(0);
            }
        } else if let Some(count) = line.strip_prefix("stat::number_of_executed_units:") {
            report.executions = count.trim().parse().unwrap_or(0);
        } else if let Some((_, path)) = line.split_once("Test unit written to ") {
            report.findings.push(path.trim().into());
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths;

    const LOG: &str = "#72\tINITED cov: 955 ft: 1700 corp: 40/9Kb exec/s: 0 rss: 30Mb
#41787\tNEW    cov: 988 ft: 3000 corp: 65/31Kb lim: 860 exec/s: 0 rss: 30Mb L: 536/536
#500000\tDONE   cov: 989 ft: 3203 corp: 588/99Kb lim: 1609 exec/s: 26315 rss: 30Mb
Done 500000 runs in 19 second(s)
stat::number_of_executed_units: 500000
stat::average_exec_per_sec:     26315
";

    #[test]
    fn what_libfuzzer_says_is_read() {
        let report = parse(LOG);
        assert_eq!((report.executions, report.edges), (500_000, 989));
        assert_eq!((report.features, report.findings.len()), (3203, 0));
        let found = "artifact_prefix='/x/'; Test unit written to /x/crash-0123\n";
        assert_eq!(parse(found).findings, [Path::new("/x/crash-0123")]);
    }

    #[test]
    fn every_target_has_its_file() {
        let folder = paths::repository().join("fuzz/fuzz_targets");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        assert_eq!(
            files,
            Target::ALL.map(|target| format!("{}.rs", target.name()))
        );
    }
}
