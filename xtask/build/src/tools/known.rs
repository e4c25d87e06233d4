//! The programs that are run beside the toolchains: what is accepted of each, and what needs it.

use bareflow_targets::DEFAULT;

/// What becomes of the work without a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It ends.
    Always,
    /// It goes on.
    Sometimes,
    /// It goes on; and only where packages are Debian's the program is run at all.
    OnDebian,
}

/// A program.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// What is accepted, in words, and what it is for where that is not everything.
    pub accepted: &'static str,
    /// The least version.
    pub minimum: Option<(u32, u32)>,
    /// Debian's package, without a version; empty where it is in none.
    pub package: &'static str,
    /// What becomes of the work without it.
    pub need: Need,
}

/// Of what tests of random programs need.
pub const RANDOM_PROGRAMS: &str = "2.3 or newer (only for tests of random programs)";

const fn always(
    name: &'static str,
    accepted: &'static str,
    minimum: Option<(u32, u32)>,
    package: &'static str,
) -> Known {
    Known {
        name,
        accepted,
        minimum,
        package,
        need: Need::Always,
    }
}

const fn sometimes(name: &'static str, accepted: &'static str, package: &'static str) -> Known {
    Known {
        name,
        accepted,
        minimum: None,
        package,
        need: Need::Sometimes,
    }
}

/// All of them.
pub const KNOWN: &[Known] = &[
    always("cargo", "1.95 or newer (from rustup)", Some((1, 95)), ""),
    always("cc", "any (links programs of the host)", None, "gcc"),
    always("cmake", "3.20 or newer", Some((3, 20)), "cmake"),
    always("ninja", "1.11 or newer", Some((1, 11)), "ninja-build"),
    always(
        DEFAULT.emulator,
        "6.0 or newer",
        Some((6, 0)),
        "qemu-system-x86",
    ),
    always("fsck.fat", "any", None, "dosfstools"),
    always("mkfs.fat", "any", None, "dosfstools"),
    always("mdir", "any", None, "mtools"),
    always("mcopy", "any", None, "mtools"),
    always("mtype", "any", None, "mtools"),
    always("ccache", "any (makes rebuilds fast)", None, "ccache"),
    Known {
        name: "csmith",
        accepted: RANDOM_PROGRAMS,
        minimum: Some((2, 3)),
        package: "csmith",
        need: Need::Sometimes,
    },
    sometimes(
        "curl",
        "any (only to fetch LLVM's source from its home)",
        "curl",
    ),
    Known {
        name: "/usr/lib/apt/apt-helper",
        accepted: "any (only to fetch sources from Debian)",
        minimum: None,
        package: "apt",
        need: Need::OnDebian,
    },
    sometimes("taskset", "any (only for `bench real`)", "util-linux"),
    sometimes("make", "any (only for tests of projects)", "make"),
    sometimes("meson", "any (only for tests of the distribution)", "meson"),
    sometimes(
        "pkg-config",
        "any (only for tests of the distribution)",
        "pkg-config",
    ),
    sometimes("gcc", "any (only for `bench real`)", "gcc"),
    sometimes("g++", "any (only for `bench real`)", "g++"),
    sometimes("mount", "any (only for a test of full disks)", "mount"),
    sometimes("umount", "any (only for a test of full disks)", "mount"),
    sometimes(
        "cargo-nextest",
        "any (runs tests of crates faster; cargo install --locked cargo-nextest)",
        "",
    ),
    sometimes(
        "cargo-fuzz",
        "any (only for `fuzz`, whose --install-tools installs it)",
        "",
    ),
    sometimes(
        "pyspdxtools",
        "any (only for a test of lists of parts; pip install spdx-tools)",
        "",
    ),
];
