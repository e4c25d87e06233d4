//! A program and its disk, booted again and again.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use bareflow_profile::Boot;
use bareflow_tier_policy::Tier as UnitTier;

use super::disk::{DataDisk, SIZE_MIB};
use crate::examples::build_for_linux;
use crate::matrix::expect;
use crate::subject::{Run, Subject};
use bareflow_image::program::{Program, Tier, TierOptions};
use bareflow_report::profile::{Function, RunProfile};

const NOTE: &str = "bareflow: note: ";

/// A program with what it prints.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// For the kernel.
    pub program: Program,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What it prints, in every boot.
    pub expected: Vec<u8>,
    /// Its exit status, in every boot.
    pub status: u8,
}

impl Remembered {
    /// A program in C that does what it does on Linux.
    ///
    /// # Errors
    /// That it does not compile, or ends with another status than 0 there.
    pub fn build(subject: &Subject, source: &str) -> Result<Self, String> {
        let sources = [source_file(subject, source)?];
        let executable = subject.fresh_path("remembered");
        build_for_linux(&subject.context.tools.program_clang, &sources, &executable)?;
        let output = Command::new(&executable)
            .output()
            .map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(format!("on Linux it ended with {}", output.status));
        }
        Self::of_sources(subject, &sources, output.stdout, 0)
    }

    /// A program in C that asks for snapshots itself, as none on Linux can.
    ///
    /// # Errors
    /// That it does not compile.
    pub fn expecting(
        subject: &Subject,
        source: &str,
        output: &str,
        status: u8,
    ) -> Result<Self, String> {
        let sources = [source_file(subject, source)?];
        Self::of_sources(subject, &sources, output.into(), status)
    }

    /// A program with what it prints.
    ///
    /// # Errors
    /// That it does not compile.
    pub fn of_sources(
        subject: &Subject,
        sources: &[PathBuf],
        expected: Vec<u8>,
        status: u8,
    ) -> Result<Self, String> {
        Ok(Self {
            program: Program::build(sources, &subject.compiler)
                .map_err(|error| error.to_string())?,
            arguments: Vec::new(),
            expected,
            status,
        })
    }
}

fn source_file(subject: &Subject, source: &str) -> Result<PathBuf, String> {
    let path = subject.fresh_path("remembered.c");
    fs::write(&path, source).map_err(|error| error.to_string())?;
    Ok(path)
}

/// Where and how a program is booted.
#[derive(Debug)]
pub struct Machine<'a> {
    subject: &'a Subject,
    /// The disk, which stays.
    pub disk: DataDisk,
    /// Settings of the tiers, the secret and the wish for a snapshot.
    pub options: TierOptions,
    /// The kernel.
    pub kernel: PathBuf,
}

impl<'a> Machine<'a> {
    /// With an empty disk.
    ///
    /// # Errors
    /// That there is no kernel, or no disk.
    pub fn new(subject: &'a Subject, settings: &[&str]) -> Result<Self, String> {
        Self::with_disk(subject, settings, DataDisk::new(subject, SIZE_MIB)?)
    }

    /// With a disk.
    ///
    /// # Errors
    /// That there is no kernel.
    pub fn with_disk(
        subject: &'a Subject,
        settings: &[&str],
        disk: DataDisk,
    ) -> Result<Self, String> {
        Ok(Self {
            subject,
            disk,
            options: TierOptions {
                // These programs are short, and a share of their time would leave nothing to settle in.
                settings: ["settle-percent=-"]
                    .iter()
                    .chain(settings)
                    .copied()
                    .map(str::to_owned)
                    .collect(),
                profile: true,
                ..TierOptions::default()
            },
            kernel: subject.hosted_kernel()?,
        })
    }

    /// Boots once; the boot must end as the program does.
    ///
    /// # Errors
    /// How it ended instead.
    pub fn boot(&self, program: &Remembered) -> Result<Booted, String> {
        let run = self.run(program)?;
        expect(&run, program.status, &program.expected)?;
        Booted::new(run)
    }

    /// Boots once, whatever comes of it.
    ///
    /// # Errors
    /// What kept it from being started.
    pub fn run(&self, program: &Remembered) -> Result<Run, String> {
        let bundle = program
            .program
            .bundle_with(&program.arguments, Tier::Auto, &self.options);
        self.subject
            .run_executable(self.kernel.clone(), &bundle, Some(self.disk.path()))
    }

    /// As [`Machine::boot`], with a snapshot at the end.
    ///
    /// # Errors
    /// How it ended instead, or that there is no snapshot.
    pub fn boot_and_save(&mut self, program: &Remembered) -> Result<Booted, String> {
        self.options.snapshot = true;
        let booted = self.boot(program);
        self.options.snapshot = false;
        let booted = booted?;
        match booted.boot.saved {
            Some(_) => Ok(booted),
            None => Err(format!("nothing was saved\n{}", booted.run.describe())),
        }
    }
}

