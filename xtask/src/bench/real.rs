//! `cargo xtask bench real`: whole runs of real programs, as users run them, against the same source built for Linux.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::cpu_time_of;
use super::rounds::announce;
use super::tables::{digits, geometric_mean, render, verdict};
use crate::e2e::Place;
use crate::e2e::real::build::{self, Built};
use crate::e2e::real::table::{self, Project, Run};
use crate::e2e::real::{command, linux_command};
use crate::error::{Error, Result};
use crate::program::Tier;
use crate::temporary::TemporaryFolder;
use crate::workbench::Workbench;

/// What is measured unless others are named.
const PROJECTS: [&str; 6] = ["lua", "sqlite", "zlib", "zstd", "bzip2", "quickjs"];
/// Short runs are disturbed most; the best of several counts.
const REPETITIONS: u32 = 3;
/// A run of more seconds is not repeated.
const LONG_S: f64 = 5.0;
const BOOTS: u32 = 10;
/// Of a run in the automatic tiers over the better of fixed O0 and fixed O2.
const MOST_WARM_UP: f64 = 1.0;

const HEADER: [&str; 9] = [
    "processor time of whole runs",
    "clang, s",
    "interpreter",
    "O0",
    "O2",
    "automatic",
    "tenth boot",
    "automatic, s",
    "over the better",
];

/// Seconds that a run took, each way. The interpreter is not asked unless it is wanted, and O0 may have other output:
/// its frames are larger, so that a program that watches its stack finds it full earlier.
#[derive(Clone, Copy, Debug)]
struct Times {
    linux: f64,
    interpreter: Option<f64>,
    o0: Option<f64>,
    o2: f64,
    automatic: f64,
    tenth_boot: f64,
}

impl Times {
    fn warm_up(&self) -> f64 {
        self.automatic / self.o0.map_or(self.o2, |o0| o0.min(self.o2))
    }

    fn row(&self, name: &str) -> Vec<String> {
        let ratio = |seconds: f64| digits(seconds / self.linux);
        vec![
            name.to_owned(),
            format!("{:.3}", self.linux),
            self.interpreter.map_or("-".into(), ratio),
            self.o0.map_or("-".into(), ratio),
            ratio(self.o2),
            ratio(self.automatic),
            ratio(self.tenth_boot),
            format!("{:.3}", self.automatic),
            digits(self.warm_up()),
        ]
    }
}

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct Request {
    /// Names in the table of real projects; none are those of [`PROJECTS`].
    pub projects: Vec<String>,
    /// Whether the interpreter alone is measured too.
    pub interpreter: bool,
}

/// Prints the figures.
///
/// # Errors
/// What kept a program from being built, or that it prints something else than on Linux.
pub fn run(bench: &Workbench, request: &Request) -> Result<()> {
    let projects = chosen(request)?;
    // Otherwise the first run would build it.
    bench.kernel_builder().build(
        crate::kernel::KernelKind::Hosted,
        crate::kernel::LlvmExtent::Full,
    )?;
    let mut rows = Vec::new();
    let mut ratios = Vec::new();
    let mut failures = Vec::new();
    for project in &projects {
        let built = build::build(bench, project).map_err(Error::Build)?;
        for (index, run) in project.run.iter().enumerate() {
            let name = format!("{}, run {}", project.name, index + 1);
            announce(&name);
            match measure(&built, run, request.interpreter) {
                Ok(times) => {
                    ratios.push(times.warm_up());
                    rows.push(times.row(&name));
                }
                Err(error) => failures.push(format!("{name}: {error}")),
            }
        }
    }
    say!("{}", render(&HEADER, rows));
    say!("");
    say!(
        "Columns without a unit are times of the time of what clang makes for Linux with the project's own flags."
    );
    say!("Each includes the start: of xtask, of the kernel, and of LLVM where it is needed.");
    let worst = ratios.iter().copied().fold(0.0, f64::max);
    say!(
        "{}",
        verdict(
            "automatic over the better of fixed O0 and O2, worst",
            &format!(
                "{} (mean {})",
                digits(worst),
                digits(geometric_mean(&ratios))
            ),
            &format!("at most {}", digits(MOST_WARM_UP)),
            worst <= MOST_WARM_UP,
        )
    );
    if failures.is_empty() {
        Ok(())
    } else {
        Err(Error::Build(failures.join("\n")))
    }
}

fn chosen(request: &Request) -> Result<Vec<Project>> {
    let mut known = table::read().map_err(Error::Build)?.project;
    let wanted: Vec<&str> = match request.projects.as_slice() {
        [] => PROJECTS.to_vec(),
        names => names.iter().map(String::as_str).collect(),
    };
    for name in &wanted {
        if !known.iter().any(|project| project.name == *name) {
            return Err(Error::Build(format!("no real project is called {name}")));
        }
    }
    known.retain(|project| wanted.contains(&project.name.as_str()));
    Ok(known)
}

fn measure(built: &Built, run: &Run, with_interpreter: bool) -> Result<Times> {
    let folder = TemporaryFolder::new("bench")?;
    let place = folder.path().join("linux");
    fs::create_dir(&place)?;
    let native = || linux_command(built, run, &place).map_err(Error::Build);
    let expected = output_of(native()?)?;
    let hosted = |tier: Tier| Ok(command(built, run, Place::Hosted, tier, None)?);
    let in_tier = |tier: Tier| best(&expected, || hosted(tier));
    let o0 = output_of(hosted(Tier::O0)?)?;
    Ok(Times {
        linux: best(&expected, native)?,
        interpreter: with_interpreter
            .then(|| in_tier(Tier::Interpreter))
            .transpose()?,
        o0: (o0 == expected).then(|| in_tier(Tier::O0)).transpose()?,
        o2: in_tier(Tier::O2)?,
        automatic: in_tier(Tier::Auto)?,
        tenth_boot: last_boot(built, run, &expected, folder.path())?,
    })
}

fn last_boot(built: &Built, run: &Run, expected: &[u8], folder: &Path) -> Result<f64> {
    let disk = folder.join("disk.img");
    let mut seconds = 0.0;
    for _ in 0..BOOTS {
        let command = command(built, run, Place::Hosted, Tier::Auto, Some(&disk))?;
        seconds = timed(command, expected)?;
    }
    Ok(seconds)
}

fn best(expected: &[u8], make: impl Fn() -> Result<Command>) -> Result<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..REPETITIONS {
        best = best.min(timed(make()?, expected)?);
        if best > LONG_S {
            break;
        }
    }
    Ok(best)
}

fn timed(command: Command, expected: &[u8]) -> Result<f64> {
    let text = format!("{command:?}");
    let mut output = Vec::new();
    let time = cpu_time_of(|| -> Result<()> {
        output = output_of(command)?;
        Ok(())
    })?;
    if output != expected {
        return Err(Error::Build(format!("other output than on Linux: {text}")));
    }
    Ok(time.as_secs_f64())
}

fn output_of(mut command: Command) -> Result<Vec<u8>> {
    Ok(command.stderr(Stdio::null()).output()?.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_by_default_is_in_the_table() {
        let request = Request {
            projects: Vec::new(),
            interpreter: false,
        };
        assert_eq!(chosen(&request).unwrap().len(), PROJECTS.len());
        let unknown = Request {
            projects: vec!["nothing".into()],
            ..request
        };
        assert!(chosen(&unknown).is_err());
    }
}
