//! What can go wrong, and the exit code of each: the reference lists them.

use std::io;
use std::path::{Path, PathBuf};

use bareflow_protocol::exit_code::{BUILD_FAILED, DISK_FULL, TOOL_MISSING, USAGE};

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
    /// What a tool said when it failed, which says everything.
    #[error("{}", text.trim_end())]
    Tool {
        /// Its messages.
        text: String,
        /// What they are about.
        exit_code: u8,
    },
    /// The compiler has said on stderr what is wrong.
    #[error("{}", not_compiled(files))]
    NotCompiled {
        /// The files.
        files: Vec<PathBuf>,
        /// That of the first.
        exit_code: u8,
    },
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
            Self::Usage(_) => USAGE,
            Self::MissingTools { .. } | Self::Start { .. } => TOOL_MISSING,
            Self::System { source, .. } if source.kind() == io::ErrorKind::StorageFull => DISK_FULL,
            Self::Tool { exit_code, .. } | Self::NotCompiled { exit_code, .. } => *exit_code,
            Self::Input(_) | Self::System { .. } => BUILD_FAILED,
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

fn not_compiled(files: &[PathBuf]) -> String {
    let names: Vec<String> = files
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let verb = if files.len() == 1 { "does" } else { "do" };
    format!("{} {verb} not compile", names.join(", "))
}
