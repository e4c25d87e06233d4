//! `cargo xtask test`: all tests, with one line at the end that sums them up.

use std::process::ExitCode;

use clap::Args;

use bareflow_build::tools::Installation;
use bareflow_image::error::Result;
use bareflow_tests::campaign::{self, Options};

/// Run all tests: of the crates, of the distribution, of programs in every kernel and tier, of random
/// programs, of bad input.
#[derive(Args, Debug)]
pub struct TestArgs {
    /// Install missing tools with apt first
    #[arg(long)]
    install_tools: bool,
    #[command(flatten)]
    options: Options,
    /// Only tests whose names contain this text; the start of such a name, like `examples::fib`, leaves
    /// out the tests of the crates
    filter: Option<String>,
}

impl TestArgs {
    /// All tests, on a machine that may lack the tools.
    pub fn everything() -> Self {
        Self {
            install_tools: true,
            options: Options::default(),
            filter: None,
        }
    }

    /// Runs the tests; fails if one of them does.
    ///
    /// # Errors
    /// Whatever kept them from being run.
    pub fn run(self) -> Result<ExitCode> {
        let installation = Installation::from_flag(self.install_tools);
        let summary = campaign::run(installation, self.options, self.filter.as_deref())?;
        Ok(if summary.failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}
