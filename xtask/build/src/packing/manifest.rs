//! What a package says of itself: which one it is, and every file of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::listing::{Contents, Found, Listing, is_inside};
use crate::error::{Error, Result, system};
use crate::paths::Package;

/// Where the manifest is in a package.
pub const MANIFEST: &str = "share/bareflow/manifest.json";

/// The format of manifests that this checkout writes.
const FORMAT: u32 = 2;

/// How many digits of its key a package's name has.
const KEY_DIGITS: usize = 16;

/// Which package: what is asked for, and what a manifest says that it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The kind of package.
    pub package: Package,
    /// Version of LLVM.
    pub version: String,
    /// Target triple.
    pub target: String,
    /// Which libraries.
    pub profile: String,
    /// The key of everything that it was made from, in hexadecimal.
    pub key: String,
}

impl Identity {
    /// The name of its folder and of its archive. A profile that says no more than the kind of package is left out.
    pub fn name(&self) -> String {
        let Self {
            package,
            version,
            target,
            profile,
            key,
        } = self;
        let package = package.name();
        let key = key.get(..KEY_DIGITS).unwrap_or(key);
        if profile == package {
            format!("bareflow-{package}-{version}-{target}-{key}")
        } else {
            format!("bareflow-{package}-{version}-{target}-{profile}-{key}")
        }
    }

    /// What another one that was found in the place of this one differs in.
    pub fn difference(&self, found: &Self) -> Option<String> {
        [
            ("package", self.package.name(), found.package.name()),
            ("version", &self.version, &found.version),
            ("target", &self.target, &found.target),
            ("profile", &self.profile, &found.profile),
            ("key", &self.key, &found.key),
        ]
        .into_iter()
        .find(|(_, wanted, found)| wanted != found)
        .map(|(what, wanted, found)| format!("its {what} is {found} instead of {wanted}"))
    }
}

/// What a package is made from, as its manifest tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// SHA-256 or name of the sources.
    pub source: String,
    /// What the toolchain says of itself.
    pub toolchain: String,
    /// What every object was compiled with.
    pub flags: Vec<String>,
    /// By the path of a library, the LLVM components that it is of.
    pub components: BTreeMap<String, Vec<String>>,
}

/// What a package consists of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The format of this file.
    pub format: u32,
    /// The kind of package.
    pub package: Package,
    /// Version of LLVM.
    pub version: String,
    /// Target triple.
    pub target: String,
    /// Which libraries.
    pub profile: String,
    /// The package's key.
    pub key: String,
    /// SHA-256 or name of the sources.
    pub source: String,
    /// What the toolchain says of itself.
    pub toolchain: String,
    /// What every object was compiled with.
    pub flags: Vec<String>,
    /// Every file but this one, in the order of the paths.
    pub files: Vec<FileEntry>,
}

/// A file of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its path in the package.
    pub path: String,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Its size, in bytes.
    pub size_bytes: u64,
    /// What may be done with it.
    pub mode: Mode,
    /// LLVM components that it is the library of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<String>,
}

/// The permissions of a file: packages have these two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// Everybody reads it.
    #[serde(rename = "644")]
    Data,
    /// Everybody runs it.
    #[serde(rename = "755")]
    Program,
}

impl Mode {
    /// Of a file with these bits, whatever the mask of its maker was.
    pub fn of(bits: u32) -> Self {
        if bits & 0o100 == 0 {
            Self::Data
        } else {
            Self::Program
        }
    }

    /// Its bits.
    pub fn bits(self) -> u32 {
        match self {
            Self::Data => 0o644,
            Self::Program => 0o755,
        }
    }
}

/// Of a manifest, what says how the rest is to be read.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

impl Manifest {
    /// Of the files that are in a folder.
    ///
    /// # Errors
    /// When one cannot be read, or is nothing that a package may hold.
    pub fn describe(root: &Path, identity: &Identity, origin: Origin) -> Result<Self> {
        let listing = Listing::of(root, Contents::Hashed)?;
        if let Some(refused) = listing.refused.first() {
            return Err(Error::Build(format!("{}: {refused}", root.display())));
        }
        let mut components = origin.components;
        let files = listing
            .files
            .into_iter()
            .map(|(path, found)| FileEntry {
                components: components.remove(&path).unwrap_or_default(),
                sha256: found.sha256.expect("everything was hashed"),
                size_bytes: found.size_bytes,
                mode: Mode::of(found.mode),
                path,
            })
            .collect();
        let identity = identity.clone();
        Ok(Self {
            format: FORMAT,
            package: identity.package,
            version: identity.version,
            target: identity.target,
            profile: identity.profile,
            key: identity.key,
            source: origin.source,
            toolchain: origin.toolchain,
            flags: origin.flags,
            files,
        })
    }

    /// Reads it.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        let unreadable = |error: serde_json::Error| format!("its manifest is unreadable: {error}");
        let Format { format } = serde_json::from_str(text).map_err(unreadable)?;
        if format != FORMAT {
            return Err(format!(
                "its manifest has format {format}, and this checkout reads {FORMAT}"
            ));
        }
        serde_json::from_str(text).map_err(unreadable)
    }

    /// That of the package in `folder`.
    ///
    /// # Errors
    /// That there is none, or not one that can be read.
    pub fn of(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let text =
            fs::read_to_string(&path).map_err(system(format!("cannot read {}", path.display())))?;
        Self::parse(&text).map_err(|reason| Error::Build(format!("{}: {reason}", folder.display())))
    }

    /// Which package it is of.
    pub fn identity(&self) -> Identity {
        Identity {
            package: self.package,
            version: self.version.clone(),
            target: self.target.clone(),
            profile: self.profile.clone(),
            key: self.key.clone(),
        }
    }

    /// What files differ in from those that it lists, a line for each.
    pub fn differences(&self, listing: &Listing) -> Vec<String> {
        let mut lines = listing.refused.clone();
        let mut listed = BTreeMap::new();
        for entry in &self.files {
            if !is_inside(&entry.path) || entry.path == MANIFEST {
                lines.push(format!("{:?} cannot be a file of a package", entry.path));
            }
            if listed.insert(entry.path.as_str(), entry).is_some() {
                lines.push(format!("{} is listed twice", entry.path));
            }
        }
        for (path, entry) in &listed {
            match listing.files.get(*path) {
                None => lines.push(format!("{path} is missing")),
                Some(found) => lines.extend(entry.difference(found)),
            }
        }
        for path in listing.files.keys() {
            if !listed.contains_key(path.as_str()) {
                lines.push(format!("{path} is not in the manifest"));
            }
        }
        lines
    }
}

impl FileEntry {
    fn difference(&self, found: &Found) -> Option<String> {
        let path = &self.path;
        if found.size_bytes != self.size_bytes {
            return Some(format!(
                "{path} has {} bytes instead of {}",
                found.size_bytes, self.size_bytes
            ));
        }
        if found.mode != self.mode.bits() {
            return Some(format!(
                "{path} has mode {:o} instead of {:o}",
                found.mode,
                self.mode.bits()
            ));
        }
        found
            .sha256
            .as_ref()
            .is_some_and(|sha256| *sha256 != self.sha256)
            .then(|| format!("{path} has other bytes than the manifest says"))
    }
}
