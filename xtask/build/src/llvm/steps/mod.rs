//! The steps of the build: native tools, headers, llvm-libc, libc++, LLVM.
//!
//! What a step has CMake and ninja do is data: it is run, and it is part of the step's key.

mod headers;
pub mod libc;
pub mod libcxx;
pub mod llvm;
mod native_tools;

use std::path::PathBuf;

use super::LlvmProfile;
use super::inputs::{Inputs, StepInputs};
use super::trees::{BuildTrees, Compilers};
use crate::error::Result;
use crate::shell::Log;
use libc::{LibcBuild, STATEFUL};

/// What all C++ is compiled with besides.
pub const LIBRARY_FLAGS: &[&str] = &["-fno-exceptions", "-fno-rtti"];

/// The folders of the sysroot that the distribution is made from.
pub const SYSROOT_FOLDERS: &[&str] = &["cmake", "libc", "llvm", "overlay"];

/// What of the sysroot every step reads that compiles for the target.
const TOOLCHAIN_FILES: &[&str] = &["cmake/toolchain.cmake", "cmake/Platform", "overlay/c"];

/// What CMake configures, and what ninja then builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CMakeStep {
    /// The folder of the sources.
    pub source: &'static str,
    /// CMake's.
    pub options: Vec<String>,
    /// ninja's.
    pub targets: &'static [&'static str],
}

impl CMakeStep {
    /// Does both in the tree of a step.
    ///
    /// # Errors
    /// When a tool fails.
    pub fn run(&self, trees: &BuildTrees, step: &str, log: &Log) -> Result<()> {
        self.configure(trees, step, log)?;
        trees.ninja(log, step, self.targets)
    }

    fn configure(&self, trees: &BuildTrees, step: &str, log: &Log) -> Result<()> {
        trees.cmake(log, self.source, step, &self.options)
    }

    /// All of it, for a key.
    pub fn words(&self) -> Vec<String> {
        let mut words = vec![self.source.to_owned()];
        words.extend_from_slice(&self.options);
        words.extend(self.targets.iter().map(|target| (*target).to_owned()));
        words
    }
}

/// The step that copies the repository's sysroot, into the tree of the headers.
const COPIES: &str = "sysroot/input";

/// A build in progress.
#[derive(Debug)]
pub struct Build<'a> {
    /// Where it happens, and with what.
    pub trees: BuildTrees<'a>,
    /// Which libraries.
    pub profile: LlvmProfile,
}

type Action<'a> = Box<dyn Fn(&Log) -> Result<()> + 'a>;

/// A step: what its key follows from besides the keys of other steps, and how it is done.
struct Step<'a> {
    /// The name, and its tree's.
    name: &'static str,
    inputs: StepInputs,
    action: Action<'a>,
}

