//! `cargo xtask bench real`: whole runs of real programs, as users run them, against the same source built for Linux.

mod exported;
mod native;
mod own;
pub mod study;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use self::own::Own;
use super::cpu_time_of;
use super::rounds::announce;
use bareflow_build::temporary::TemporaryFolder;
use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result};
use bareflow_image::program::Tier;
use bareflow_report::tables::{digits, geometric_mean, render, verdict};
use bareflow_run::say;
use bareflow_tests::Place;
use bareflow_tests::real::build::{self, Built};
use bareflow_tests::real::table::{self, Project, Run};
use bareflow_tests::real::{command, linux_command};

/// What is measured unless others are named.
const PROJECTS: [&str; 6] = ["lua", "sqlite", "zlib", "zstd", "bzip2", "quickjs"];
/// Short runs are disturbed most; the best of several counts.
const REPETITIONS: u32 = 3;
/// A run of more seconds is not repeated.
const LONG_S: f64 = 5.0;
const BOOTS: usize = 10;
/// Of a run in the automatic tiers over the better of fixed O0 and fixed O2.
const MOST_WARM_UP: f64 = 1.0;
/// A program that takes less on Linux is a short one, and one that takes more a long one.
const SHORT_S: f64 = 0.02;
const LONG_RUN_S: f64 = 10.0;
/// First and tenth boots over what clang makes for Linux.
const MOST_FIRST_SHORT: f64 = 10.0;
const MOST_FIRST_LONG: f64 = 1.5;
const MOST_TENTH_SHORT: f64 = 1.3;
/// Exported over what clang makes with link-time optimisation and a profile.
const MOST_EXPORTED: f64 = 1.03;

const HEADER: [&str; 12] = [
    "processor time of whole runs",
    "clang, s",
    "interpreter",
    "O0",
    "O2",
    "automatic",
    "one processor",
    "first boot",
    "tenth boot",
    "automatic, s",
    "the same by the wall, s",
    "over the better",
];

/// Seconds that a run took, each way. The interpreter is not asked unless it is wanted, and O0 may have other output:
/// its frames are larger, so that a program that watches its stack finds it full earlier.
#[derive(Clone, Debug)]
struct Times {
    linux: f64,
    interpreter: Option<f64>,
    o0: Option<f64>,
    o2: f64,
    automatic: f64,
    wall: f64,
    /// Bound to one processor.
    alone: f64,
    first_boot: f64,
    tenth_boot: f64,
    /// As other compilers make it; empty if they are not asked.
    natives: Vec<Option<f64>>,
}

impl Times {
    fn warm_up(&self) -> f64 {
        self.automatic / self.o0.map_or(self.o2, |o0| o0.min(self.o2))
    }

    fn row(&self, name: &str) -> Vec<String> {
        let ratio = |seconds: f64| digits(seconds / self.linux);
        let mut row = vec![
            name.to_owned(),
            format!("{:.3}", self.linux),
            self.interpreter.map_or("-".into(), ratio),
            self.o0.map_or("-".into(), ratio),
            ratio(self.o2),
            ratio(self.automatic),
            ratio(self.alone),
            ratio(self.first_boot),
            ratio(self.tenth_boot),
            format!("{:.3}", self.automatic),
            format!("{:.3}", self.wall),
            digits(self.warm_up()),
        ];
        let natives = self.natives.iter();
        row.extend(natives.map(|seconds| seconds.map_or("-".into(), ratio)));
        row
    }
}

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct Request {
    /// Names in the table of real projects, or of [`Own`] programs; none are those of [`PROJECTS`] and all that are there
    /// of the latter.
    pub projects: Vec<String>,
    /// Whether the interpreter alone is measured too.
    pub interpreter: bool,
    /// Whether other compilers are measured too.
    pub native: bool,
}

/// Where a program comes from.
#[derive(Clone)]
enum Origin {
    Project(Box<Project>),
    Own(Own),
}

/// A program in its two forms.
struct Program {
    name: String,
    origin: Origin,
    built: Built,
    runs: Vec<Run>,
    /// For more forms of one of our own.
    folder: TemporaryFolder,
}

