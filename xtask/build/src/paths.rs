//! Where things are: the repository, the cache, the read-only caches.

use std::env;
use std::path::{Path, PathBuf};

use bareflow_targets::Target;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::remembered::Store;
use crate::remote::{Address, Patience};

/// Several times as many as there are tools.
const MOST_ANSWERS: usize = 200;

/// The repository that this automation was built from.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the package lies in the repository")
        .to_owned()
}

/// What is built into the cache. A package has build trees and a lock of its own, so that the one that takes minutes
/// does not wait for the one that takes an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Package {
    /// The LLVM distribution.
    Llvm,
    /// The SDK of programs.
    Sdk,
    /// The distribution as a product, around LLVM's.
    Distribution,
}

impl Package {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Llvm, Self::Sdk, Self::Distribution];

    /// Its name in the names of packages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Llvm => "llvm",
            Self::Sdk => "sdk",
            Self::Distribution => "distribution",
        }
    }

    /// The name of the folder of its build trees for a target. The default one's has no architecture in it: what is
    /// compiled there names the folder, and the compiler cache has it under this name.
    pub fn trees(self, target: &Target) -> String {
        let package = match self {
            Self::Llvm => "build",
            Self::Sdk => "build-sdk",
            Self::Distribution => "build-distribution",
        };
        if target == bareflow_targets::DEFAULT {
            package.to_owned()
        } else {
            format!("{package}-{}", target.architecture)
        }
    }
}

/// The folders of the cache.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
    sources: Vec<Address>,
    patience: Patience,
}

impl Cache {
    /// The cache of this user: `BAREFLOW_CACHE`, or `~/.cache/bareflow`; read-only caches are the folders
    /// and servers in `BAREFLOW_CACHE_READ`, separated by colons.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is no place for it.
    pub fn find() -> Result<Self> {
        let root = match env::var_os("BAREFLOW_CACHE") {
            Some(folder) if !folder.is_empty() => std::path::absolute(PathBuf::from(folder))?,
            _ => env::var_os("XDG_CACHE_HOME")
                .map(PathBuf::from)
                .or_else(|| env::home_dir().map(|home| home.join(".cache")))
                .ok_or_else(|| {
                    Error::Usage(
                        "there is no home folder for the cache: set BAREFLOW_CACHE".to_owned(),
                    )
                })?
                .join("bareflow"),
        };
        let list = env::var_os("BAREFLOW_CACHE_READ").unwrap_or_default();
        Ok(Self {
            root,
            sources: Address::parse_list(&list),
            patience: Patience::default(),
        })
    }

    /// A cache in `root`.
    pub fn at(root: &Path, read_only: &[&Path]) -> Self {
        let sources = read_only
            .iter()
            .map(|path| Address::Folder((*path).to_owned()))
            .collect();
        Self::with_sources(root, sources, Patience::default())
    }

    /// A cache in `root`, and others of all kinds.
    pub fn with_sources(root: &Path, sources: Vec<Address>, patience: Patience) -> Self {
        Self {
            root: root.to_owned(),
            sources,
            patience,
        }
    }

    /// The cache itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What may hold finished packages and is never written, in the order in which it is asked.
    pub fn sources(&self) -> &[Address] {
        &self.sources
    }

    /// The folders among them.
    pub fn read_only(&self) -> impl Iterator<Item = &Path> {
        self.sources.iter().filter_map(|source| match source {
            Address::Folder(path) if path.is_dir() => Some(path.as_path()),
            _ => None,
        })
    }

    /// How long servers are waited for.
    pub fn patience(&self) -> Patience {
        self.patience
    }

    /// Tarballs of sources, and the unpacked tree.
    pub fn source(&self) -> PathBuf {
        self.root.join("source")
    }

    /// The build trees of a package for a target. Their places do not depend on the steps' keys, so that a build after a
    /// change is incremental; a stamp in each says which key it is of.
    pub fn build(&self, package: Package, target: &Target) -> PathBuf {
        self.root.join(package.trees(target))
    }

    /// The lock of a package: one build of it at a time in one cache.
    pub fn lock(&self, package: Package) -> PathBuf {
        self.root.join(match package {
            Package::Llvm => "lock",
            Package::Sdk => "lock-sdk",
            Package::Distribution => "lock-distribution",
        })
    }

    /// The lock of the folder of finished packages: held for as long as one is renamed or removed.
    pub fn lock_of_packages(&self) -> PathBuf {
        self.root.join("lock-dist")
    }

    /// The lock of what is being downloaded: one package at a time.
    pub fn lock_of_downloads(&self) -> PathBuf {
        self.root.join("lock-download")
    }

    /// Finished distributions.
    pub fn distributions(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// What tools have said of themselves, and the boot stages that they have made.
    pub fn answers(&self) -> Store {
        Store::new(self.root.join("answers"), MOST_ANSWERS)
    }

    /// Programs that were built.
    pub fn programs(&self) -> PathBuf {
        self.root.join("programs")
    }

    /// The output of the tools, a file for each step.
    pub fn log(&self, step: &str) -> PathBuf {
        self.root.join("logs").join(format!("{step}.log"))
    }
}
