//! The LLVM distribution: from sources to a folder that kernels link with.
//!
//! 1. Every step has a key: the SHA-256 of everything that can change its output.
//! 2. A stamp with the key is removed before a step starts and written after it ends, so an interrupted
//!    build resumes where it stopped.
//! 3. Results enter the cache whole, by a rename.

pub mod configuration;
mod inputs;
mod package;
pub mod source;
mod steps;
pub mod store;

use std::fs::{self, File};
use std::path::PathBuf;

use crate::error::{Error, Result, system};
use crate::paths::Cache;
use crate::tools::Tools;

pub use inputs::{Inputs, Profile};

/// The version that is built.
pub const VERSION: &str = "18.1.8";
/// What it is built for.
pub const TARGET: &str = "x86_64-unknown-none-elf";

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Which libraries.
    pub profile: Profile,
    /// Sources given by the user.
    pub source: Option<PathBuf>,
    /// Compilations at once.
    pub jobs: Option<u32>,
    /// Download nothing.
    pub offline: bool,
    /// Build even if there is a result.
    pub force: bool,
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
    let name = inputs.distribution_name();
    if !request.force {
        if let Some(folder) = store::find(cache, &name) {
            return Ok(folder);
        }
        if let Some(archive) = store::find_archive(cache, &name) {
            return store::restore(cache, &archive, &name);
        }
    }
    let _lock = lock(cache)?;
    // Another process may have built it while this one waited.
    if !request.force
        && let Some(folder) = store::find(cache, &name)
    {
        return Ok(folder);
    }
    check_free_space(cache)?;
    eprintln!(
        "building LLVM {VERSION} for {TARGET} ({} profile) in {}",
        inputs.profile.name(),
        cache.root().display()
    );
    let source = source::provide(cache, request)?;
    let build = steps::Build {
        cache,
        tools,
        inputs: &inputs,
        source: &source,
        request,
    };
    build.all()?;
    package::make(&build, &name)
}

/// One build at a time in one cache.
fn lock(cache: &Cache) -> Result<File> {
    fs::create_dir_all(cache.root()).map_err(system(format!(
        "cannot create the cache {}",
        cache.root().display()
    )))?;
    let path = cache.root().join("lock");
    let file = File::create(&path).map_err(system(format!("cannot write {}", path.display())))?;
    if file.try_lock().is_err() {
        eprintln!("waiting for another build in {}", cache.root().display());
        file.lock()
            .map_err(system(format!("cannot lock {}", path.display())))?;
    }
    Ok(file)
}

fn check_free_space(cache: &Cache) -> Result<()> {
    let status = nix::sys::statvfs::statvfs(cache.root())
        .map_err(|error| system("cannot ask for free space")(error.into()))?;
    let free = status.blocks_available() * status.fragment_size();
    // What an earlier build left is space that this one does not need.
    if free < BUILD_BYTES && !cache.build("llvm").is_dir() {
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
