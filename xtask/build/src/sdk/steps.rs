//! The steps of the build: the copied sysroot, llvm-libc, libc++ with libc++abi.

mod libcxx;

use std::path::{Path, PathBuf};

use super::Inputs;
use crate::error::Result;
use crate::llvm::inputs::SDK_FOLDER;
use crate::llvm::libc::LibcBuild;
use crate::llvm::trees::{BuildTrees, definitions};
use crate::shell::shell;

/// The name of the first step, which copies what the others use.
const SYSROOT_STEP: &str = "sysroot";

/// Every option that can change what is built, other than the paths of the cache and those of the distribution.
pub fn options() -> Vec<String> {
    libc_options().chain(libcxx::options()).collect()
}

/// Those of llvm-libc.
pub fn libc_options() -> impl Iterator<Item = String> {
    definitions(LIBC_OPTIONS)
}

const LIBC_OPTIONS: &[(&str, &str)] = &[
    ("LLVM_ENABLE_RUNTIMES", "libc"),
    ("LLVM_LIBC_FULL_BUILD", "ON"),
    // Its own detection looks at the machine that builds.
    (
        "LIBC_CPU_FEATURES",
        bareflow_targets::DEFAULT.libc_cpu_features,
    ),
    ("LIBC_INCLUDE_DOCS", "OFF"),
    ("LIBC_WNO_ERROR", "ON"),
    ("LLVM_INCLUDE_TESTS", "OFF"),
    ("LLVM_INCLUDE_DOCS", "OFF"),
    (
        "LIBC_CONF_PRINTF_FLOAT_TO_STR_USE_MEGA_LONG_DOUBLE_TABLE",
        "OFF",
    ),
    // ISO C has %n.
    ("LIBC_CONF_PRINTF_DISABLE_WRITE_INT", "OFF"),
];

/// A build in progress.
#[derive(Debug)]
pub struct Build<'a> {
    /// Where it happens, and with what.
    pub trees: BuildTrees<'a>,
    /// What it is made from.
    pub inputs: &'a Inputs,
    /// The LLVM distribution whose headers are used.
    pub distribution: &'a Path,
}

impl Build<'_> {
    /// Runs every step that is not done yet.
    ///
    /// # Errors
    /// The first step that fails.
    pub fn all(&self) -> Result<()> {
        let trees = &self.trees;
        trees.discard_foreign(&self.inputs.llvm.tree_key())?;
        trees.step(SYSROOT_STEP, &self.inputs.build_key(), |_| {
            trees.copy_sysroot(SYSROOT_STEP, &["cmake", SDK_FOLDER])
        })?;
        let key = self.inputs.libc_key();
        let libc = self.libc()?;
        trees.step(libc.archives_step, &key, |log| libc.archives(log))?;
        trees.step(libc.bitcode_step, &key, |log| libc.bitcode(log))?;
        trees.step(libcxx::STEP, &self.inputs.build_key(), |log| {
            self.libcxx(log)
        })
    }

    /// The copy of the repository's folder for programs.
    pub fn program_input(&self) -> PathBuf {
        self.sysroot_input().join(SDK_FOLDER)
    }

    fn sysroot_input(&self) -> PathBuf {
        self.trees.sysroot_input(SYSROOT_STEP)
    }

    /// The distribution's headers of C.
    fn c_includes(&self) -> String {
        let folders = ["c", "libc"].map(|folder| {
            let path = self.distribution.join("include/bareflow").join(folder);
            format!("-isystem {}", path.display())
        });
        format!(
            "-ffile-prefix-map={}=/distribution {}",
            self.distribution.display(),
            folders.join(" ")
        )
    }

    /// llvm-libc as programs have it.
    ///
    /// # Errors
    /// When the list of functions with state cannot be read.
    pub fn libc(&self) -> Result<LibcBuild<'_>> {
        let path = self.program_input().join("libc/stateful.txt");
        let text = shell()?.read_file(path)?;
        Ok(LibcBuild {
            trees: &self.trees,
            archives_step: "libc",
            bitcode_step: "libc-bitcode",
            sysroot: self.sysroot_input(),
            configuration: "program/libc",
            includes: self.c_includes(),
            options: LIBC_OPTIONS,
            stateful: text.lines().map(str::to_owned).collect(),
        })
    }
}
