//! The sources of [QBE](https://c9x.me/compile/), a code generator of kernels.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use crate::paths::Cache;
use crate::registry::{self, Origin};
use crate::temporary::TemporaryFolder;

/// Debian's copy of the tarball of version 1.2, in the archive's pool.
const TARBALL: &str = "main/q/qbe/qbe_1.2.orig.tar.xz";
const SHA256: &str = "a6d50eb952525a234bf76ba151861f73b7a382ac952d985f2b9af1df5368225d";
/// The folder that it has everything in.
const FOLDER: &str = "qbe-1.2";

/// The folder with the sources, which are downloaded at first.
///
/// # Errors
/// That they cannot be had, or are others.
pub fn sources(cache: &Cache) -> Result<PathBuf, String> {
    let folder = cache.source().join(FOLDER);
    if folder.is_dir() {
        return Ok(folder);
    }
    let origin = Origin::Debian {
        path: TARBALL.to_owned(),
    };
    let tarball = registry::provide(cache, &origin, SHA256)?;
    unpack(&tarball, &folder)
        .map_err(|error| format!("cannot unpack {}: {error}", tarball.display()))?;
    Ok(folder)
}

/// All or nothing.
fn unpack(tarball: &Path, folder: &Path) -> std::io::Result<()> {
    let partial = TemporaryFolder::new_in(folder.parent().unwrap_or(Path::new(".")))?;
    let reader = BufReader::new(File::open(tarball)?);
    tar::Archive::new(liblzma::read::XzDecoder::new(reader)).unpack(partial.path())?;
    match fs::rename(partial.path().join(FOLDER), folder) {
        // Somebody else was faster.
        Err(_) if folder.is_dir() => Ok(()),
        done => done,
    }
}
