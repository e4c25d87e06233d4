//! The files of a package, as they are found in a folder or in an archive.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path};

use walkdir::WalkDir;

use super::manifest::MANIFEST;
use crate::error::{Error, Result, system};
use crate::llvm::inputs::file_hash;

/// How closely files are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Their sizes and modes: a few milliseconds for thousands of files.
    Sized,
    /// All their bytes too.
    Hashed,
}

/// What a file was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its size, in bytes.
    pub size_bytes: u64,
    /// Its permissions.
    pub mode: u32,
    /// SHA-256 in hexadecimal, if its bytes were looked at.
    pub sha256: Option<String>,
}

/// The files of a package but its manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// By their paths.
    pub files: BTreeMap<String, Found>,
    /// What no package may hold, a line for each.
    pub refused: Vec<String>,
}

impl Listing {
    /// Of everything below a folder.
    ///
    /// # Errors
    /// When something cannot be read.
    pub fn of(root: &Path, contents: Contents) -> Result<Self> {
        let mut listing = Self::default();
        for entry in WalkDir::new(root).min_depth(1) {
            let entry = entry.map_err(|error| {
                Error::Build(format!("cannot read {}: {error}", root.display()))
            })?;
            if entry.file_type().is_dir() {
                continue;
            }
            let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
            let Some(name) = path.to_str() else {
                listing
                    .refused
                    .push(format!("{} is no UTF-8", path.display()));
                continue;
            };
            if !entry.file_type().is_file() {
                listing
                    .refused
                    .push(format!("{name} is neither a file nor a folder"));
                continue;
            }
            if name == MANIFEST {
                continue;
            }
            let metadata = fs::symlink_metadata(entry.path())
                .map_err(system(format!("cannot read {}", entry.path().display())))?;
            let found = Found {
                size_bytes: metadata.len(),
                mode: metadata.permissions().mode() & 0o7777,
                sha256: match contents {
                    Contents::Sized => None,
                    Contents::Hashed => Some(file_hash(entry.path())?),
                },
            };
            listing.files.insert(name.to_owned(), found);
        }
        Ok(listing)
    }
}

/// Whether a path is one that leads to one place only, below the folder that it is looked up in.
pub fn is_inside(path: &str) -> bool {
    let mut plain = String::new();
    for part in Path::new(path).components() {
        let Component::Normal(name) = part else {
            return false;
        };
        if !plain.is_empty() {
            plain.push('/');
        }
        plain.push_str(&name.to_string_lossy());
    }
    !plain.is_empty() && plain == path && !path.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_the_folder_or_have_two_spellings_are_refused() {
        for path in ["lib/a.a", "a", "include/c++/v1/..a"] {
            assert!(is_inside(path), "{path}");
        }
        for path in [
            "", "/", "/etc/x", "..", "../x", "a/../x", "./a", "a//b", "a/", "a/./b", "a/..", "a\0b",
        ] {
            assert!(!is_inside(path), "{path:?}");
        }
    }
}
