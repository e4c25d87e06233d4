//! Programs of the tests' own, run with settings of the tiers, against what clang for Linux makes of them.

use std::fs;
use std::process::Command;

use super::examples;
use super::subject::{Conditions, Place, Run, Subject};
use bareflow_image::program::{Program, Tier, TierOptions};
use bareflow_report::profile::RunProfile;

/// C text of the function `fN`, with N = `index`, whose loop runs so many times.
pub fn function_with_loop(index: usize, iterations: usize) -> String {
    format!(
        "static unsigned f{index}(unsigned x) {{\n  \
           unsigned sum = {index};\n  \
           for (unsigned i = 0; i < {iterations}; ++i)\n    \
             sum = sum * 31 + (x ^ i) % {};\n  \
           return sum;\n}}\n",
        index + 3
    )
}

/// A program, and what it prints.
pub struct Generated {
    program: Program,
    expected: Vec<u8>,
}

impl Generated {
    /// Of C source text.
    ///
    /// # Errors
    /// What keeps it from being compiled, or from running on Linux.
    pub fn build(subject: &Subject, source: &str) -> Result<Self, String> {
        let path = subject.fresh_path("generated.c");
        fs::write(&path, source).map_err(|error| error.to_string())?;
        let sources = [path];
        let executable = subject.fresh_path("generated");
        // Huge functions take minutes to optimise.
        let clang = &subject.context.tools.program_clang;
        examples::build_for_linux_with(&["-O0"], clang, &sources, &executable)?;
        let output = Command::new(&executable)
            .output()
            .map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(format!("on Linux it ended with {}", output.status));
        }
        Ok(Self {
            program: Program::build(&sources, &subject.compiler)
                .map_err(|error| error.to_string())?,
            expected: output.stdout,
        })
    }

    /// Runs it with settings, which need not be right, and with a profile.
    ///
    /// # Errors
    /// What kept it from being started.
    pub fn run(&self, subject: &Subject, place: Place, settings: &[&str]) -> Result<Run, String> {
        subject.run(place, &self.bundle(settings), Conditions::default())
    }

    /// Its bundle, with settings and with a profile.
    pub fn bundle(&self, settings: &[&str]) -> Vec<u8> {
        let options = TierOptions {
            settings: settings.iter().copied().map(str::to_owned).collect(),
            profile: true,
            ..TierOptions::default()
        };
        self.program.bundle_with(&[], Tier::Auto, &options)
    }

    /// What it prints.
    pub fn expected(&self) -> &[u8] {
        &self.expected
    }

    /// The run's profile, if it ended as it should.
    ///
    /// # Errors
    /// How it ended instead.
    pub fn examine<'a>(&self, run: &'a Run) -> Result<&'a RunProfile, String> {
        let difference = examples::difference(&self.expected, &run.output);
        match &run.profile {
            Some(profile) if run.ending.code == 0 && difference.is_none() => Ok(profile),
            _ => Err(format!(
                "{}\n{}",
                difference.unwrap_or_default(),
                run.describe()
            )),
        }
    }
}
