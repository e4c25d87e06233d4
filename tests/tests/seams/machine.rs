//! The machine's sources name an architecture, and a boot protocol, in its own folder only; what is pure names none. No
//! room of the machine needs itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::sources::{Extent, kernel, sources};

/// Of an architecture: its crates, and how its instructions and registers come into Rust.
const OF_ARCHITECTURES: &[&str] = &[
    "x86_64",
    "aarch64",
    "riscv",
    "core::arch",
    "asm!",
    "PioBackend",
    "rdtsc",
    "cpuid",
    "apic",
    "msr",
];
/// Registers and instructions, as whole words.
const WORDS: &[&str] = &[
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "rip", "eflags", "rflags", "cr0",
    "cr2", "cr3", "cr4", "efer", "fsbase", "gsbase", "hlt", "cli", "sti", "inb", "outb",
];
/// Of boot protocols, in code.
const OF_PROTOCOLS: &[&str] = &[
    "pvh",
    "bios",
    "e820",
    "multiboot",
    "uefi",
    "stage2",
    "start_info",
];

/// Code without its comments, in lower case.
fn code(line: &str) -> String {
    super::sources::code(line).to_lowercase()
}

fn is_word(line: &str, word: &str) -> bool {
    line.split(|character: char| !character.is_alphanumeric() && character != '_')
        .any(|part| part == word)
}

/// Lines below `folder`, but for those in the `excepted` ones, whose code in lower case `is_wrong`.
fn offenders(folder: &str, excepted: &[&str], is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let is_wrong = |line: &str| is_wrong(&line.to_lowercase());
    super::sources::offenders(folder, excepted, Extent::Whole, is_wrong)
}

fn names_architecture(line: &str) -> bool {
    OF_ARCHITECTURES.iter().any(|name| line.contains(name))
        || WORDS.iter().any(|word| is_word(line, word))
}

#[test]
fn an_architecture_stands_in_its_folder() {
    let none: [String; 0] = [];
    assert_eq!(
        offenders(
            "machine/src",
            &["arch", "boot/pvh", "boot/bios"],
            names_architecture
        ),
        none
    );
    assert_eq!(
        offenders("memory/src", &["format"], |line| {
            names_architecture(line) && !line.contains("x86entry")
        }),
        none
    );
    for pure in [
        "boot-info/src",
        "console/src",
        "program-env/src",
        "pager/src",
    ] {
        assert_eq!(offenders(pure, &[], names_architecture), none);
    }
}

#[test]
fn the_list_of_names_is_all_that_is_used_of_an_architecture() {
    let none: [String; 0] = [];
    let list = fs::read_to_string(kernel().join("machine/src/arch/mod.rs")).unwrap();
    let architectures: Vec<_> = list
        .lines()
        .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
        .collect();
    assert!(!architectures.is_empty());
    for name in architectures {
        let folder = kernel().join("machine/src/arch").join(name);
        assert!(folder.is_dir(), "{} is missing", folder.display());
        let past = |line: &str| line.contains(&format!("arch::{name}"));
        assert_eq!(offenders("machine/src", &["arch"], past), none);
    }
}

#[test]
fn a_boot_protocol_stands_in_its_folder() {
    let none: [String; 0] = [];
    let names_protocol = |line: &str| OF_PROTOCOLS.iter().any(|name| line.contains(name));
    assert_eq!(offenders("machine/src", &["boot"], names_protocol), none);
    assert_eq!(offenders("memory/src", &[], names_protocol), none);
}

/// Which room of the machine a source belongs to: a folder or a file, and in an architecture its topic.
fn room(file: &Path) -> String {
    let path = file.with_extension("");
    let mut parts = path.iter().map(|part| part.to_string_lossy());
    let first = parts.next().unwrap_or_default().into_owned();
    match (first.as_str(), parts.nth(1)) {
        ("arch", Some(topic)) => format!("arch::{topic}"),
        _ => first,
    }
}

/// The first names of what follows a prefix: one, or those of a list.
fn names_behind<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let is_end = |character: char| !character.is_alphanumeric() && character != '_';
    let name = |text: &'a str| text.trim().split(is_end).next().unwrap_or_default();
    let behind = code.split(prefix).skip(1);
    behind
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(list) => {
                let list = list.split('}').next().unwrap_or_default();
                list.split(',').map(name).collect()
            }
            None => vec![name(rest)],
        })
        .filter(|name| !matches!(*name, "" | "self"))
        .collect()
}

#[test]
fn no_room_of_the_machine_needs_itself() {
    let root = kernel().join("machine/src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in &files {
        let path = file.strip_prefix(&root).unwrap();
        let room = room(path);
        // The list of names, and the crate's own file.
        if matches!(room.as_str(), "arch" | "lib") {
            continue;
        }
        let text = fs::read_to_string(file).unwrap();
        let code: String = text.lines().map(|line| code(line) + "\n").collect();
        let others = names_behind(&code, "crate::").into_iter();
        let mut needed: BTreeSet<_> = others.map(str::to_owned).collect();
        let topics = names_behind(&code, "arch::");
        needed.extend(topics.into_iter().map(|topic| format!("arch::{topic}")));
        if room.starts_with("arch::") {
            let siblings = names_behind(&code, "super::");
            needed.extend(siblings.into_iter().map(|topic| format!("arch::{topic}")));
        }
        needed.remove(&room);
        needs.entry(room).or_default().extend(needed);
    }
    assert!(needs["exit"].contains("arch::power") && needs["memory"].contains("arch::mm"));
    // What needs nothing that is left cannot be in a circle.
    loop {
        let left: BTreeSet<String> = needs.keys().cloned().collect();
        needs.retain(|_, needed| needed.iter().any(|other| left.contains(other)));
        if needs.len() == left.len() {
            break;
        }
    }
    assert_eq!(needs, BTreeMap::new());
}

#[test]
fn offences_are_seen() {
    for line in [
        "use x86_64::VirtAddr;",
        "unsafe { asm!(\"nop\") }",
        "frame.rip = 0;",
        "hlt();",
        "    __cpuid(1)",
    ] {
        assert!(names_architecture(&code(line)), "{line}");
    }
    for line in [
        "// rip",
        "let description = 1; // cr3",
        "let trip = strip();",
    ] {
        assert!(!names_architecture(&code(line)), "{line}");
    }
}
