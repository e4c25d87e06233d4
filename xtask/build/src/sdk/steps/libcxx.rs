//! libc++ and libc++abi as archives of bitcode, which programs link as they link their own files.

use std::path::PathBuf;

use xshell::cmd;

use super::Build;
use crate::error::Result;
use crate::llvm::steps::CMakeStep;
use crate::llvm::steps::libc::LAST_FLAGS;
use crate::llvm::steps::libcxx::COMMON_OPTIONS;
use crate::llvm::trees::{Compilers, cleaned, definitions};
use crate::shell::{Log, shell};

/// The name of the step.
pub(super) const STEP: &str = "libcxx";

/// What overrides the flags of libc++ besides those of all bitcode. The tiers vectorise when they know the processor;
/// until then code is interpreted.
const LAST_CXX_FLAGS: &[&str] = &["-fno-vectorize", "-fno-slp-vectorize"];

/// How everything is compiled.
const CXX_FLAGS: &[&str] = &[
    "-fno-exceptions",
    "-frtti",
    // As programs are: headers choose by it.
    "-D__bareflow__=1",
    "-D__unix__=1",
    "-D__unix=1",
    // The C library's own says no more than that a text was read to its end.
    "-Dmbsnrtowcs=bareflow_codecvt_mbsnrtowcs",
];

const OPTIONS: &[(&str, &str)] = &[
    // Programs link both.
    ("LLVM_ENABLE_RUNTIMES", "libcxx;libcxxabi"),
    ("LIBCXX_ENABLE_RTTI", "ON"),
    ("LIBCXX_ENABLE_FILESYSTEM", "ON"),
    ("LIBCXX_ENABLE_WIDE_CHARACTERS", "ON"),
    ("LIBCXX_ENABLE_MONOTONIC_CLOCK", "ON"),
    ("LIBCXXABI_ENABLE_SHARED", "OFF"),
    ("LIBCXXABI_ENABLE_STATIC", "ON"),
    ("LIBCXXABI_ENABLE_EXCEPTIONS", "OFF"),
    ("LIBCXXABI_ENABLE_ASSERTIONS", "OFF"),
    ("LIBCXXABI_HAS_EXTERNAL_THREAD_API", "ON"),
    // Weak: a program's own are used instead.
    ("LIBCXXABI_ENABLE_NEW_DELETE_DEFINITIONS", "ON"),
    ("LIBCXXABI_USE_LLVM_UNWINDER", "OFF"),
    ("LIBCXXABI_HAS_C_LIB", "OFF"),
    ("LIBCXXABI_HAS_PTHREAD_LIB", "OFF"),
    ("LIBCXXABI_HAS_GCC_LIB", "OFF"),
    ("LIBCXXABI_HAS_GCC_S_LIB", "OFF"),
    ("LIBCXXABI_INCLUDE_TESTS", "OFF"),
];

/// Members of libc++abi that the engine stands in for: it knows when a program ends.
const LEFT_OUT: &[&str] = &["cxa_thread_atexit.cpp.o"];

impl Build<'_> {
    /// Where the step leaves the archives.
    pub fn libcxx_archives(&self) -> PathBuf {
        self.trees.tree(STEP).join("lib")
    }

    /// Where the step leaves the headers.
    pub fn libcxx_headers(&self) -> PathBuf {
        self.trees.tree(STEP).join("include/c++/v1")
    }

    /// Headers that libc++ looks for beside its own.
    pub fn libcxx_additions(&self) -> PathBuf {
        self.program_input().join("cxx")
    }

    /// How the archives are made.
    pub(super) fn libcxx(&self) -> CMakeStep {
        let machine = self.trees.machine();
        let c_includes = format!(
            "-isystem {} {}",
            self.program_input().join("include").display(),
            self.c_includes()
        );
        let cxx_includes = format!(
            "-nostdinc++ -isystem {} -isystem {} -isystem {} {c_includes}",
            self.libcxx_additions().display(),
            self.libcxx_headers().display(),
            self.trees.source.join("libcxxabi/include").display(),
        );
        let mut options = self.trees.toolchain(
            &self.sysroot_input(),
            Compilers::Program,
            &format!("{machine} {c_includes}"),
            &format!("{machine} {cxx_includes} {}", CXX_FLAGS.join(" ")),
        );
        options.push(format!(
            "-DBAREFLOW_LAST_FLAGS={} {}",
            LAST_FLAGS.join(" "),
            LAST_CXX_FLAGS.join(" ")
        ));
        options.extend(definitions(COMMON_OPTIONS));
        options.extend(definitions(OPTIONS));
        CMakeStep {
            source: "runtimes",
            options,
            targets: &["generate-cxx-headers", "cxx", "cxxabi"],
        }
    }

    pub(super) fn build_libcxx(&self, log: &Log) -> Result<()> {
        self.libcxx().run(&self.trees, STEP, log)?;
        let (sh, ar) = (shell()?, &self.trees.tools.ar);
        let archive = self.libcxx_archives().join("libc++abi.a");
        log.run_cmd(cleaned(cmd!(sh, "{ar} dD {archive} {LEFT_OUT...}")))
    }
}
