//! The host tools: which are needed, which are there, and how to get the others.

use std::convert::Infallible;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;

use bareflow_driver::toolchain::{
    self, PROGRAM_TOOLCHAIN, PROGRAM_VERSIONS, Toolchain, program_version, versioned,
};

use bareflow_targets::DEFAULT;

mod known;

pub use bareflow_driver::toolchain::which;
use known::{KNOWN, Need, RANDOM_PROGRAMS};

use crate::error::{Error, Result};
use crate::installation::{self, Manager};
use crate::llvm::inputs::file_hash;
use crate::paths::Cache;
use crate::remembered::States;
use crate::shell::output_of;
use crate::temporary::TemporaryFolder;

/// Versions of clang, lld and the LLVM tools that build LLVM 18.
const BUILD_VERSIONS: std::ops::RangeInclusive<u32> = 16..=19;
/// A program of a versioned LLVM toolchain, and the package it comes from.
const TOOLCHAIN_PROGRAMS: &[(&str, &str)] = &[
    ("clang", "clang"),
    ("clang++", "clang"),
    ("ld.lld", "lld"),
    ("llvm-ar", "llvm"),
    ("llvm-ranlib", "llvm"),
    ("llvm-nm", "llvm"),
];

/// What is known of one tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The tool.
    pub name: String,
    /// Where it is, if it is there.
    pub path: Option<PathBuf>,
    /// Its version.
    pub version: Option<String>,
    /// What is accepted.
    pub accepted: &'static str,
    /// The packages that it is in, separated by spaces; empty if this distribution is not known to have one.
    pub package: String,
    /// Whether the version is accepted.
    pub good: bool,
    /// Whether the work goes on without it.
    pub optional: bool,
}

/// The tools that builds use.
#[derive(Clone, Debug)]
pub struct Tools {
    /// Compiles C and assembler, and programs where its version is at most 18.
    pub clang: PathBuf,
    /// Compiles C++.
    pub clangxx: PathBuf,
    /// Links.
    pub lld: PathBuf,
    /// Archives.
    pub ar: PathBuf,
    /// Indexes archives.
    pub ranlib: PathBuf,
    /// Lists symbols.
    pub nm: PathBuf,
    /// Compiles programs to bitcode that LLVM 18 reads.
    pub program_clang: PathBuf,
    /// Compiles C++ to bitcode that LLVM 18 reads.
    pub program_clangxx: PathBuf,
    /// Links bitcode; of the version of `program_clang`, like the next three.
    pub program_link: PathBuf,
    /// Prints bitcode.
    pub program_dis: PathBuf,
    /// Runs passes over bitcode.
    pub program_opt: PathBuf,
    /// Takes functions out of bitcode.
    pub program_extract: PathBuf,
    /// What the compiler driver works with.
    pub program_toolchain: Toolchain,
    /// Caches compilations, when it is there.
    pub ccache: Option<PathBuf>,
    /// Runs the machine.
    pub qemu: PathBuf,
}

impl Tools {
    /// Finds all tools; installs the missing ones first when asked to.
    ///
    /// # Errors
    /// [`Error::MissingTools`] names them and the command that installs them.
    pub fn find(install: Installation) -> Result<Self> {
        let findings = examine_after(install)?;
        if !are_complete(&findings) {
            return Err(missing(&findings));
        }
        let path = |name: &str| {
            findings
                .iter()
                .find(|finding| finding.name == name)
                .and_then(|finding| finding.path.clone())
                .unwrap_or_default()
        };
        build_version().ok_or_else(|| missing(&findings))?;
        Ok(Self {
            clang: path("clang"),
            clangxx: path("clang++"),
            lld: path("ld.lld"),
            ar: path("llvm-ar"),
            ranlib: path("llvm-ranlib"),
            nm: path("llvm-nm"),
            program_clang: path("clang for programs"),
            program_clangxx: path("clang++ for programs"),
            program_link: path("llvm-link for programs"),
            program_dis: path("llvm-dis for programs"),
            program_opt: path("opt for programs"),
            program_extract: path("llvm-extract for programs"),
            program_toolchain: Toolchain {
                version: program_version().unwrap_or_default(),
                clang: path("clang for programs"),
                lld: path("ld.lld for programs"),
                link: path("llvm-link for programs"),
                ar: path("llvm-ar for programs"),
                ranlib: path("llvm-ranlib for programs"),
                nm: path("llvm-nm for programs"),
            },
            ccache: Some(path("ccache")).filter(|path| !path.as_os_str().is_empty()),
            qemu: path(DEFAULT.emulator),
        })
    }

