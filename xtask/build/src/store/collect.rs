//! Less of the cache.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bareflow_targets::TARGETS;

use super::check::{all_children, check_folder};
use super::partial::{DAMAGED, PARTIAL, TEMPORARY, archive_of_side, is_left_over, remove};
use super::{lock_if_free, size_of_tree};
use crate::error::Result;
use crate::packing::listing::Contents;
use crate::packing::sides;
use crate::paths::{Cache, Package};

/// Temporary folders go away with their processes, but for those of a machine that was switched off: after this time
/// nobody fills one any more.
const MOST_LIFE: Duration = Duration::from_secs(3600);

/// The packages of this checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Current {
    /// Their names.
    Known(Vec<String>),
    /// It cannot be told which they are: every whole package is kept.
    Unknown,
}

/// Deletes what can be made again: build trees, logs, and all packages but the current ones and the newest of each kind,
/// target and profile; and what is of no use: archives without a folder, what was set aside, what was never finished.
/// Returns the number of bytes freed.
///
/// # Errors
/// When something cannot be deleted.
pub fn collect(cache: &Cache, current: &Current) -> Result<u64> {
    let mut doomed = Vec::new();
    let mut locks = Vec::new();
    for package in Package::ALL {
        // Not under the hands of who builds there.
        if let Some(lock) = lock_if_free(&cache.lock(package))? {
            locks.push(lock);
            doomed.extend(TARGETS.iter().map(|target| cache.build(package, target)));
        }
    }
    if locks.len() == Package::ALL.len() {
        doomed.push(cache.root().join("logs"));
    }
    let _lock = super::lock(&cache.lock_of_packages())?;
    let downloads = lock_if_free(&cache.lock_of_downloads())?;
    doomed.extend(packages(cache, current, downloads.as_ref())?);
    let mut freed = 0;
    for path in doomed.into_iter().filter(|path| path.exists()) {
        freed += size_of_tree(&path);
        remove(&path)?;
    }
    Ok(freed)
}

/// Which of the packages, and of what is beside them, are of no use.
fn packages(cache: &Cache, current: &Current, downloads: Option<&File>) -> Result<Vec<PathBuf>> {
    let children = all_children(&cache.distributions())?;
    let mut doomed: Vec<_> = children
        .iter()
        .filter(|path| is_abandoned(path, downloads))
        .cloned()
        .collect();
    let mut folders: Vec<_> = children
        .iter()
        .filter(|path| path.is_dir() && !is_left_over(path))
        .collect();
    folders.sort_by_key(|path| std::cmp::Reverse(changed(path)));
    let (mut kept, mut kinds) = (Vec::new(), Vec::new());
    // The current ones first: whatever is newer than they are is another one of their kind.
    folders.sort_by_key(|path| !current.has(path));
    for folder in folders {
        let Ok(manifest) = check_folder(folder, Contents::Sized) else {
            doomed.push(folder.clone());
            continue;
        };
        let kind = (manifest.package, manifest.target, manifest.profile);
        if current.has(folder) || !kinds.contains(&kind) || *current == Current::Unknown {
            kept.push(folder.clone());
            kinds.push(kind);
        } else {
            doomed.push(folder.clone());
        }
    }
    let is_kept = |archive: &Path| {
        let name = archive.to_string_lossy();
        let folder = Path::new(name.strip_suffix(sides::ARCHIVE).unwrap_or(&name));
        kept.iter().any(|kept| kept == folder)
            || current.has(folder)
            || *current == Current::Unknown
    };
    for file in children.iter().filter(|path| path.is_file()) {
        let archive = match archive_of_side(file) {
            Some(archive) => archive,
            None if file.to_string_lossy().ends_with(sides::ARCHIVE) => file.clone(),
            None => continue,
        };
        let is_wanted = archive.is_file() && is_kept(&archive);
        if !is_left_over(file) && !is_wanted {
            doomed.push(file.clone());
        }
    }
    Ok(doomed)
}

impl Current {
    fn has(&self, folder: &Path) -> bool {
        let Self::Known(names) = self else {
            return false;
        };
        folder
            .file_name()
            .is_some_and(|name| names.iter().any(|known| name == known.as_str()))
    }
}

/// Whether nobody will go on with it. Nobody does with downloads if their lock is free.
fn is_abandoned(path: &Path, downloads: Option<&File>) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_old = || {
        let age = changed(path).and_then(|time| SystemTime::now().duration_since(time).ok());
        age.is_some_and(|age| age > MOST_LIFE)
    };
    name.contains(DAMAGED)
        || (name.contains(PARTIAL) && downloads.is_some())
        || (name.starts_with(TEMPORARY) && is_old())
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .ok()
}
