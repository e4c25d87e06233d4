//! `cargo xtask bench generators --real`: what the code generators besides LLVM's refuse of real programs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use bareflow_build::temporary::TemporaryFolder;
use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result};
use bareflow_image::program::Tier;
use bareflow_report::profile;
use bareflow_report::tables::{render, verdict};
use bareflow_run::say;
use bareflow_tests::Place;
use bareflow_tests::real::build::Built;
use bareflow_tests::real::table::{self, Run};
use bareflow_tests::real::{command, linux_command};
use bareflow_tests::refusals::{Refusals, refusing_levels};
use bareflow_tier_policy::{Generator, Level};

use super::own::Own;
use super::{Origin, Program, Request, announce, chosen, output_of};

/// Of the functions that a generator is asked for, in percent.
const fn most_refused(generator: Generator) -> f64 {
    match generator {
        Generator::Cranelift => 2.0,
        _ => 15.0,
    }
}

/// Runs them at each level, and prints what was refused; of all runs together, functions count once for each.
///
/// # Errors
/// What kept a program from being built, or that it prints something else than on Linux.
pub fn run(context: &Context, projects: Vec<String>) -> Result<()> {
    let request = Request {
        projects,
        interpreter: false,
        native: false,
    };
    let mut failures = Vec::new();
    let mut rows = Vec::new();
    let mut all: BTreeMap<Level, Refusals> = BTreeMap::new();
    for origin in wanted(&request)? {
        let program = match Program::of(context, origin) {
            Ok(program) => program,
            Err(error) => {
                failures.push(error.to_string());
                continue;
            }
        };
        announce(&program.name);
        for level in refusing_levels() {
            let mut found = Refusals::default();
            for (index, run) in program.runs.iter().enumerate() {
                match refusals_of(&program.built, run, level) {
                    Ok(refusals) => found.add_all(&refusals),
                    Err(error) => {
                        let (name, level) = (&program.name, level.name());
                        failures.push(format!("{name}, run {}, {level}: {error}", index + 1));
                    }
                }
            }
            rows.push(vec![
                program.name.clone(),
                level.name().into(),
                found.asked().to_string(),
                found.refused().to_string(),
                format!("{:.1}", found.percent()),
            ]);
            all.entry(level).or_default().add_all(&found);
        }
    }
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
    match failures.is_empty() {
        true => Ok(()),
        false => Err(Error::build(failures.join("\n"))),
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

fn refusals_of(built: &Built, run: &Run, level: Level) -> Result<Refusals> {
    let folder = TemporaryFolder::new("refusals")?;
    let place = folder.path().join("linux");
    fs::create_dir(&place)?;
    let expected = output_of(linux_command(built, run, &place).map_err(Error::build)?)?;
    let path = folder.path().join("profile.json");
    let command = command(built, run, Place::Hosted, Tier::Auto, None)?;
    if output_of(with_profile(&command, level, &path))? != expected {
        return Err(Error::build("other output than on Linux"));
    }
    let profile =
        profile::parse(&fs::read(&path)?).map_err(|error| Error::build(error.to_string()))?;
    let mut refusals = Refusals::default();
    refusals.add(level, &profile);
    Ok(refusals)
}

/// The command, with options behind the name of its subcommand: only automatic tiers have a profile, here of one level.
fn with_profile(command: &Command, level: Level, path: &Path) -> Command {
    let mut words = command.get_args();
    let mut profiled = Command::new(command.get_program());
    profiled.args(words.next()).arg("--profile").arg(path);
    profiled.args(["--levels", level.name()]);
    profiled.args(words);
    profiled
}