impl Program {
    fn of(context: &Context, origin: Origin) -> Result<Self> {
        let folder = TemporaryFolder::new("real")?;
        let (name, (built, runs)) = match &origin {
            Origin::Project(project) => {
                let built = build::build(context, project).map_err(Error::build)?;
                let runs = [project.run.as_slice(), &project.bench].concat();
                (project.name.clone(), (built, runs))
            }
            Origin::Own(own) => (own.name().into(), own.build(context, folder.path())?),
        };
        Ok(Self {
            name,
            origin,
            built,
            runs,
            folder,
        })
    }
}

/// Builds programs and does something with each of their runs, which has a name; what has failed, in words.
fn for_each_run(
    context: &Context,
    wanted: Vec<Origin>,
    mut action: impl FnMut(&Program, &Run, &str) -> Result<()>,
) -> Vec<String> {
    let mut failures = Vec::new();
    for origin in wanted {
        let program = match Program::of(context, origin) {
            Ok(program) => program,
            Err(error) => {
                failures.push(error.to_string());
                continue;
            }
        };
        for (index, run) in program.runs.iter().enumerate() {
            let name = format!("{}, run {}", program.name, index + 1);
            announce(&name);
            if let Err(error) = action(&program, run, &name) {
                failures.push(format!("{name}: {error}"));
            }
        }
    }
    failures
}

/// Nothing, or all failures as one error.
fn outcome_of(failures: &[String]) -> Result<()> {
    match failures {
        [] => Ok(()),
        _ => Err(Error::build(failures.join("\n"))),
    }
}

/// Prints the figures.
///
/// # Errors
/// What kept a program from being built, or that it prints something else than on Linux.
pub fn run(context: &Context, request: &Request) -> Result<()> {
    let wanted = chosen(request)?;
    // Otherwise the first run would build it.
    context.kernel_builder().build(
        bareflow_build::kernel::KernelKind::Hosted,
        bareflow_build::kernel::LlvmExtent::Full,
    )?;
    let mut rows = Vec::new();
    let mut found = Vec::new();
    let failures = for_each_run(context, wanted, |program, run, name| {
        let times = measure(context, program, run, request)?;
        rows.push(times.row(name));
        found.push(times);
        Ok(())
    });
    let mut header = HEADER.to_vec();
    if request.native {
        header.extend(native::COLUMNS);
    }
    say!("{}", render(&header, rows));
    say!("");
    say!(
        "Columns without a unit are times of the time of what clang makes for Linux with the project's own flags."
    );
    say!("Each includes the start: of xtask, of the kernel, and of LLVM where it is needed.");
    for line in verdicts(&found) {
        say!("{line}");
    }
    outcome_of(&failures)
}

/// What was aimed at, of the worst program.
fn verdicts(found: &[Times]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut judge = |what: &str, ratios: Vec<f64>, most: f64| {
        let worst = ratios.iter().copied().fold(0.0, f64::max);
        if !ratios.is_empty() {
            let mean = digits(geometric_mean(&ratios));
            lines.push(verdict(
                what,
                &format!("{} (mean {mean})", digits(worst)),
                &format!("at most {}", digits(most)),
                worst <= most,
            ));
        }
    };
    judge(
        "automatic over the better of fixed O0 and O2, worst",
        found.iter().map(Times::warm_up).collect(),
        MOST_WARM_UP,
    );
    let over_native = |is_judged: fn(f64) -> bool, boot: fn(&Times) -> f64| {
        let judged = found.iter().filter(|times| is_judged(times.linux));
        judged.map(|times| boot(times) / times.linux).collect()
    };
    judge(
        "first boot over native, runs below 0.02 s, worst",
        over_native(|linux| linux < SHORT_S, |times| times.first_boot),
        MOST_FIRST_SHORT,
    );
    judge(
        "first boot over native, runs from 10 s on, worst",
        over_native(|linux| linux >= LONG_RUN_S, |times| times.first_boot),
        MOST_FIRST_LONG,
    );
    judge(
        "tenth boot over native, runs below 0.02 s, worst",
        over_native(|linux| linux < SHORT_S, |times| times.tenth_boot),
        MOST_TENTH_SHORT,
    );
    let exported = found
        .iter()
        .filter_map(|times| native::exported_over_best(&times.natives));
    judge(
        "exported over clang -O3 -march=native -flto with a profile, worst",
        exported.collect(),
        MOST_EXPORTED,
    );
    lines
}