    /// What tells one set of tools from another.
    pub fn identities(&self) -> Identities {
        let cmake = which("cmake").unwrap_or_default();
        Identities {
            build: identity_of(&[
                &self.clang,
                &self.clangxx,
                &self.lld,
                &self.ar,
                &self.ranlib,
                &self.nm,
            ]),
            program: identity_of(&[
                &self.program_clang,
                &self.program_clangxx,
                &self.program_link,
                &self.program_dis,
                &self.program_opt,
                &self.ar,
                &self.nm,
            ]),
            cmake: identity_of(&[&cmake]),
            rustc: RUSTC.to_owned(),
        }
    }

    /// Tools that only have names: for what is said of them, on any machine.
    pub fn symbolic() -> Self {
        let named = PathBuf::from;
        Self {
            clang: named("clang"),
            clangxx: named("clang++"),
            lld: named("ld.lld"),
            ar: named("llvm-ar"),
            ranlib: named("llvm-ranlib"),
            nm: named("llvm-nm"),
            program_clang: named("clang-for-programs"),
            program_clangxx: named("clang++-for-programs"),
            program_link: named("llvm-link"),
            program_dis: named("llvm-dis"),
            program_opt: named("opt"),
            program_extract: named("llvm-extract"),
            program_toolchain: Toolchain {
                version: 0,
                clang: named("clang-for-programs"),
                lld: named("ld.lld"),
                link: named("llvm-link"),
                ar: named("llvm-ar"),
                ranlib: named("llvm-ranlib"),
                nm: named("llvm-nm"),
            },
            ccache: None,
            qemu: named("qemu"),
        }
    }
}

/// What the Rust compiler says of itself: the one that has built this automation builds what ships.
pub const RUSTC: &str = env!("BAREFLOW_RUSTC");

/// What tells one set of tools from another: the versions that its programs print, and the SHA-256 of their files. A
/// program of the right name may be a script that adds to what it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identities {
    /// What makes the distribution.
    pub build: String,
    /// What makes bitcode of programs.
    pub program: String,
    /// What configures builds.
    pub cmake: String,
    /// What compiles what is Rust.
    pub rustc: String,
}

fn identity_of(tools: &[&PathBuf]) -> String {
    let identities = tools.iter().map(|tool| {
        let ask = || {
            let version = output_of(Command::new(tool).arg("--version"))?;
            // Neither the folder of the installation nor this host's processor changes what is built.
            let lines = version.lines().filter(|line| {
                !line.starts_with("InstalledDir") && !line.trim().starts_with("Host CPU")
            });
            let mut text: String = lines.flat_map(|line| [line, "\n"]).collect();
            text.push_str(&file_hash(tool).ok()?);
            Some(text)
        };
        remembered("identity", tool, ask).unwrap_or_default()
    });
    identities.collect::<Vec<_>>().join("\n")
}

/// Whether missing tools may be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installation {
    /// With apt, saying what is run.
    Allowed,
    /// No.
    Forbidden,
}

impl Installation {
    /// From the flag `--install-tools`.
    pub fn from_flag(flag: bool) -> Self {
        if flag { Self::Allowed } else { Self::Forbidden }
    }
}

fn is_missing(finding: &Finding) -> bool {
    !finding.good && !finding.optional
}

/// The version that a program prints.
fn version_of(path: &Path) -> Option<String> {
    remembered("version", path, || {
        // csmith leaves a file where it runs, even then.
        let folder = TemporaryFolder::new("version").ok()?;
        toolchain::version_of(Command::new(path).current_dir(folder.path()))
    })
}

