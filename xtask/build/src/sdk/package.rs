//! The finished SDK: a folder, and the same as one compressed archive.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Inputs;
use super::steps::Build;
use crate::cargo::clean_cargo;
use crate::error::Result;
use crate::llvm::package::flags;
use crate::llvm::trees::BuildTrees;
use crate::packing::{Origin, copy, copy_tree, publish};
use crate::paths;
use crate::shell::Log;

/// The source of the code that fills a package, for the key.
pub const CODE: &str = include_str!("package.rs");

/// The compiler driver, which is told by its name what it is to do.
const DRIVER_PACKAGE: &str = "bareflow-driver";
const DRIVER: &str = "bareflow-cc";
const DRIVER_NAMES: &[&str] = &[
    "bareflow-cc",
    "bareflow-c++",
    "bareflow-ar",
    "bareflow-ranlib",
    "bareflow-nm",
    "bareflow-run",
];

/// Folders of `sysroot/program` whose files tell build systems about the target.
const BUILD_SYSTEMS: &[&str] = &["cmake", "autoconf"];

/// Packages what was built; returns the folder of the SDK.
///
/// # Errors
/// When a file is missing or cannot be written.
pub fn make(build: &Build, inputs: &Inputs) -> Result<PathBuf> {
    let ground = &inputs.ground;
    let origin = Origin {
        source: ground.source_hash.clone(),
        toolchain: ground.tools.program.clone(),
        flags: flags(ground.target),
        components: BTreeMap::new(),
    };
    publish(build.trees.cache, &inputs.identity(), origin, |root| {
        libraries(build, root)?;
        copy_tree(
            &build.program_input().join("include"),
            &root.join("include/program"),
            |_| true,
        )?;
        let cxx = root.join("include/c++/v1");
        copy_tree(&build.libcxx_headers(), &cxx, |_| true)?;
        copy_tree(&build.libcxx_additions(), &cxx, |_| true)?;
        for folder in ["c", "libc"] {
            copy_tree(
                &build.distribution.join("include/bareflow").join(folder),
                &root.join("include/bareflow").join(folder),
                |_| true,
            )?;
        }
        for folder in BUILD_SYSTEMS {
            copy_tree(
                &build.program_input().join(folder),
                &root.join("share/bareflow"),
                |_| true,
            )?;
        }
        let driver = driver(&build.trees)?;
        for name in DRIVER_NAMES {
            copy(&driver, &root.join("bin").join(name))?;
        }
        Ok(())
    })
}

/// Builds the driver; returns where it is.
fn driver(trees: &BuildTrees) -> Result<PathBuf> {
    let log = Log::start(trees.log(DRIVER))?;
    let repository = paths::repository();
    let mut cargo = clean_cargo(&repository);
    cargo.args(["build", "--release", "--package", DRIVER_PACKAGE]);
    // Of this checkout alone: cargo would take what another one has built for its own.
    let target = repository.join("target/shipped");
    log.run(cargo.args(["--bin", DRIVER, "--target-dir"]).arg(&target))?;
    Ok(target.join("release").join(DRIVER))
}

fn libraries(build: &Build, root: &Path) -> Result<()> {
    let lib = root.join("lib");
    let libc = build.libc()?;
    for name in ["libc.a", "libm.a"] {
        copy(&libc.archives_folder().join(name), &lib.join(name))?;
    }
    copy(&libc.bitcode_file(), &lib.join("libc.bc"))?;
    for name in ["libc++.a", "libc++abi.a"] {
        copy(&build.libcxx_archives().join(name), &lib.join(name))?;
    }
    Ok(())
}
