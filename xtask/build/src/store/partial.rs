//! What is in the cache and does not count: damaged things that were set aside, and what was never finished.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::lock;
use crate::error::{Result, system};
use crate::packing::sides;
use crate::paths::Cache;

/// Added to the name of what is damaged.
pub const DAMAGED: &str = ".damaged";

/// Added to the name of what is still being downloaded.
pub const PARTIAL: &str = ".partial";

/// What the names of temporary folders begin with.
pub const TEMPORARY: &str = ".tmp";

/// Whether a file or folder of the cache does not count.
pub fn is_left_over(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(TEMPORARY) || name.contains(DAMAGED) || name.contains(PARTIAL)
}

/// Renames what is damaged, if `check` still finds it so once nobody else does the same; says why in a line.
///
/// # Errors
/// That it cannot be renamed.
pub(super) fn set_aside(
    cache: &Cache,
    path: &Path,
    check: impl FnOnce() -> std::result::Result<(), String>,
) -> Result<()> {
    let _lock = lock(&cache.lock_of_packages())?;
    // Another process may have put a good one into its place.
    let Err(reason) = check() else {
        return Ok(());
    };
    let aside = sides::beside(path, DAMAGED);
    eprintln!(
        "warning: {} is damaged: {reason}; it is set aside as {}",
        path.display(),
        aside.file_name().unwrap_or_default().display()
    );
    remove(&aside)?;
    fs::rename(path, &aside).map_err(system(format!("cannot rename {}", path.display())))?;
    for addition in sides::ALL {
        let side = sides::beside(path, addition);
        match fs::rename(&side, sides::beside(&side, DAMAGED)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(system(format!("cannot rename {}", side.display()))(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Removes a file or a folder, if it is there.
pub(super) fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(system(format!("cannot delete {}", path.display()))(error))
        }
        _ => Ok(()),
    }
}

/// The archive that a file lies beside, if it is such a file.
pub(super) fn archive_of_side(path: &Path) -> Option<PathBuf> {
    let name = path.to_str()?;
    sides::ALL
        .iter()
        .find_map(|addition| name.strip_suffix(addition))
        .filter(|name| name.ends_with(sides::ARCHIVE))
        .map(PathBuf::from)
}