/// What a program says to a question: it is asked once, until it or the libraries of this host are others.
fn remembered(
    question: &str,
    program: &Path,
    ask: impl FnOnce() -> Option<String>,
) -> Option<String> {
    let Ok(cache) = Cache::find() else {
        return ask();
    };
    let mut states = States::default();
    states.word(question).program(program);
    // No program says nothing and more: what has no version is known by that.
    let ask = || Ok::<_, Infallible>(ask().unwrap_or_default().into_bytes());
    let Ok(answer) = cache.answers().get_or_make(&states.key(), ask);
    String::from_utf8(answer)
        .ok()
        .filter(|text| !text.is_empty())
}

/// The toolchain that builds: the oldest complete one, since its clang also serves programs.
fn build_version() -> Option<u32> {
    BUILD_VERSIONS.into_iter().find(|version| {
        TOOLCHAIN_PROGRAMS
            .iter()
            .all(|(name, _)| versioned(name, *version).is_some())
    })
}

/// The version that would be installed: the first that the package lists offer.
fn version_to_install() -> u32 {
    PROGRAM_VERSIONS
        .into_iter()
        .find(|version| {
            output_of(Command::new("apt-cache").args(["show", &format!("clang-{version}")]))
                .is_some_and(|text| !text.is_empty())
        })
        .unwrap_or(*PROGRAM_VERSIONS.start())
}

/// Looks at every tool.
pub fn examine() -> Vec<Finding> {
    let manager = Manager::of_this_system();
    let version = build_version().unwrap_or_else(version_to_install);
    let package =
        |name: &str| manager.map_or_else(String::new, |manager| manager.packages(name, version));
    let mut findings: Vec<Finding> = TOOLCHAIN_PROGRAMS
        .iter()
        .map(|(name, of)| {
            let path = versioned(name, version);
            Finding {
                name: (*name).to_owned(),
                version: path.as_deref().and_then(version_of),
                good: path.is_some(),
                path,
                accepted: "16 to 19, all of one version",
                package: package(of),
                optional: false,
            }
        })
        .collect();
    findings.extend(program_toolchain(manager, version));
    findings.push(libclang(package("libclang1")));
    findings.push(header_of_csmith(package("libcsmith-dev")));
    let known = KNOWN
        .iter()
        .filter(|known| known.need != Need::OnDebian || manager == Some(Manager::Apt));
    findings.extend(known.map(|known| {
        let path = which(known.name);
        let version = path.as_deref().and_then(version_of);
        let is_new = |minimum| at_least(version.as_deref(), minimum);
        Finding {
            good: path.is_some() && known.minimum.is_none_or(is_new),
            name: known.name.to_owned(),
            path,
            version,
            accepted: known.accepted,
            package: package(known.package),
            optional: known.need != Need::Always,
        }
    }));
    findings
}

/// The toolchain that makes bitcode: the oldest complete one. When none is complete, `build_version` is
/// what is asked for if it serves programs.
fn program_toolchain(manager: Option<Manager>, build_version: u32) -> Vec<Finding> {
    let version = program_version()
        .or_else(|| Some(build_version).filter(|version| PROGRAM_VERSIONS.contains(version)))
        .unwrap_or_else(version_to_install);
    PROGRAM_TOOLCHAIN
        .iter()
        .map(|(name, package)| {
            let path = versioned(name, version);
            Finding {
                name: format!("{name} for programs"),
                version: path.as_deref().and_then(version_of),
                good: path.is_some(),
                path,
                accepted: "16 to 18, all of one version (LLVM 18 reads their bitcode)",
                package: manager
                    .map_or_else(String::new, |manager| manager.packages(package, version)),
                optional: false,
            }
        })
        .collect()
}

