//! The engine and the Linux process name an architecture in its folder only, and neither they nor the policy ask which
//! level something is: they ask what it does.

use super::sources::Extent;

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

/// Of what is no unit test.
fn offenders(folder: &str, excepted: &[&str], is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
    super::sources::offenders(folder, excepted, Extent::WithoutUnitTests, is_wrong)
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
        ("tier-policy/src", &[]),
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
        ("tier-policy/src", &[]),
    ] {
        let found = offenders(folder, excepted, is_level);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}
