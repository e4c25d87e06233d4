//! libc++ as LLVM and kernels have it.

use super::{Build, CMakeStep, LIBRARY_FLAGS};
use crate::llvm::trees::definitions;

impl Build<'_> {
    pub(super) fn libcxx(&self) -> CMakeStep {
        let machine = self.trees.machine();
        let mut options = self.toolchain(
            &format!("{machine} {}", self.c_includes()),
            &format!(
                "{machine} {} {}",
                self.cxx_includes(),
                LIBRARY_FLAGS.join(" ")
            ),
        );
        options.push(format!(
            "-DLIBCXX_CXX_ABI_INCLUDE_PATHS={}",
            self.trees.source.join("libcxxabi/include").display()
        ));
        options.extend(definitions(COMMON_OPTIONS));
        options.extend(definitions(OPTIONS));
        CMakeStep {
            source: "runtimes",
            options,
            targets: &["generate-cxx-headers", "cxx"],
        }
    }
}

/// What every build of libc++ is configured with: the kernels' and the programs'.
pub const COMMON_OPTIONS: &[(&str, &str)] = &[
    ("LLVM_INCLUDE_TESTS", "OFF"),
    ("LLVM_INCLUDE_DOCS", "OFF"),
    ("LIBCXX_ENABLE_SHARED", "OFF"),
    ("LIBCXX_ENABLE_STATIC", "ON"),
    ("LIBCXX_ENABLE_EXCEPTIONS", "OFF"),
    ("LIBCXX_ENABLE_LOCALIZATION", "ON"),
    ("LIBCXX_ENABLE_RANDOM_DEVICE", "ON"),
    ("LIBCXX_HAS_EXTERNAL_THREAD_API", "ON"),
    ("LIBCXX_HAS_MUSL_LIBC", "OFF"),
    (
        "LIBCXX_EXTRA_SITE_DEFINES",
        "_LIBCPP_PROVIDES_DEFAULT_RUNE_TABLE",
    ),
    ("LIBCXX_CXX_ABI", "libcxxabi"),
    ("LIBCXX_ENABLE_STATIC_ABI_LIBRARY", "OFF"),
    ("LIBCXX_ENABLE_NEW_DELETE_DEFINITIONS", "OFF"),
    ("LIBCXX_PSTL_CPU_BACKEND", "serial"),
    // Else objects ask the linker for libraries that do not exist.
    ("LIBCXX_HAS_PTHREAD_LIB", "OFF"),
    ("LIBCXX_HAS_RT_LIB", "OFF"),
    ("LIBCXX_HAS_ATOMIC_LIB", "OFF"),
    ("LIBCXX_INCLUDE_DOCS", "OFF"),
    ("LIBCXX_INCLUDE_TESTS", "OFF"),
    ("LIBCXX_INCLUDE_BENCHMARKS", "OFF"),
    ("LIBCXX_ENABLE_TIME_ZONE_DATABASE", "OFF"),
    ("LIBCXX_INSTALL_MODULES", "OFF"),
];

/// Of libc++abi there are the headers, not the archive: without them promises abort, and ORC uses promises.
const OPTIONS: &[(&str, &str)] = &[
    ("LLVM_ENABLE_RUNTIMES", "libcxx"),
    ("LIBCXX_ENABLE_RTTI", "OFF"),
    ("LIBCXX_ENABLE_FILESYSTEM", "OFF"),
    ("LIBCXX_ENABLE_WIDE_CHARACTERS", "OFF"),
];
