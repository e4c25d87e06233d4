//! Packages: a folder with a manifest, and the same as one compressed archive.

pub mod archive;
pub mod files;
pub mod manifest;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Result, system};
use crate::paths::Cache;
use crate::shell::shell;
use crate::store;
use crate::temporary::TemporaryFolder;

pub use files::{copy, copy_tree, write_json};
pub use manifest::{ArchiveEntry, MANIFEST, Manifest, archives};

use archive::compress;

/// Has a folder filled, and enters it into the cache under this name, with its archive; returns it.
///
/// # Errors
/// When a file is missing or cannot be written.
pub fn publish(
    cache: &Cache,
    name: &str,
    fill: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let parent = cache.distributions();
    let sh = shell()?;
    sh.create_dir(&parent)?;
    let partial = TemporaryFolder::new_in(&parent)
        .map_err(system(format!("cannot write in {}", parent.display())))?;
    let root = partial.path();
    eprintln!("packaging {name}");
    fill(root)?;
    fs::set_permissions(root, fs::Permissions::from_mode(0o755))?;

    let archive = parent.join(format!("{name}.tar.zst"));
    compress(root, &archive)?;
    let folder = store::folder(cache, name);
    sh.remove_path(&folder)?;
    fs::rename(partial.path(), &folder)
        .map_err(system(format!("cannot write {}", folder.display())))?;
    drop(partial.keep());
    Ok(folder)
}
