//! `cargo xtask ci`: what CI runs.

use std::process::ExitCode;

use clap::Args;

use super::test::TestArgs;
use bareflow_image::error::Result;

/// Do what CI does: install missing tools and run all tests.
#[derive(Args, Debug)]
pub struct CiArgs {}

impl CiArgs {
    /// Runs everything; fails if one test does.
    ///
    /// # Errors
    /// Whatever kept the tests from being run.
    pub fn run(self) -> Result<ExitCode> {
        TestArgs::everything().run()
    }
}