/// The projects in the order of the table, and then our own.
fn chosen(request: &Request) -> Result<Vec<Origin>> {
    let known = table::read().map_err(Error::build)?.project;
    let is_wanted = |name: &str| match request.projects.as_slice() {
        [] => PROJECTS.contains(&name),
        names => names.iter().any(|other| other == name),
    };
    let is_own = |name: &str| Own::ALL.iter().any(|own| own.name() == name);
    let names = request.projects.iter();
    let mut unknown =
        names.filter(|name| !is_own(name) && !known.iter().any(|project| project.name == **name));
    if let Some(name) = unknown.next() {
        return Err(Error::build(format!("no real project is called {name}")));
    }
    let own = Own::ALL
        .into_iter()
        .filter(|own| match request.projects.is_empty() {
            true => own.is_there(),
            false => is_wanted(own.name()),
        });
    let projects = known.iter().filter(|project| is_wanted(&project.name));
    Ok(projects
        .map(|project| Origin::Project(Box::new(project.clone())))
        .chain(own.map(Origin::Own))
        .collect())
}

fn measure(context: &Context, program: &Program, run: &Run, request: &Request) -> Result<Times> {
    let built = &program.built;
    let folder = TemporaryFolder::new("bench")?;
    let place = folder.path().join("linux");
    fs::create_dir(&place)?;
    let native = || linux_command(built, run, &place).map_err(Error::build);
    let expected = output_of(native()?)?;
    let hosted = |tier: Tier| Ok(command(built, run, Place::Hosted, tier, None)?);
    let in_tier = |tier: Tier| best(&expected, || hosted(tier));
    let o0 = output_of(hosted(Tier::O0)?)?;
    let boots = boots(built, run, &expected, folder.path())?;
    let start = Instant::now();
    output_of(hosted(Tier::Auto)?)?;
    let wall = start.elapsed().as_secs_f64();
    Ok(Times {
        linux: best(&expected, native)?,
        interpreter: request
            .interpreter
            .then(|| in_tier(Tier::Interpreter))
            .transpose()?,
        o0: (o0 == expected).then(|| in_tier(Tier::O0)).transpose()?,
        o2: in_tier(Tier::O2)?,
        automatic: in_tier(Tier::Auto)?,
        wall,
        alone: best(&expected, || Ok(on_one_processor(&hosted(Tier::Auto)?)))?,
        first_boot: boots[0],
        tenth_boot: boots[BOOTS - 1],
        natives: match request.native {
            true => native::times(context, program, run, &expected).to_vec(),
            false => Vec::new(),
        },
    })
}

/// The command bound to the first processor.
fn on_one_processor(command: &Command) -> Command {
    let mut bound = Command::new("taskset");
    bound.args(["-c", "0"]).arg(command.get_program());
    bound.args(command.get_args());
    bound
}

fn boots(built: &Built, run: &Run, expected: &[u8], folder: &Path) -> Result<[f64; BOOTS]> {
    let disk = folder.join("disk.img");
    let mut seconds = [0.0; BOOTS];
    for boot in &mut seconds {
        let command = command(built, run, Place::Hosted, Tier::Auto, Some(&disk))?;
        *boot = timed(command, expected)?;
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
        return Err(Error::build(format!("other output than on Linux: {text}")));
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
            native: false,
        };
        let own = Own::ALL.into_iter().filter(|own| own.is_there()).count();
        assert_eq!(chosen(&request).unwrap().len(), PROJECTS.len() + own);
        let unknown = Request {
            projects: vec!["nothing".into()],
            ..request
        };
        assert!(chosen(&unknown).is_err());
    }

    #[test]
    fn short_and_long_runs_are_judged_by_themselves() {
        let times = |linux: f64, boots: [f64; 2]| Times {
            linux,
            interpreter: None,
            o0: None,
            o2: 1.0,
            automatic: 1.0,
            wall: 1.0,
            alone: 1.0,
            first_boot: boots[0],
            tenth_boot: boots[1],
            natives: Vec::new(),
        };
        let lines = verdicts(&[times(0.01, [0.09, 0.02]), times(1.0, [9.0, 9.0])]);
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[1].starts_with("met") && lines[1].contains("first boot"));
        assert!(lines[2].starts_with("MISSED") && lines[2].contains("tenth boot"));
        let lines = verdicts(&[times(20.0, [40.0, 20.0])]);
        assert!(lines[1].starts_with("MISSED") && lines[1].contains("from 10 s on"));
    }
}
