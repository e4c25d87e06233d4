//! What can go wrong, and the exit code of each: the errors of all parts, in one that commands return.

use std::io;

use bareflow_build::error::{self as build, is_full};
use bareflow_build::kernel::KernelError;
use bareflow_protocol::exit_code;
use bareflow_run::launch::LaunchError;

use crate::disk::ImageError;
use crate::export::ExportError;
use crate::outputs::OutputError;
use crate::program::ProgramError;

/// What commands return.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something cannot be built, a file or tool cannot be used, or the command line is wrong.
    #[error(transparent)]
    Build(#[from] build::Error),
    /// A kernel cannot be made.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// A disk image cannot be made.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A file cannot be written where it should be.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A program cannot be exported.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// A program cannot be compiled.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// A kernel cannot be started.
    #[error(transparent)]
    Launch(#[from] LaunchError),
}

impl From<xshell::Error> for Error {
    fn from(error: xshell::Error) -> Self {
        Self::Build(error.into())
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Build(error.into())
    }
}

impl Error {
    /// A step failed; what to look at.
    pub fn build(message: impl Into<String>) -> Self {
        Self::Build(build::Error::Build(message.into()))
    }

    /// The command line or the configuration is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Build(build::Error::Usage(message.into()))
    }

    /// The exit code of the command that failed this way.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Build(error) => error.exit_code(),
            Self::Output(error) | Self::Image(ImageError::Write(error)) => error.exit_code(),
            Self::Launch(LaunchError::TemporaryFile(source)) if is_full(source) => {
                exit_code::DISK_FULL
            }
            Self::Program(error) => error.exit_code(),
            Self::Kernel(_) | Self::Image(_) | Self::Export(_) | Self::Launch(_) => {
                exit_code::BUILD_FAILED
            }
        }
    }
}

/// Adds to an I/O error what was tried.
pub fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
    let add = build::system(what);
    |source| Error::Build(add(source))
}
