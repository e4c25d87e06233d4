//! Packages from archives, of the own cache and of others.

use std::fs;
use std::path::{Path, PathBuf};

use super::check::check_archive;
use super::{archive, find, folder, lock, partial};
use crate::attest;
use crate::error::{Error, Result, system};
use crate::llvm::Request;
use crate::packing::listing::Contents;
use crate::packing::{Identity, sides};
use crate::paths::Cache;
use crate::remote::{Address, Failure, Remote};
use crate::shell::{shell, write_whole};
use crate::temporary::TemporaryFolder;

/// Restores a package from the first archive that is whole; `None` if there is none.
///
/// # Errors
/// When the own cache cannot be written.
pub fn from_any(cache: &Cache, identity: &Identity, request: &Request) -> Result<Option<PathBuf>> {
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
    for (index, source) in cache.sources().iter().enumerate() {
        let restored = match source {
            Address::Folder(folder) => from_folder(cache, folder, identity),
            _ if request.offline => continue,
            server => from_server(cache, server, identity),
        };
        let reason = match restored {
            Ok(None) => continue,
            Err(Error::Damaged { archive, reason }) => {
                format!("{} is damaged: {reason}", archive.display())
            }
            Err(Error::Untrusted { archive, reason }) => {
                format!("{} is refused: {reason}", archive.display())
            }
            Err(Error::Transfer { address, reason }) => {
                format!("{address} is of no use: {reason}")
            }
            other => return other,
        };
        let next = match cache.sources().get(index + 1) {
            Some(next) => format!("{next} is next"),
            None => "no other cache is left".to_owned(),
        };
        eprintln!("warning: {reason}; {next}");
    }
    Ok(None)
}

/// Restores a package from a folder with archives, if it has the right one.
fn from_folder(cache: &Cache, folder: &Path, identity: &Identity) -> Result<Option<PathBuf>> {
    let name = format!("{}{}", identity.name(), sides::ARCHIVE);
    [folder.join(&name), folder.join("dist").join(&name)]
        .iter()
        .find(|path| path.is_file())
        .map(|path| from_other(cache, path, identity))
        .transpose()
}

/// Restores a package from a server, if it has the archive, which stays in the cache too. What comes is in a folder of its
/// own until it has proved to be whole; what has come before this process ends is not asked for again.
fn from_server(cache: &Cache, address: &Address, identity: &Identity) -> Result<Option<PathBuf>> {
    let unusable = |failure: Failure| failure.of(address);
    let own = archive(cache, identity);
    let name = format!("{}{}", identity.name(), sides::ARCHIVE);
    let folder = sides::beside(&super::folder(cache, identity), partial::PARTIAL);
    let _lock = lock(&cache.lock_of_downloads())?;
    // Another process may have been here while this one waited.
    if let Some(found) = find(cache, identity, Contents::Sized)? {
        return Ok(Some(found));
    }
    let remote = Remote::new(address, cache.patience()).map_err(unusable)?;
    shell()?.create_dir(&folder)?;
    let path = folder.join(&name);
    let found = remote.download(&name, &path);
    if fs::metadata(&path).is_ok_and(|metadata| metadata.len() == 0) {
        partial::remove(&folder)?;
    }
    if !found.map_err(unusable)? {
        return Ok(None);
    }
    for addition in sides::RESTORED {
        let file = format!("{name}{addition}");
        let path = folder.join(&file);
        match remote.small(&file).map_err(unusable)? {
            Some(bytes) => write_whole(&path, &bytes)?,
            None => partial::remove(&path)?,
        }
    }
    let restored = from_other(cache, &path, identity);
    if restored.is_ok() {
        let _lock = lock(&cache.lock_of_packages())?;
        sides::remove_all(&own)?;
        for addition in std::iter::once(&"").chain(sides::RESTORED) {
            let (from, to) = (
                sides::beside(&path, addition),
                sides::beside(&own, addition),
            );
            if from.is_file() {
                fs::rename(&from, &to).map_err(system(format!("cannot write {}", to.display())))?;
            }
        }
    }
    if matches!(
        restored,
        Ok(_) | Err(Error::Damaged { .. } | Error::Untrusted { .. })
    ) {
        partial::remove(&folder)?;
    }
    restored.map(Some)
}

/// Restores a package from an archive that this cache did not make.
fn from_other(cache: &Cache, archive: &Path, identity: &Identity) -> Result<PathBuf> {
    attest::check_signature(archive)?;
    from_archive(cache, archive, identity)
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
