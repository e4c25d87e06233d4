//! The steps of the build: the copied sysroot, llvm-libc, libc++ with libc++abi.

mod libcxx;

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::llvm::inputs::{Ground, SDK_FOLDER, StepInputs};
use crate::llvm::steps::libc::LibcBuild;
use crate::llvm::trees::BuildTrees;
use crate::shell::shell;

/// The name of the first step, which copies what the others use.
const SYSROOT_STEP: &str = "sysroot";

/// What of the sysroot every step reads.
const TOOLCHAIN_FILES: &[&str] = &["cmake/toolchain.cmake", "cmake/Platform"];

/// What llvm-libc's own folder says of it.
const LIBC_FOLDER: &str = "program/libc";

/// The code of the libraries for both: the kernels' and the programs' llvm-libc are made alike.
const LIBC_CODE: &[&str] = &[include_str!("../llvm/steps/libc.rs")];

/// A build in progress.
#[derive(Debug)]
pub struct Build<'a> {
    /// Where it happens, and with what.
    pub trees: BuildTrees<'a>,
    /// The LLVM distribution whose headers are used.
    pub distribution: &'a Path,
}

impl Build<'_> {
    /// Runs every step that is not done yet.
    ///
    /// # Errors
    /// The first step that fails.
    pub fn all(&self, ground: &Ground) -> Result<()> {
        let trees = &self.trees;
        trees.discard_foreign(&ground.tree_key())?;
        let copied = ["cmake", SDK_FOLDER];
        trees.step(SYSROOT_STEP, &ground.sysroot_key(&copied), |_| {
            trees.copy_sysroot(SYSROOT_STEP, &copied)
        })?;
        let key = |step: &str| ground.step_key(step);
        let libc = self.libc()?;
        trees.step(libc.archives_step, &key(libc.archives_step), |log| {
            libc.build_archives(log)
        })?;
        trees.step(libc.bitcode_step, &key(libc.bitcode_step), |log| {
            libc.build_bitcode(log)
        })?;
        trees.step(libcxx::STEP, &key(libcxx::STEP), |log| {
            self.build_libcxx(log)
        })
    }

    /// What each step's key follows from; the headers of the distribution are what its key says.
    pub fn step_inputs(&self, distribution_key: &str) -> Vec<(&'static str, StepInputs)> {
        let libc = self.libc_with(Vec::new());
        let with_headers = |mut words: Vec<String>| {
            words.push(distribution_key.to_owned());
            words
        };
        let sysroot = |own: &[&'static str]| [TOOLCHAIN_FILES, own].concat();
        vec![
            (
                libc.archives_step,
                StepInputs {
                    words: with_headers(libc.archives().words()),
                    code: LIBC_CODE,
                    sysroot: sysroot(&[LIBC_FOLDER]),
                    ..StepInputs::COMPILED
                },
            ),
            (
                libc.bitcode_step,
                StepInputs {
                    words: with_headers(libc.functions().words()),
                    code: LIBC_CODE,
                    sysroot: sysroot(&[LIBC_FOLDER]),
                    uses_program_tools: true,
                    ..StepInputs::COMPILED
                },
            ),
            (
                libcxx::STEP,
                StepInputs {
                    words: with_headers(self.libcxx().words()),
                    code: &[include_str!("steps/libcxx.rs")],
                    sysroot: sysroot(&["program/include", "program/cxx"]),
                    uses_program_tools: true,
                    ..StepInputs::COMPILED
                },
            ),
        ]
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
        Ok(self.libc_with(text.lines().map(str::to_owned).collect()))
    }

    fn libc_with(&self, stateful: Vec<String>) -> LibcBuild<'_> {
        LibcBuild {
            trees: &self.trees,
            archives_step: "libc",
            bitcode_step: "libc-bitcode",
            sysroot: self.sysroot_input(),
            configuration: LIBC_FOLDER,
            includes: self.c_includes(),
            // ISO C has %n.
            options: &[("LIBC_CONF_PRINTF_DISABLE_WRITE_INT", "OFF")],
            stateful,
        }
    }
}
