//! What an SDK is made from, and the keys that follow from it.

use std::path::Path;

use bareflow_driver::kernel_symbols;
use sha2::{Digest, Sha256};

use super::{package, steps};
use crate::error::Result;
use crate::llvm::inputs::{
    Ground, SDK_FOLDER, code_of, field, file_hash, folder_hash, hexadecimal, list, symbolic_trees,
};
use crate::llvm::{Request, VERSION};
use crate::packing::{self, Identity};
use crate::paths::{self, Package};
use crate::store;
use crate::tools::Tools;

/// The crates that the driver is made of.
const DRIVER_FOLDERS: &[&str] = &["driver", "kernel/bundle", "targets"];

/// Everything that can change an SDK's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// What its steps have to do with: the sources and the compilers are those of LLVM.
    pub ground: Ground,
    /// SHA-256 of the sources of the compiler driver.
    pub driver_hash: String,
    /// The sources of the code that packs.
    pub packaging: Vec<&'static str>,
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
        Self::with_distribution(tools, &store::manifest_of(distribution)?.key, request)
    }

    fn with_distribution(tools: &Tools, distribution_key: &str, request: &Request) -> Result<Self> {
        let steps = symbolic_trees(Package::Sdk, request, |trees| {
            let build = steps::Build {
                trees,
                distribution: Path::new("/distribution"),
            };
            build.step_inputs(distribution_key)
        });
        Ok(Self {
            ground: Ground::collect(tools, request, steps)?,
            driver_hash: driver_hash()?,
            packaging: [&[package::CODE], packing::CODE].concat(),
        })
    }

    /// The key of the whole.
    pub fn key(&self) -> String {
        let mut hash = Sha256::new();
        list(&mut hash, self.ground.step_keys());
        list(
            &mut hash,
            [
                &self.ground.sysroot_key(&[SDK_FOLDER]),
                &self.driver_hash,
                &self.ground.tools.rustc,
            ],
        );
        list(&mut hash, self.packaging.iter().map(|text| code_of(text)));
        hexadecimal(&hash.finalize())
    }

    /// Which package the SDK is.
    pub fn identity(&self) -> Identity {
        Identity {
            package: Package::Sdk,
            version: VERSION.to_owned(),
            target: self.ground.target.triple.to_owned(),
            profile: Package::Sdk.name().to_owned(),
            key: self.key(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The inputs of this repository, with tools that only have names.
    fn sample(distribution_key: &str) -> Inputs {
        let request = Request::default();
        Inputs::with_distribution(&Tools::symbolic(), distribution_key, &request).unwrap()
    }

    fn touch(inputs: &mut Inputs, file: &str) {
        let hash = inputs.ground.sysroot.get_mut(file);
        hash.unwrap_or_else(|| panic!("{file}")).push('x');
    }

    const ALL: &[&str] = &["libc", "libc-bitcode", "libcxx"];

    /// What is edited, the edit, and the steps whose output may change by it.
    type Edit = (&'static str, fn(&mut Inputs), &'static [&'static str]);

    const EDITS: &[Edit] = &[
        ("sources", |inputs| inputs.ground.source_hash.push('x'), ALL),
        (
            "compiler",
            |inputs| inputs.ground.tools.build.push('x'),
            ALL,
        ),
        (
            "compiler of programs",
            |inputs| inputs.ground.tools.program.push('x'),
            &["libc-bitcode", "libcxx"],
        ),
        ("driver", |inputs| inputs.driver_hash.push('x'), &[]),
        ("rustc", |inputs| inputs.ground.tools.rustc.push('x'), &[]),
        (
            "header of programs",
            |inputs| touch(inputs, "program/include/stdio.h"),
            &["libcxx"],
        ),
        (
            "functions of the C library",
            |inputs| touch(inputs, "program/libc/entrypoints.txt"),
            &["libc", "libc-bitcode"],
        ),
        (
            "file for build systems",
            |inputs| touch(inputs, "program/cmake/bareflow.cmake"),
            &[],
        ),
        (
            "code of the packaging",
            |inputs| inputs.packaging = vec!["fn other() {}"],
            &[],
        ),
    ];

    #[test]
    fn an_edit_has_done_again_what_it_may_change_and_nothing_else() {
        let original = sample("distribution");
        for (what, edit, expected) in EDITS {
            let mut edited = sample("distribution");
            edit(&mut edited);
            let is_changed =
                |name: &&&str| edited.ground.step_key(name) != original.ground.step_key(name);
            let changed: Vec<&str> = ALL.iter().filter(is_changed).copied().collect();
            assert_eq!(&changed, expected, "{what}");
            assert_ne!(edited.key(), original.key(), "{what}");
        }
    }

    #[test]
    fn another_distribution_has_everything_done_again() {
        let (one, other) = (sample("one"), sample("other"));
        for step in ALL {
            assert_ne!(one.ground.step_key(step), other.ground.step_key(step));
        }
    }
}
