//! `cargo xtask sdk`: what programs are built with, restored or built.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use bareflow_build::llvm::{self, Request};
use bareflow_build::paths::Cache;
use bareflow_build::sdk::{self, Inputs};
use bareflow_build::tools::{Installation, Tools};
use bareflow_image::error::Result;
use bareflow_run::say;

/// Make the SDK of programs: restore it from a cache, or build it from the sources of LLVM.
#[derive(Args, Debug)]
pub struct SdkArgs {
    /// The sources: a tarball, or an unpacked tree
    #[arg(long, value_name = "PATH")]
    source: Option<PathBuf>,
    /// Compile this many files at once [default: the number of processors]
    #[arg(long, value_name = "N")]
    jobs: Option<u32>,
    /// Download nothing
    #[arg(long)]
    offline: bool,
    /// Build even if a cache has the result
    #[arg(long)]
    force: bool,
    /// Install missing tools with apt first
    #[arg(long)]
    install_tools: bool,
    /// Build nothing: print the key of the SDK
    #[arg(long)]
    print_key: bool,
}

impl SdkArgs {
    /// Prints the folder of the SDK, or its key.
    ///
    /// # Errors
    /// Whatever kept it from being made.
    pub fn run(self) -> Result<ExitCode> {
        let tools = Tools::find(Installation::from_flag(self.install_tools))?;
        let cache = Cache::find()?;
        let request = Request {
            source: self.source,
            jobs: self.jobs,
            offline: self.offline,
            ..Request::default()
        };
        let distribution = llvm::distribution(&cache, &tools, &request)?;
        if self.print_key {
            say!(
                "{}",
                Inputs::collect(&tools, &distribution, &request)?.key()
            );
            return Ok(ExitCode::SUCCESS);
        }
        let request = Request {
            force: self.force,
            ..request
        };
        let sdk = sdk::provide(&cache, &tools, &distribution, &request)?;
        say!("{}", sdk.display());
        Ok(ExitCode::SUCCESS)
    }
}
