//! `cargo xtask bench generators --real`: the levels of all code generators on real programs, side by side, in one run;
//! what the generators besides LLVM's refuse; and which level should be the first of the automatic tiers.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use bareflow_build::temporary::TemporaryFolder;
use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result};
use bareflow_image::program::Tier;
use bareflow_report::profile::{self, Compilation, RunProfile};
use bareflow_report::tables::{digits, geometric_mean, render, verdict};
use bareflow_run::say;
use bareflow_tests::Place;
use bareflow_tests::real::build::Built;
use bareflow_tests::real::table::{self, Run};
use bareflow_tests::real::{command, linux_command};
use bareflow_tests::refusals::Refusals;
use bareflow_tier_policy::{Generator, LEVELS, Level};

use super::own::Own;
use super::{Origin, Request, chosen, cpu_time_of, for_each_run, outcome_of, output_of};

/// The automatic tiers with each of the levels that could be the first one, those of today at the front.
const POLICIES: [&str; 6] = [
    "interpreter,O0,O1,O2,O3",
    "interpreter,C0,O1,O2,O3",
    "interpreter,C0,O2,O3",
    "interpreter,C0,C1,O2,O3",
    "interpreter,MIR,O2,O3",
    "interpreter,QBE,O2,O3",
];

/// Of the functions that a generator is asked for, in percent.
const fn most_refused(generator: Generator) -> f64 {
    match generator {
        Generator::Cranelift => 2.0,
        _ => 15.0,
    }
}

/// A run with some levels.
struct Sample {
    /// Processor time of the whole process, in seconds.
    seconds: f64,
    profile: RunProfile,
}

impl Sample {
    /// Processor time without that of the compiler, in seconds.
    fn without_compiling(&self) -> f64 {
        let compiling = self.profile.compile_cycles as f64 / self.profile.cycles_per_second as f64;
        (self.seconds - compiling).max(0.0)
    }

    fn made(&self, level: Level) -> impl Iterator<Item = (&Compilation, u32)> {
        let functions = self.profile.functions.iter();
        functions.flat_map(move |function| {
            let size = function.size.map_or(0, |size| size.compiled);
            let made = function.compilations.iter();
            made.filter(move |one| one.level == level)
                .map(move |one| (one, size))
        })
    }

    /// Of compiling functions at the level, for each instruction of their IR.
    fn microseconds(&self, level: Level) -> f64 {
        let cycles: u64 = self.made(level).map(|(one, _)| one.cycles).sum();
        let instructions: u32 = self.made(level).map(|(_, size)| size).sum();
        let seconds = cycles as f64 / self.profile.cycles_per_second as f64;
        seconds * 1e6 / f64::from(instructions.max(1))
    }

    fn code_bytes(&self, level: Level) -> f64 {
        self.made(level).map(|(one, _)| one.code_bytes as f64).sum()
    }
}

/// All that was measured of a run of a program.
struct Study {
    name: String,
    /// Processor time of what clang has made, in seconds.
    linux: f64,
    levels: Vec<Sample>,
    policies: Vec<Sample>,
}

/// Runs them at each level, and prints what it takes and what was refused; of all runs together, functions count once for
/// each.
///
/// # Errors
/// What kept a program from being built, or that it prints something else than on Linux.
pub fn run(context: &Context, projects: Vec<String>) -> Result<()> {
    let request = Request {
        projects,
        interpreter: false,
        native: false,
    };
    let mut studies = Vec::new();
    let failures = for_each_run(context, wanted(&request)?, |program, run, name| {
        studies.push(study(&program.built, run, name)?);
        Ok(())
    });
    if !studies.is_empty() {
        print(&studies);
        print_refusals(&studies);
        print_policies(&studies);
    }
    outcome_of(&failures)
}

fn study(built: &Built, run: &Run, name: &str) -> Result<Study> {
    let folder = TemporaryFolder::new("study")?;
    let place = folder.path().join("linux");
    fs::create_dir(&place)?;
    let mut expected = Vec::new();
    let linux = cpu_time_of(|| -> Result<()> {
        expected = output_of(linux_command(built, run, &place).map_err(Error::build)?)?;
        Ok(())
    })?;
    let path = folder.path().join("profile.json");
    let sample = |levels: &str| {
        let command = command(built, run, Place::Hosted, Tier::Auto, None)?;
        let mut output = Vec::new();
        let time = cpu_time_of(|| -> Result<()> {
            output = output_of(with_profile(&command, levels, &path))?;
            Ok(())
        })?;
        if output != expected {
            return Err(Error::build(format!(
                "{levels}: other output than on Linux"
            )));
        }
        let profile =
            profile::parse(&fs::read(&path)?).map_err(|error| Error::build(error.to_string()))?;
        Ok(Sample {
            seconds: time.as_secs_f64(),
            profile,
        })
    };
    Ok(Study {
        name: name.to_owned(),
        linux: linux.as_secs_f64(),
        levels: LEVELS
            .into_iter()
            .map(|level| sample(level.name()))
            .collect::<Result<_>>()?,
        policies: POLICIES.into_iter().map(sample).collect::<Result<_>>()?,
    })
}

