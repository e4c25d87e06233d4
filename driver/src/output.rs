//! Where output goes, so that nothing is half-written and nothing of the user's is destroyed.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::error::{DriverError, Result, system};

/// Less what the user's mask takes away.
const PROGRAM_MODE: u32 = 0o777;

/// Where output goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To a file, which may be there already.
    File(PathBuf),
    /// Nowhere: `/dev/null`.
    Nowhere,
}

impl Destination {
    /// Checks that the output may go to `path`.
    ///
    /// # Errors
    /// [`DriverError::Usage`]: it is a folder, a device or an input, or its folder is not there.
    pub fn check<'a>(path: &Path, inputs: impl IntoIterator<Item = &'a Path>) -> Result<Self> {
        let refused = |reason: &str| {
            Err(DriverError::Usage(format!(
                "-o {}: {reason}",
                path.display()
            )))
        };
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder = folder_of(path);
                if !folder.is_dir() {
                    return refused("its folder is not there");
                }
                return Ok(Self::File(path.into()));
            }
            Err(error) => return refused(&error.to_string()),
        };
        if metadata.is_dir() {
            return refused("this is a folder");
        }
        if metadata.file_type().is_char_device() && path == Path::new("/dev/null") {
            return Ok(Self::Nowhere);
        }
        if !metadata.is_file() {
            return refused("this is neither a file nor /dev/null");
        }
        let is_same =
            |other: fs::Metadata| (other.dev(), other.ino()) == (metadata.dev(), metadata.ino());
        if inputs
            .into_iter()
            .any(|input| fs::metadata(input).is_ok_and(is_same))
        {
            return refused("this is an input");
        }
        // What a link stands for is replaced, not the link.
        let path = path
            .canonicalize()
            .map_err(system(format!("cannot find {}", path.display())))?;
        Ok(Self::File(path))
    }

    /// Writes a program there, whole or not at all.
    ///
    /// # Errors
    /// That it cannot be written.
    pub fn write_program(&self, bytes: &[u8]) -> Result<()> {
        let Self::File(path) = self else {
            return Ok(());
        };
        let write = || -> io::Result<()> {
            let mut file =
                tempfile::Builder::new()
                    .prefix(".bareflow-")
                    .make_in(folder_of(path), |path| {
                        OpenOptions::new()
                            .write(true)
                            .create_new(true)
                            .mode(PROGRAM_MODE)
                            .open(path)
                    })?;
            file.write_all(bytes)?;
            file.persist(path)?;
            Ok(())
        };
        write().map_err(system(format!("cannot write {}", path.display())))
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn what_must_not_be_replaced_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("a.c");
        fs::write(&input, "").unwrap();
        let check = |path: &Path| Destination::check(path, [input.as_path()]);
        for (path, word) in [
            (folder.path(), "a folder"),
            (&input, "an input"),
            (&folder.path().join("nowhere/a"), "not there"),
            (Path::new("/dev/full"), "neither"),
        ] {
            let error = check(path).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
            assert_eq!(error.exit_code(), 105);
        }
        assert_eq!(check(Path::new("/dev/null")).unwrap(), Destination::Nowhere);
    }

    #[test]
    fn a_program_can_be_started_and_links_stay_links() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        let link = folder.path().join("link");
        fs::write(&target, "old").unwrap();
        symlink(&target, &link).unwrap();
        Destination::check(&link, [])
            .unwrap()
            .write_program(b"new")
            .unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_ne!(
            fs::metadata(&target).unwrap().permissions().mode() & 0o100,
            0
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
