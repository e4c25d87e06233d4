//! Programs that do the same work in rounds and say how long each round took (`programs/rounds.h`).
//!
//! The best round is what the code can do: a round is short, so that of many some are not disturbed by
//! whatever else the host does. The same source runs everywhere, and a round is the same work everywhere.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::ahead_of_time::{self, Optimisation};
use super::cpu_time_of;
use super::hosted::{Hosted, Run, Setup};
use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result};
use bareflow_image::program::Program;

/// Their folder.
const FOLDER: &str = "bench/programs";
/// Names of files in it, without the extension.
pub const NAMES: [&str; 8] = [
    "fib",
    "matmul",
    "sieve",
    "sha256",
    "nbody",
    "spectral_norm",
    "mandelbrot",
    "binary_trees",
];

/// A round is as fast as the steady state if it takes at most so much more.
const STEADY: f64 = 1.05;

/// When a program stops: whichever comes first.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Rounds.
    pub rounds: u32,
    /// Milliseconds.
    pub ms: u32,
}

impl Limits {
    /// As many rounds as fit.
    pub const fn ms(ms: u32) -> Self {
        Self {
            rounds: u32::MAX,
            ms,
        }
    }

    /// The program's arguments.
    pub fn arguments(self) -> [String; 2] {
        [self.rounds.to_string(), self.ms.to_string()]
    }
}

/// What a program has printed.
#[derive(Clone, Debug, PartialEq)]
pub struct Rounds {
    cycles_per_second: f64,
    cycles: Vec<f64>,
}

impl Rounds {
    /// Reads a program's output.
    ///
    /// # Errors
    /// That it is something else.
    pub fn parse(output: &[u8]) -> Result<Self> {
        let text = String::from_utf8_lossy(output);
        let mut numbers = text.lines().map(|line| line.trim().parse::<f64>());
        let parsed = (|| {
            let cycles_per_second = numbers.next()?.ok()?;
            let cycles: Vec<f64> = numbers.collect::<std::result::Result<_, _>>().ok()?;
            Some(Self {
                cycles_per_second,
                cycles,
            })
        })();
        parsed.ok_or_else(|| Error::build("a program's output is not a list of rounds"))
    }

    /// Cycles of a round in the steady state: the best of the later half.
    pub fn steady_cycles(&self) -> f64 {
        let later = &self.cycles[self.cycles.len() / 2..];
        later.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// Seconds of such a round.
    pub fn steady_s(&self) -> f64 {
        self.steady_cycles() / self.cycles_per_second
    }

    /// Seconds of a round in the best stretch of the later half that is at least `stretch_s` long: with
    /// what happens only now and then.
    pub fn stretch_s(&self, stretch_s: f64) -> f64 {
        let later = &self.cycles[self.cycles.len() / 2..];
        let least = stretch_s * self.cycles_per_second;
        let count = (least / self.steady_cycles()).ceil().max(1.0) as usize;
        let best = later
            .windows(count.min(later.len()).max(1))
            .map(|stretch| stretch.iter().sum::<f64>() / stretch.len() as f64)
            .fold(f64::INFINITY, f64::min);
        best / self.cycles_per_second
    }

    /// Seconds before the first round of the steady state.
    pub fn unsteady_s(&self) -> f64 {
        let limit = self.steady_cycles() * STEADY;
        let before = self.cycles.iter().take_while(|cycles| **cycles > limit);
        before.sum::<f64>() / self.cycles_per_second
    }
}

/// A program, compiled for the kernels, with what its runs leave behind.
#[derive(Debug)]
pub struct RoundsProgram<'a> {
    /// For the kernels.
    pub program: Program,
    source: PathBuf,
    context: &'a Context,
    folder: &'a Path,
}

impl<'a> RoundsProgram<'a> {
    /// Compiles the program; its temporary files go to `folder`.
    ///
    /// # Errors
    /// That it does not compile.
    pub fn build(name: &str, context: &'a Context, folder: &'a Path) -> Result<Self> {
        let source = context.root.join(FOLDER).join(format!("{name}.c"));
        let program = Program::build(std::slice::from_ref(&source), &context.program_compiler())?;
        Ok(Self {
            program,
            source,
            context,
            folder,
        })
    }

    /// Compiles it for Linux.
    ///
    /// # Errors
    /// That it does not compile.
    pub fn build_for_linux(&self, optimisation: Optimisation) -> Result<ahead_of_time::Executable> {
        ahead_of_time::build(self.context, &self.source, optimisation, self.folder)
    }

    /// As compiled for Linux by `clang -O2`, in the form of a program for the kernels.
    ///
    /// # Errors
    /// That it does not compile.
    pub fn embedded(&self) -> Result<Program> {
        ahead_of_time::embed(self.context, &self.source, self.folder)
    }

    /// Runs it in the hosted kernel; what it has printed is in the first of the two.
    ///
    /// # Errors
    /// That the run failed.
    pub fn run_hosted(
        &self,
        hosted: &Hosted,
        setup: &Setup,
        limits: Limits,
    ) -> Result<(Rounds, Run)> {
        let run = hosted.run(&self.program, setup, &limits.arguments())?;
        Ok((Rounds::parse(&run.output)?, run))
    }

    /// Runs it on Linux.
    ///
    /// # Errors
    /// That the run failed.
    pub fn run_on_linux(&self, executable: &Path, limits: Limits) -> Result<(Rounds, Duration)> {
        let mut output = None;
        let time = cpu_time_of(|| -> Result<()> {
            let done = Command::new(executable)
                .args(limits.arguments())
                .stderr(Stdio::null())
                .output()?;
            if done.status.success() {
                output = Some(done.stdout);
            }
            Ok(())
        })?;
        let output = output
            .ok_or_else(|| Error::build(format!("{} failed on Linux", executable.display())))?;
        Ok((Rounds::parse(&output)?, time))
    }
}

/// Tells how far a benchmark is, on the error stream.
pub fn announce(text: &str) {
    // Nobody is there to be told when it fails.
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steady_state_is_the_best_of_the_later_half() {
        let rounds = Rounds::parse(b"1000\n500\n9\n104\n106\n100\n103\n").unwrap();
        assert!((rounds.steady_cycles() - 100.0).abs() < 1e-9);
        assert!((rounds.steady_s() - 0.1).abs() < 1e-9);
        assert!((rounds.unsteady_s() - 0.5).abs() < 1e-9);
    }

    #[test]
    fn a_stretch_holds_what_happens_now_and_then() {
        let rounds = Rounds::parse(b"1000\n1\n1\n1\n1\n100\n130\n100\n130\n").unwrap();
        assert!((rounds.stretch_s(0.2) - 0.115).abs() < 1e-9);
        assert!((rounds.stretch_s(0.05) - 0.1).abs() < 1e-9);
    }

    #[test]
    fn other_output_is_refused() {
        for text in ["", "1000\nsum", "\n"] {
            assert!(Rounds::parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
