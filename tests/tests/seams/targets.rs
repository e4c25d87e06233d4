//! What one target has and another has not stands in the table of targets alone.

use crate::sources::{Extent, offenders};

/// Folders beside the kernel's crates, and those below them that are not looked at: what others wrote, and tests that
/// need an example of a triple.
const FOLDERS: &[(&str, &[&str])] = &[
    (".", &[]),
    ("../bench", &[]),
    ("../cxx-runtime", &[]),
    ("../distribution", &[]),
    ("../driver", &["tests"]),
    ("../llvm-config", &[]),
    ("../sysroot", &[]),
    ("../tests/src", &[]),
    (
        "../xtask",
        &[
            // A package of Alpine's has the program's name.
            "build/src/installation/packages.rs",
            "build/tests",
            "run/src/qemu/tests.rs",
        ],
    ),
];

/// Of triples, of flags, and of tools.
const WORDS: &[&str] = &[
    "unknown-none-elf",
    "x86_64-unknown-linux",
    "elf_x86_64",
    "elf_i386",
    "qemu-system-x86_64",
    "-march=x86-64",
    "-mno-red-zone",
    "-mcmodel=small",
    "-Cforce-unwind-tables",
];

#[test]
fn triples_and_flags_of_the_machine_stand_in_the_table_of_targets() {
    let is_wrong = |line: &str| WORDS.iter().any(|word| line.contains(word));
    let found: Vec<String> = FOLDERS
        .iter()
        .flat_map(|(folder, excepted)| {
            offenders(folder, excepted, Extent::WithoutUnitTests, is_wrong)
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}
