//! What is published of packages: their archives, and all that lies beside them.

use std::path::{Path, PathBuf};

use super::{Signer, write_beside};
use crate::error::{Error, Result};
use crate::packing::archive::compress;
use crate::packing::listing::Contents;
use crate::packing::sides;
use crate::shell::shell;
use crate::store;

/// Packs packages into a folder, each with its hash, its parts, where it comes from, and their signatures; returns the
/// archives.
///
/// # Errors
/// When a package is damaged, or something cannot be written or signed.
pub fn gather(packages: &[PathBuf], out: &Path, signer: Option<&Signer>) -> Result<Vec<PathBuf>> {
    shell()?.create_dir(out)?;
    let mut archives = Vec::new();
    for package in packages {
        let manifest =
            store::check_folder(package, Contents::Hashed).map_err(|lines| Error::Damaged {
                archive: package.clone(),
                reason: lines.join("; "),
            })?;
        let archive = out.join(format!("{}{}", manifest.identity().name(), sides::ARCHIVE));
        sides::remove_all(&archive)?;
        compress(package, &archive)?;
        sides::write_sha256(&archive)?;
        write_beside(&archive, &manifest)?;
        if let Some(signer) = signer {
            signer.sign(&archive)?;
            for addition in [sides::SBOM, sides::PROVENANCE] {
                signer.sign(&sides::beside(&archive, addition))?;
            }
        }
        archives.push(archive);
    }
    Ok(archives)
}
