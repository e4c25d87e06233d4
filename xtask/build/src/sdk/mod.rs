//! The SDK: what programs are built with, beside the LLVM distribution, and the C library that kernels link for them.
//!
//! It is made in minutes from the same sources, and changes often; the distribution takes an hour and seldom does.
//! It is found, built and kept as the distribution is.

mod inputs;
mod package;
mod steps;

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::llvm::trees::BuildTrees;
use crate::llvm::{Request, source};
use crate::paths::{Cache, Package};
use crate::store;
use crate::tools::Tools;

pub use inputs::Inputs;

/// Finds the SDK that goes with a distribution in the caches, or builds it; returns its folder.
///
/// # Errors
/// Which step failed, and what to do.
pub fn provide(
    cache: &Cache,
    tools: &Tools,
    distribution: &Path,
    request: &Request,
) -> Result<PathBuf> {
    let inputs = Inputs::collect(tools, distribution, request)?;
    store::provide(cache, &inputs.identity(), request, || {
        eprintln!("building the SDK in {}", cache.root().display());
        let source = source::provide(cache, request)?;
        let build = steps::Build {
            trees: BuildTrees {
                package: Package::Sdk,
                cache,
                tools,
                source: &source,
                request,
            },
            distribution,
        };
        build.all(&inputs.ground)?;
        package::make(&build, &inputs)
    })
}
