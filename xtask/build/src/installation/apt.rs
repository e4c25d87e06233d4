//! Packages by apt: its configuration stays as it is, and so does everything that is installed.

use std::ffi::OsString;
use std::fs;
use std::process::{Command, Stdio};

use super::os_release::OsRelease;
use super::plan::{Apt, Installed, Obstacle, Plan, Simulation, Step, Suite, plan, suites_offering};
use crate::error::{Error, Result, system};
use crate::registry::apt_mirror;
use crate::shell::{display, output_of};
use crate::temporary::TemporaryFolder;

/// Where apt has its sources that are not in files of their own.
const SOURCES: &str = "/etc/apt/sources.list";
/// Why nothing is recommended: of the graphical parts of QEMU nothing is used.
const INSTALL: &[&str] = &["install", "--no-install-recommends"];

/// The archives of a distribution: what apt calls their origin, who signs them, and the parts that have tools.
struct Archive {
    distribution: &'static str,
    origin: &'static str,
    keyring: &'static str,
    components: &'static str,
}

/// Ubuntu first: it is derived from Debian.
const ARCHIVES: &[Archive] = &[
    Archive {
        distribution: "ubuntu",
        origin: "Ubuntu",
        keyring: "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
        components: "main universe",
    },
    Archive {
        distribution: "debian",
        origin: "Debian",
        keyring: "/usr/share/keyrings/debian-archive-keyring.gpg",
        components: "main",
    },
];

/// Lists of packages of our own, beside the system's.
struct Lists {
    folder: TemporaryFolder,
}

impl Lists {
    /// Reads the lists of all that apt is configured with, and of one suite more.
    fn with(suite: &str, archive: &Archive) -> std::result::Result<Self, String> {
        let mirror = apt_mirror(archive.origin)?;
        let folder = TemporaryFolder::new("lists").map_err(|error| error.to_string())?;
        let mut sources = fs::read_to_string(SOURCES).unwrap_or_default();
        sources.push_str(&format!(
            "\ndeb [signed-by={}] {mirror} {suite} {}\n",
            archive.keyring, archive.components
        ));
        fs::write(folder.path().join("sources.list"), sources)
            .and_then(|()| fs::create_dir_all(folder.path().join("lists/partial")))
            .map_err(|error| error.to_string())?;
        let lists = Self { folder };
        let mut update = Command::new("apt-get");
        update.args(lists.options()).arg("update");
        eprintln!("$ {}", display(&update));
        run_quietly(&mut update)?;
        Ok(lists)
    }

    /// What makes apt read them instead of the system's; its files of sources are read as well.
    fn options(&self) -> Vec<String> {
        let folder = self.folder.path().display();
        [
            format!("Dir::Etc::SourceList={folder}/sources.list"),
            format!("Dir::State::Lists={folder}/lists"),
            // The cache of the system's lists stays theirs.
            "Dir::Cache::pkgcache=".to_owned(),
            "Dir::Cache::srcpkgcache=".to_owned(),
            // The folder is of this user alone.
            "APT::Sandbox::User=root".to_owned(),
        ]
        .map(|option| format!("--option={option}"))
        .into()
    }
}

/// Runs a command; the last line of its messages says why it fails.
fn run_quietly(command: &mut Command) -> std::result::Result<(), String> {
    let output = command
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let messages = String::from_utf8_lossy(&output.stderr);
    Err(messages.lines().last().unwrap_or_default().to_owned())
}

/// The apt of this system.
struct SystemApt {
    system: OsRelease,
    lists: Option<std::result::Result<Lists, String>>,
}

impl SystemApt {
    fn new() -> Self {
        Self {
            system: OsRelease::of_this_system(),
            lists: None,
        }
    }

    fn archive(&self) -> Option<&'static Archive> {
        ARCHIVES
            .iter()
            .find(|archive| self.system.is(archive.distribution))
    }

    /// The options that choose a suite.
    fn options(&mut self, suite: &Suite) -> std::result::Result<Vec<String>, String> {
        match suite {
            Suite::Preferred => Ok(Vec::new()),
            Suite::Configured(name) => Ok(vec![format!("--target-release={name}")]),
            Suite::Added(name) => {
                let archive = self.archive().ok_or("its archive is not known")?;
                let lists = self
                    .lists
                    .get_or_insert_with(|| Lists::with(name, archive))
                    .as_ref()
                    .map_err(Clone::clone)?;
                let mut options = lists.options();
                options.push(format!("--target-release={name}"));
                Ok(options)
            }
        }
    }

    /// Installs the packages of a step.
    fn install(&mut self, step: &Step) -> Result<()> {
        let options = self.options(&step.suite).map_err(Error::Build)?;
        // What was simulated is done, or nothing: another process may have installed something since.
        let kept = [
            "--yes",
            "--no-remove",
            "--option=APT::Get::allow-downgrades=false",
        ];
        apt_get(
            INSTALL
                .iter()
                .chain(&kept)
                .map(OsString::from)
                .chain(options.into_iter().map(OsString::from))
                .chain(step.packages.iter().map(OsString::from)),
        )
    }
}