/// The library that bindgen reads headers with.
fn libclang(package: String) -> Finding {
    // Debian's and Alpine's, Fedora's and Arch's, and those of a distribution's one version.
    let folders = (*BUILD_VERSIONS.start()..=30)
        .flat_map(|version| {
            [
                format!("/usr/lib/llvm-{version}/lib"),
                format!("/usr/lib/llvm{version}/lib"),
                format!("/usr/lib64/llvm{version}/lib"),
            ]
        })
        .chain(["/usr/lib64", "/usr/lib"].map(str::to_owned))
        .map(PathBuf::from);
    let path = env::var_os("LIBCLANG_PATH")
        .map(PathBuf::from)
        .into_iter()
        .chain(folders)
        .find(|folder| {
            std::fs::read_dir(folder).is_ok_and(|entries| {
                entries.flatten().any(|entry| {
                    let name = entry.file_name();
                    let name = name.to_string_lossy();
                    name.starts_with("libclang.so") || name.starts_with("libclang-")
                })
            })
        });
    Finding {
        name: "libclang".to_owned(),
        version: None,
        good: path.is_some(),
        path,
        accepted: "any (bindgen)",
        package,
        optional: false,
    }
}

/// The folder of the headers that csmith's programs include.
pub fn csmith_headers() -> Option<PathBuf> {
    ["/usr/include/csmith", "/usr/local/include/csmith"]
        .map(PathBuf::from)
        .into_iter()
        .find(|folder| folder.join("csmith.h").is_file())
}

fn header_of_csmith(package: String) -> Finding {
    let path = csmith_headers();
    Finding {
        name: "csmith.h".to_owned(),
        version: None,
        good: path.is_some(),
        path,
        accepted: RANDOM_PROGRAMS,
        package,
        optional: true,
    }
}

fn at_least(version: Option<&str>, (major, minor): (u32, u32)) -> bool {
    let mut numbers = version
        .unwrap_or_default()
        .split('.')
        .map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (major, minor)
}

/// Looks at every tool, after having installed what is missing if that is allowed.
///
/// # Errors
/// When the installation fails.
pub fn examine_after(install: Installation) -> Result<Vec<Finding>> {
    let findings = examine();
    if install == Installation::Forbidden || findings.iter().all(|finding| finding.good) {
        return Ok(findings);
    }
    install_packages(&findings)?;
    Ok(examine())
}

/// The error that names the missing tools and the one command that installs them.
pub fn missing(findings: &[Finding]) -> Error {
    let names: Vec<&str> = findings
        .iter()
        .filter(|finding| is_missing(finding))
        .map(|finding| finding.name.as_str())
        .collect();
    let packages = missing_packages(findings);
    let manager = Manager::of_this_system();
    let mut advice = match manager {
        Some(manager) if !packages.is_empty() => {
            format!("install them with: {}", manager.command(&packages))
        }
        Some(_) => "this distribution is not known to have packages of them".to_owned(),
        None => "install them by hand: this distribution is not known".to_owned(),
    };
    if manager == Some(Manager::Apt) {
        advice.push_str("\n  or add --install-tools");
    }
    Error::MissingTools {
        missing: names.join(", "),
        advice,
    }
}

/// Whether everything is there that is needed.
pub fn are_complete(findings: &[Finding]) -> bool {
    !findings.iter().any(is_missing)
}

/// The packages of the missing tools, each once.
pub fn missing_packages(findings: &[Finding]) -> Vec<String> {
    packages_of(findings.iter().filter(|finding| is_missing(finding)))
}

/// Those of the tools that are not needed.
pub fn optional_packages(findings: &[Finding]) -> Vec<String> {
    packages_of(
        findings
            .iter()
            .filter(|finding| !finding.good && finding.optional),
    )
}

fn packages_of<'a>(findings: impl Iterator<Item = &'a Finding>) -> Vec<String> {
    let mut packages: Vec<String> = findings
        .flat_map(|finding| finding.package.split_whitespace())
        .map(str::to_owned)
        .collect();
    packages.sort();
    packages.dedup();
    packages
}

/// The one command that installs packages, as this distribution has it; Debian's where that is not known.
pub fn install_command(packages: &[String]) -> String {
    Manager::of_this_system()
        .unwrap_or(Manager::Apt)
        .command(packages)
}

