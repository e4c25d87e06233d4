//! What a build is made from, and the keys that follow from it.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};
use walkdir::{DirEntry, WalkDir};

use super::{Request, TARGET, VERSION, source};
use crate::error::{Error, Result, system};
use crate::packing::Identity;
use crate::paths::{self, Package};
use crate::tools::Tools;

/// Changes when the code of the steps or of the packaging changes what comes out.
const PACKAGING_VERSION: u32 = 2;

/// Stands in the key for the `llvm-config` of these packages, which is that of this hash: users get one from the package
/// around them, and an edit of it does not make an hour's libraries worthless.
const LLVM_CONFIG: &str = "51d40b8a8938b48b381340fb0e66c979828bfe67702e2d539c75c833dd2137fc";

/// The folder of the sysroot that the SDK alone is made from.
pub const SDK_FOLDER: &str = "program";

/// Which libraries a distribution has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// Every library
    #[default]
    Full,
    /// What the kernel links
    Jit,
}

impl Profile {
    /// Its name in file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Jit => "jit",
        }
    }
}

/// Everything that can change a distribution's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// Which libraries.
    pub profile: Profile,
    /// SHA-256 of the sources, in hexadecimal.
    pub source_hash: String,
    /// SHA-256 of the sysroot folder.
    pub sysroot_hash: String,
    /// What the toolchain says of itself.
    pub toolchain: String,
    /// What the toolchain of programs says of itself.
    pub program_toolchain: String,
    /// Every flag and option that is given to compilers and CMake.
    pub flags: Vec<String>,
    /// Version of the steps and of the packaging.
    pub packaging_version: u32,
}

impl Inputs {
    /// Of this repository, these tools and this request.
    ///
    /// # Errors
    /// When a file of the repository cannot be read.
    pub fn collect(tools: &Tools, request: &Request) -> Result<Self> {
        let repository = paths::repository();
        Ok(Self {
            profile: request.profile,
            source_hash: source::identity(request)?,
            sysroot_hash: folder_hash_without(&repository.join("sysroot"), &[SDK_FOLDER])?,
            toolchain: tools.identity(),
            program_toolchain: tools.program_identity(),
            flags: super::steps::options(),
            packaging_version: PACKAGING_VERSION,
        })
    }

    /// What the build trees stand and fall with: ninja sees changed flags and headers, but neither another
    /// compiler in the same place nor sources with older times.
    pub fn tree_key(&self) -> String {
        let mut hash = Sha256::new();
        field(&mut hash, self.source_hash.as_bytes());
        field(&mut hash, self.toolchain.as_bytes());
        hexadecimal(&hash.finalize())
    }

    /// The key of the libraries: of everything but what only the packaging sees.
    pub fn build_key(&self) -> String {
        let mut hash = Sha256::new();
        for part in [
            &self.source_hash,
            &self.sysroot_hash,
            &self.toolchain,
            &self.program_toolchain,
        ] {
            field(&mut hash, part.as_bytes());
        }
        field(&mut hash, &(self.flags.len() as u64).to_le_bytes());
        for flag in &self.flags {
            field(&mut hash, flag.as_bytes());
        }
        field(&mut hash, &self.packaging_version.to_le_bytes());
        hexadecimal(&hash.finalize())
    }

    /// The key of the distribution.
    pub fn distribution_key(&self) -> String {
        let mut hash = Sha256::new();
        for part in [self.build_key().as_str(), self.profile.name(), LLVM_CONFIG] {
            field(&mut hash, part.as_bytes());
        }
        hexadecimal(&hash.finalize())
    }

    /// Which package the distribution is.
    pub fn identity(&self) -> Identity {
        Identity {
            package: Package::Llvm,
            version: VERSION.to_owned(),
            target: TARGET.to_owned(),
            profile: self.profile.name().to_owned(),
            key: self.distribution_key(),
        }
    }
}