impl Apt for SystemApt {
    fn simulate(&mut self, suite: &Suite, packages: &[String]) -> Simulation {
        let options = match self.options(suite) {
            Ok(options) => options,
            Err(reason) => {
                return Simulation {
                    failure: Some(reason),
                    ..Simulation::default()
                };
            }
        };
        let output = Command::new("apt-get")
            .arg("--simulate")
            .args(INSTALL)
            .args(options)
            .args(packages)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .output();
        match output {
            Ok(output) => {
                let bytes = [output.stdout, output.stderr].concat();
                Simulation::read(output.status.success(), &String::from_utf8_lossy(&bytes))
            }
            Err(error) => Simulation {
                failure: Some(format!("cannot run apt-get: {error}")),
                ..Simulation::default()
            },
        }
    }

    fn offering(&self, package: &Installed) -> Vec<String> {
        let mut ask = Command::new("apt-cache");
        ask.args(["policy", &package.name]).env("LC_ALL", "C");
        suites_offering(&output_of(&mut ask).unwrap_or_default(), &package.version)
    }

    fn backports(&self) -> Option<String> {
        self.archive()?;
        let codename = self.system.codename.as_ref()?;
        Some(format!("{codename}-backports"))
    }
}

/// Runs apt-get as root, with its output among the messages: it is not the result of the command that asked for tools.
fn apt_get(arguments: impl IntoIterator<Item = OsString>) -> Result<()> {
    let mut command = if nix::unistd::geteuid().is_root() {
        Command::new("apt-get")
    } else {
        let mut command = Command::new("sudo");
        command.arg("apt-get");
        command
    };
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    let line = display(&command);
    eprintln!("$ {line}");
    let status = command
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .map_err(system("cannot run apt-get"))?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::Build(format!(
            "{line}\n  failed; its messages are above"
        )))
    }
}

/// Reads the lists of what there is.
///
/// # Errors
/// [`Error::Build`] when apt cannot.
pub fn update() -> Result<()> {
    apt_get([OsString::from("update")])
}

/// Installs packages; removes and downgrades none.
///
/// # Errors
/// [`Error::NotInstallable`] when some fit from no suite: the others are installed all the same. [`Error::Build`] when
/// apt fails.
pub fn install(packages: &[String]) -> Result<()> {
    let mut apt = SystemApt::new();
    let Plan { steps, obstacles } = plan(&mut apt, packages);
    for step in &steps {
        apt.install(step)?;
    }
    if obstacles.is_empty() {
        return Ok(());
    }
    Err(not_installable(&obstacles))
}

fn not_installable(obstacles: &[Obstacle]) -> Error {
    let reasons = obstacles.iter().map(|obstacle| {
        let tried = if obstacle.tried.is_empty() {
            String::new()
        } else {
            format!(" (and it fits from {} neither)", obstacle.tried.join(", "))
        };
        format!("{}: {}{tried}", obstacle.package, obstacle.reason)
    });
    let packages: Vec<&str> = obstacles
        .iter()
        .map(|obstacle| obstacle.package.as_str())
        .collect();
    Error::NotInstallable {
        reasons: reasons.collect::<Vec<_>>().join("\n  "),
        command: format!(
            "{}apt-get install --no-install-recommends {}",
            super::sudo(),
            packages.join(" ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_nowhere_is_said_with_the_command() {
        let error = not_installable(&[Obstacle {
            package: "qemu-system-x86".to_owned(),
            reason: "apt would remove qemu-utils 1:10".to_owned(),
            tried: vec!["bookworm-backports".to_owned()],
        }]);
        assert_eq!(error.exit_code(), 101);
        let text = error.to_string();
        for part in [
            "qemu-system-x86: apt would remove qemu-utils 1:10 (and it fits from bookworm-backports neither)",
            "apt-get install --no-install-recommends qemu-system-x86",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}
