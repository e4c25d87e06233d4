//! Finished packages: found in the own cache, restored from another one, or built.
//!
//! 1. What is in the own cache is used after a look at every file's size and mode, which takes milliseconds; a request may
//!    ask for every byte to be compared.
//! 2. What comes from elsewhere enters the cache after everything in it was compared with its manifest, and that with the
//!    request.
//! 3. What is damaged is set aside, with a warning, and the next cache is asked, and then the build: it is no error.

mod check;
mod collect;
mod partial;
mod push;
mod restore;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::error::{Result, system};
use crate::llvm::Request;
use crate::packing::listing::Contents;
use crate::packing::{Identity, Manifest, sides};
use crate::paths::{Cache, Package};
use crate::shell::shell;
use bareflow_targets::TARGETS;

pub use check::{check_archive, check_folder, verify};
pub use collect::{Current, collect};
pub use push::{Pushed, push};

/// Something that the cache holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path.
    pub path: PathBuf,
    /// Its size on the disk, in bytes.
    pub size_bytes: u64,
}

/// Finds a package in the caches, or has it built; returns its folder.
///
/// # Errors
/// Which step failed, and what to do.
pub fn provide(
    cache: &Cache,
    identity: &Identity,
    request: &Request,
    build: impl FnOnce() -> Result<PathBuf>,
) -> Result<PathBuf> {
    if !request.force
        && let Some(folder) = restore(cache, identity, request)?
    {
        return Ok(folder);
    }
    let _lock = lock(&cache.lock(identity.package))?;
    // Another process may have built it while this one waited.
    if !request.force
        && let Some(folder) = find(cache, identity, contents(request))?
    {
        return Ok(folder);
    }
    build()
}

/// Finds a package in the caches; returns its folder, if one of them has it.
///
/// # Errors
/// That what a cache has could not be restored.
pub fn restore(cache: &Cache, identity: &Identity, request: &Request) -> Result<Option<PathBuf>> {
    match find(cache, identity, contents(request))? {
        Some(folder) => Ok(Some(folder)),
        None => restore::from_any(cache, identity, request),
    }
}

/// What of a package that is there is looked at.
fn contents(request: &Request) -> Contents {
    if request.verify {
        Contents::Hashed
    } else {
        Contents::Sized
    }
}

/// Waits until nobody else holds the lock in this file.
pub fn lock(path: &Path) -> Result<File> {
    if let Some(folder) = path.parent() {
        shell()?.create_dir(folder)?;
    }
    let file = File::create(path).map_err(system(format!("cannot write {}", path.display())))?;
    if file.try_lock().is_err() {
        eprintln!("waiting for another process ({})", path.display());
        file.lock()
            .map_err(system(format!("cannot lock {}", path.display())))?;
    }
    Ok(file)
}

/// The lock in this file, if nobody else holds it.
fn lock_if_free(path: &Path) -> Result<Option<File>> {
    if let Some(folder) = path.parent() {
        shell()?.create_dir(folder)?;
    }
    let file = File::create(path).map_err(system(format!("cannot write {}", path.display())))?;
    Ok(file.try_lock().is_ok().then_some(file))
}

/// Where a package's folder is or will be.
pub fn folder(cache: &Cache, identity: &Identity) -> PathBuf {
    cache.distributions().join(identity.name())
}

/// Where a package's archive is or will be.
pub fn archive(cache: &Cache, identity: &Identity) -> PathBuf {
    cache
        .distributions()
        .join(format!("{}{}", identity.name(), sides::ARCHIVE))
}

/// The folder of a package, if it is there and as its manifest says. One that is not is set aside.
///
/// # Errors
/// When it cannot be set aside.
pub fn find(cache: &Cache, identity: &Identity, contents: Contents) -> Result<Option<PathBuf>> {
    let folder = folder(cache, identity);
    if fs::symlink_metadata(&folder).is_err() {
        return Ok(None);
    }
    let check = || is_package(&folder, identity, contents);
    if check().is_ok() {
        return Ok(Some(folder));
    }
    partial::set_aside(cache, &folder, check)?;
    // Unless another process was faster, and what is there now is good.
    Ok(check().is_ok().then_some(folder))
}

/// Whether a folder is a package, and this one.
fn is_package(
    folder: &Path,
    identity: &Identity,
    contents: Contents,
) -> std::result::Result<(), String> {
    let manifest = check_folder(folder, contents).map_err(|lines| lines[0].clone())?;
    match identity.difference(&manifest.identity()) {
        Some(difference) => Err(difference),
        None => Ok(()),
    }
}

/// What the package in `folder` says of itself.
///
/// # Errors
/// That it does not, or not so that it can be read.
pub fn manifest_of(folder: &Path) -> Result<Manifest> {
    Manifest::of(folder)
}

/// What the cache holds: sources, build trees, distributions, the compiler cache.
///
/// # Errors
/// When a folder cannot be read.
pub fn list(cache: &Cache) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let parts = ["source", "dist", "ccache", "programs", "answers", "logs"];
    let trees = TARGETS
        .iter()
        .flat_map(|target| Package::ALL.map(|package| cache.build(package, target)));
    for path in parts
        .map(|part| cache.root().join(part))
        .into_iter()
        .chain(trees)
    {
        let Ok(children) = fs::read_dir(&path) else {
            continue;
        };
        if ["ccache", "programs", "answers"]
            .map(|part| cache.root().join(part))
            .contains(&path)
        {
            entries.push(Entry {
                size_bytes: size_of_tree(&path),
                path,
            });
            continue;
        }
        for child in children {
            let path = child?.path();
            entries.push(Entry {
                size_bytes: size_of_tree(&path),
                path,
            });
        }
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

fn size_of_tree(path: &Path) -> u64 {
    WalkDir::new(path)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.metadata().ok())
        .filter(fs::Metadata::is_file)
        .map(|metadata| metadata.len())
        .sum()
}

#[cfg(test)]
mod tests;
