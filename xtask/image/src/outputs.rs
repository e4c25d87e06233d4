//! Files that commands write where they are told to. Nothing of the user's is destroyed: only ordinary files are
//! replaced, whole or not at all, and those that hold what cannot be made again only when that is asked for.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use bareflow_protocol::exit_code;
use bareflow_snapshot::FOLDER as SNAPSHOT_FOLDER;
use bareflow_volume::{Partition, Volume};

use bareflow_build::error::is_full;

use crate::disk::FileDisk;

/// As many symbolic links as Linux follows in a path.
const LINK_LIMIT: usize = 40;
/// For all that the umask lets.
const MODE: u32 = 0o666;

/// Why a file is not written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The folder is not there.
    #[error("cannot write {path}: there is no folder {folder}; make it first")]
    NoFolder {
        /// The file.
        path: PathBuf,
        /// What should be its folder.
        folder: PathBuf,
    },
    /// There is something else than a file.
    #[error("cannot write {path}: it is {what}, not a file; name another with {option}")]
    NoFile {
        /// The path.
        path: PathBuf,
        /// What is there.
        what: &'static str,
        /// The option that names the path.
        option: &'static str,
    },
    /// It is read, too.
    #[error(
        "cannot write {path}: it is one of the files that are read; name another with {option}"
    )]
    IsInput {
        /// The file.
        path: PathBuf,
        /// The option that names the path.
        option: &'static str,
    },
    /// It cannot be made again.
    #[error("cannot write {path}: it is a disk with snapshots of its boots; --force replaces it")]
    HasSnapshots {
        /// The file.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl OutputError {
    /// The exit code of a command that fails this way.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Write { source, .. } if is_full(source) => exit_code::DISK_FULL,
            Self::Write { .. } => exit_code::BUILD_FAILED,
            _ => exit_code::USAGE,
        }
    }
}

/// Whether a disk with snapshots may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// It may not.
    Ordinary,
    /// It may.
    Everything,
}

impl Replace {
    /// As `--force` says.
    pub fn from_flag(force: bool) -> Self {
        if force {
            Self::Everything
        } else {
            Self::Ordinary
        }
    }
}

/// A file that will be written.
#[derive(Debug)]
pub struct OutputFile {
    path: PathBuf,
    /// Where links lead.
    target: PathBuf,
    /// Of the file that is there.
    mode: Option<u32>,
    there: Option<Metadata>,
    option: &'static str,
}

impl OutputFile {
    /// The file at `path`, which `option` names: there is a folder for it, and nothing in its place but a file.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn new(path: &Path, option: &'static str) -> Result<Self, OutputError> {
        let failed = |source| OutputError::Write {
            path: path.into(),
            source,
        };
        let target = target_of(path).map_err(failed)?;
        let folder = folder_of(&target);
        if !folder.is_dir() {
            return Err(OutputError::NoFolder {
                path: path.into(),
                folder: folder.into(),
            });
        }
        let there = match fs::metadata(&target) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        if let Some(what) = there.as_ref().and_then(kind_of_other) {
            return Err(OutputError::NoFile {
                path: path.into(),
                what,
                option,
            });
        }
        Ok(Self {
            path: path.into(),
            target,
            mode: there.as_ref().map(|there| there.permissions().mode()),
            there,
            option,
        })
    }

    /// Checks that it is another file than those that are read.
    ///
    /// # Errors
    /// [`OutputError::IsInput`].
    pub fn other_than<P: AsRef<Path>>(
        self,
        inputs: impl IntoIterator<Item = P>,
    ) -> Result<Self, OutputError> {
        let identity = |metadata: &Metadata| (metadata.dev(), metadata.ino());
        let own = self.there.as_ref().map(identity);
        let is_input = |input: P| {
            let other = fs::metadata(input.as_ref()).ok();
            own.is_some() && other.as_ref().map(identity) == own
        };
        if inputs.into_iter().any(is_input) {
            return Err(OutputError::IsInput {
                path: self.path,
                option: self.option,
            });
        }
        Ok(self)
    }

    /// Checks that it is no disk with snapshots, unless everything may be replaced.
    ///
    /// # Errors
    /// [`OutputError::HasSnapshots`].
    pub fn replaces(self, what: Replace) -> Result<Self, OutputError> {
        if what == Replace::Ordinary && self.there.is_some() && has_snapshots(&self.target) {
            return Err(OutputError::HasSnapshots { path: self.path });
        }
        Ok(self)
    }

    /// Has `fill` write the contents; the file is there when they are complete, and as it was until then.
    ///
    /// # Errors
    /// [`OutputError::Write`].
    pub fn write(&self, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), OutputError> {
        self.try_write(fill).map_err(|source| OutputError::Write {
            path: self.path.clone(),
            source,
        })
    }

    fn try_write(&self, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        let mut temporary = tempfile::Builder::new()
            .prefix(".bareflow-")
            .permissions(fs::Permissions::from_mode(MODE))
            .tempfile_in(folder_of(&self.target))?;
        fill(temporary.as_file_mut())?;
        if let Some(mode) = self.mode {
            let permissions = fs::Permissions::from_mode(mode);
            temporary.as_file().set_permissions(permissions)?;
        }
        temporary
            .persist(&self.target)
            .map_err(|error| error.error)?;
        Ok(())
    }
}

