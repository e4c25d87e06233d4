//! The symbols that kernels provide to programs: the C library's and the engine's own.

use std::collections::HashSet;
use std::sync::LazyLock;

/// The C library's, a line each: from the tables that the kernels are built with.
const LIBRARY: &str = include_str!(concat!(env!("OUT_DIR"), "/kernel_symbols.txt"));

/// What the engine answers itself, since it belongs to the program's run.
const ENGINE: &[&str] = &[
    "__cxa_atexit",
    "__cxa_thread_atexit",
    "__cxa_thread_atexit_impl",
    "__dso_handle",
    "bareflow_snapshot",
    "on_exit",
];

static NAMES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| names().collect());

/// All of them.
pub fn names() -> impl Iterator<Item = &'static str> {
    LIBRARY.lines().chain(ENGINE.iter().copied())
}

/// Whether a kernel provides `name`.
#[must_use]
pub fn is_provided(name: &str) -> bool {
    NAMES.contains(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_found() {
        for name in [
            "printf",
            "exit",
            "memcpy",
            "getopt",
            "__cxa_atexit",
            "bareflow_snapshot",
        ] {
            assert!(is_provided(name), "{name}");
        }
        assert!(!is_provided("gets"));
        assert!(names().all(|name| {
            name.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        }));
        assert!(NAMES.len() > 300);
    }
}
