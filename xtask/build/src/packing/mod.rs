//! Packages: a folder with a manifest, and the same as one compressed archive.
//!
//! 1. The manifest lists every file but itself, with its hash, size and mode: a package is these files and no others.
//! 2. The bytes of both depend on the contents alone: not on times, users, masks or the order of a folder.
//! 3. What is read of an archive is read to its last byte, and compared with its manifest.

pub mod archive;
pub mod files;
pub mod listing;
pub mod manifest;
pub mod sides;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::attest;
use crate::error::{Error, Result, system};
use crate::paths::Cache;
use crate::shell::shell;
use crate::store;
use crate::temporary::TemporaryFolder;

pub use files::{copy, copy_tree, write_json};
pub use manifest::{FileEntry, Identity, MANIFEST, Manifest, Mode, Origin};

/// The sources of the code that packs, for the keys of packages.
pub const CODE: &[&str] = &[
    include_str!("archive.rs"),
    include_str!("files.rs"),
    include_str!("listing.rs"),
    include_str!("manifest.rs"),
    include_str!("mod.rs"),
];

/// Has a folder filled, adds its manifest, and enters it into the cache, with its archive; returns it.
///
/// # Errors
/// When a file is missing or cannot be written.
pub fn publish(
    cache: &Cache,
    identity: &Identity,
    origin: Origin,
    fill: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let parent = cache.distributions();
    let sh = shell()?;
    sh.create_dir(&parent)?;
    let partial = TemporaryFolder::new_in(&parent)
        .map_err(system(format!("cannot write in {}", parent.display())))?;
    let root = partial.path();
    let name = identity.name();
    eprintln!("packaging {name}");
    fill(root)?;
    complete(root, identity, origin)?;

    let archive = store::archive(cache, identity);
    sides::remove_all(&archive)?;
    archive::compress(root, &archive)?;
    sides::write_sha256(&archive)?;
    attest::write_beside(&archive, &Manifest::of(root)?)?;
    let folder = store::folder(cache, identity);
    sh.remove_path(&folder)?;
    fs::rename(partial.path(), &folder)
        .map_err(system(format!("cannot write {}", folder.display())))?;
    drop(partial.keep());
    Ok(folder)
}

/// Adds the manifest to the files of a package, and gives all of them the modes that packages have.
///
/// # Errors
/// When something cannot be read or written.
pub fn complete(root: &Path, identity: &Identity, origin: Origin) -> Result<()> {
    let manifest = root.join(MANIFEST);
    let sh = shell()?;
    sh.write_file(&manifest, "")?;
    for entry in WalkDir::new(root) {
        let entry = entry
            .map_err(|error| Error::Build(format!("cannot read {}: {error}", root.display())))?;
        if entry.file_type().is_symlink() {
            continue;
        }
        let failed = format!("cannot change the mode of {}", entry.path().display());
        let mode = if entry.file_type().is_dir() {
            Mode::Program
        } else {
            let metadata = fs::symlink_metadata(entry.path()).map_err(system(failed.clone()))?;
            Mode::of(metadata.permissions().mode())
        };
        fs::set_permissions(entry.path(), fs::Permissions::from_mode(mode.bits()))
            .map_err(system(failed))?;
    }
    write_json(&manifest, &Manifest::describe(root, identity, origin)?)
}

#[cfg(test)]
pub(crate) mod tests;