/// Installs the packages of the tools that are missing. An optional one that cannot be installed is no error.
fn install_packages(findings: &[Finding]) -> Result<()> {
    let can_install = Manager::of_this_system() == Some(Manager::Apt) && which("apt-get").is_some();
    if !can_install {
        // Others install by hand, with the command that is said.
        return if are_complete(findings) {
            Ok(())
        } else {
            Err(missing(findings))
        };
    }
    // What no package has is not apt's business: a machine without a network has all that it needs.
    if missing_packages(findings).is_empty() && optional_packages(findings).is_empty() {
        return Ok(());
    }
    installation::update()?;
    // The lists may only now say which version there is.
    let findings = examine();
    let needed = missing_packages(&findings);
    if !needed.is_empty() {
        installation::install(&needed)?;
    }
    let optional = optional_packages(&findings);
    if !optional.is_empty()
        && let Err(error) = installation::install(&optional)
    {
        eprintln!("{error}\nThese packages are optional: the work goes on without them.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(name: &str, package: &str, good: bool) -> Finding {
        Finding {
            name: name.to_owned(),
            path: None,
            version: None,
            accepted: "any",
            package: package.to_owned(),
            good,
            optional: false,
        }
    }

    #[test]
    fn minimum_versions_compare_numbers_not_text() {
        assert!(at_least(Some("3.25.1"), (3, 20)));
        assert!(!at_least(Some("3.9"), (3, 20)));
        assert!(at_least(Some("10.0"), (6, 0)));
        assert!(!at_least(None, (1, 0)));
    }

    #[test]
    fn packages_are_named_once() {
        let findings = [
            finding("clang", "clang-16", false),
            finding("clang++", "clang-16", false),
            finding("cmake", "cmake", true),
        ];
        assert_eq!(missing_packages(&findings), ["clang-16"]);
    }

    #[test]
    fn packages_are_named_apart_and_those_that_are_none_not_at_all() {
        let findings = [
            finding("cc", "gcc libc6-dev", false),
            finding("cargo", "", false),
        ];
        assert_eq!(missing_packages(&findings), ["gcc", "libc6-dev"]);
    }

    /// Part of every system, of the toolchain that was chosen, or asked whether they are there before they are run.
    const UNLISTED: &[&str] = &[
        "apt-cache",
        "apt-get",
        "cat",
        "env",
        "rustc",
        "rustup",
        "sh",
        "sudo",
        "true",
        "uname",
    ];

    /// The names of programs in a source: the words that start commands.
    fn programs_in(source: &str) -> Vec<String> {
        let mut names = Vec::new();
        for start in ["Command::new(", "which(", "cmd!("] {
            for (at, _) in source.match_indices(start) {
                let rest = source[at + start.len()..].trim_start();
                let rest = rest.strip_prefix("sh,").unwrap_or(rest).trim_start();
                let Some(text) = rest.strip_prefix('"') else {
                    continue;
                };
                let end = text.find(['"', ' ']).unwrap_or(text.len());
                names.push(text[..end].to_owned());
            }
        }
        names
    }

    #[test]
    fn everything_that_is_run_is_known() {
        assert_eq!(
            programs_in(
                "Command::new(\"a\") cmd!(\n sh,\n \"b {x}\") which(\"c\") Command::new(d)"
            ),
            ["a", "c", "b"]
        );
        let known: Vec<String> = examine().into_iter().map(|finding| finding.name).collect();
        let mut count = 0;
        for part in ["xtask", "tests", "bench", "driver"] {
            let folder = crate::paths::repository().join(part);
            for entry in walkdir::WalkDir::new(folder) {
                let entry = entry.unwrap();
                let path = entry.path();
                if path.extension().is_none_or(|extension| extension != "rs") {
                    continue;
                }
                let source = std::fs::read_to_string(path).unwrap();
                // Its own examples are none.
                let source = source.split("const UNLISTED").next().unwrap_or_default();
                for name in programs_in(source) {
                    count += 1;
                    let is_known = name.contains('{')
                        || UNLISTED.contains(&name.as_str())
                        || known.contains(&name);
                    assert!(is_known, "{}: doctor does not know {name}", path.display());
                }
            }
        }
        assert!(count > 10, "only {count} programs were found");
    }
}
