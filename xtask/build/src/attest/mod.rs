//! What is said of a package beside its archive: what is in it, where it comes from, and who vouches for it.
//!
//! 1. The list of parts and the provenance depend on the package alone: there is no time, user or path in them.
//! 2. A signature is checked before a byte of the archive is unpacked.
//! 3. The own cache is trusted as the checkout is: what comes from elsewhere is what must be signed.

pub mod provenance;
pub mod release;
pub mod sbom;
pub mod signature;

use std::path::Path;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::llvm::inputs::file_hash;
use crate::llvm::source;
use crate::packing::{Manifest, sides};
use crate::shell::write_whole;

pub use signature::{Signer, Trust};

/// A package that something is said of.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The file name of its archive.
    pub archive: &'a str,
    /// SHA-256 of the archive, in hexadecimal.
    pub sha256: &'a str,
    /// What it says of itself.
    pub manifest: &'a Manifest,
}

/// Sources that a package was built from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sources {
    /// Their address, if they are a release.
    address: Option<String>,
    /// The SHA-256 of the release.
    sha256: Option<&'static str>,
}

impl Sources {
    /// The manifest names a release, or has the hash of other sources, which says nothing about where they are from.
    fn of(manifest: &Manifest) -> Self {
        let is_release = manifest.source == source::RELEASE;
        Self {
            address: is_release.then(source::release_address),
            sha256: is_release.then_some(source::RELEASE_SHA256),
        }
    }
}

/// Writes the list of parts and the provenance of a package beside its archive.
///
/// # Errors
/// When the archive cannot be read or the others cannot be written.
pub fn write_beside(archive: &Path, manifest: &Manifest) -> Result<()> {
    let name = archive.file_name().unwrap_or_default().to_string_lossy();
    let sha256 = file_hash(archive)?;
    let subject = Subject {
        archive: &name,
        sha256: &sha256,
        manifest,
    };
    let mut list = pretty(&sbom::document(subject))?;
    list.push('\n');
    write_whole(&sides::beside(archive, sides::SBOM), list.as_bytes())?;
    // Lines of JSON: a statement each.
    let statement = format!("{}\n", provenance::statement(subject));
    write_whole(
        &sides::beside(archive, sides::PROVENANCE),
        statement.as_bytes(),
    )
}

fn pretty(value: &Value) -> Result<String> {
    serde_json::to_string_pretty(value)
        .map_err(|error| Error::Build(format!("cannot write the list of parts: {error}")))
}

/// Checks the signature of an archive of another cache, if a key is configured.
///
/// # Errors
/// [`Error::Untrusted`] when it has none or a wrong one; [`Error::Usage`] when the key is none.
pub fn check_signature(archive: &Path) -> Result<()> {
    match Trust::from_environment()? {
        Some(trust) => trust.check(archive),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packing::tests::{fill, identity};
    use crate::packing::{Origin, complete};

    /// A package of the release, with one library that is LLVM's.
    fn manifest(source: &str) -> Manifest {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path()).unwrap();
        std::fs::write(folder.path().join("lib/libLLVMCore.a"), "core").unwrap();
        let origin = Origin {
            source: source.to_owned(),
            toolchain: "clang version 16.0.6\nTarget: here".to_owned(),
            ..Origin::default()
        };
        complete(folder.path(), &identity('k'), origin).unwrap();
        Manifest::of(folder.path()).unwrap()
    }

    fn subject(manifest: &Manifest) -> Subject<'_> {
        Subject {
            archive: "a.tar.zst",
            sha256: "5eed",
            manifest,
        }
    }

    #[test]
    fn the_release_is_of_the_version_that_is_built() {
        assert!(source::RELEASE.ends_with(crate::llvm::VERSION));
        assert!(source::release_address().contains(crate::llvm::VERSION));
    }

    #[test]
    fn the_parts_are_those_that_the_package_has_files_of() {
        let manifest = manifest(source::RELEASE);
        let document = sbom::document(subject(&manifest));
        let packages = document["packages"].as_array().unwrap();
        let names: Vec<&str> = packages
            .iter()
            .filter_map(|package| package["name"].as_str())
            .skip(1)
            .collect();
        assert_eq!(names, ["llvm-project", "toolchain", "llvm", "llvm-libc"]);
        assert_eq!(packages[0]["checksums"][0]["checksumValue"], "5eed");
        assert_eq!(
            packages[1]["checksums"][0]["checksumValue"],
            source::RELEASE_SHA256
        );
        assert_eq!(packages[2]["versionInfo"], "clang version 16.0.6");
        // Every element that a relationship names is there.
        let ids: Vec<&str> = packages
            .iter()
            .filter_map(|package| package["SPDXID"].as_str())
            .chain(["SPDXRef-DOCUMENT"])
            .collect();
        for relationship in document["relationships"].as_array().unwrap() {
            for end in ["spdxElementId", "relatedSpdxElement"] {
                assert!(ids.contains(&relationship[end].as_str().unwrap()));
            }
        }
    }

    #[test]
    fn sources_that_are_no_release_have_no_address() {
        let manifest = manifest("0123456789abcdef");
        let document = sbom::document(subject(&manifest));
        let sources = &document["packages"][1];
        assert_eq!(sources["downloadLocation"], "NOASSERTION");
        assert_eq!(sources["sourceInfo"], "0123456789abcdef");
        let statement = provenance::statement(subject(&manifest));
        let source = &statement["predicate"]["buildDefinition"]["resolvedDependencies"][0];
        assert!(source.get("uri").is_none() && source.get("digest").is_none());
    }

    #[test]
    fn the_statement_is_of_this_archive_and_key() {
        let manifest = manifest(source::RELEASE);
        let statement = provenance::statement(subject(&manifest));
        assert_eq!(statement["subject"][0]["name"], "a.tar.zst");
        assert_eq!(statement["subject"][0]["digest"]["sha256"], "5eed");
        let definition = &statement["predicate"]["buildDefinition"];
        assert_eq!(definition["internalParameters"]["key"], manifest.key);
        let source = &definition["resolvedDependencies"][0];
        assert_eq!(source["digest"]["sha256"], source::RELEASE_SHA256);
    }
}
