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

use xshell::{Cmd, cmd};

use super::{CMakeStep, LIBRARY_FLAGS};
use crate::error::{Result, system};
use crate::llvm::trees::{BuildTrees, Compilers, cleaned, definitions};
use crate::shell::{Log, shell, write_whole};

/// What llvm-libc is compiled with besides; it is for one thread.
const LIBC_FLAGS: &[&str] = &[
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

/// What LLVM's build of llvm-libc is told, wherever it is for.
pub const COMMON_OPTIONS: &[(&str, &str)] = &[
    ("LLVM_ENABLE_RUNTIMES", "libc"),
    ("LLVM_LIBC_FULL_BUILD", "ON"),
    ("LIBC_INCLUDE_DOCS", "OFF"),
    ("LIBC_WNO_ERROR", "ON"),
    ("LLVM_INCLUDE_TESTS", "OFF"),
    ("LLVM_INCLUDE_DOCS", "OFF"),
    (
        "LIBC_CONF_PRINTF_FLOAT_TO_STR_USE_MEGA_LONG_DOUBLE_TABLE",
        "OFF",
    ),
];

/// What is built of the archives.
const TARGETS: &[&str] = &["libc", "libm"];

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

    /// How the archives are made.
    pub fn archives(&self) -> CMakeStep {
        self.cmake(self.archives_step, Compilers::Build)
    }

    /// How the functions are compiled to bitcode.
    pub fn functions(&self) -> CMakeStep {
        let mut step = self.cmake(self.bitcode_step, Compilers::Program);
        let last = LAST_FLAGS.join(" ");
        step.options
            .extend(definitions(&[("BAREFLOW_LAST_FLAGS", &last)]));
        step
    }

    fn cmake(&self, step: &str, compilers: Compilers) -> CMakeStep {
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
        let target = self.trees.request.target;
        options.extend(definitions(&[
            ("LIBC_TARGET_TRIPLE", target.triple),
            // Its own detection looks at the machine that builds.
            ("LIBC_CPU_FEATURES", target.libc_cpu_features),
        ]));
        for (name, path) in [
            ("LIBC_CONFIG_PATH", self.sysroot.join(self.configuration)),
            ("LIBC_HDRGEN_EXE", self.no_generator(step)),
        ] {
            options.push(format!("-D{name}={}", path.display()));
        }
        options.extend(definitions(COMMON_OPTIONS));
        options.extend(definitions(self.options));
        CMakeStep {
            source: "runtimes",
            options,
            targets: TARGETS,
        }
    }

    /// Stands for the generator of headers: llvm-libc's own build would make them for another set of functions.
    fn no_generator(&self, step: &str) -> PathBuf {
        self.trees.tree(step).join("no-hdrgen")
    }

    fn write_no_generator(&self, step: &str) -> Result<()> {
        let path = self.no_generator(step);
        write_whole(&path, b"#!/bin/sh\nexit 0\n")?;
        Ok(fs::set_permissions(
            path,
            fs::Permissions::from_mode(0o755),
        )?)
    }

    /// Makes the archives.
    ///
    /// # Errors
    /// When a tool fails.
    pub fn build_archives(&self, log: &Log) -> Result<()> {
        let step = self.archives_step;
        self.write_no_generator(step)?;
        self.archives().run(self.trees, step, log)
    }

    /// Makes the bitcode.
    ///
    /// # Errors
    /// When a tool fails.
    pub fn build_bitcode(&self, log: &Log) -> Result<()> {
        let step = self.bitcode_step;
        let tree = self.trees.tree(step);
        // The archives are taken apart below, and ninja does not see another compiler in the same place.
        fs::remove_dir_all(&tree).map_err(system(format!("cannot remove {}", tree.display())))?;
        let tools = self.trees.tools;
        self.write_no_generator(step)?;
        self.functions().run(self.trees, step, log)?;

        let lib = tree.join("libc/lib");
        let sh = shell()?;
        sh.change_dir(&lib);
        let run = |command: Cmd| log.run_cmd(cleaned(command));
        let (ar, nm) = (&tools.ar, &tools.nm);
        let (link, print, opt) = (&tools.program_link, &tools.program_dis, &tools.program_opt);
        let primitives: &Vec<String> = &PRIMITIVES.iter().map(|name| member(name)).collect();
        let stateful: Vec<String> = self.stateful.iter().map(|name| member(name)).collect();
        run(cmd!(sh, "{ar} x libc.a {primitives...}"))?;
        run(cmd!(sh, "{ar} d libc.a {primitives...} {stateful...}"))?;

        run(cmd!(sh, "{link} -o others.bc libc.a libm.a"))?;
        let text = cleaned(cmd!(sh, "{print} -o - others.bc")).quiet().read()?;
        sh.write_file("others.ll", text.replace(NO_BUILTINS, ""))?;
        // The first definition of what both have is taken: that with the attribute.
        run(cmd!(sh, "{link} -o all.bc {primitives...} others.ll"))?;

        let list = cmd!(
            sh,
            "{nm} --defined-only --extern-only --format=just-symbols all.bc"
        );
        let symbols = cleaned(list).quiet().read()?;
        sh.write_file("public.txt", public_names(&symbols))?;
        let passes = "internalize,globalopt,globaldce";
        run(cmd!(
            sh,
            "{opt} -passes={passes} -internalize-public-api-file=public.txt -o libc.bc all.bc"
        ))?;
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
