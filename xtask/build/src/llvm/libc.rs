//! llvm-libc: archives that kernels link, and the same functions as one file of bitcode, which a JIT links functions
//! from so that it can inline them.
//!
//! Of the bitcode:
//! 1. The functions are those of `libc.a` and `libm.a`, compiled by the clang of programs.
//! 2. There is no state in it: two copies of a function behave as one does.
//! 3. Only the names of C are visible; what they need besides is internal.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use super::TARGET;
use super::steps::LIBRARY_FLAGS;
use super::trees::{BuildTrees, Compilers, definitions};
use crate::error::{Error, Result, system};
use crate::shell::{Log, display, output_of, write_whole};

/// What llvm-libc is compiled with besides; it is for one thread.
pub const LIBC_FLAGS: &[&str] = &[
    "-nostdinc++",
    "-Dthread_local=",
    "-D_Thread_local=",
    "-DLIBC_COPT_USE_C_ASSERT",
];

/// What overrides llvm-libc's own flags. Bitcode is for programs, which are not position-independent and
/// which must compute the same whether the processor can fuse operations or not.
pub const LAST_FLAGS: &[&str] = &[
    "-O2",
    "-emit-llvm",
    "-fno-pie",
    "-ffp-contract=off",
    "-g0",
    // No name of the compiler in every program.
    "-Qn",
];

/// What optimisers turn loops and comparisons into. These keep the attribute that forbids it; else they
/// could become calls of themselves.
const PRIMITIVES: &[&str] = &[
    "bcmp", "bcopy", "bzero", "memcmp", "memcpy", "memmove", "memset",
];

/// Members of `libc.a` with variables of their own. A program must share those with the kernel.
pub const STATEFUL: &[&str] = &[
    "asctime",
    "gmtime",
    "libc_errno",
    "rand",
    "rand_util",
    "srand",
    "strtok",
];

/// Forbids recognising C functions. A function that has it is not inlined into one that has not.
const NO_BUILTINS: &str = " \"no-builtins\"";

/// Every option of the bitcode.
pub fn bitcode_options() -> impl Iterator<Item = String> {
    [LAST_FLAGS, PRIMITIVES, STATEFUL]
        .into_iter()
        .flatten()
        .map(|option| (*option).to_owned())
}

/// A build of llvm-libc.
#[derive(Clone, Debug)]
pub struct LibcBuild<'a> {
    /// Where it happens.
    pub trees: &'a BuildTrees<'a>,
    /// The name of the step that makes the archives.
    pub archives_step: &'static str,
    /// The name of the step that makes the bitcode.
    pub bitcode_step: &'static str,
    /// The copied sysroot.
    pub sysroot: PathBuf,
    /// The folder below it that says which functions there are.
    pub configuration: &'static str,
    /// How compilers find the headers.
    pub includes: String,
    /// CMake's options.
    pub options: &'static [(&'static str, &'static str)],
    /// Members of `libc.a` with variables of their own. A program must share those with the kernel.
    pub stateful: Vec<String>,
}

