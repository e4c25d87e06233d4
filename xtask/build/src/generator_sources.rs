//! The C sources of code generators that kernels are made with: by version and hash, unpacked in the cache.

use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;

use crate::paths::Cache;
use crate::registry::{self, Origin};
use crate::store;

/// An archive whose files are all in one folder.
struct Sources {
    folder: &'static str,
    sha256: &'static str,
    decompress: fn(File) -> Box<dyn Read>,
}

/// In the crate `mir-sys` of this version.
const MIR: Sources = Sources {
    folder: "mir-sys-0.2.0",
    sha256: "8d6a1608fc7846a3ef69ab90bd3a0a431e0728d0b700681cde6f19fb1607058d",
    decompress: |file| Box::new(flate2::read::GzDecoder::new(file)),
};

/// Debian's copy of the tarball of version 1.2.
const QBE: Sources = Sources {
    folder: "qbe-1.2",
    sha256: "a6d50eb952525a234bf76ba151861f73b7a382ac952d985f2b9af1df5368225d",
    decompress: |file| Box::new(liblzma::read::XzDecoder::new(file)),
};

/// The folder of the sources of [MIR](https://github.com/vnmakarov/mir).
///
/// # Errors
/// That they cannot be had, or not be unpacked.
pub fn mir(cache: &Cache) -> Result<PathBuf, String> {
    let origin = Origin::Crate {
        name: "mir-sys".to_owned(),
        version: "0.2.0".to_owned(),
    };
    Ok(MIR.provide(cache, &origin)?.join("mir"))
}

/// The folder of the sources of [QBE](https://c9x.me/compile/).
///
/// # Errors
/// As above.
pub fn qbe(cache: &Cache) -> Result<PathBuf, String> {
    let origin = Origin::Debian {
        path: "main/q/qbe/qbe_1.2.orig.tar.xz".to_owned(),
    };
    QBE.provide(cache, &origin)
}

impl Sources {
    fn provide(&self, cache: &Cache, origin: &Origin) -> Result<PathBuf, String> {
        let folder = cache.source().join(self.folder);
        // The name is given last.
        if folder.is_dir() {
            return Ok(folder);
        }
        let lock = store::lock(&cache.source().join("lock"));
        let _lock = lock.map_err(|error| error.to_string())?;
        // Another process may have unpacked them while this one waited.
        if folder.is_dir() {
            return Ok(folder);
        }
        let archive = registry::provide(cache, origin, self.sha256)?;
        let failed = |error| format!("cannot unpack {}: {error}", archive.display());
        let fresh = cache.source().join(format!("{}.new", self.folder));
        if fresh.exists() {
            fs::remove_dir_all(&fresh).map_err(failed)?;
        }
        let reader = (self.decompress)(File::open(&archive).map_err(failed)?);
        tar::Archive::new(reader).unpack(&fresh).map_err(failed)?;
        fs::rename(fresh.join(self.folder), &folder).map_err(failed)?;
        fs::remove_dir_all(&fresh).map_err(failed)?;
        Ok(folder)
    }
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
