//! Exporting: a program as native code, linked with the kernel without LLVM.
//!
//! 1. The program is compiled as a whole, for one processor, with what a snapshot knows of it.
//! 2. Nothing of it is visible outside but its `main`: it takes no names from the kernel, and gives none.
//! 3. What is not used is not in the image.

mod adapt;
mod annotate;
mod compile;
mod guidance;
mod jit;
mod library;
mod origin;
mod summary;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bareflow_bundle::Bundle;
use bareflow_snapshot::BASELINE;

use crate::context::Context;
use crate::disk::ImageError;
use bareflow_build::kernel::{KernelError, KernelKind};
use bareflow_build::temporary::TemporaryFolder;

pub use guidance::Guidance;
pub use jit::{DEFAULT_PROMOTION, JitProgram, Translated, build_jit_kernel};
pub use origin::{bundle_of, with_arguments, without_modules};

/// Why a program cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The image cannot be used.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The image's bundle cannot be used.
    #[error("the bundle of {path}: {reason}")]
    Bundle {
        /// The image.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There is only native code in the image.
    #[error(
        "{path} has no program as LLVM IR in it (is it exported already?); name the program's files"
    )]
    NoProgram {
        /// The image.
        path: PathBuf,
    },
    /// The program is not one that can be exported.
    #[error("{0}")]
    BadProgram(String),
    /// A tool refused its input.
    #[error("the program cannot be compiled as a whole; the command was:\n  {command}\n{output}")]
    Tool {
        /// The command line.
        command: String,
        /// What the tool said.
        output: String,
    },
    /// The kernel cannot be linked.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// A tool or file cannot be used, as a shell says it.
    #[error(transparent)]
    Shell(#[from] xshell::Error),
    /// A file cannot be used.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> ExportError {
    let what = what.into();
    |source| ExportError::System { what, source }
}

/// Compiles the modules in `bundle` for the processor `cpu` and links them with a native kernel, as `kernel`. What
/// the guidance says of the processor counts when `cpu` does not name one. Returns of how many functions it was known
/// how often they run.
///
/// # Errors
/// [`ExportError`].
pub fn build_kernel(
    context: &Context,
    bundle: &Bundle,
    guidance: Option<&Guidance>,
    cpu: Option<&str>,
    kind: KernelKind,
    kernel: &Path,
) -> Result<usize, ExportError> {
    let folder =
        TemporaryFolder::new("export").map_err(system("cannot make a temporary folder"))?;
    let processor = cpu
        .or(guidance.map(|guidance| guidance.processor))
        .unwrap_or(BASELINE);
    let compiled = compile::Compilation {
        context,
        guidance,
        processor,
        folder: folder.path(),
    }
    .run(bundle)?;
    if let Some(folder) = kernel.parent() {
        fs::create_dir_all(folder)
            .map_err(system(format!("cannot create {}", folder.display())))?;
    }
    context
        .kernel_builder()
        .build_native(kind, &compiled.program, kernel)?;
    Ok(compiled.guided_functions)
}
