//! `cargo xtask path`: where the tools are that programs are built with.

use std::process::ExitCode;

use clap::Args;

use bareflow_build::kernel::{KernelKind, LlvmExtent};
use bareflow_build::tools::Installation;
use bareflow_image::context::Context;
use bareflow_image::error::Result;
use bareflow_run::say;

/// Print the folder of bareflow-cc and the like, for PATH; it is made if it is not there.
#[derive(Args, Debug)]
pub struct PathArgs {
    /// Print the hosted kernel's file instead, for BAREFLOW_KERNEL
    #[arg(long)]
    kernel: bool,
}

impl PathArgs {
    /// Prints it.
    ///
    /// # Errors
    /// Whatever kept it from being made.
    pub fn run(self) -> Result<ExitCode> {
        let context = Context::prepare(Installation::Forbidden)?;
        let path = if self.kernel {
            context
                .kernel_builder()
                .build(KernelKind::Hosted, LlvmExtent::default())?
        } else {
            context.sdk.join("bin")
        };
        say!("{}", path.display());
        Ok(ExitCode::SUCCESS)
    }
}