fn print(studies: &[Study]) {
    type Figure = fn(&Study, Level) -> f64;
    fn sample(study: &Study, level: Level) -> &Sample {
        &study.levels[level.index()]
    }
    let figures: [(&str, Figure); 5] = [
        (
            "Processor time of the whole run at one level alone, over clang",
            |study, level| sample(study, level).seconds / study.linux,
        ),
        (
            "The same without the time of the compiler",
            |study, level| sample(study, level).without_compiling() / study.linux,
        ),
        (
            "Microseconds of compiling for each instruction of IR",
            |study, level| sample(study, level).microseconds(level),
        ),
        ("Bytes of code, over those of O2", |study, level| {
            let of_o2 = sample(study, Level::O2).code_bytes(Level::O2);
            sample(study, level).code_bytes(level) / of_o2
        }),
        (
            "Memory of the compiler with its code, the heap left out, in MiB",
            |study, level| {
                let memory = &sample(study, level).profile.memory;
                (memory.compiler_bytes + memory.pool_bytes) as f64 / f64::from(1 << 20)
            },
        ),
    ];
    for (title, figure) in figures {
        let rows = LEVELS.map(|level| {
            let numbers = studies.iter().map(|study| figure(study, level));
            (level.name(), numbers.collect())
        });
        table(title, "level", studies, &rows);
    }
}

/// A row for each way, a column for each run.
fn table(title: &str, ways: &str, studies: &[Study], rows: &[(&str, Vec<f64>)]) {
    say!("\n{title}");
    let names = studies.iter().map(|study| study.name.as_str());
    let header: Vec<&str> = std::iter::once(ways)
        .chain(names)
        .chain(["geom. mean"])
        .collect();
    let rows = rows.iter().map(|(name, numbers)| {
        let mut cells = vec![(*name).to_owned()];
        cells.extend(numbers.iter().map(|number| digits(*number)));
        cells.push(digits(geometric_mean(numbers)));
        cells
    });
    say!("{}", render(&header, rows.collect()));
}

fn print_refusals(studies: &[Study]) {
    let mut all: BTreeMap<Level, Refusals> = BTreeMap::new();
    let mut rows = Vec::new();
    let refusing = LEVELS.into_iter().filter(|level| level.can().may_refuse);
    for level in refusing {
        for study in studies {
            let mut found = Refusals::default();
            found.add(level, &study.levels[level.index()].profile);
            rows.push(vec![
                study.name.clone(),
                level.name().into(),
                found.asked().to_string(),
                found.refused().to_string(),
                format!("{:.1}", found.percent()),
            ]);
            all.entry(level).or_default().add_all(&found);
        }
    }
    say!("");
    let header = ["program", "level", "functions", "refused", "percent"];
    say!("{}", render(&header, rows));
    for (level, refusals) in &all {
        say!("\n{}: {refusals}", level.name());
        let most = most_refused(level.row().generator);
        let percent = refusals.percent();
        say!(
            "{}",
            verdict(
                &format!("functions that {} refuses, in percent", level.name()),
                &format!("{percent:.1}"),
                &format!("at most {most}"),
                refusals.asked() > 0 && percent <= most,
            )
        );
    }
}

/// Whole runs, as users wait for them: who has the least time on average should be the policy.
fn print_policies(studies: &[Study]) {
    let rows: Vec<(&str, Vec<f64>)> = POLICIES
        .into_iter()
        .enumerate()
        .map(|(index, policy)| {
            let over_first = |study: &Study| {
                let seconds = |index: usize| study.policies[index].seconds;
                seconds(index) / seconds(0)
            };
            (policy, studies.iter().map(over_first).collect())
        })
        .collect();
    table(
        "Processor time of the whole run in the automatic tiers, over those of today",
        "levels",
        studies,
        &rows,
    );
    let means = rows
        .iter()
        .map(|(name, numbers)| (*name, geometric_mean(numbers)));
    let best = means.min_by(|(_, left), (_, right)| left.total_cmp(right));
    if let Some((name, mean)) = best {
        say!("the least, as a geometric mean: {name}, {}", digits(mean));
    }
}

/// All of the table and of our own, unless some are named.
fn wanted(request: &Request) -> Result<Vec<Origin>> {
    if !request.projects.is_empty() {
        return chosen(request);
    }
    let projects = table::read().map_err(Error::build)?.project;
    let projects = projects.into_iter().map(Box::new).map(Origin::Project);
    let own = Own::ALL.into_iter().filter(|own| own.is_there());
    Ok(projects.chain(own.map(Origin::Own)).collect())
}

/// The command, with options behind the name of its subcommand: only automatic tiers have a profile, here of these levels.
fn with_profile(command: &Command, levels: &str, path: &Path) -> Command {
    let mut words = command.get_args();
    let mut profiled = Command::new(command.get_program());
    profiled.args(words.next()).arg("--profile").arg(path);
    profiled.args(["--levels", levels]);
    profiled.args(words);
    profiled
}