impl Build<'_> {
    /// Runs every step that is not done yet.
    ///
    /// # Errors
    /// The first step that fails.
    pub fn all(&self, inputs: &Inputs) -> Result<()> {
        let trees = &self.trees;
        let ground = &inputs.ground;
        trees.discard_foreign(&ground.tree_key())?;
        trees.step(COPIES, &ground.sysroot_key(SYSROOT_FOLDERS), |_| {
            trees.copy_sysroot("sysroot", SYSROOT_FOLDERS)
        })?;
        for step in self.steps() {
            let key = ground.step_key(step.name);
            trees.step(step.name, &key, |log| (step.action)(log))?;
        }
        Ok(())
    }

    /// What each step's key follows from, in their order.
    pub fn step_inputs(&self) -> Vec<(&'static str, StepInputs)> {
        let steps = self.steps().into_iter();
        steps.map(|step| (step.name, step.inputs)).collect()
    }

    /// All steps, each behind those whose output it uses.
    fn steps(&self) -> Vec<Step<'_>> {
        let trees = &self.trees;
        let mut llvm = self.llvm().words();
        llvm.extend(llvm::components(self.profile, trees.request.target));
        let mut bitcode = self.libc().functions().words();
        bitcode.extend(self.libc().stateful);
        vec![
            Step {
                name: "native-tools",
                inputs: StepInputs {
                    words: self.native_tools().words(),
                    code: &[include_str!("native_tools.rs")],
                    ..StepInputs::COMPILED
                },
                action: Box::new(|log| self.native_tools().run(trees, "native-tools", log)),
            },
            Step {
                name: "sysroot",
                inputs: StepInputs {
                    code: &[include_str!("headers.rs")],
                    sysroot: headers::READS.to_vec(),
                    after: &["native-tools"],
                    ..StepInputs::default()
                },
                action: Box::new(|log| self.headers(log)),
            },
            Step {
                name: "libc",
                inputs: StepInputs {
                    words: self.libc().archives().words(),
                    code: &[include_str!("libc.rs")],
                    sysroot: [TOOLCHAIN_FILES, &["libc"]].concat(),
                    after: &["sysroot"],
                    ..StepInputs::COMPILED
                },
                action: Box::new(|log| self.libc().build_archives(log)),
            },
            Step {
                name: "libc-bitcode",
                inputs: StepInputs {
                    words: bitcode,
                    code: &[include_str!("libc.rs")],
                    sysroot: [TOOLCHAIN_FILES, &["libc"]].concat(),
                    after: &["sysroot"],
                    uses_program_tools: true,
                    ..StepInputs::COMPILED
                },
                action: Box::new(|log| self.libc().build_bitcode(log)),
            },
            Step {
                name: "libcxx",
                inputs: StepInputs {
                    words: self.libcxx().words(),
                    code: &[include_str!("libcxx.rs")],
                    sysroot: [TOOLCHAIN_FILES, &["overlay/cxx"]].concat(),
                    after: &["sysroot"],
                    ..StepInputs::COMPILED
                },
                action: Box::new(|log| self.libcxx().run(trees, "libcxx", log)),
            },
            Step {
                name: "llvm",
                inputs: StepInputs {
                    words: llvm,
                    code: &[include_str!("llvm.rs")],
                    sysroot: vec!["cmake", "llvm", "overlay"],
                    after: &["native-tools", "libcxx"],
                    ..StepInputs::COMPILED
                },
                action: Box::new(|log| self.build_llvm("llvm", log)),
            },
        ]
    }

    /// The build tree of a step.
    pub fn tree(&self, step: &str) -> PathBuf {
        self.trees.tree(step)
    }

    /// The repository's sysroot folder, copied: its path must not depend on the checkout.
    pub fn sysroot_input(&self) -> PathBuf {
        self.trees.sysroot_input("sysroot")
    }

    /// The headers that llvm-libc's generator makes.
    pub fn libc_headers(&self) -> PathBuf {
        self.tree("sysroot").join("libc")
    }

    fn c_includes(&self) -> String {
        format!(
            "-isystem {} -isystem {}",
            self.sysroot_input().join("overlay/c").display(),
            self.libc_headers().display()
        )
    }

    /// For llvm-libc, with what it wants to be told of the target besides.
    fn libc_includes(&self) -> String {
        let own = self.trees.request.target.libc_flags.iter();
        own.fold(self.c_includes(), |flags, flag| format!("{flags} {flag}"))
    }

    fn cxx_includes(&self) -> String {
        format!(
            "-nostdinc++ -isystem {} -isystem {} -isystem {} {}",
            self.sysroot_input().join("overlay/cxx").display(),
            self.tree("libcxx").join("include/c++/v1").display(),
            self.trees.source.join("libcxxabi/include").display(),
            self.c_includes()
        )
    }

    /// A tool that the first step has made.
    fn native_tool(&self, name: &str) -> PathBuf {
        self.tree("native-tools").join("bin").join(name)
    }

    fn toolchain(&self, c_flags: &str, cxx_flags: &str) -> Vec<String> {
        self.trees
            .toolchain(&self.sysroot_input(), Compilers::Build, c_flags, cxx_flags)
    }

    /// llvm-libc as the distribution has it.
    pub fn libc(&self) -> LibcBuild<'_> {
        LibcBuild {
            trees: &self.trees,
            archives_step: "libc",
            bitcode_step: "libc-bitcode",
            sysroot: self.sysroot_input(),
            configuration: "libc",
            includes: self.libc_includes(),
            options: &[("LIBC_CONF_PRINTF_DISABLE_WRITE_INT", "ON")],
            stateful: STATEFUL.iter().map(|name| (*name).to_owned()).collect(),
        }
    }
}
