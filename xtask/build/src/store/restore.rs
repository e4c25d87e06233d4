//! Packages from archives, of the own cache and of others.

use std::fs;
use std::path::{Path, PathBuf};

use super::check::check_archive;
use super::{archive, find, folder, partial};
use crate::attest;
use crate::error::{Error, Result, system};
use crate::llvm::Request;
use crate::packing::Identity;
use crate::packing::listing::Contents;
use crate::paths::Cache;
use crate::shell::shell;
use crate::temporary::TemporaryFolder;

/// Restores a package from the first archive that is whole; `None` if there is none.
///
/// # Errors
/// When the own cache cannot be written.
pub fn from_any(cache: &Cache, identity: &Identity, _request: &Request) -> Result<Option<PathBuf>> {
    let own = archive(cache, identity);
    if own.is_file() {
        match from_archive(cache, &own, identity) {
            Err(Error::Damaged { .. }) => {
                partial::set_aside(cache, &own, || match check_identity(&own, None, identity) {
                    Err(Error::Damaged { reason, .. }) => Err(reason),
                    _ => Ok(()),
                })?;
            }
            other => return other.map(Some),
        }
    }
    let name = own.file_name().expect("an archive has a name");
    for folder in cache.read_only() {
        for path in [folder.join(name), folder.join("dist").join(name)] {
            if !path.is_file() {
                continue;
            }
            let restored =
                attest::check_signature(&path).and_then(|()| from_archive(cache, &path, identity));
            match restored {
                Err(Error::Untrusted { reason, .. }) => eprintln!(
                    "warning: {} is refused: {reason}; what comes next is tried",
                    path.display()
                ),
                Err(Error::Damaged { reason, .. }) => eprintln!(
                    "warning: {} is damaged: {reason}; what comes next is tried",
                    path.display()
                ),
                other => return other.map(Some),
            }
        }
    }
    Ok(None)
}

/// Unpacks an archive into the cache; returns the folder.
///
/// # Errors
/// [`Error::Damaged`] when it is not what was packed or another package, [`Error::DiskFull`] when it does not fit.
pub(super) fn from_archive(cache: &Cache, archive: &Path, identity: &Identity) -> Result<PathBuf> {
    eprintln!("restoring {}", archive.display());
    let parent = cache.distributions();
    shell()?.create_dir(&parent)?;
    let partial = TemporaryFolder::new_in(&parent)
        .map_err(system(format!("cannot write in {}", parent.display())))?;
    check_identity(archive, Some(partial.path()), identity)?;
    enter(cache, partial, identity)
}

/// Gives what was unpacked its place in the cache.
fn enter(cache: &Cache, partial: TemporaryFolder, identity: &Identity) -> Result<PathBuf> {
    make_readable(partial.path())?;
    let folder = folder(cache, identity);
    let Err(error) = fs::rename(partial.path(), &folder) else {
        drop(partial.keep());
        return Ok(folder);
    };
    // Another process was as fast; or something is in the way.
    if let Some(folder) = find(cache, identity, Contents::Sized)? {
        return Ok(folder);
    }
    fs::rename(partial.path(), &folder)
        .map_err(|_| system(format!("cannot write {}", folder.display()))(error))?;
    drop(partial.keep());
    Ok(folder)
}

/// Temporary folders are their owner's alone; packages are not.
fn make_readable(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
        .map_err(system(format!("cannot change {}", folder.display())))
}

/// Checks an archive, and that it is the package that is wanted.
fn check_identity(path: &Path, folder: Option<&Path>, wanted: &Identity) -> Result<()> {
    match wanted.difference(&check_archive(path, folder)?) {
        Some(reason) => Err(Error::Damaged {
            archive: path.to_owned(),
            reason,
        }),
        None => Ok(()),
    }
}
