//! Real programs: projects that nobody of this one wrote, unmodified, built with their own build systems, against the
//! same sources built by clang for Linux.

pub mod build;
pub mod table;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use self::build::Built;
use self::table::{Project, Run, Short};
use super::matrix::expect;
use super::refusals::{refusing_levels, tier_of};
use super::runner::{Outcome, Test};
use super::subject::{self, Place, Subject};
use bareflow_build::process::{End, Recorder, supervise};
use bareflow_image::program::Tier;

/// Which real projects are tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Projects {
    /// Those that build fast
    #[default]
    Short,
    /// All of the table, in more tiers
    All,
}

/// The page with the table.
const BOOK: &str = "docs/src/reference/real-programs.md";

const TIMEOUT_S: &str = "600";
/// What starts the program and its machine has some time of its own.
const TIMEOUT: Duration = Duration::from_secs(700);
const LINUX_TIMEOUT: Duration = Duration::from_secs(60);
/// RAM of the machine for real programs.
const MEMORY_MIB: &str = "1024";
const OUTPUT_LIMIT_BYTES: usize = 64 << 20;
const LOG_LIMIT_BYTES: usize = 64 << 10;

/// A project that is built when the first test wants it, and not again.
struct Prepared {
    project: Project,
    built: OnceLock<Result<Built, String>>,
}

impl Prepared {
    fn built(&self, subject: &Subject) -> Result<&Built, String> {
        self.built
            .get_or_init(|| build::build(&subject.context, &self.project))
            .as_ref()
            .map_err(Clone::clone)
    }
}

/// The tests of real projects.
///
/// # Errors
/// What is wrong with the table.
pub fn tests(subject: &Arc<Subject>, projects: Projects) -> Result<Vec<Test>, String> {
    let table = table::read()?.project;
    let rows: Vec<String> = table.iter().map(Project::row).collect();
    let root = subject.context.root.clone();
    let mut tests = vec![Test::new("real::book", move || {
        Outcome::from(check_book(&root, &rows))
    })];
    for project in table {
        let is_all = projects == Projects::All;
        if !is_all && project.short == Short::No {
            continue;
        }
        let mut places: Vec<(Place, Tier)> = vec![(Place::Hosted, Tier::Auto)];
        places.extend(refusing_levels().map(|level| (Place::Hosted, tier_of(level))));
        if is_all {
            places.push((Place::Hosted, Tier::O2));
        }
        if project.machine && (is_all || project.short == Short::Everywhere) {
            places.push((Place::Disk, Tier::Auto));
        }
        let prepared = Arc::new(Prepared {
            project,
            built: OnceLock::new(),
        });
        for (place, tier) in places {
            let name = format!(
                "real::{}::{}::{}",
                prepared.project.name,
                place.name(),
                tier.name()
            );
            let (subject, prepared) = (Arc::clone(subject), Arc::clone(&prepared));
            tests.push(Test::new(name, move || {
                Outcome::from(check(&subject, &prepared, place, tier))
            }));
        }
    }
    Ok(tests)
}

/// The book has the table as it is.
fn check_book(root: &Path, rows: &[String]) -> Result<(), String> {
    let text = fs::read_to_string(root.join(BOOK)).map_err(|error| format!("{BOOK}: {error}"))?;
    let missing: Vec<&str> = rows
        .iter()
        .map(String::as_str)
        .filter(|row| !text.lines().any(|line| line == *row))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("{BOOK} lacks:\n{}", missing.join("\n")))
}

fn check(subject: &Subject, prepared: &Prepared, place: Place, tier: Tier) -> Result<(), String> {
    let built = prepared.built(subject)?;
    for (index, run) in prepared.project.run.iter().enumerate() {
        check_run(subject, built, run, place, tier)
            .map_err(|error| format!("run {} ({}): {error}", index + 1, run.program))?;
    }
    Ok(())
}

