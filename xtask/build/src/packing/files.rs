//! Filling the folder of a package.

use std::path::Path;

use serde::Serialize;
use walkdir::WalkDir;

use crate::error::{Error, Result};
use crate::shell::shell;

/// Copies a file, after having made the folder that it goes to.
///
/// # Errors
/// When it cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    let sh = shell()?;
    if let Some(folder) = to.parent() {
        sh.create_dir(folder)?;
    }
    Ok(sh.copy_file(from, to)?)
}

/// Copies the files below a folder that are to be kept.
///
/// # Errors
/// When one cannot be read or written.
pub fn copy_tree(from: &Path, to: &Path, keep: impl Fn(&Path) -> bool) -> Result<()> {
    for entry in WalkDir::new(from).follow_links(true) {
        let entry = entry
            .map_err(|error| Error::Build(format!("cannot read {}: {error}", from.display())))?;
        if entry.file_type().is_file() && keep(entry.path()) {
            copy(
                entry.path(),
                &to.join(entry.path().strip_prefix(from).unwrap_or(entry.path())),
            )?;
        }
    }
    Ok(())
}

/// Writes a value as a file of JSON.
///
/// # Errors
/// When it cannot be written.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::Build(format!("cannot write {}: {error}", path.display())))?;
    text.push('\n');
    Ok(shell()?.write_file(path, text)?)
}