/// Writes a file that `option` names.
///
/// # Errors
/// [`OutputError`].
pub fn write_output(path: &Path, option: &'static str, bytes: &[u8]) -> Result<(), OutputError> {
    OutputFile::new(path, option)?.write(|file| file.write_all(bytes))
}

/// Where symbolic links lead, also to what is not there.
fn target_of(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..LINK_LIMIT {
        match fs::read_link(&target) {
            Ok(next) => target = folder_of(&target).join(next),
            // Not a link, or not there.
            Err(_) => return Ok(target),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// What is there, if it is no file.
fn kind_of_other(there: &Metadata) -> Option<&'static str> {
    let kind = there.file_type();
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("a folder")
    } else if kind.is_char_device() || kind.is_block_device() {
        Some("a device")
    } else if kind.is_fifo() {
        Some("a FIFO")
    } else {
        Some("something special")
    }
}

/// Whether a file is a disk with snapshots.
fn has_snapshots(path: &Path) -> bool {
    let volume = || {
        let disk = FileDisk::new(File::open(path).ok()?).ok()?;
        Volume::mount(Partition::find_fat16(disk).ok()?).ok()
    };
    volume().is_some_and(|mut volume| {
        volume
            .open_folder(SNAPSHOT_FOLDER)
            .and_then(|folder| volume.list(folder))
            .is_ok_and(|entries| entries.iter().any(|entry| !entry.is_folder()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    const OPTION: &str = "--out";

    fn write(path: &Path, text: &str) -> Result<(), OutputError> {
        write_output(path, OPTION, text.as_bytes())
    }

    #[test]
    fn files_are_replaced_whole_with_their_modes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, "one").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        // As of any file that is made here.
        let other = folder.path().join("other");
        File::create(&other).unwrap();
        assert_eq!(mode(&path), mode(&other));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        write(&path, "two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(mode(&path), 0o600);
        let failed = OutputFile::new(&path, OPTION).unwrap().write(|file| {
            file.write_all(b"half")?;
            Err(ErrorKind::StorageFull.into())
        });
        assert_eq!(failed.unwrap_err().exit_code(), 102);
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn links_stay_and_their_targets_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let [target, link, chain] =
            ["target", "link", "chain"].map(|name| folder.path().join(name));
        symlink("target", &link).unwrap();
        symlink(&link, &chain).unwrap();
        write(&chain, "through a dangling link").unwrap();
        assert!(link.is_symlink() && chain.is_symlink() && !target.is_symlink());
        write(&link, "again").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"again");
        let ring = folder.path().join("ring");
        symlink("ring", &ring).unwrap();
        assert!(write(&ring, "").unwrap_err().to_string().contains("links"));
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        mkfifo(&fifo, Mode::S_IRWXU).unwrap();
        for (path, expected) in [
            (folder.path(), "a folder"),
            (&fifo, "a FIFO"),
            (Path::new("/dev/null"), "a device"),
        ] {
            let error = write(path, "").unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.exit_code(), 105);
        }
        let error = write(&folder.path().join("not/there"), "").unwrap_err();
        assert!(error.to_string().contains("/not;"), "{error}");
        assert!(!folder.path().join("not").exists());
    }

    #[test]
    fn what_is_read_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let [source, link, hard] = ["a.c", "b.c", "c.c"].map(|name| folder.path().join(name));
        fs::write(&source, "int main;").unwrap();
        symlink("a.c", &link).unwrap();
        fs::hard_link(&source, &hard).unwrap();
        for path in [&source, &link, &hard] {
            let output = OutputFile::new(path, OPTION).unwrap();
            let error = output.other_than([&source]).unwrap_err();
            assert!(matches!(error, OutputError::IsInput { .. }), "{error}");
        }
        let other = OutputFile::new(&folder.path().join("d"), OPTION).unwrap();
        other.other_than([&source]).unwrap();
    }
}
