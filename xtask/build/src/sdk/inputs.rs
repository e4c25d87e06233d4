//! What an SDK is made from, and the keys that follow from it.

use std::path::Path;

use bareflow_driver::kernel_symbols;
use sha2::{Digest, Sha256};

use super::steps;
use crate::error::Result;
use crate::llvm::inputs::{self as llvm, SDK_FOLDER, field, file_hash, folder_hash, hexadecimal};
use crate::llvm::{Request, TARGET, VERSION};
use crate::packing::Identity;
use crate::paths::{self, Package};
use crate::store;
use crate::tools::Tools;

/// Changes when the code of the steps or of the packaging changes what comes out.
const PACKAGING_VERSION: u32 = 2;

/// The crates that the driver is made of.
const DRIVER_FOLDERS: &[&str] = &["driver", "kernel/bundle"];

/// Everything that can change an SDK's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// What LLVM would be built from: the SDK is made from the same sources with the same compilers.
    pub llvm: llvm::Inputs,
    /// The key of the distribution whose headers are used.
    pub distribution_key: String,
    /// SHA-256 of what says how llvm-libc is built.
    pub libc_hash: String,
    /// SHA-256 of the sources of the compiler driver.
    pub driver_hash: String,
    /// SHA-256 of all of the SDK's own folder.
    pub folder_hash: String,
    /// Every flag and option that is given to compilers and CMake.
    pub flags: Vec<String>,
    /// Those of them that are llvm-libc's.
    pub libc_flags: Vec<String>,
    /// Version of the steps and of the packaging.
    pub packaging_version: u32,
}

/// Of everything that the driver is built from, the versions of other crates included.
fn driver_hash() -> Result<String> {
    let repository = paths::repository();
    let mut hash = Sha256::new();
    for folder in DRIVER_FOLDERS {
        field(&mut hash, folder_hash(&repository.join(folder))?.as_bytes());
    }
    field(
        &mut hash,
        file_hash(&repository.join("Cargo.lock"))?.as_bytes(),
    );
    // The names that it knows come from the runtime, and this automation was built with the same.
    for name in kernel_symbols::names() {
        field(&mut hash, name.as_bytes());
    }
    Ok(hexadecimal(&hash.finalize()))
}

impl Inputs {
    /// Of this repository, these tools, a distribution and a request.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn collect(tools: &Tools, distribution: &Path, request: &Request) -> Result<Self> {
        let folder = paths::repository().join("sysroot").join(SDK_FOLDER);
        Ok(Self {
            llvm: llvm::Inputs::collect(tools, request)?,
            distribution_key: store::manifest_of(distribution)?.key,
            libc_hash: folder_hash(&folder.join("libc"))?,
            driver_hash: driver_hash()?,
            folder_hash: folder_hash(&folder)?,
            flags: steps::options(),
            libc_flags: steps::libc_options().collect(),
            packaging_version: PACKAGING_VERSION,
        })
    }

    /// The key of llvm-libc. The headers of programs are not among its inputs: it is built with the distribution's.
    pub fn libc_key(&self) -> String {
        self.key_with(&[&self.libc_hash], &self.libc_flags)
    }

    /// The key of libc++ and of what it is built with.
    pub fn build_key(&self) -> String {
        self.key_with(&[&self.folder_hash], &self.flags)
    }

    /// The key of the whole.
    pub fn key(&self) -> String {
        self.key_with(&[&self.folder_hash, &self.driver_hash], &self.flags)
    }

    fn key_with(&self, parts: &[&String], flags: &[String]) -> String {
        let mut hash = Sha256::new();
        for part in [&self.llvm.build_key(), &self.distribution_key]
            .iter()
            .chain(parts)
        {
            field(&mut hash, part.as_bytes());
        }
        field(&mut hash, &(flags.len() as u64).to_le_bytes());
        for flag in flags {
            field(&mut hash, flag.as_bytes());
        }
        field(&mut hash, &self.packaging_version.to_le_bytes());
        hexadecimal(&hash.finalize())
    }

    /// Which package the SDK is.
    pub fn identity(&self) -> Identity {
        Identity {
            package: Package::Sdk,
            version: VERSION.to_owned(),
            target: TARGET.to_owned(),
            profile: Package::Sdk.name().to_owned(),
            key: self.key(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llvm::Profile;

    fn sample() -> Inputs {
        Inputs {
            llvm: llvm::Inputs {
                profile: Profile::Full,
                source_hash: "source".to_owned(),
                sysroot_hash: "sysroot".to_owned(),
                toolchain: "clang 16".to_owned(),
                program_toolchain: "clang 16".to_owned(),
                flags: vec!["-a".to_owned()],
                packaging_version: 1,
            },
            distribution_key: "distribution".to_owned(),
            libc_hash: "libc".to_owned(),
            driver_hash: "driver".to_owned(),
            folder_hash: "folder".to_owned(),
            flags: vec!["-b".to_owned(), "-c".to_owned()],
            libc_flags: vec!["-b".to_owned()],
            packaging_version: 1,
        }
    }

    /// What a kind of input is called, and a change of it.
    type Change = (&'static str, fn(&mut Inputs));

    /// Every kind of input that the whole has.
    const CHANGES: &[Change] = &[
        ("sources", |inputs| inputs.llvm.source_hash.push('x')),
        ("compiler", |inputs| inputs.llvm.toolchain.push('x')),
        ("compiler of programs", |inputs| {
            inputs.llvm.program_toolchain.push('x');
        }),
        ("distribution", |inputs| inputs.distribution_key.push('x')),
        ("driver", |inputs| inputs.driver_hash.push('x')),
        ("header", |inputs| inputs.folder_hash.push('x')),
        ("flag", |inputs| inputs.flags[1].push('x')),
        ("packaging version", |inputs| inputs.packaging_version = 2),
    ];

    #[test]
    fn a_change_of_any_input_changes_the_key() {
        for (what, change) in CHANGES {
            let mut changed = sample();
            change(&mut changed);
            assert_ne!(changed.key(), sample().key(), "{what}");
        }
    }

    #[test]
    fn neither_headers_nor_the_driver_have_the_c_library_built_again() {
        for (what, change) in CHANGES {
            let mut changed = sample();
            change(&mut changed);
            assert_eq!(
                changed.libc_key() == sample().libc_key(),
                ["driver", "header", "flag"].contains(what),
                "{what}"
            );
        }
        let mut changed = sample();
        changed.libc_hash.push('x');
        assert_ne!(changed.libc_key(), sample().libc_key());
    }
}
