//! The C sources of code generators that kernels are made with: those of a registry, by version and hash, unpacked.

use std::fs::{self, File};
use std::path::PathBuf;

use crate::paths::Cache;
use crate::registry::{self, Origin};
use crate::store;

/// The crate that has MIR's.
const MIR: &str = "mir-sys";
const MIR_VERSION: &str = "0.2.0";
const MIR_SHA256: &str = "8d6a1608fc7846a3ef69ab90bd3a0a431e0728d0b700681cde6f19fb1607058d";

/// The folder of MIR's sources.
///
/// # Errors
/// That they cannot be had, or not be unpacked.
pub fn mir(cache: &Cache) -> Result<PathBuf, String> {
    let name = format!("{MIR}-{MIR_VERSION}");
    let folder = cache.source().join(&name);
    let sources = folder.join("mir");
    // The name is given last.
    if folder.is_dir() {
        return Ok(sources);
    }
    let lock = store::lock(&cache.source().join("lock"));
    let _lock = lock.map_err(|error| error.to_string())?;
    // Another process may have unpacked them while this one waited.
    if folder.is_dir() {
        return Ok(sources);
    }
    let origin = Origin::Crate {
        name: MIR.to_owned(),
        version: MIR_VERSION.to_owned(),
    };
    let file = registry::provide(cache, &origin, MIR_SHA256)?;
    let failed = |error| format!("cannot unpack {}: {error}", file.display());
    let fresh = cache.source().join(format!("{name}.new"));
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(failed)?;
    }
    let reader = flate2::read::GzDecoder::new(File::open(&file).map_err(failed)?);
    tar::Archive::new(reader).unpack(&fresh).map_err(failed)?;
    fs::rename(fresh.join(&name), &folder).map_err(failed)?;
    fs::remove_dir_all(&fresh).map_err(failed)?;
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sources_are_unpacked_once() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path(), &[]);
        let sources = mir(&cache).unwrap();
        assert!(sources.join("mir-gen.c").is_file());
        fs::write(sources.join("mark"), "").unwrap();
        assert_eq!(mir(&cache), Ok(sources.clone()));
        assert!(sources.join("mark").is_file());
    }
}
