//! What the distribution is made from beside LLVM, and its key.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bareflow_targets::Target;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{libraries, package};
use crate::error::{Error, Result};
use crate::llvm::inputs::{self as llvm, field, folder_hash, hexadecimal};
use crate::llvm::{LlvmProfile, Request, VERSION};
use crate::packing::Identity;
use crate::paths::{self, Package};
use crate::shell::shell;
use crate::tools::{RUSTC, Tools};

/// Folders of this repository whose files go in, or decide what does.
const FOLDERS: &[&str] = &[
    "distribution",
    "cxx-runtime",
    "blocks",
    "decimal",
    "mathematics",
    "kernel/engine",
    "kernel/tier-policy",
    "targets",
    "llvm-config",
    "xtask/build/src/distribution",
];

/// Packages whose dependencies go in, too.
const ROOTS: &[&str] = &[
    "bareflow-runtime",
    "bareflow-llvm-config",
    "bareflow-tier-policy",
    "bareflow-targets",
];

/// Everything that can change the distribution's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// What is built for.
    pub target: &'static Target,
    /// Which libraries of LLVM.
    pub profile: LlvmProfile,
    /// The key of the package with LLVM in it.
    pub llvm_key: String,
    /// SHA-256 of each of the folders that go in.
    pub folders: Vec<String>,
    /// Crates from elsewhere: name, version and hash of each.
    pub crates: Vec<String>,
    /// What the Rust compiler says of itself.
    pub rustc: String,
    /// Every flag and option that is given to compilers.
    pub flags: Vec<String>,
}

impl Inputs {
    /// Of this repository, these tools and this request.
    ///
    /// # Errors
    /// When a file of the repository cannot be read.
    pub fn collect(tools: &Tools, request: &Request) -> Result<Self> {
        let repository = paths::repository();
        let folders = FOLDERS
            .iter()
            .map(|folder| folder_hash(&repository.join(folder)));
        Ok(Self {
            target: request.target,
            profile: request.profile,
            llvm_key: llvm::Inputs::collect(tools, request)?.distribution_key(),
            folders: folders.collect::<Result<_>>()?,
            crates: crates(&lock_file(&repository)?),
            rustc: RUSTC.to_owned(),
            flags: libraries::options(request.target),
        })
    }

    /// The distribution's key.
    pub fn key(&self) -> String {
        let mut hash = Sha256::new();
        field(&mut hash, self.llvm_key.as_bytes());
        field(&mut hash, self.target.triple.as_bytes());
        field(&mut hash, self.profile.name().as_bytes());
        field(&mut hash, self.rustc.as_bytes());
        field(&mut hash, package::PRODUCT_VERSION.as_bytes());
        for list in [&self.folders, &self.crates, &self.flags] {
            field(&mut hash, &(list.len() as u64).to_le_bytes());
            for part in list {
                field(&mut hash, part.as_bytes());
            }
        }
        hexadecimal(&hash.finalize())
    }

    /// Which package the distribution is.
    pub fn identity(&self) -> Identity {
        Identity {
            package: Package::Distribution,
            version: VERSION.to_owned(),
            target: self.target.triple.to_owned(),
            profile: self.profile.name().to_owned(),
            key: self.key(),
        }
    }
}

/// What is read of Cargo.lock.
#[derive(Debug, Deserialize)]
struct LockFile {
    package: Vec<LockedPackage>,
}

#[derive(Debug, Deserialize)]
struct LockedPackage {
    name: String,
    version: String,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

fn lock_file(repository: &Path) -> Result<LockFile> {
    let path = repository.join("Cargo.lock");
    toml::from_str(&shell()?.read_file(&path)?)
        .map_err(|error| Error::Build(format!("{}: {error}", path.display())))
}

/// The packages that the roots need, and the roots.
fn closure(lock: &LockFile) -> Vec<&LockedPackage> {
    let mut by_name: BTreeMap<&str, Vec<&LockedPackage>> = BTreeMap::new();
    for package in &lock.package {
        by_name.entry(&package.name).or_default().push(package);
    }
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    let mut waiting: Vec<&str> = ROOTS.to_vec();
    while let Some(dependency) = waiting.pop() {
        if !seen.insert(dependency) {
            continue;
        }
        // "name", or "name version" where there are several.
        let (name, version) = dependency.split_once(' ').unwrap_or((dependency, ""));
        for package in by_name.get(name).into_iter().flatten() {
            if version.is_empty() || version.starts_with(&package.version) {
                found.push(*package);
                waiting.extend(package.dependencies.iter().map(String::as_str));
            }
        }
    }
    found
}

/// Those of them that are not this repository's.
fn crates(lock: &LockFile) -> Vec<String> {
    let mut crates: Vec<String> = closure(lock)
        .into_iter()
        .filter_map(|package| {
            let checksum = package.checksum.as_ref()?;
            Some(format!("{} {} {checksum}", package.name, package.version))
        })
        .collect();
    crates.sort();
    crates.dedup();
    crates
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHER: Target = Target {
        triple: "other",
        ..*bareflow_targets::DEFAULT
    };

    fn sample() -> Inputs {
        Inputs {
            target: bareflow_targets::DEFAULT,
            profile: LlvmProfile::Full,
            llvm_key: "llvm".to_owned(),
            folders: vec!["runtime".to_owned(), "engine".to_owned()],
            crates: vec!["talc 5 1234".to_owned()],
            rustc: "rustc 1.95".to_owned(),
            flags: vec!["-a".to_owned()],
        }
    }

    #[test]
    fn a_change_of_any_input_changes_the_key() {
        type Change = (&'static str, fn(&mut Inputs));
        let changes: [Change; 7] = [
            ("target", |inputs| inputs.target = &OTHER),
            ("profile", |inputs| inputs.profile = LlvmProfile::Jit),
            ("LLVM", |inputs| inputs.llvm_key.push('x')),
            ("a file", |inputs| inputs.folders[1].push('x')),
            ("a crate", |inputs| inputs.crates[0].push('x')),
            ("rustc", |inputs| inputs.rustc.push('x')),
            ("a flag", |inputs| {
                inputs.flags.push(inputs.crates.pop().unwrap_or_default());
            }),
        ];
        assert_eq!(sample().key(), sample().key());
        for (what, change) in changes {
            let mut changed = sample();
            change(&mut changed);
            assert_ne!(changed.key(), sample().key(), "{what}");
        }
    }

    #[test]
    fn every_local_package_that_goes_in_has_its_folder_in_the_key() {
        let repository = paths::repository();
        let names: Vec<String> = FOLDERS
            .iter()
            .flat_map(|folder| [folder.to_string(), format!("{folder}/runtime")])
            .filter_map(|folder| {
                let text = std::fs::read_to_string(repository.join(folder).join("Cargo.toml"));
                let manifest: toml::Table = toml::from_str(&text.ok()?).unwrap();
                Some(manifest["package"]["name"].as_str()?.to_owned())
            })
            .collect();
        let lock = lock_file(&repository).unwrap();
        let local: Vec<&LockedPackage> = closure(&lock)
            .into_iter()
            .filter(|package| package.checksum.is_none())
            .collect();
        assert!(local.len() >= ROOTS.len());
        for package in local {
            assert!(names.contains(&package.name), "{}", package.name);
        }
        assert!(crates(&lock).iter().any(|name| name.starts_with("talc ")));
    }
}
