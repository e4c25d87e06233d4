//! The engine and the Linux process name an architecture in its folder only, and neither they nor the policy ask which
//! level something is: they ask what it does.

use std::fs;
use std::path::{Path, PathBuf};

/// How architectures come into Rust and C++.
const OF_ARCHITECTURES: &[&str] = &[
    "x86", "aarch64", "riscv", "rdtsc", "cpuid", "asm!(", "__asm__", "amd64",
];
/// LLVM's interface as a code generator.
const OF_GENERATORS: &[&str] = &[
    "targetmachine.h",
    "pipelinetuningoptions",
    "codegenoptlevel",
    "addpassestoemitfile",
    "targetregistry",
];

fn kernel() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the kernel's folder")
        .to_owned()
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() {
            sources(&path, files);
        } else if matches!(extension, Some("rs" | "cpp" | "h")) {
            files.push(path);
        }
    }
}

/// Code without comments and unit tests, but for `excepted` folders, in which `is_wrong` is true of a line.
fn offenders(folder: &str, excepted: &[&str], is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let root = kernel().join(folder);
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(!files.is_empty(), "{} has no sources", root.display());
    files.retain(|file| {
        let mut excepted = excepted.iter();
        !excepted.any(|except| file.starts_with(root.join(except)))
    });
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a source is text");
        let lines = text.lines().take_while(|line| *line != "#[cfg(test)]");
        for (index, line) in lines.enumerate() {
            if is_wrong(line.split("//").next().unwrap_or_default()) {
                found.push(format!("{}:{}: {line}", file.display(), index + 1));
            }
        }
    }
    found
}

fn names(words: &'static [&'static str]) -> impl Fn(&str) -> bool {
    |line| {
        let line = line.to_lowercase();
        words.iter().any(|word| line.contains(word))
    }
}

#[test]
fn architectures_stand_in_their_folders() {
    // `cfg(target_arch)` and the like choose one, in the list of its names.
    let expected: [(&str, &[&str]); 4] = [
        ("engine/cpp", &["arch"]),
        ("engine/src", &["arch"]),
        ("hosted/src", &["arch"]),
        ("tiers/src", &[]),
    ];
    for (folder, excepted) in expected {
        let found = offenders(folder, excepted, names(OF_ARCHITECTURES));
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

#[test]
fn code_generators_stand_in_their_folders() {
    let found = offenders("engine/cpp", &["codegen/llvm"], names(OF_GENERATORS));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn nobody_asks_which_level_it_is() {
    let is_level = |line: &str| {
        ["Level::O", "LLVM_OPT_", "LLVM_TIER_O"]
            .iter()
            .any(|word| line.contains(word))
    };
    // LLVM counts its own levels.
    for (folder, excepted) in [
        ("engine/src", &[][..]),
        ("engine/cpp", &["codegen/llvm"]),
        ("tiers/src", &[]),
    ] {
        let found = offenders(folder, excepted, is_level);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}
