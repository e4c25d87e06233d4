//! The host's toolchain whose bitcode LLVM 18 reads: which versions do, and where one is.

use std::env;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{DriverError, Result};

/// Versions of clang whose bitcode LLVM 18 reads.
pub const PROGRAM_VERSIONS: RangeInclusive<u32> = 16..=18;

/// The programs of the toolchain that makes bitcode, and the package each comes from.
pub const PROGRAM_TOOLCHAIN: &[(&str, &str)] = &[
    ("clang", "clang"),
    ("clang++", "clang"),
    ("ld.lld", "lld"),
    ("llvm-ar", "llvm"),
    ("llvm-ranlib", "llvm"),
    ("llvm-nm", "llvm"),
    ("llvm-link", "llvm"),
    ("llvm-dis", "llvm"),
    ("opt", "llvm"),
    ("llvm-extract", "llvm"),
];

/// Where a program is, by `PATH`.
pub fn which(name: &str) -> Option<PathBuf> {
    // Tools for the administrator are not on everybody's path.
    let administrators = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    let path = env::var_os("PATH")?;
    let folders = env::join_paths(env::split_paths(&path).chain(administrators)).ok()?;
    which::which_in_global(name, Some(folders)).ok()?.next()
}

/// The program of this version: by Debian's name, in the folder that other distributions have for a version beside
/// their own, or by its plain name when its version fits.
pub fn versioned(name: &str, version: u32) -> Option<PathBuf> {
    let in_folder = || {
        ["/usr/lib", "/usr/lib64"]
            .map(|folder| PathBuf::from(format!("{folder}/llvm{version}/bin/{name}")))
            .into_iter()
            .find(|path| path.is_file())
    };
    which(&format!("{name}-{version}"))
        .or_else(in_folder)
        .or_else(|| {
            which(name).filter(|path| {
                version_of(&mut Command::new(path))
                    .as_deref()
                    .and_then(major)
                    == Some(version)
            })
        })
}

/// The first number with dots in what a program prints when it is asked for its version.
pub fn version_of(program: &mut Command) -> Option<String> {
    let output = program
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    version_in(&String::from_utf8_lossy(&output.stdout))
}

fn version_in(text: &str) -> Option<String> {
    text.split(|character: char| character.is_whitespace() || character == '(' || character == ',')
        .find(|word| {
            word.starts_with(|character: char| character.is_ascii_digit()) && word.contains('.')
        })
        .map(|word| {
            word.chars()
                .take_while(|character| character.is_ascii_digit() || *character == '.')
                .collect()
        })
}

/// The first number of a version.
pub fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

/// The toolchain that makes bitcode: the oldest complete one.
pub fn program_version() -> Option<u32> {
    PROGRAM_VERSIONS.into_iter().find(|version| {
        PROGRAM_TOOLCHAIN
            .iter()
            .all(|(name, _)| versioned(name, *version).is_some())
    })
}

/// The tools that compile, link and archive programs, all of one version.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// The major version of LLVM.
    pub version: u32,
    /// Compiles C and C++.
    pub clang: PathBuf,
    /// Links programs.
    pub lld: PathBuf,
    /// Merges bitcode.
    pub link: PathBuf,
    /// Archives.
    pub ar: PathBuf,
    /// Indexes archives.
    pub ranlib: PathBuf,
    /// Lists symbols.
    pub nm: PathBuf,
}

impl Toolchain {
    /// Finds them.
    ///
    /// # Errors
    /// [`DriverError::MissingTools`] names the packages.
    pub fn find() -> Result<Self> {
        let version = program_version().ok_or_else(|| {
            let version = PROGRAM_VERSIONS.start();
            DriverError::MissingTools {
                missing: format!(
                    "clang, lld and llvm of one version from {version} to {}, whose bitcode LLVM 18 reads",
                    PROGRAM_VERSIONS.end()
                ),
                command: format!("apt-get install clang-{version} lld-{version} llvm-{version}"),
            }
        })?;
        let path = |name: &str| versioned(name, version).unwrap_or_else(|| Path::new(name).into());
        Ok(Self {
            version,
            clang: path("clang"),
            lld: path("ld.lld"),
            link: path("llvm-link"),
            ar: path("llvm-ar"),
            ranlib: path("llvm-ranlib"),
            nm: path("llvm-nm"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_tools_print() {
        for (text, version) in [
            (
                "Debian clang version 16.0.6 (15~deb12u1)\nTarget: x",
                "16.0.6",
            ),
            ("Debian LLD 19.1.7 (compatible with GNU linkers)", "19.1.7"),
            ("cmake version 3.25.1\n", "3.25.1"),
            ("1.11.1", "1.11.1"),
            ("QEMU emulator version 7.2.19 (Debian 1:7.2)", "7.2.19"),
        ] {
            assert_eq!(version_in(text).as_deref(), Some(version), "{text}");
        }
        assert_eq!(version_in("no number"), None);
        assert_eq!(major("16.0.6"), Some(16));
    }
}
