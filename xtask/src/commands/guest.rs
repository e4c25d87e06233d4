//! What `run` and `image` have in common: a program, and how it is to run.

use std::path::PathBuf;

use clap::Args;

use crate::error::{Error, Result};
use crate::kernel::LlvmExtent;
use crate::program::{Program, ProgramError, Tier, TierOptions};
use crate::tools::Installation;
use crate::workbench::Workbench;

/// A program and how it is to run.
#[derive(Args, Debug)]
pub struct Guest {
    /// How the program runs
    #[arg(long, value_enum, default_value_t)]
    tier: Tier,
    /// A setting of the automatic tiers: calls=N,N,N,N or iterations=N,N,N,N (thresholds of O0 to O3, - for
    /// never), budget=CYCLES, compile-ms=N, compile-mib=N, pool-mib=N, or
    /// inject=SEED (for tests)
    #[arg(long = "set", value_name = "SETTING")]
    settings: Vec<String>,
    /// How much of LLVM is in the kernel
    #[arg(long, value_enum, default_value_t)]
    pub llvm: LlvmExtent,
    /// Install missing tools with apt first
    #[arg(long)]
    pub install_tools: bool,
    /// The program: .c, .ll and .bc files, linked as one
    #[arg(value_name = "PROGRAM")]
    program: Vec<PathBuf>,
    /// Arguments of the program
    #[arg(last = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

impl Guest {
    /// The tools, and the program as a bundle. A program that does not compile is reported before a kernel is
    /// built.
    ///
    /// # Errors
    /// Whatever is wrong with the options, the tools or the program.
    pub fn prepare(&self, profile: bool) -> Result<(Workbench, Vec<u8>)> {
        if self.program.is_empty() {
            return Err(Error::Usage(ProgramError::Empty.to_string()));
        }
        let options = TierOptions {
            settings: self.settings.clone(),
            profile,
        };
        options.check(self.tier).map_err(Error::Usage)?;
        let bench = Workbench::prepare(Installation::from_flag(self.install_tools))?;
        let program = Program::build(&self.program, &bench.program_compiler())?;
        let bundle = program.bundle_with(&self.arguments, self.tier, &options);
        Ok((bench, bundle))
    }
}
