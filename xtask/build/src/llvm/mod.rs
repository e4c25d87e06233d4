//! The LLVM distribution: from sources to a folder that kernels link with.
//!
//! 1. Every step has a key: the SHA-256 of everything that can change its output.
//! 2. A stamp with the key is removed before a step starts and written after it ends, so an interrupted
//!    build resumes where it stopped.
//! 3. Results enter the cache whole, by a rename.

pub mod configuration;
pub mod inputs;
pub mod package;
pub mod source;
pub mod steps;
pub mod trees;

use std::path::PathBuf;

use bareflow_targets::Target;

use crate::error::{Error, Result, system};
use crate::paths::{Cache, Package};
use crate::store;
use crate::tools::Tools;

use trees::BuildTrees;

pub use inputs::{Inputs, LlvmProfile};

/// The version that is built.
pub const VERSION: &str = "18.1.8";

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// What for.
    pub target: &'static Target,
    /// Which libraries.
    pub profile: LlvmProfile,
    /// Sources given by the user.
    pub source: Option<PathBuf>,
    /// Compilations at once.
    pub jobs: Option<u32>,
    /// Download nothing.
    pub offline: bool,
    /// Build even if there is a result.
    pub force: bool,
    /// Compare every byte of a result that is there.
    pub verify: bool,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            target: bareflow_targets::DEFAULT,
            profile: LlvmProfile::default(),
            source: None,
            jobs: None,
            offline: false,
            force: false,
            verify: false,
        }
    }
}

/// Bytes that a build from nothing needs on the disk: measured 1.5 GB, sources, compiler cache and result
/// included; the rest is for what tools keep while they run.
const BUILD_BYTES: u64 = 3 << 30;

/// Finds the distribution in the caches, or builds it; returns its folder.
///
/// # Errors
/// Which step failed, and what to do.
pub fn distribution(cache: &Cache, tools: &Tools, request: &Request) -> Result<PathBuf> {
    let inputs = Inputs::collect(tools, request)?;
    store::provide(cache, &inputs.identity(), request, || {
        check_free_space(cache, request.target)?;
        eprintln!(
            "building LLVM {VERSION} for {} ({} profile) in {}",
            request.target.triple,
            inputs.profile.name(),
            cache.root().display()
        );
        let source = source::provide(cache, request)?;
        let build = steps::Build {
            trees: BuildTrees {
                package: Package::Llvm,
                cache,
                tools,
                source: &source,
                request,
            },
            profile: inputs.profile,
        };
        build.all(&inputs)?;
        package::make(&build, &inputs)
    })
}

fn check_free_space(cache: &Cache, target: &Target) -> Result<()> {
    let status = nix::sys::statvfs::statvfs(cache.root())
        .map_err(|error| system("cannot ask for free space")(error.into()))?;
    let free = status.blocks_available() * status.fragment_size();
    // What an earlier build left is space that this one does not need.
    let tree = cache.build(Package::Llvm, target).join("llvm");
    if free < BUILD_BYTES && !tree.is_dir() {
        return Err(Error::DiskFull {
            folder: cache.root().to_owned(),
            details: format!(
                "{:.1} GB are free and a build needs {:.1} GB",
                free as f64 / 1e9,
                BUILD_BYTES as f64 / 1e9
            ),
        });
    }
    Ok(())
}
