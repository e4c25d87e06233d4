//! The distribution as a product: LLVM's libraries, and all that programs and kernels outside this repository need to use
//! them.
//!
//! 1. It holds everything of the inner package (`bareflow-llvm`), which takes an hour to build, and what takes minutes:
//!    the runtime, a Linux platform, the engine, linker scripts, files for build systems, `llvm-config`.
//! 2. Nothing in it knows where it lies, or where it was made.
//! 3. It is found, built and kept as the inner package is.

mod cmake;
mod inputs;
mod libraries;
mod package;

use std::path::PathBuf;

use crate::error::Result;
use crate::llvm::{self, Request};
use crate::paths::Cache;
use crate::store;
use crate::tools::Tools;

pub use inputs::Inputs;

/// Finds the distribution in the caches, and builds nothing; returns its folder, if one of them has it.
///
/// # Errors
/// That what a cache has could not be restored.
pub fn find(cache: &Cache, tools: &Tools, request: &Request) -> Result<Option<PathBuf>> {
    let inputs = Inputs::collect(tools, request)?;
    store::restore(cache, &inputs.identity(), request)
}

/// Finds the distribution in the caches, or builds it; returns its folder.
///
/// # Errors
/// Which step failed, and what to do.
pub fn provide(cache: &Cache, tools: &Tools, request: &Request) -> Result<PathBuf> {
    let inputs = Inputs::collect(tools, request)?;
    store::provide(cache, &inputs.identity(), request, || {
        let llvm = llvm::distribution(cache, tools, request)?;
        eprintln!("building the distribution around {}", llvm.display());
        let build = libraries::Build {
            cache,
            tools,
            llvm: &llvm,
            information: &package::information(&llvm)?,
            inputs: &inputs,
        };
        package::make(&build)
    })
}
