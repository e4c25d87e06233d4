//! The targets that LLVM, programs and kernels are built for, as values.
//!
//! 1. What one target has and another has not stands here, and is read from here: by the build of LLVM and of kernels,
//!    by the engine, by the compiler driver, by what ships in a distribution.
//! 2. A new target is a row, beside its folders `arch/`.
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

/// A target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The triple, as LLVM normalizes it.
    pub triple: &'static str,
    /// The first part of the triple: the name of the folders `arch/`, and what Rust and CMake call the processor.
    pub architecture: &'static str,
    /// Other names of the architecture in triples.
    pub architecture_aliases: &'static [&'static str],
    /// LLVM's name of the code generators for it.
    pub backend: &'static str,
    /// The processor that everything runs on, as LLVM calls it.
    pub baseline: &'static str,
    /// What code that runs in a kernel is compiled with: clang's flags.
    pub code_flags: &'static [&'static str],
    /// The features of the baseline that llvm-libc is to know.
    pub libc_cpu_features: &'static str,
    /// What llvm-libc is compiled with besides.
    pub libc_flags: &'static [&'static str],
    /// The linker's name of its ELF files.
    pub elf_emulation: &'static str,
    /// Of a page of memory.
    pub page_bytes: usize,
    /// The code that stands for functions of programs.
    pub stubs: Stubs,
    /// How Rust's part of kernels is compiled.
    pub rust: Rust,
    /// Whether the engine and the kernels are made for it; else its distribution is LLVM with what programs need.
    pub has_engine: bool,
    /// The program of QEMU that emulates the machine.
    pub emulator: &'static str,
    /// How kernels are started.
    pub boot_protocols: &'static [BootProtocol],
}

/// Sizes of stubs, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stubs {
    /// Of the stub by which code calls a function of the program, and of one that leads outside: it goes to where a word
    /// says.
    pub stub_bytes: usize,
    /// Of what a stub leads to as long as its function has no code: it says which function that is.
    pub entry_bytes: usize,
}

/// How Rust's part of kernels is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rust {
    /// A target whose standard library is installed: kernels take only what asks nothing of its system.
    pub target: &'static str,
    /// rustc's options.
    pub flags: &'static [&'static str],
}

/// How a kernel is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootProtocol {
    /// A loader that understands an ELF note of Xen's, such as QEMU's `-kernel`.
    Pvh,
    /// The firmware of PCs, by way of boot stages that are compiled for another target.
    Bios(BootStages),
}

/// What boot stages are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootStages {
    /// Their triple.
    pub triple: &'static str,
    /// The linker's name of their ELF files.
    pub elf_emulation: &'static str,
}

/// x86-64 without an operating system.
pub const X86_64: Target = Target {
    triple: "x86_64-unknown-none-elf",
    architecture: "x86_64",
    architecture_aliases: &["amd64"],
    backend: "X86",
    baseline: "x86-64",
    code_flags: &[
        "-mno-red-zone",
        "-mcmodel=small",
        "-fno-pic",
        "-fno-stack-protector",
    ],
    libc_cpu_features: "SSE2",
    libc_flags: &[],
    elf_emulation: "elf_x86_64",
    page_bytes: 4096,
    stubs: Stubs {
        stub_bytes: 8,
        entry_bytes: 16,
    },
    rust: Rust {
        target: "x86_64-unknown-linux-gnu",
        flags: &[
            "-Crelocation-model=static",
            "-Ctarget-cpu=x86-64",
            "-Cforce-unwind-tables=no",
            "-Cforce-frame-pointers=yes",
            "-Cpanic=abort",
        ],
    },
    has_engine: true,
    emulator: "qemu-system-x86_64",
    boot_protocols: &[
        BootProtocol::Pvh,
        BootProtocol::Bios(BootStages {
            triple: "i386-unknown-none-elf",
            elf_emulation: "elf_i386",
        }),
    ],
};

