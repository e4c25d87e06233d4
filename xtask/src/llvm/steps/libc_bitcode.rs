//! llvm-libc as one file of bitcode, which a JIT links functions from so that it can inline them.
//!
//! 1. The functions are those of `libc.a` and `libm.a`, compiled by the clang of programs.
//! 2. There is no state in it: two copies of a function behave as one does.
//! 3. Only the names of C are visible; what they need besides is internal.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::{Build, definitions};
use crate::error::{Error, Result, system};
use crate::shell::{Log, display, output_of, write_whole};

/// The name of the step.
pub(super) const STEP: &str = "libc-bitcode";

/// What overrides llvm-libc's own flags. Bitcode is for programs, which are not position-independent and
/// which must compute the same whether the processor can fuse operations or not.
const LAST_FLAGS: &[&str] = &[
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
const STATEFUL: &[&str] = &[
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

/// Every option of this step.
pub(super) fn options() -> impl Iterator<Item = String> {
    [LAST_FLAGS, PRIMITIVES, STATEFUL]
        .into_iter()
        .flatten()
        .map(|option| (*option).to_owned())
}

impl Build<'_> {
    /// What the step makes.
    pub fn libc_bitcode_file(&self) -> PathBuf {
        self.tree(STEP).join("libc.bc")
    }

    pub(super) fn libc_bitcode(&self, log: &Log) -> Result<()> {
        let tree = self.tree(STEP);
        // The archives are taken apart below, and ninja does not see another compiler in the same place.
        fs::remove_dir_all(&tree).map_err(system(format!("cannot remove {}", tree.display())))?;
        let tools = self.tools;
        let mut options = self.libc_options(&tools.program_clang, &tools.program_clangxx);
        options.extend(definitions(&[(
            "BAREFLOW_LAST_FLAGS",
            &LAST_FLAGS.join(" "),
        )]));
        log.run(&mut self.cmake("runtimes", STEP, &options))?;
        self.ninja(log, STEP, &["libc", "libm"])?;

        let lib = tree.join("libc/lib");
        let archive = || {
            let mut command = Command::new(&tools.ar);
            command.current_dir(&lib);
            command
        };
        let primitives: Vec<String> = PRIMITIVES.iter().map(|name| member(name)).collect();
        let stateful: Vec<String> = STATEFUL.iter().map(|name| member(name)).collect();
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
        fs::rename(lib.join("libc.bc"), self.libc_bitcode_file())
            .map_err(system("cannot move libc.bc"))
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
