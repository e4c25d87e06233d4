//! All tests in one run, as `cargo xtask test` has them; and those of programs one by one, for cargo's own commands.

use std::fs::{self, File};
use std::io::{Write, stdout};
use std::sync::Arc;
use std::thread;

use bareflow_build::kernel::{KernelKind, LlvmExtent};
use bareflow_build::paths;
use bareflow_build::tools::Installation;
use bareflow_image::context::Context;
use bareflow_image::error::{Result, system};
use clap::Args;

use super::runner::{Outcome, Summary, Test, TimeLimit, report, run as run_tests, spread};
use super::subject::Subject;
use super::{Extent, Models, Projects, cargo, lock_files, program_tests};

/// Below the repository: whoever builds kernels for tests holds it.
const LOCK: &str = "target/kernel-tests.lock";

const RANDOM_COUNT: u32 = 20;
const LIBCXX_COUNT: usize = 15;

/// How much is tested.
#[derive(Args, Clone, Copy, Debug)]
pub struct Options {
    /// Of the examples, run only a selection of kernels and tiers
    #[arg(long)]
    pub quick: bool,
    /// How many programs of csmith to run; 0 leaves them out, but for those that once ran wrong
    #[arg(long, value_name = "N", default_value_t = RANDOM_COUNT)]
    pub random: u32,
    /// The seed of the first of them
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub random_from: u32,
    /// How many of libc++'s own tests to run, spread over all of them; 0 leaves them out
    #[arg(long, value_name = "N", default_value_t = LIBCXX_COUNT)]
    pub libcxx: usize,
    /// Which language models to run
    #[arg(long, value_enum, default_value_t)]
    pub models: Models,
    /// How much of LLVM is in the kernels that programs run in
    #[arg(long, value_enum, default_value_t)]
    pub llvm: LlvmExtent,
    /// Which real projects to build and run
    #[arg(long, value_enum, default_value_t)]
    pub projects: Projects,
    /// Start no test later than so many minutes after the start, and skip the rest: for machines that end what takes
    /// longer. The tests of programs run in an order in which each group is spread evenly
    #[arg(long, value_name = "N")]
    pub minutes: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            quick: false,
            random: RANDOM_COUNT,
            random_from: 0,
            libcxx: LIBCXX_COUNT,
            models: Models::default(),
            llvm: LlvmExtent::default(),
            projects: Projects::default(),
            minutes: None,
        }
    }
}

impl Options {
    /// Of the examples, which kernels and tiers.
    pub(crate) fn extent(self) -> Extent {
        if self.quick {
            Extent::Quick
        } else {
            Extent::Full
        }
    }
}

/// Runs the tests whose names contain `filter`, and prints a line for each and one that sums them up.
///
/// # Errors
/// Whatever kept them from being run.
pub fn run(installation: Installation, options: Options, filter: Option<&str>) -> Result<Summary> {
    let mut summary = Summary::default();
    let limit = options.minutes.map(TimeLimit::minutes);
    let wanted = |mut tests: Vec<Test>| {
        if let Some(text) = filter {
            tests.retain(|test| test.name().contains(text));
        }
        tests
    };
    // They take no time and need no tools; the rest may build LLVM first.
    let lock_files = wanted(lock_files::tests(&paths::repository())?);
    summary += run_tests(lock_files, 1, limit, stdout())?;

    let context = Context::prepare(installation)?;
    let (subject, kernels) = build_kernels(&context, options.llvm)?;
    let mut tests = program_tests(&subject, options)?;
    // The names of crates' tests are known only when the crates are compiled.
    let is_named = |test: &Test| filter.is_some_and(|text| test.name().starts_with(text));
    let names_programs = kernels.iter().chain(&tests).any(is_named);
    summary += run_tests(wanted(kernels), 1, None, stdout())?;
    if !names_programs {
        for result in cargo::unit_tests(&context.root, filter) {
            summary.add(&result.outcome);
            report(&mut stdout(), &result.name, &result.outcome, result.elapsed)?;
        }
    }
    // Cargo takes all processors by itself; the machines share them.
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    if limit.is_some() {
        tests = spread(tests);
    }
    for (tests, jobs) in [(cargo::lints(&context.root), 1), (tests, jobs)] {
        summary += run_tests(wanted(tests), jobs, limit, stdout())?;
    }
    let mut output = stdout();
    writeln!(output, "{summary}")?;
    output.flush()?;
    Ok(summary)
}

/// The tests of programs, for a harness that runs them one by one. Nothing is installed; for a list of their names no
/// kernel is built.
///
/// # Errors
/// Whatever keeps them from being run.
pub fn tests_of_programs(purpose: Purpose) -> Result<Vec<Test>> {
    let context = Context::prepare(Installation::Forbidden)?;
    let subject = match purpose {
        Purpose::List => Arc::new(Subject::new(&context, None, None)?),
        Purpose::Run => {
            // A harness may run each test in a process of its own, several at a time.
            let path = context.root.join(LOCK);
            let unlockable = || system(format!("cannot lock {}", path.display()));
            fs::create_dir_all(context.root.join("target"))?;
            let lock = File::create(&path).map_err(unlockable())?;
            lock.lock().map_err(unlockable())?;
            build_kernels(&context, LlvmExtent::Full)?.0
        }
    };
    Ok(program_tests(&subject, Options::default())?)
}

/// What a harness wants the tests for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Their names.
    List,
    /// Their outcomes.
    Run,
}

/// Builds both kernels; each is a test of its own.
fn build_kernels(context: &Context, extent: LlvmExtent) -> Result<(Arc<Subject>, Vec<Test>)> {
    let builder = context.kernel_builder();
    let mut tests = Vec::new();
    let mut build = |name: &str, kind| {
        let (kernel, outcome) = match builder.build(kind, extent) {
            Ok(path) => (Some(path), Outcome::Passed),
            Err(error) => (None, Outcome::Failed(error.to_string())),
        };
        tests.push(Test::new(format!("kernel::{name}"), || outcome));
        kernel
    };
    let hosted = build("hosted", KernelKind::Hosted);
    let machine = build("machine", KernelKind::Machine);
    Ok((Arc::new(Subject::new(context, hosted, machine)?), tests))
}
