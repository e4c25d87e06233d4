//! What `run` and `image` have in common: a program, and how it is to run.

use std::fs;
use std::path::PathBuf;

use bareflow_bundle::{Builder, ENVIRONMENT};
use clap::Args;

use crate::error::{Error, Result, system};
use crate::kernel::LlvmExtent;
use crate::program::{Program, ProgramError, Tier, TierOptions};
use crate::tools::Installation;
use crate::workbench::Workbench;

const SECRET_SIZE_BYTES: usize = 32;

/// What is wanted beside the program's run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes {
    /// A profile.
    pub profile: bool,
    /// A snapshot at the end of this run.
    pub snapshot: bool,
}

/// A program and how it is to run.
#[derive(Args, Debug)]
pub struct Guest {
    /// How the program runs
    #[arg(long, value_enum, default_value_t)]
    tier: Tier,
    /// A setting of the automatic tiers: calls=N,N,N,N or iterations=N,N,N,N (thresholds of O0 to O3, - for
    /// never), budget=CYCLES, compile-ms=N, compile-mib=N, pool-mib=N,
    /// snapshot-every=BOOTS, snapshot-keep=N, settle-ms=N, or inject=SEED (for tests)
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
    /// The program: .c, .ll and .bc files, linked as one
    #[arg(value_name = "PROGRAM")]
    program: Vec<PathBuf>,
    /// A variable of the program's environment; the last of a name counts
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = parse_variable)]
    environment: Vec<Variable>,
    /// Arguments of the program
    #[arg(last = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

impl Guest {
    /// The program's name: that of its first file.
    pub fn name(&self) -> String {
        let stem = self.program.first().and_then(|path| path.file_stem());
        stem.unwrap_or_default().to_string_lossy().into_owned()
    }

    fn secret(&self) -> Result<Option<[u8; SECRET_SIZE_BYTES]>> {
        let Some(path) = &self.secret else {
            return Ok(None);
        };
        let bytes = fs::read(path).map_err(system(format!("cannot read {}", path.display())))?;
        let secret = bytes.as_slice().try_into().map_err(|_| {
            Error::Usage(format!(
                "{} has {} bytes; a secret has {SECRET_SIZE_BYTES}, as `head -c {SECRET_SIZE_BYTES} /dev/urandom` \
                 makes them",
                path.display(),
                bytes.len()
            ))
        })?;
        Ok(Some(secret))
    }

    /// The tools, and the program as a bundle. A program that does not compile is reported before a kernel is
    /// built.
    ///
    /// # Errors
    /// Whatever is wrong with the options, the tools or the program.
    pub fn prepare(&self, wishes: Wishes) -> Result<(Workbench, Vec<u8>)> {
        if self.program.is_empty() {
            return Err(Error::Usage(ProgramError::Empty.to_string()));
        }
        let options = TierOptions {
            settings: self.settings.clone(),
            profile: wishes.profile,
            snapshot: wishes.snapshot,
            secret: self.secret()?,
        };
        options.check(self.tier).map_err(Error::Usage)?;
        let bench = Workbench::prepare(Installation::from_flag(self.install_tools))?;
        let program = Program::build(&self.program, &bench.program_compiler())?;
        let mut bundle = Builder::of(&program.bundle_with(&self.arguments, self.tier, &options))
            .expect("it was just built");
        self.add_environment(&mut bundle);
        Ok((bench, bundle.finish()))
    }

    /// What is said of the environment.
    fn add_environment(&self, bundle: &mut Builder) {
        for (index, variable) in self.environment.iter().enumerate() {
            let is_last = |later: &Variable| later.name != variable.name;
            if self.environment[index + 1..].iter().all(is_last) {
                bundle.add(
                    &format!("{ENVIRONMENT}{}", variable.name),
                    variable.value.as_bytes(),
                );
            }
        }
    }
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