/// A length before each part keeps two lists of parts from looking alike.
pub fn field(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

/// Bytes as hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of a file.
///
/// # Errors
/// When it cannot be read.
pub fn file_hash(path: &Path) -> Result<String> {
    let mut file =
        fs::File::open(path).map_err(system(format!("cannot read {}", path.display())))?;
    let mut hash = HashWriter(Sha256::new());
    std::io::copy(&mut file, &mut hash)
        .map_err(system(format!("cannot read {}", path.display())))?;
    Ok(hexadecimal(&hash.0.finalize()))
}

struct HashWriter(Sha256);

impl std::io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// How names of files end that editors and `patch` leave beside a file.
const LEFT_ENDINGS: &[&str] = &["~", "#", ".bak", ".orig", ".rej", ".swp", ".swo", ".tmp"];

/// Whether a file or folder is somebody's work, by its name: neither what editors and version control leave beside it, nor
/// what cargo builds.
pub fn is_source(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let is_left =
        name.starts_with(['.', '#']) || LEFT_ENDINGS.iter().any(|end| name.ends_with(end));
    !is_left && name != "target"
}

/// The SHA-256 of all source files below a folder: their paths and their contents, in the order of the paths.
///
/// # Errors
/// When one cannot be read.
pub fn folder_hash(folder: &Path) -> Result<String> {
    folder_hash_without(folder, &[])
}

/// The same without these folders right below it.
fn folder_hash_without(folder: &Path, excluded: &[&str]) -> Result<String> {
    let mut hash = Sha256::new();
    let is_included = |entry: &DirEntry| match entry.depth() {
        0 => true,
        1 if excluded.iter().any(|name| entry.file_name() == *name) => false,
        _ => is_source(entry.file_name()),
    };
    let entries = WalkDir::new(folder).sort_by_file_name();
    for entry in entries.into_iter().filter_entry(is_included) {
        let entry = entry
            .map_err(|error| Error::Usage(format!("cannot read {}: {error}", folder.display())))?;
        if !entry.file_type().is_file() {
            continue;
        }
        let name = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        field(&mut hash, name.as_os_str().as_encoded_bytes());
        field(&mut hash, file_hash(entry.path())?.as_bytes());
    }
    Ok(hexadecimal(&hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Inputs {
        Inputs {
            profile: Profile::Full,
            source_hash: "source".to_owned(),
            sysroot_hash: "sysroot".to_owned(),
            toolchain: "clang 16".to_owned(),
            program_toolchain: "clang 16".to_owned(),
            flags: vec!["-a".to_owned(), "-b".to_owned()],
            packaging_version: 1,
        }
    }

    /// What a kind of input is called, and a change of it.
    type Change = (&'static str, fn(&mut Inputs));

    /// Every kind of input.
    const CHANGES: &[Change] = &[
        ("profile", |inputs| inputs.profile = Profile::Jit),
        ("source", |inputs| inputs.source_hash.push('x')),
        ("overlay file", |inputs| inputs.sysroot_hash.push('x')),
        ("compiler", |inputs| inputs.toolchain.push('x')),
        ("compiler of programs", |inputs| {
            inputs.program_toolchain.push('x')
        }),
        ("flag", |inputs| inputs.flags[1].push('x')),
        ("flag boundary", |inputs| {
            inputs.flags = vec!["-a-b".to_owned()]
        }),
        ("packaging version", |inputs| inputs.packaging_version = 2),
    ];

    #[test]
    fn a_change_of_any_input_changes_the_key() {
        let original = sample().distribution_key();
        assert_eq!(original, sample().distribution_key());
        for (what, change) in CHANGES {
            let mut changed = sample();
            change(&mut changed);
            assert_ne!(changed.distribution_key(), original, "{what}");
        }
    }

    #[test]
    fn only_another_compiler_or_source_makes_build_trees_worthless() {
        let original = sample().tree_key();
        for (what, change) in CHANGES {
            let mut changed = sample();
            change(&mut changed);
            assert_eq!(
                changed.tree_key() != original,
                ["source", "compiler"].contains(what),
                "{what}"
            );
        }
    }

    #[test]
    fn a_profile_does_not_change_the_key_of_the_build() {
        let jit = Inputs {
            profile: Profile::Jit,
            ..sample()
        };
        assert_eq!(jit.build_key(), sample().build_key());
    }

    #[test]
    fn what_editors_leave_changes_nothing_wherever_the_folder_lies() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("target/.hidden");
        fs::create_dir_all(folder.join("target")).unwrap();
        let nothing = folder_hash(&folder).unwrap();
        fs::write(folder.join("errno.h"), "").unwrap();
        let first = folder_hash(&folder).unwrap();
        assert_ne!(first, nothing);
        for name in [
            "errno.h~",
            ".errno.h.swp",
            "#errno.h#",
            ".#errno.h",
            "errno.h.orig",
            "errno.h.rej",
            "errno.h.bak",
            "target/built",
        ] {
            fs::write(folder.join(name), "").unwrap();
            assert_eq!(folder_hash(&folder).unwrap(), first, "{name}");
        }
    }

    #[test]
    fn an_edited_added_or_renamed_file_changes_a_folders_hash() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("errno.h", "#define ENOENT 2");
        let first = folder_hash(folder.path()).unwrap();
        assert_eq!(folder_hash(folder.path()).unwrap(), first);
        write("errno.h", "#define ENOENT 3");
        let edited = folder_hash(folder.path()).unwrap();
        write("time.h", "");
        let added = folder_hash(folder.path()).unwrap();
        fs::rename(folder.path().join("time.h"), folder.path().join("tome.h")).unwrap();
        let renamed = folder_hash(folder.path()).unwrap();
        assert!(first != edited && edited != added && added != renamed);
    }
}
