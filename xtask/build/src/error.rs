//! What can go wrong while something is built, and the exit code of each: the reference lists them.

use std::io;
use std::path::{Path, PathBuf};

use bareflow_protocol::exit_code;

/// What the steps of a build return.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something was not built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A step of a build failed; what to look at.
    #[error("{0}")]
    Build(String),
    /// A tool that is needed is not there.
    #[error("missing tools: {missing}\n  {advice}")]
    MissingTools {
        /// Their names.
        missing: String,
        /// The one command that installs them, or why there is none.
        advice: String,
    },
    /// Packages of tools do not fit beside what is installed.
    #[error(
        "tools cannot be installed without removing or downgrading something, which is left to you:\n  {reasons}\n  if \
         that may go, run: {command}"
    )]
    NotInstallable {
        /// The packages and what is in the way, a line each.
        reasons: String,
        /// What the user may run.
        command: String,
    },
    /// The disk is full, or would be.
    #[error(
        "not enough space on the disk of {folder}: {details}\n  free some, or set BAREFLOW_CACHE to a folder on another disk"
    )]
    DiskFull {
        /// Where it was to be written.
        folder: PathBuf,
        /// How much is there.
        details: String,
    },
    /// A file is not what its hash says.
    #[error(
        "{file} has the wrong contents\n  expected SHA-256 {expected}\n  found            {found}\n  delete it and try again, or name a good copy with --source"
    )]
    WrongHash {
        /// The file.
        file: PathBuf,
        /// The pinned hash.
        expected: String,
        /// The file's.
        found: String,
    },
    /// An archive of a cache cannot be unpacked, or holds other bytes than its manifest says.
    #[error(
        "{archive} is damaged: {reason}\n  delete it: `cargo xtask llvm` and `sdk` provide it anew"
    )]
    Damaged {
        /// The archive.
        archive: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An archive is not signed by the key that is configured.
    #[error(
        "{archive} is refused: {reason}\n  the key is that of BAREFLOW_PUBLIC_KEY; ask who made the archive for its signature"
    )]
    Untrusted {
        /// The archive.
        archive: PathBuf,
        /// What is wrong with its signature.
        reason: String,
    },
    /// Nothing can be downloaded.
    #[error(
        "the LLVM sources cannot be downloaded:\n{attempts}\n  check the network, or give the tarball with --source PATH"
    )]
    Network {
        /// What was tried, a line each.
        attempts: String,
    },
    /// A server cannot be used.
    #[error(
        "{address}: {reason}\n  check the address and the network, and try again: what is there is not sent again"
    )]
    Transfer {
        /// The server.
        address: String,
        /// What went wrong.
        reason: String,
    },
    /// The command line or the configuration is wrong.
    #[error("{0}")]
    Usage(String),
    /// A file or tool cannot be used.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file or tool cannot be used.
    #[error(transparent)]
    Shell(#[from] xshell::Error),
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Error {
    /// The exit code of the command that failed this way.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::MissingTools { .. } | Self::NotInstallable { .. } => exit_code::TOOL_MISSING,
            Self::DiskFull { .. } => exit_code::DISK_FULL,
            Self::System { source, .. } | Self::Io(source) if is_full(source) => {
                exit_code::DISK_FULL
            }
            Self::Shell(error) if says_full(&error.to_string()) => exit_code::DISK_FULL,
            Self::WrongHash { .. } | Self::Damaged { .. } | Self::Untrusted { .. } => {
                exit_code::WRONG_HASH
            }
            Self::Network { .. } | Self::Transfer { .. } => exit_code::NO_NETWORK,
            Self::Usage(_) => exit_code::USAGE,
            _ => exit_code::BUILD_FAILED,
        }
    }
}

/// Whether an error says that there is no room.
pub fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

/// Whether what a tool or a shell has said is that there is no room: neither passes on the system's error.
pub fn says_full(text: &str) -> bool {
    text.contains("No space left on device")
}

/// Adds to an I/O error what was tried.
pub fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
    let what = what.into();
    |source| Error::System { what, source }
}

/// Adds to an I/O error of an unpacker what was tried; a full disk shows as one, which libraries that unpack
/// hide in their messages.
pub fn unpacking(what: impl Into<String>, folder: &Path) -> impl FnOnce(io::Error) -> Error {
    let (what, folder) = (what.into(), folder.to_owned());
    |source| match source.kind() {
        io::ErrorKind::StorageFull => Error::DiskFull {
            folder,
            details: "it was full before everything was unpacked".to_owned(),
        },
        _ => Error::System { what, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_has_its_own_code_wherever_it_shows() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(Error::Io(full()).exit_code(), 102);
        assert_eq!(system("cannot write x")(full()).exit_code(), 102);
        assert_eq!(
            unpacking("cannot unpack x", Path::new("/"))(full()).exit_code(),
            102
        );
        let unwritten = xshell::Shell::new().unwrap().write_file("/dev/full", "x");
        assert_eq!(Error::from(unwritten.unwrap_err()).exit_code(), 102);
        assert_eq!(
            Error::Io(io::Error::from(io::ErrorKind::NotFound)).exit_code(),
            100
        );
    }
}
