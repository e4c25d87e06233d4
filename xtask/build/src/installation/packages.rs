//! What the packages of tools are called, by the programs that install packages.

use super::os_release::OsRelease;

/// A program that installs packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    /// Debian's and Ubuntu's.
    Apt,
    /// Fedora's.
    Dnf,
    /// Arch's.
    Pacman,
    /// Alpine's.
    Apk,
}

/// The distributions with each; those that are derived from them have it, too.
const DISTRIBUTIONS: &[(&str, Manager)] = &[
    ("debian", Manager::Apt),
    ("ubuntu", Manager::Apt),
    ("fedora", Manager::Dnf),
    ("rhel", Manager::Dnf),
    ("arch", Manager::Pacman),
    ("alpine", Manager::Apk),
];

/// The packages of one tool: by apt, dnf, pacman and apk. `{}` stands for a version of LLVM; there may be several, and
/// none where the distribution has none.
type Row = (&'static str, [&'static str; 4]);

/// By the names of Debian's packages, without a version.
const TABLE: &[Row] = &[
    ("clang", ["clang-{}", "clang{}", "clang{}", "clang{}"]),
    ("lld", ["lld-{}", "lld{}", "lld{}", "lld{}"]),
    ("llvm", ["llvm-{}", "llvm{}", "llvm{}", "llvm{}"]),
    (
        "libclang1",
        [
            "libclang1-{}",
            "clang{}-libs",
            "clang{}",
            "clang{}-libclang",
        ],
    ),
    ("cmake", ["cmake", "cmake", "cmake", "cmake"]),
    (
        "ninja-build",
        ["ninja-build", "ninja-build", "ninja", "ninja-build"],
    ),
    (
        "qemu-system-x86",
        [
            "qemu-system-x86",
            "qemu-system-x86",
            "qemu-system-x86",
            "qemu-system-x86_64",
        ],
    ),
    ("dosfstools", ["dosfstools"; 4]),
    ("mtools", ["mtools"; 4]),
    ("csmith", ["csmith", "csmith", "", ""]),
    ("libcsmith-dev", ["libcsmith-dev", "csmith-devel", "", ""]),
    ("curl", ["curl"; 4]),
    (
        "util-linux",
        ["util-linux", "util-linux", "util-linux", "util-linux-misc"],
    ),
    ("mount", ["mount", "util-linux-core", "util-linux", "mount"]),
    ("ccache", ["ccache"; 4]),
    ("apt", ["apt", "", "", ""]),
    (
        "gcc",
        ["gcc libc6-dev", "gcc glibc-devel", "gcc", "gcc musl-dev"],
    ),
    ("g++", ["g++", "gcc-c++", "gcc", "g++"]),
    ("make", ["make"; 4]),
    ("meson", ["meson"; 4]),
    (
        "pkg-config",
        ["pkg-config", "pkgconf-pkg-config", "pkgconf", "pkgconf"],
    ),
];

/// The newest LLVM whose bitcode is read is what distributions with a package for each version still have.
const VERSION_ELSEWHERE: u32 = 18;

impl Manager {
    /// That of this system.
    pub fn of_this_system() -> Option<Self> {
        Self::of(&OsRelease::of_this_system())
    }

    /// That of a system; `None` for one that is not known.
    pub fn of(system: &OsRelease) -> Option<Self> {
        DISTRIBUTIONS
            .iter()
            .find(|(distribution, _)| system.is(distribution))
            .map(|(_, manager)| *manager)
    }

    /// The packages of a tool, separated by spaces, by the name of Debian's; empty if there are none. The version of
    /// LLVM is Debian's: elsewhere it is the one that is there for sure.
    pub fn packages(self, debian: &str, version: u32) -> String {
        let version = match self {
            Self::Apt => version,
            _ => VERSION_ELSEWHERE,
        };
        let column = match self {
            Self::Apt => 0,
            Self::Dnf => 1,
            Self::Pacman => 2,
            Self::Apk => 3,
        };
        TABLE
            .iter()
            .find(|(name, _)| *name == debian)
            .map(|(_, names)| names[column].replace("{}", &version.to_string()))
            .unwrap_or_default()
    }

    /// The command that installs packages.
    pub fn command(self, packages: &[String]) -> String {
        let command = match self {
            Self::Apt => "apt-get install --yes --no-remove --no-install-recommends",
            Self::Dnf => "dnf install --assumeyes --setopt=install_weak_deps=False",
            Self::Pacman => "pacman -S --needed --noconfirm",
            Self::Apk => "apk add",
        };
        format!("{}{command} {}", super::sudo(), packages.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded: what releases of these distributions have in `/etc/os-release`.
    const SYSTEMS: &[(&str, Option<Manager>, Option<&str>)] = &[
        (
            include_str!("fixtures/os-release/debian"),
            Some(Manager::Apt),
            Some("bookworm"),
        ),
        (
            include_str!("fixtures/os-release/ubuntu"),
            Some(Manager::Apt),
            Some("noble"),
        ),
        (
            include_str!("fixtures/os-release/linuxmint"),
            Some(Manager::Apt),
            Some("noble"),
        ),
        (
            include_str!("fixtures/os-release/fedora"),
            Some(Manager::Dnf),
            None,
        ),
        (
            include_str!("fixtures/os-release/rocky"),
            Some(Manager::Dnf),
            None,
        ),
        (
            include_str!("fixtures/os-release/arch"),
            Some(Manager::Pacman),
            None,
        ),
        (
            include_str!("fixtures/os-release/alpine"),
            Some(Manager::Apk),
            None,
        ),
        (include_str!("fixtures/os-release/nixos"), None, None),
        ("", None, None),
    ];

    #[test]
    fn distributions_are_known_by_themselves_and_by_what_they_are_derived_from() {
        for (text, manager, codename) in SYSTEMS {
            let system = OsRelease::read(text);
            assert_eq!(Manager::of(&system), *manager, "{text}");
            if codename.is_some() {
                assert_eq!(system.codename.as_deref(), *codename, "{text}");
            }
        }
        let debian = OsRelease::read(SYSTEMS[0].0);
        assert_eq!(debian.name, "Debian GNU/Linux 12 (bookworm)");
        assert!(debian.like.is_empty());
    }

    #[test]
    fn packages_have_the_names_of_their_distribution() {
        for (manager, clang, qemu) in [
            (Manager::Apt, "clang-16", "qemu-system-x86"),
            (Manager::Dnf, "clang18", "qemu-system-x86"),
            (Manager::Pacman, "clang18", "qemu-system-x86"),
            (Manager::Apk, "clang18", "qemu-system-x86_64"),
        ] {
            assert_eq!(manager.packages("clang", 16), clang);
            assert_eq!(manager.packages("qemu-system-x86", 16), qemu);
        }
        assert_eq!(Manager::Pacman.packages("csmith", 16), "");
        assert_eq!(Manager::Apk.packages("gcc", 16), "gcc musl-dev");
    }

    #[test]
    fn one_command_installs_all() {
        let packages = ["cmake".to_owned(), "ninja".to_owned()];
        for (manager, command) in [
            (Manager::Apt, "apt-get install"),
            (Manager::Dnf, "dnf install"),
            (Manager::Pacman, "pacman -S"),
            (Manager::Apk, "apk add cmake ninja"),
        ] {
            let line = manager.command(&packages);
            assert!(line.contains(command), "{line}");
            assert!(line.ends_with(" cmake ninja"), "{line}");
        }
    }

    #[test]
    fn every_row_is_of_another_tool() {
        let mut names: Vec<&str> = TABLE.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
    }
}
