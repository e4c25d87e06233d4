//! Whether what the cache holds is whole.

use std::fs;
use std::path::{Path, PathBuf};

use super::partial::is_left_over;
use crate::error::{Error, Result, system};
use crate::packing::listing::{Contents, Listing};
use crate::packing::{Identity, MANIFEST, Manifest, archive, sides};
use crate::paths::Cache;

/// Compares a folder with its manifest; returns what that says.
///
/// # Errors
/// What is wrong, a line for each thing.
pub fn check_folder(
    folder: &Path,
    contents: Contents,
) -> std::result::Result<Manifest, Vec<String>> {
    let one = |reason: String| vec![reason];
    let path = folder.join(MANIFEST);
    let is_file = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
    if !is_file(&path) {
        return Err(one("it has no manifest".to_owned()));
    }
    let text = fs::read_to_string(&path)
        .map_err(|error| one(format!("its manifest is unreadable: {error}")))?;
    let manifest = Manifest::parse(&text).map_err(one)?;
    let listing = Listing::of(folder, contents).map_err(|error| one(error.to_string()))?;
    let differences = manifest.differences(&listing);
    if !differences.is_empty() {
        return Err(differences);
    }
    Ok(manifest)
}

/// Reads an archive to its end, and compares it with what lies beside it and with its manifest; unpacks it into `folder`,
/// if there is one. Returns which package it is.
///
/// # Errors
/// [`Error::Damaged`] when it is not what was packed, [`Error::DiskFull`] when it does not fit.
pub fn check_archive(path: &Path, folder: Option<&Path>) -> Result<Identity> {
    let damaged = |reason: String| Error::Damaged {
        archive: path.to_owned(),
        reason,
    };
    let recorded = sides::recorded_sha256(path).map_err(damaged)?;
    let packed = archive::read(path, folder)?;
    if recorded.is_some_and(|recorded| recorded != packed.sha256) {
        return Err(damaged(
            "its bytes are not those of the .sha256 beside it".to_owned(),
        ));
    }
    Ok(packed.manifest.identity())
}

/// Compares every package with its manifest, and every archive with its hash and its manifest too; returns a line for
/// each problem.
///
/// # Errors
/// When the cache cannot be read.
pub fn verify(cache: &Cache) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for path in children(&cache.distributions())? {
        let found = if path.is_dir() {
            check_folder(&path, Contents::Hashed).map(|manifest| manifest.identity())
        } else if path.to_string_lossy().ends_with(sides::ARCHIVE) {
            check_archive(&path, None).map_err(|error| match error {
                Error::Damaged { reason, .. } => vec![reason],
                other => vec![other.to_string()],
            })
        } else {
            continue;
        };
        let lines = match found {
            Ok(identity) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let is_named =
                    name.strip_suffix(sides::ARCHIVE).unwrap_or(&name) == identity.name();
                if is_named {
                    continue;
                }
                vec![format!("it is {}", identity.name())]
            }
            Err(lines) => lines,
        };
        let path = path.display();
        problems.extend(lines.into_iter().map(|line| format!("{path}: {line}")));
    }
    Ok(problems)
}

/// What lies in a folder of packages, in order, without what was set aside or never finished.
///
/// # Errors
/// When it cannot be read.
pub(super) fn children(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for child in all_children(folder)? {
        if !is_left_over(&child) {
            paths.push(child);
        }
    }
    Ok(paths)
}

/// The same with it.
///
/// # Errors
/// When it cannot be read.
pub(super) fn all_children(folder: &Path) -> Result<Vec<PathBuf>> {
    let Ok(children) = fs::read_dir(folder) else {
        return Ok(Vec::new());
    };
    let failed = || format!("cannot read {}", folder.display());
    let mut paths = Vec::new();
    for child in children {
        paths.push(child.map_err(system(failed()))?.path());
    }
    paths.sort();
    Ok(paths)
}
