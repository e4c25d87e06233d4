//! `cargo xtask test`: all tests, with one line at the end that sums them up.

use std::io::{Write, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use clap::Args;

use bareflow_build::kernel::{KernelKind, LlvmExtent};
use bareflow_build::paths;
use bareflow_build::tools::Installation;
use bareflow_image::error::Result;
use bareflow_image::workbench::Workbench;
use bareflow_tests::{
    self as e2e, Extent, Models, Outcome, Projects, Random, Subject, Summary, Test,
};

/// Run all tests: of the crates, of the distribution, of programs in every kernel and tier, of random
/// programs, of bad input.
#[derive(Args, Debug)]
pub struct TestArgs {
    /// Install missing tools with apt first
    #[arg(long)]
    install_tools: bool,
    /// Of the examples, run only a selection of kernels and tiers
    #[arg(long)]
    quick: bool,
    /// How many programs of csmith to run; 0 leaves them out, but for those that once ran wrong
    #[arg(long, value_name = "N", default_value_t = RANDOM_COUNT)]
    random: u32,
    /// The seed of the first of them
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    random_from: u32,
    /// How many of libc++'s own tests to run, spread over all of them; 0 leaves them out
    #[arg(long, value_name = "N", default_value_t = LIBCXX_COUNT)]
    libcxx: usize,
    /// Which language models to run
    #[arg(long, value_enum, default_value_t)]
    models: Models,
    /// Which real projects to build and run
    #[arg(long, value_enum, default_value_t)]
    projects: Projects,
    /// Only tests whose names contain this text; the start of such a name, like `examples::fib`, leaves
    /// out the tests of the crates
    filter: Option<String>,
}

const RANDOM_COUNT: u32 = 20;
const LIBCXX_COUNT: usize = 15;

impl TestArgs {
    /// All tests, on a machine that may lack the tools.
    pub fn everything() -> Self {
        Self {
            install_tools: true,
            quick: false,
            random: RANDOM_COUNT,
            random_from: 0,
            libcxx: LIBCXX_COUNT,
            models: Models::Short,
            projects: Projects::Short,
            filter: None,
        }
    }

    /// Runs the tests; fails if one of them does.
    ///
    /// # Errors
    /// Whatever kept them from being run.
    pub fn run(self) -> Result<ExitCode> {
        let mut summary = Summary::default();
        let wanted = |mut tests: Vec<Test>| {
            if let Some(text) = self.filter.as_deref() {
                tests.retain(|test| test.name().contains(text));
            }
            tests
        };
        // They take no time and need no tools; the rest may build LLVM first.
        let lock_files = wanted(e2e::lock_file_tests(&paths::repository())?);
        summary += e2e::run(lock_files, 1, stdout())?;

        let bench = Workbench::prepare(Installation::from_flag(self.install_tools))?;
        let tests = self.program_tests(&bench)?;
        let lints = e2e::lints(&bench.root);
        // The names of crates' tests are known only when the crates are compiled.
        let names_programs = self
            .filter
            .as_deref()
            .is_some_and(|text| tests.iter().any(|test| test.name().starts_with(text)));
        if !names_programs {
            for result in e2e::unit_tests(&bench.root, self.filter.as_deref()) {
                summary.add(&result.outcome);
                e2e::report(&mut stdout(), &result.name, &result.outcome, result.elapsed)?;
            }
        }
        // Cargo takes all processors by itself; the machines share them.
        let jobs = thread::available_parallelism().map_or(1, usize::from);
        for (tests, jobs) in [(lints, 1), (tests, jobs)] {
            summary += e2e::run(wanted(tests), jobs, stdout())?;
        }
        let mut output = stdout();
        writeln!(output, "{summary}")?;
        output.flush()?;
        Ok(if summary.failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn program_tests(&self, bench: &Workbench) -> Result<Vec<Test>> {
        let builder = bench.kernel_builder();
        let mut tests = Vec::new();
        let mut build = |name: &str, kind| {
            let (kernel, outcome) = match builder.build(kind, LlvmExtent::Full) {
                Ok(path) => (Some(path), Outcome::Passed),
                Err(error) => (None, Outcome::Failed(error.to_string())),
            };
            tests.push(Test::new(format!("kernel::{name}"), || outcome));
            kernel
        };
        let hosted = build("hosted", KernelKind::Hosted);
        let machine = build("machine", KernelKind::Machine);
        let subject = Arc::new(Subject::new(bench, hosted, machine)?);
        let extent = if self.quick {
            Extent::Quick
        } else {
            Extent::Full
        };
        let random = Random {
            count: self.random,
            first_seed: self.random_from,
        };
        tests.extend(e2e::program_tests(
            &subject,
            extent,
            random,
            self.libcxx,
            self.models,
            self.projects,
        )?);
        Ok(tests)
    }
}
