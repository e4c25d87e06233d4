//! What can go wrong, and the exit code of each: the reference lists them.

use std::io;
use std::path::{Path, PathBuf};

/// What the parts of the driver return.
pub type Result<T> = std::result::Result<T, DriverError>;

/// Why there is no output.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The command line is wrong.
    #[error("{0}")]
    Usage(String),
    /// A tool that is needed is not there.
    #[error("missing tools: {missing}\n  install them with: {command}")]
    MissingTools {
        /// Their names.
        missing: String,
        /// The command that installs them.
        command: String,
    },
    /// A file is not what it should be, or symbols do not fit together.
    #[error("{0}")]
    Input(String),
    /// A tool has said what is wrong on stderr.
    #[error("{}", .0.trim_end())]
    Tool(String),
    /// There is no space left.
    #[error("no space left on the disk: {0}")]
    DiskFull(String),
    /// A file cannot be read or written.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A tool cannot be started.
    #[error("cannot start {tool}: {source}")]
    Start {
        /// The tool.
        tool: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl DriverError {
    /// The exit code of a run that failed this way.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 105,
            Self::MissingTools { .. } | Self::Start { .. } => 101,
            Self::DiskFull(_) => 102,
            Self::System { source, .. } if source.kind() == io::ErrorKind::StorageFull => 102,
            Self::Input(_) | Self::Tool(_) | Self::System { .. } => 100,
        }
    }
}

/// That `path` could not be read.
pub(crate) fn reading(path: &Path) -> impl FnOnce(io::Error) -> DriverError {
    system(format!("cannot read {}", path.display()))
}

/// Adds to an I/O error what was tried.
pub(crate) fn system(what: String) -> impl FnOnce(io::Error) -> DriverError {
    |source| DriverError::System { what, source }
}
