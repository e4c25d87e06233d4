//! Runs of the hosted kernel for benchmarks.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::children_times_of;
use bareflow_build::kernel::{KernelKind, LlvmExtent};
use bareflow_build::process::{Input, Output, Recorder, Streams};
use bareflow_build::temporary::TemporaryFolder;
use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result};
use bareflow_image::program::{Program, Tier, TierOptions};
use bareflow_report::profile::{self, RunProfile};
use bareflow_run::launch::Runner;
use bareflow_tier_policy::LevelSet;

const TIMEOUT: Duration = Duration::from_secs(300);
const LOG_LIMIT_BYTES: usize = 1 << 16;

/// A way of running a program.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The tier.
    pub tier: Tier,
    /// Its options.
    pub options: TierOptions,
    /// A file with a disk for snapshots.
    pub disk: Option<PathBuf>,
}

impl From<Tier> for Setup {
    fn from(tier: Tier) -> Self {
        Self {
            tier,
            options: TierOptions::default(),
            disk: None,
        }
    }
}

/// What a run has left behind.
pub struct Run {
    /// What the program has printed.
    pub output: Vec<u8>,
    /// Processor time of the whole process outside the system.
    pub user_time: Duration,
    /// With the time that the system spent for it.
    pub cpu_time: Duration,
    /// If the setup asks for one.
    pub profile: Option<RunProfile>,
}

/// The hosted kernel, built.
pub struct Hosted {
    executable: PathBuf,
    folder: TemporaryFolder,
}

impl Hosted {
    /// Builds the kernel.
    ///
    /// # Errors
    /// Whatever kept it from being built.
    pub fn build(context: &Context) -> Result<Self> {
        Self::build_for(context, &LevelSet::LLVM)
    }

    /// Builds a kernel that has the code generators of these levels.
    ///
    /// # Errors
    /// As above.
    pub fn build_for(context: &Context, levels: &LevelSet) -> Result<Self> {
        let builder = context.kernel_builder_for(levels);
        Self::with_executable(builder.build(KernelKind::Hosted, LlvmExtent::Full)?)
    }

    /// A kernel that is built already, of this checkout or another.
    ///
    /// # Errors
    /// That there is no room for temporary files.
    pub fn with_executable(executable: PathBuf) -> Result<Self> {
        Ok(Self {
            executable,
            folder: TemporaryFolder::new("bench")?,
        })
    }

    /// Runs a program to its end.
    ///
    /// # Errors
    /// That it did not end with status 0; with what the kernel had to say.
    pub fn run(&self, program: &Program, setup: &Setup, arguments: &[String]) -> Result<Run> {
        self.run_reading(program, setup, arguments, Input::Empty)
    }

    /// The same with a file as its standard input.
    ///
    /// # Errors
    /// As above.
    pub fn run_with_input(
        &self,
        program: &Program,
        setup: &Setup,
        arguments: &[String],
        input: File,
    ) -> Result<Run> {
        self.run_reading(program, setup, arguments, Input::File(input))
    }

    fn run_reading(
        &self,
        program: &Program,
        setup: &Setup,
        arguments: &[String],
        input: Input,
    ) -> Result<Run> {
        let bundle = self.folder.path().join("bundle");
        let bytes = program.bundle_with(arguments, setup.tier, &setup.options);
        fs::write(&bundle, bytes)?;
        let kernel = Runner::Hosted {
            executable: self.executable.clone(),
            bundle,
            memory_mib: None,
            disk: setup.disk.clone(),
        };
        let raw_profile = self.folder.path().join("profile");
        let profile_path = setup.options.profile.then_some(raw_profile.as_path());
        let mut output = Vec::new();
        let log = Recorder::new(LOG_LIMIT_BYTES, io::sink());
        let mut code = 0;
        let (user_time, system_time) = children_times_of(|| -> Result<()> {
            let streams = Streams {
                input,
                output: Output::To(&mut output),
                errors: Output::To(log.clone()),
            };
            let ending = kernel.run_with(TIMEOUT, streams, profile_path)?;
            code = ending.code;
            Ok(())
        })?;
        if code != 0 {
            return Err(Error::build(format!(
                "{} ended with status {code} in the tier {}\n{}",
                program.name,
                setup.tier.name(),
                String::from_utf8_lossy(&log.bytes())
            )));
        }
        let profile = match profile_path {
            Some(path) => {
                let parsed = profile::parse(&fs::read(path)?);
                Some(
                    parsed
                        .map_err(|error| Error::build(format!("the kernel's profile: {error}")))?,
                )
            }
            None => None,
        };
        Ok(Run {
            output,
            user_time,
            cpu_time: user_time + system_time,
            profile,
        })
    }
}