/// A boot that ended as it should.
#[derive(Debug)]
pub struct Booted {
    /// All that is known of it.
    pub run: Run,
    /// Its part of the profile.
    pub boot: Boot,
    profile: RunProfile,
}

impl Booted {
    fn new(run: Run) -> Result<Self, String> {
        let profile = run.profile.clone();
        let profile = profile.ok_or_else(|| format!("there is no profile\n{}", run.describe()))?;
        let boot = profile
            .boot
            .ok_or_else(|| format!("the volume was not used\n{}", run.describe()))?;
        Ok(Self { run, boot, profile })
    }

    /// What the kernel said beside.
    pub fn notes(&self) -> Vec<&str> {
        notes(&self.run)
    }

    /// Exactly this must have been said.
    ///
    /// # Errors
    /// What was said instead.
    pub fn expect_notes(&self, expected: &[&str]) -> Result<(), String> {
        expect_notes(&self.run, expected)
    }

    /// It must have run from this snapshot and have needed no compiler.
    ///
    /// # Errors
    /// What it did instead.
    pub fn expect_restored(&self, snapshot: u64) -> Result<(), String> {
        let compilations = self.compilation_count();
        if self.boot.snapshot == Some(snapshot)
            && compilations == 0
            && self.profile.compile_cycles == 0
        {
            return Ok(());
        }
        Err(format!(
            "expected a boot from snapshot {snapshot} without compilations; it was from {:?} with {compilations}, \
             in {} cycles\n{}",
            self.boot.snapshot,
            self.profile.compile_cycles,
            self.run.describe()
        ))
    }

    /// How many functions and loops were compiled.
    pub fn compilation_count(&self) -> usize {
        let functions = self.profile.functions.iter();
        functions
            .map(|function| {
                let loops = function.loops.iter().map(|part| part.compilations.len());
                function.compilations.len() + loops.sum::<usize>()
            })
            .sum()
    }

    /// Whether it has left the volume as it was.
    pub fn has_learnt_nothing(&self) -> bool {
        self.notes()
            .iter()
            .any(|note| note.ends_with(", nothing new"))
    }

    /// The boot after `earlier` must have counted on, and have lost no tier.
    ///
    /// # Errors
    /// What has gone down.
    pub fn expect_more_than(&self, earlier: &Self) -> Result<(), String> {
        // Who learns nothing is not counted.
        let counted = u64::from(!earlier.has_learnt_nothing());
        if self.boot.number != earlier.boot.number + counted {
            return Err(format!(
                "boot {} comes after boot {}",
                self.boot.number, earlier.boot.number
            ));
        }
        let before = figures(&earlier.profile);
        for (name, (count, tier)) in figures(&self.profile) {
            let (count_before, tier_before) = before
                .get(&name)
                .ok_or_else(|| format!("{name} was not there before"))?;
            if count < *count_before || tier < *tier_before {
                return Err(format!(
                    "in boot {}, {name} is at {} after {count} calls; before, it was at {} after {count_before}",
                    self.boot.number,
                    tier.name(),
                    tier_before.name(),
                ));
            }
        }
        Ok(())
    }

    /// A function.
    ///
    /// # Errors
    /// That the program has none of this name.
    pub fn function(&self, name: &str) -> Result<&Function, String> {
        let mut functions = self.profile.functions.iter();
        functions
            .find(|function| function.name == name)
            .ok_or_else(|| format!("the profile has no function {name}"))
    }
}

/// Calls and tier of every function, and the iterations of every loop.
fn figures(profile: &RunProfile) -> BTreeMap<String, (u64, UnitTier)> {
    let mut figures = BTreeMap::new();
    for function in &profile.functions {
        figures.insert(function.name.clone(), (function.calls, function.tier));
        for part in &function.loops {
            let name = format!("{} in {}", part.name, function.name);
            figures.insert(name, (part.iterations, UnitTier::Interpreter));
        }
    }
    figures
}

/// What the kernel said beside the program's output and errors.
pub fn notes(run: &Run) -> Vec<&str> {
    let lines = run.log.lines();
    lines.filter_map(|line| line.strip_prefix(NOTE)).collect()
}

/// Exactly this must have been said.
///
/// # Errors
/// What was said instead.
pub fn expect_notes(run: &Run, expected: &[&str]) -> Result<(), String> {
    let found = notes(run);
    if found == expected {
        return Ok(());
    }
    Err(format!(
        "expected these notes:\n  {}\nfound:\n  {}",
        expected.join("\n  "),
        found.join("\n  ")
    ))
}