impl LibcBuild<'_> {
    /// Where `libc.a` and `libm.a` are.
    pub fn archives_folder(&self) -> PathBuf {
        self.trees.tree(self.archives_step).join("libc/lib")
    }

    /// Where the bitcode is.
    pub fn bitcode_file(&self) -> PathBuf {
        self.trees.tree(self.bitcode_step).join("libc.bc")
    }

    /// Makes the archives.
    ///
    /// # Errors
    /// When a tool fails.
    pub fn archives(&self, log: &Log) -> Result<()> {
        let step = self.archives_step;
        let options = self.cmake_options(step, Compilers::Build)?;
        log.run(&mut self.trees.cmake("runtimes", step, &options))?;
        self.trees.ninja(log, step, &["libc", "libm"])
    }

    fn cmake_options(&self, step: &str, compilers: Compilers) -> Result<Vec<String>> {
        // Its own build would generate headers for another set of functions.
        let no_generator = self.trees.tree(step).join("no-hdrgen");
        write_whole(&no_generator, b"#!/bin/sh\nexit 0\n")?;
        fs::set_permissions(&no_generator, fs::Permissions::from_mode(0o755))?;
        let flags = format!(
            "{} {} {}",
            self.trees.machine(),
            self.includes,
            LIBC_FLAGS.join(" ")
        );
        let cxx_flags = format!("{flags} {}", LIBRARY_FLAGS.join(" "));
        let mut options = self
            .trees
            .toolchain(&self.sysroot, compilers, &flags, &cxx_flags);
        options.push(format!("-DLIBC_TARGET_TRIPLE={TARGET}"));
        options.push(format!(
            "-DLIBC_CONFIG_PATH={}",
            self.sysroot.join(self.configuration).display()
        ));
        options.push(format!("-DLIBC_HDRGEN_EXE={}", no_generator.display()));
        options.extend(definitions(self.options));
        Ok(options)
    }

    /// Makes the bitcode.
    ///
    /// # Errors
    /// When a tool fails.
    pub fn bitcode(&self, log: &Log) -> Result<()> {
        let step = self.bitcode_step;
        let tree = self.trees.tree(step);
        // The archives are taken apart below, and ninja does not see another compiler in the same place.
        fs::remove_dir_all(&tree).map_err(system(format!("cannot remove {}", tree.display())))?;
        let tools = self.trees.tools;
        let mut options = self.cmake_options(step, Compilers::Program)?;
        options.extend(definitions(&[(
            "BAREFLOW_LAST_FLAGS",
            &LAST_FLAGS.join(" "),
        )]));
        log.run(&mut self.trees.cmake("runtimes", step, &options))?;
        self.trees.ninja(log, step, &["libc", "libm"])?;

        let lib = tree.join("libc/lib");
        let archive = || {
            let mut command = Command::new(&tools.ar);
            command.current_dir(&lib);
            command
        };
        let primitives: Vec<String> = PRIMITIVES.iter().map(|name| member(name)).collect();
        let stateful: Vec<String> = self.stateful.iter().map(|name| member(name)).collect();
        log.run(archive().args(["x", "libc.a"]).args(&primitives))?;
        log.run(
            archive()
                .args(["d", "libc.a"])
                .args(primitives.iter().chain(&stateful)),
        )?;

        let link = || {
            let mut command = Command::new(&tools.program_link);
            command.current_dir(&lib);
            command
        };
        log.run(link().args(["-o", "others.bc", "libc.a", "libm.a"]))?;
        let mut print = Command::new(&tools.program_dis);
        print.args(["-o", "-"]).arg(lib.join("others.bc"));
        let text = output_of(&mut print)
            .ok_or_else(|| Error::Build(format!("{}\n  failed", display(&print))))?;
        write_whole(
            &lib.join("others.ll"),
            text.replace(NO_BUILTINS, "").as_bytes(),
        )?;
        // The first definition of what both have is taken: that with the attribute.
        log.run(
            link()
                .args(["-o", "all.bc"])
                .args(&primitives)
                .arg("others.ll"),
        )?;

        let mut list = Command::new(&tools.nm);
        list.args(["--defined-only", "--extern-only", "--format=just-symbols"])
            .arg(lib.join("all.bc"));
        let symbols = output_of(&mut list)
            .ok_or_else(|| Error::Build(format!("{}\n  failed", display(&list))))?;
        write_whole(&lib.join("public.txt"), public_names(&symbols).as_bytes())?;
        log.run(
            Command::new(&tools.program_opt)
                .current_dir(&lib)
                .arg("-passes=internalize,globalopt,globaldce")
                .arg("-internalize-public-api-file=public.txt")
                .args(["-o", "libc.bc", "all.bc"]),
        )?;
        fs::rename(lib.join("libc.bc"), self.bitcode_file()).map_err(system("cannot move libc.bc"))
    }
}

/// The member of an archive that CMake makes of a function's source.
fn member(name: &str) -> String {
    format!("{name}.cpp.o")
}

/// The names of C in a list of symbols: llvm-libc's own are those of C++.
fn public_names(symbols: &str) -> String {
    symbols
        .lines()
        .filter(|name| !name.is_empty() && !name.starts_with("_Z"))
        .flat_map(|name| [name, "\n"])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_c_are_public() {
        assert_eq!(
            public_names("memcpy\n_ZN15__llvm_libc____6memcpyEPvPKvm\n\nstrlen\n"),
            "memcpy\nstrlen\n"
        );
    }
}