fn check_run(
    subject: &Subject,
    built: &Built,
    run: &Run,
    place: Place,
    tier: Tier,
) -> Result<(), String> {
    let (status, expected) = run_for_linux(subject, built, run)?;
    let mut command = command(built, run, place, tier, None).map_err(|error| error.to_string())?;
    let output = Recorder::new(OUTPUT_LIMIT_BYTES, io::sink());
    let log = Recorder::new(LOG_LIMIT_BYTES, io::sink());
    let end = supervise(&mut command, TIMEOUT, output.clone(), log.clone())
        .map_err(|error| error.to_string())?;
    let log = String::from_utf8_lossy(&log.bytes()).into_owned();
    let End::Exited(ended) = end else {
        return Err(format!("it does not end\n{log}"));
    };
    let code = ended
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .ok_or_else(|| format!("it ended with {ended}\n{log}"))?;
    expect(
        &subject::Run::ended(code, output.bytes(), log),
        status,
        &expected,
    )
}

fn name_of(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

/// Runs the program as a user does, with this very program. `disk` is the hosted kernel's for snapshots.
///
/// # Errors
/// That nobody knows where this program is.
pub fn command(
    built: &Built,
    run: &Run,
    place: Place,
    tier: Tier,
    disk: Option<&Path>,
) -> io::Result<Command> {
    let mut command = Command::new(subject::xtask()?);
    command.args(["run", "--timeout-s", TIMEOUT_S, "--tier", tier.name()]);
    if place == Place::Hosted {
        command.arg("--hosted");
    } else {
        command.args(["--memory-mib", MEMORY_MIB]);
    }
    if let Some(disk) = disk {
        command.arg("--disk").arg(disk);
    }
    for file in &run.files {
        command.arg("--file").arg(built.input(file));
    }
    command
        .arg("--stdin")
        .arg(built.stdin(run))
        .arg(built.bareflow.join(&run.program))
        .arg("--")
        .args(&run.arguments);
    Ok(command)
}

/// Runs what clang has built for Linux, in a folder that must be empty.
///
/// # Errors
/// That a file of the run is not there.
pub fn linux_command(built: &Built, run: &Run, folder: &Path) -> Result<Command, String> {
    for file in &run.files {
        fs::copy(built.input(file), folder.join(name_of(file)))
            .map_err(|error| format!("{file}: {error}"))?;
    }
    // The name that the program sees is its last part, as in a bundle.
    let mut command = Command::new("sh");
    command
        .args(["-c", "input=$1; shift; exec \"$@\" < \"$input\"", "sh"])
        .arg(built.stdin(run))
        .arg(built.linux.join(&run.program))
        .args(&run.arguments)
        .current_dir(folder)
        .env_clear();
    Ok(command)
}

/// The status and the output of the program that clang has built for Linux.
fn run_for_linux(subject: &Subject, built: &Built, run: &Run) -> Result<(u8, Vec<u8>), String> {
    let folder = subject.fresh_path("linux");
    fs::create_dir(&folder).map_err(|error| error.to_string())?;
    let mut command = linux_command(built, run, &folder)?;
    let output = Recorder::new(OUTPUT_LIMIT_BYTES, io::sink());
    let end = supervise(&mut command, LINUX_TIMEOUT, output.clone(), io::sink())
        .map_err(|error| error.to_string())?;
    let End::Exited(status) = end else {
        return Err("on Linux it does not end".to_owned());
    };
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .ok_or_else(|| format!("on Linux it ended with {status}"))?;
    Ok((code, output.bytes()))
}

/// The folder of a project's inputs.
fn inputs(root: &Path, project: &Project) -> PathBuf {
    root.join("tests/fixtures/real").join(&project.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_stands_before_the_program() {
        let built = Built {
            linux: "linux".into(),
            bareflow: "bareflow".into(),
            inputs: "inputs".into(),
        };
        let run = Run {
            program: "a.bc".into(),
            arguments: vec!["x".into()],
            files: Vec::new(),
            stdin: None,
        };
        let disk = Some(Path::new("d.img"));
        let command = command(&built, &run, Place::Hosted, Tier::Auto, disk).unwrap();
        let arguments: Vec<_> = command.get_args().collect();
        let position = |word: &str| arguments.iter().position(|argument| *argument == word);
        assert_eq!(arguments[0], "run");
        assert_eq!(position("d.img"), position("--disk").map(|place| place + 1));
        assert!(position("d.img") < position("bareflow/a.bc"));
        assert_eq!(
            arguments[arguments.len() - 3..],
            ["bareflow/a.bc", "--", "x"]
        );
    }
}
