//! The tools of LLVM's own build, for the machine that builds.

use super::{Build, CMakeStep};
use crate::llvm::trees::definitions;

impl Build<'_> {
    pub(super) fn native_tools(&self) -> CMakeStep {
        let tools = self.trees.tools;
        let mut options = vec![
            format!("-DCMAKE_C_COMPILER={}", tools.clang.display()),
            format!("-DCMAKE_CXX_COMPILER={}", tools.clangxx.display()),
        ];
        options.extend(definitions(OPTIONS));
        CMakeStep {
            source: "llvm",
            options,
            targets: &["llvm-tblgen", "llvm-min-tblgen", "libc-hdrgen"],
        }
    }
}

const OPTIONS: &[(&str, &str)] = &[
    ("CMAKE_BUILD_TYPE", "Release"),
    // The tools run for seconds and compile for minutes.
    ("CMAKE_C_FLAGS_RELEASE", "-O1"),
    ("CMAKE_CXX_FLAGS_RELEASE", "-O1"),
    ("LLVM_TARGETS_TO_BUILD", ""),
    ("LLVM_ENABLE_PROJECTS", "libc"),
    ("LIBC_HDRGEN_ONLY", "ON"),
    ("LLVM_LIBC_FULL_BUILD", "ON"),
    ("LLVM_INCLUDE_TESTS", "OFF"),
    ("LLVM_INCLUDE_BENCHMARKS", "OFF"),
    ("LLVM_INCLUDE_EXAMPLES", "OFF"),
    ("LLVM_INCLUDE_DOCS", "OFF"),
    ("LIBC_INCLUDE_DOCS", "OFF"),
    ("LLVM_ENABLE_ZLIB", "OFF"),
    ("LLVM_ENABLE_ZSTD", "OFF"),
    ("LLVM_ENABLE_LIBXML2", "OFF"),
    ("LLVM_ENABLE_TERMINFO", "OFF"),
    ("LLVM_ENABLE_LIBEDIT", "OFF"),
    ("LLVM_ENABLE_ASSERTIONS", "OFF"),
];
