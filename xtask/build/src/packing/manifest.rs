//! What a package says of itself.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use crate::error::Result;
use crate::llvm::inputs::file_hash;

/// Where the manifest is in a distribution.
pub const MANIFEST: &str = "share/bareflow/manifest.json";

/// What a distribution consists of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of LLVM.
    pub version: String,
    /// Target triple.
    pub target: String,
    /// Which libraries.
    pub profile: String,
    /// The distribution's key.
    pub key: String,
    /// SHA-256 or name of the sources.
    pub source: String,
    /// What the toolchain says of itself.
    pub toolchain: String,
    /// What every object was compiled with.
    pub flags: Vec<String>,
    /// Every archive, and the C library as bitcode.
    pub archives: Vec<ArchiveEntry>,
}

/// A file of a distribution's `lib`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveEntry {
    /// Its path in the distribution.
    pub file: String,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Its size, in bytes.
    pub size_bytes: u64,
    /// LLVM components that it is the library of.
    pub components: Vec<String>,
}

/// The files of a distribution's `lib`; `components` says which a library is of.
///
/// # Errors
/// When one cannot be read.
pub fn archives(
    root: &Path,
    components: impl Fn(&str) -> Vec<String>,
) -> Result<Vec<ArchiveEntry>> {
    let mut archives = Vec::new();
    for entry in WalkDir::new(root.join("lib"))
        .sort_by_file_name()
        .into_iter()
        .flatten()
    {
        if !entry.file_type().is_file() {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        let library = name
            .strip_prefix("lib")
            .and_then(|name| name.strip_suffix(".a"))
            .unwrap_or(&name);
        archives.push(ArchiveEntry {
            sha256: file_hash(entry.path())?,
            size_bytes: fs::metadata(entry.path())?.len(),
            components: components(library),
            file: format!("lib/{name}"),
        });
    }
    Ok(archives)
}