/// 32-bit x86 with SSE2 without an operating system.
pub const I686: Target = Target {
    triple: "i686-unknown-none-elf",
    architecture: "i686",
    architecture_aliases: &["i386", "i486", "i586"],
    backend: "X86",
    baseline: "pentium4",
    code_flags: &[
        // As on Linux, and what Rust's code has: without a system the processor's ABI promises 4 bytes.
        "-mstack-alignment=16",
        // As on Android: llvm-libc 18 knows the x87 format in 16 bytes alone, and here it has 12.
        "-mlong-double-64",
        "-fno-pic",
        "-fno-stack-protector",
    ],
    libc_cpu_features: "SSE2",
    libc_flags: &[
        // llvm-libc 18 knows x86-64 alone of the processors with SSE2; what it does for that one is right here, too.
        "-DLIBC_TARGET_ARCH_IS_X86_64",
        // It would look at its own headers first, and they have none for this processor.
        "-include bits/types/fenv_t.h",
    ],
    elf_emulation: "elf_i386",
    page_bytes: 4096,
    stubs: Stubs {
        stub_bytes: 8,
        entry_bytes: 16,
    },
    rust: Rust {
        target: "i686-unknown-linux-gnu",
        flags: &[
            "-Crelocation-model=static",
            "-Ctarget-cpu=pentium4",
            "-Cforce-unwind-tables=no",
            "-Cforce-frame-pointers=yes",
            "-Cpanic=abort",
        ],
    },
    has_engine: false,
    emulator: "qemu-system-i386",
    boot_protocols: &[],
};

/// All of them; the first is what is meant where nobody says which.
pub const TARGETS: &[Target] = &[X86_64, I686];

/// The one that this code is compiled for.
#[cfg(target_arch = "x86_64")]
pub const THIS: &Target = &X86_64;
/// The one that this code is compiled for.
#[cfg(target_arch = "x86")]
pub const THIS: &Target = &I686;

/// What is meant where nobody says which.
pub const DEFAULT: &Target = &TARGETS[0];

/// What objects of distributions and of kernels are compiled with on every target, besides its own flags.
const OBJECT_FLAGS: &[&str] = &[
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    NO_HOST_HEADERS,
];

/// Keeps the headers of the host away.
pub const NO_HOST_HEADERS: &str = "-nostdlibinc";

/// Parts of a triple that say that there is no system.
const NO_SYSTEM: &[&str] = &["unknown", "pc", "none", "elf"];

impl Target {
    /// The target with this triple.
    #[must_use]
    pub fn with_triple(triple: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.triple == triple)
    }

    /// The target of this architecture.
    #[must_use]
    pub fn of_architecture(architecture: &str) -> Option<&'static Self> {
        TARGETS
            .iter()
            .find(|target| target.architecture == architecture)
    }

    /// What every object of the distribution is compiled with: clang's flags but for the baseline, which
    /// [`Target::baseline`] names.
    pub fn object_flags(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.code_flags.iter().chain(OBJECT_FLAGS).copied()
    }

    /// Whether IR with this triple is for the target: in any of the forms that have no system in them, or in none.
    #[must_use]
    pub fn is_named_by(&self, triple: &str) -> bool {
        let mut parts = triple.split('-');
        triple.is_empty()
            || parts.next() == Some(self.architecture)
                && parts.clone().any(|part| matches!(part, "none" | "elf"))
                && parts.all(|part| NO_SYSTEM.contains(&part))
    }

    /// How its boot stages are made, if a boot protocol has any.
    #[must_use]
    pub fn boot_stages(&self) -> Option<BootStages> {
        self.boot_protocols
            .iter()
            .find_map(|protocol| match protocol {
                BootProtocol::Bios(stages) => Some(*stages),
                BootProtocol::Pvh => None,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_is_found_by_its_names() {
        for target in TARGETS {
            assert_eq!(Target::with_triple(target.triple), Some(target));
            assert_eq!(Target::of_architecture(target.architecture), Some(target));
            assert!(target.is_named_by(target.triple) && target.is_named_by(""));
            assert_eq!(target.triple.split('-').next(), Some(target.architecture));
            let others = TARGETS.iter().filter(|other| *other != target);
            for other in others {
                assert!(!target.is_named_by(other.triple), "{}", other.triple);
            }
        }
        assert_eq!(Target::with_triple("x86_64"), None);
    }

    #[test]
    fn triples_with_a_system_are_others() {
        for triple in [
            "x86_64-none-elf",
            "x86_64-elf",
            "x86_64-unknown-none",
            "x86_64-pc-none-elf",
        ] {
            assert!(X86_64.is_named_by(triple), "{triple}");
        }
        for triple in [
            "x86_64-pc-linux-gnu",
            "x86_64-unknown-uefi",
            "aarch64-unknown-none-elf",
            "x86_64",
            "x86_64-unknown",
            "x86_64h-none-elf",
        ] {
            assert!(!X86_64.is_named_by(triple), "{triple}");
        }
    }

    #[test]
    fn stubs_fill_pages() {
        for target in TARGETS {
            assert!(target.page_bytes.is_power_of_two());
            for bytes in [target.stubs.stub_bytes, target.stubs.entry_bytes] {
                assert!(bytes.is_power_of_two() && bytes <= target.page_bytes);
            }
        }
    }
}
