//! `cargo xtask llvm`: the LLVM distribution, restored or built.

use std::path::PathBuf;
use std::process::ExitCode;

use bareflow_targets::{DEFAULT, TARGETS, Target};
use clap::Args;

use bareflow_build::distribution;
use bareflow_build::llvm::{self, Inputs, Request};
use bareflow_build::paths::Cache;
use bareflow_build::tools::{Installation, Tools};
use bareflow_image::error::Result;
use bareflow_run::say;

/// Make the LLVM distribution: restore it from a cache, or build it from the sources.
#[derive(Args, Debug)]
pub struct LlvmArgs {
    /// What the libraries are for
    #[arg(long, value_name = "TRIPLE", default_value = DEFAULT.triple, value_parser = known_target)]
    target: &'static Target,
    /// Which libraries: all of them, or those that the kernel links
    #[arg(long, value_enum, default_value_t)]
    profile: llvm::LlvmProfile,
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
    /// Compare every byte of the result that is there with its manifest
    #[arg(long)]
    verify: bool,
    /// Install missing tools with apt first
    #[arg(long)]
    install_tools: bool,
    /// Build nothing: print the key of LLVM's libraries, by which caches keep them
    #[arg(long)]
    print_key: bool,
}

/// The target with this triple, or which there are.
fn known_target(triple: &str) -> std::result::Result<&'static Target, String> {
    Target::with_triple(triple).ok_or_else(|| {
        let triples: Vec<&str> = TARGETS.iter().map(|target| target.triple).collect();
        format!("there is {}", triples.join(", "))
    })
}

impl LlvmArgs {
    /// Prints the folder of the distribution, or its key.
    ///
    /// # Errors
    /// Whatever kept it from being made.
    pub fn run(self) -> Result<ExitCode> {
        let tools = Tools::find(Installation::from_flag(self.install_tools))?;
        let request = Request {
            target: self.target,
            profile: self.profile,
            source: self.source,
            jobs: self.jobs,
            offline: self.offline,
            force: self.force,
            verify: self.verify,
        };
        if self.print_key {
            say!("{}", Inputs::collect(&tools, &request)?.distribution_key());
            return Ok(ExitCode::SUCCESS);
        }
        let distribution = distribution::provide(&Cache::find()?, &tools, &request)?;
        say!("{}", distribution.display());
        Ok(ExitCode::SUCCESS)
    }
}
