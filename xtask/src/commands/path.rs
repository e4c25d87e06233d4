//! `cargo xtask path`: where the tools are that programs are built with.

use std::process::ExitCode;

use clap::Args;

use crate::error::Result;
use crate::tools::Installation;
use crate::workbench::Workbench;

/// Print the folder of bareflow-cc and the like, for PATH; it is made if it is not there.
#[derive(Args, Debug)]
pub struct PathArgs {}

impl PathArgs {
    /// Prints it.
    ///
    /// # Errors
    /// Whatever kept it from being made.
    pub fn run(self) -> Result<ExitCode> {
        let bench = Workbench::prepare(Installation::Forbidden)?;
        println!("{}", bench.sdk.join("bin").display());
        Ok(ExitCode::SUCCESS)
    }
}
