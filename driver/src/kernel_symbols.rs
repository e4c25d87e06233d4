//! The symbols that kernels provide to programs: the C library's and the engine's own.

use std::collections::HashSet;
use std::sync::LazyLock;

/// The C library's: the table that the kernels are built with.
const LIBRARY: &str = include_str!("../../cxx-runtime/src/symbols.rs");
const LIBRARY_START: &str = "\nexported! {";
const LIBRARY_END: &str = "}";

/// What the engine answers itself, since it belongs to the program's run.
const ENGINE: &[&str] = &[
    "__cxa_atexit",
    "__cxa_thread_atexit",
    "__cxa_thread_atexit_impl",
    "__dso_handle",
    "bareflow_snapshot",
];

static NAMES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let table = LIBRARY
        .split_once(LIBRARY_START)
        .and_then(|(_, rest)| rest.split_once(LIBRARY_END))
        .map_or("", |(table, _)| table);
    table
        .split_ascii_whitespace()
        .chain(ENGINE.iter().copied())
        .collect()
});

/// Whether a kernel provides `name`.
#[must_use]
pub fn is_provided(name: &str) -> bool {
    NAMES.contains(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_is_found() {
        for name in [
            "printf",
            "exit",
            "memcpy",
            "__cxa_atexit",
            "bareflow_snapshot",
        ] {
            assert!(is_provided(name), "{name}");
        }
        assert!(!is_provided("gets"));
        assert!(NAMES.iter().all(|name| {
            name.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        }));
        assert!(NAMES.len() > 300);
    }
}
