//! What `run` and `image` have in common: a program, and how it is to run.

use std::fs::File;
use std::path::{Path, PathBuf};

use bareflow_build::shell::shell;
use bareflow_bundle::{ARGUMENT, Builder, ENVIRONMENT};
use bareflow_tier_policy::LevelSet;
use clap::Args;

use super::files::FileArgs;
use super::program::ProgramArgs;
use bareflow_build::kernel::{KernelBuilder, LlvmExtent};
use bareflow_build::tools::Installation;
use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result, system};
use bareflow_image::program::{Tier, TierOptions, Transfer};

const SECRET_SIZE_BYTES: usize = 32;

/// What is wanted beside the program's run.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunRequests {
    /// A profile.
    pub profile: bool,
    /// A snapshot at the end of this run.
    pub snapshot: bool,
    /// How files get to the program.
    pub transfer: Transfer,
}

/// A program and how it is to run.
#[derive(Args, Debug)]
pub struct Guest {
    /// How the program runs
    #[arg(long, value_enum, default_value_t)]
    tier: Tier,
    /// The automatic tiers that there are, the lowest first: interpreter, if the program starts there, and some of QBE, C0,
    /// O0, MIR, C1, O1, O2, O3; C0 and C1 are Cranelift's [default: interpreter,O0,O1,O2,O3]
    #[arg(long, value_name = "TIERS")]
    levels: Option<String>,
    /// A setting of the automatic tiers: policy=costs or policy=counts, calls=N,N,N,N or iterations=N,N,N,N
    /// (thresholds of the levels for the policy of counts, - for never), levels=TIERS, budget=CYCLES, compile-ms=N, compile-mib=N, pool-mib=N,
    /// snapshot-every=BOOTS, snapshot-keep=N, settle-ms=N, settle-percent=N, guided=0|1, background=0|1, or inject=SEED or refuse=LEVEL,... (for tests)
    #[arg(long = "set", value_name = "SETTING")]
    settings: Vec<String>,
    /// A file with a secret of 32 bytes: snapshots are written with it, and those that were not are refused
    #[arg(long, value_name = "FILE")]
    secret: Option<PathBuf>,
    /// How much of LLVM is in the kernel
    #[arg(long, value_enum, default_value_t)]
    pub llvm: LlvmExtent,
    /// Install missing tools with apt first
    #[arg(long)]
    pub install_tools: bool,
    #[command(flatten)]
    program: ProgramArgs,
    #[command(flatten)]
    files: FileArgs,
    /// A variable of the program's environment; the last of a name counts
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = parse_variable)]
    environment: Vec<Variable>,
    /// Arguments of the program
    #[arg(last = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

impl Guest {
    /// The program's name.
    pub fn name(&self) -> String {
        self.program.name()
    }

    /// Every file that is named: none of them may be written.
    ///
    /// # Errors
    /// That the program is not described as it should be.
    pub fn inputs(&self) -> Result<Vec<PathBuf>> {
        let mut inputs = self.program.inputs()?;
        inputs.extend(self.secret.clone());
        inputs.extend(self.files.inputs()?);
        Ok(inputs)
    }

    /// What a host says beside an image: arguments and environment.
    pub fn overlay(&self) -> Builder {
        let mut overlay = Builder::default();
        for argument in &self.arguments {
            overlay.add(ARGUMENT, argument.as_bytes());
        }
        // What is found first counts.
        for variable in self.environment.iter().rev() {
            let name = format!("{ENVIRONMENT}{}", variable.name);
            overlay.add(&name, variable.value.as_bytes());
        }
        overlay
    }

    fn secret(&self) -> Result<Option<[u8; SECRET_SIZE_BYTES]>> {
        let Some(path) = &self.secret else {
            return Ok(None);
        };
        let bytes = shell()?.read_binary_file(path)?;
        let secret = bytes.as_slice().try_into().map_err(|_| {
            Error::usage(format!(
                "{} has {} bytes; a secret has {SECRET_SIZE_BYTES}, as `head -c {SECRET_SIZE_BYTES} /dev/urandom` \
                 makes them",
                path.display(),
                bytes.len()
            ))
        })?;
        Ok(Some(secret))
    }

    fn tier_options(&self) -> TierOptions {
        let levels = self.levels.iter().map(|levels| format!("levels={levels}"));
        TierOptions {
            settings: levels.chain(self.settings.clone()).collect(),
            ..TierOptions::default()
        }
    }

    /// What makes kernels that the program can run in as it is to.
    ///
    /// # Errors
    /// That the settings are none.
    pub fn kernel_builder(&self, context: &Context) -> Result<KernelBuilder> {
        Ok(context.kernel_builder_for(&self.levels()?))
    }

    /// The levels at which there may be code of the program.
    ///
    /// # Errors
    /// That the settings are none.
    pub fn levels(&self) -> Result<LevelSet> {
        self.tier_options().levels(self.tier).map_err(Error::usage)
    }

    /// The tools, and the program as a bundle. A program that does not compile is reported before a kernel is
    /// built.
    ///
    /// # Errors
    /// Whatever is wrong with the options, the tools or the program.
    pub fn prepare(&self, requests: RunRequests) -> Result<(Context, Vec<u8>)> {
        let project = self.program.project()?;
        let files = self.files.files(&project.files)?;
        let options = TierOptions {
            profile: requests.profile,
            snapshot: requests.snapshot,
            secret: self.secret()?,
            ..self.tier_options()
        };
        options.check(self.tier).map_err(Error::usage)?;
        let context = Context::prepare(Installation::from_flag(self.install_tools))?;
        let mut program = project.build(&context)?;
        let variables = self.environment.iter().cloned();
        program
            .environment
            .extend(variables.map(|variable| (variable.name, variable.value)));
        program.add_files(files, requests.transfer)?;
        let arguments = if self.arguments.is_empty() {
            &project.arguments
        } else {
            &self.arguments
        };
        let bundle = program.bundle_with(arguments, self.tier, &options);
        Ok((context, bundle))
    }
}

/// Opens what the program is to read.
///
/// # Errors
/// That it is not there, or a folder.
pub fn open_input(path: &Path) -> Result<File> {
    let what = || format!("cannot read {}", path.display());
    let file = File::open(path).map_err(system(what()))?;
    if file.metadata().map_err(system(what()))?.is_dir() {
        return Err(Error::usage(format!(
            "--stdin {}: this is a folder",
            path.display()
        )));
    }
    Ok(file)
}

/// A variable of the program's environment.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Variable {
    name: String,
    value: String,
}

fn parse_variable(text: &str) -> std::result::Result<Variable, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok(Variable {
            name: name.to_owned(),
            value: value.to_owned(),
        }),
        _ => Err("a variable is NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_have_names_and_values() {
        let variable = |name: &str, value: &str| Variable {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        assert_eq!(parse_variable("A=b"), Ok(variable("A", "b")));
        assert_eq!(parse_variable("A="), Ok(variable("A", "")));
        assert_eq!(parse_variable("A=b=c"), Ok(variable("A", "b=c")));
        assert!(parse_variable("A").is_err());
        assert!(parse_variable("=b").is_err());
    }
}
