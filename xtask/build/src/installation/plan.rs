//! Which packages are taken from which suite, so that nothing that is installed has to go.

/// A package that is installed and that another one cannot stand beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its name.
    pub name: String,
    /// Its version; empty where apt does not say it.
    pub version: String,
}

/// What `apt-get --simulate install` says that it would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simulation {
    /// What it would remove.
    pub removed: Vec<Installed>,
    /// What it would downgrade.
    pub downgraded: Vec<String>,
    /// Why it would do nothing.
    pub failure: Option<String>,
}

impl Simulation {
    /// Reads apt's output, in the locale `C`.
    pub fn read(succeeded: bool, output: &str) -> Self {
        let removed = output
            .lines()
            .filter_map(|line| {
                let (name, rest) = line.strip_prefix("Remv ")?.split_once(' ')?;
                let version = rest.strip_prefix('[')?.split(']').next()?;
                Some(Installed {
                    name: name.to_owned(),
                    version: version.to_owned(),
                })
            })
            .collect();
        let downgraded = output
            .lines()
            .skip_while(|line| !line.starts_with("The following packages will be DOWNGRADED"))
            .skip(1)
            .take_while(|line| line.starts_with("  "))
            .flat_map(str::split_whitespace)
            .map(str::to_owned)
            .collect();
        Self {
            removed,
            downgraded,
            failure: (!succeeded).then(|| failure_in(output)),
        }
    }

    /// Whether everything that is installed stays, at its version or a newer one.
    pub fn fits(&self) -> bool {
        self.failure.is_none() && self.removed.is_empty() && self.downgraded.is_empty()
    }

    /// Why it does not fit.
    fn reason(&self) -> String {
        let mut reasons = Vec::new();
        if !self.removed.is_empty() {
            let removed: Vec<String> = self
                .removed
                .iter()
                .map(|package| format!("{} {}", package.name, package.version))
                .collect();
            reasons.push(format!("apt would remove {}", removed.join(", ")));
        }
        if !self.downgraded.is_empty() {
            reasons.push(format!(
                "apt would downgrade {}",
                self.downgraded.join(", ")
            ));
        }
        reasons.extend(self.failure.clone());
        reasons.join("; ")
    }
}

/// apt's reason: the first dependency that is not met says more than that there are some.
fn failure_in(output: &str) -> String {
    let unmet = output
        .lines()
        .find(|line| line.starts_with(' ') && line.contains(" : "))
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.join(" ")
        });
    unmet
        .or_else(|| {
            let error = output.lines().find_map(|line| line.strip_prefix("E: "))?;
            Some(error.to_owned())
        })
        .unwrap_or_else(|| "apt does not say why".to_owned())
}

/// The suites that offer this version of a package, out of `apt-cache policy`.
pub fn suites_offering(policy: &str, version: &str) -> Vec<String> {
    let mut suites = Vec::new();
    let mut is_wanted = false;
    for line in policy
        .lines()
        .skip_while(|line| line.trim() != "Version table:")
    {
        let words: Vec<&str> = line
            .split_whitespace()
            .filter(|word| *word != "***")
            .collect();
        match words[..] {
            // A version and its priority, or one place that has it: its priority, address, suite and component.
            [found, priority] if priority.parse::<i32>().is_ok() => is_wanted = found == version,
            [_, _, place, ..] if is_wanted => {
                let suite = place.split('/').next().unwrap_or(place);
                if !suites.iter().any(|known| known == suite) {
                    suites.push(suite.to_owned());
                }
            }
            _ => {}
        }
    }
    suites
}

/// A suite that packages may be taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suite {
    /// That which apt prefers by its configuration.
    Preferred,
    /// One of apt's configuration, by name.
    Configured(String),
    /// One that is not in it: it is read from lists of our own.
    Added(String),
}

/// What is asked of apt to make a plan.
pub trait Apt {
    /// What an installation would do.
    fn simulate(&mut self, suite: &Suite, packages: &[String]) -> Simulation;
    /// The configured suites that offer a package at this version.
    fn offering(&self, package: &Installed) -> Vec<String>;
    /// The name of the suite of backports to this system, if it can have one.
    fn backports(&self) -> Option<String>;
}

/// Packages to install at once, and the suite to take them from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The suite.
    pub suite: Suite,
    /// The packages.
    pub packages: Vec<String>,
}

/// A package that cannot be installed beside what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The package.
    pub package: String,
    /// What is in the way.
    pub reason: String,
    /// The suites that were tried in vain beside the preferred one.
    pub tried: Vec<String>,
}

/// What to install from where, and what cannot be installed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In this order.
    pub steps: Vec<Step>,
    /// What is left out.
    pub obstacles: Vec<Obstacle>,
}

/// Takes packages plainly where they fit; for the others, looks for a suite from which they do: one that has what
/// is in the way at its version, then the backports.
pub fn plan(apt: &mut impl Apt, packages: &[String]) -> Plan {
    if fits_plainly(apt, packages) {
        return Plan {
            steps: vec![plainly(packages)],
            obstacles: Vec::new(),
        };
    }
    let (mut fitting, mut others) = (Vec::new(), Vec::new());
    for package in packages {
        let fits = fits_plainly(apt, std::slice::from_ref(package));
        if fits { &mut fitting } else { &mut others }.push(package.clone());
    }
    let mut plan = Plan::default();
    if fits_plainly(apt, &fitting) {
        plan.steps.push(plainly(&fitting));
    } else {
        // Each may fit alone, and all together not.
        others.splice(0..0, fitting);
    }
    for package in others {
        match suite_for(apt, &package) {
            Ok(suite) => plan.steps.push(Step {
                suite,
                packages: vec![package],
            }),
            Err(obstacle) => plan.obstacles.push(obstacle),
        }
    }
    plan
}

fn fits_plainly(apt: &mut impl Apt, packages: &[String]) -> bool {
    !packages.is_empty() && apt.simulate(&Suite::Preferred, packages).fits()
}

fn plainly(packages: &[String]) -> Step {
    Step {
        suite: Suite::Preferred,
        packages: packages.to_vec(),
    }
}

fn suite_for(apt: &mut impl Apt, package: &str) -> Result<Suite, Obstacle> {
    let packages = [package.to_owned()];
    let plain = apt.simulate(&Suite::Preferred, &packages);
    if plain.fits() {
        return Ok(Suite::Preferred);
    }
    let mut suites: Vec<Suite> = Vec::new();
    for installed in &plain.removed {
        for name in apt.offering(installed) {
            let suite = Suite::Configured(name);
            if !suites.contains(&suite) {
                suites.push(suite);
            }
        }
    }
    suites.extend(apt.backports().map(Suite::Added));
    let mut tried = Vec::new();
    for suite in suites {
        if apt.simulate(&suite, &packages).fits() {
            return Ok(suite);
        }
        if let Suite::Configured(name) | Suite::Added(name) = suite {
            tried.push(name);
        }
    }
    tried.dedup();
    Err(Obstacle {
        package: package.to_owned(),
        reason: plain.reason(),
        tried,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REMOVES: &str = include_str!("fixtures/apt-removes.txt");
    const BACKPORTS: &str = include_str!("fixtures/apt-backports.txt");
    const UNMET: &str = include_str!("fixtures/apt-unmet.txt");
    const UNKNOWN: &str = include_str!("fixtures/apt-unknown.txt");
    const POLICY: &str = include_str!("fixtures/apt-policy.txt");
    const IN_THE_WAY: &str = "1:10.0.2+ds-2+deb13u1~bpo12+1";

    #[test]
    fn what_apt_would_do_is_read() {
        let removes = Simulation::read(true, REMOVES);
        assert_eq!(
            removes.removed,
            [Installed {
                name: "qemu-utils".to_owned(),
                version: IN_THE_WAY.to_owned(),
            }]
        );
        assert!(!removes.fits());
        assert!(Simulation::read(true, BACKPORTS).fits());
        assert!(!Simulation::read(false, BACKPORTS).fits());
        let unmet = Simulation::read(false, UNMET);
        assert!(unmet.removed.is_empty() && !unmet.fits());
        assert_eq!(
            unmet.failure.as_deref(),
            Some(
                "qemu-system-x86 : Depends: qemu-system-common (= 1:10.0.2+ds-2+deb13u1~bpo12+1) but it is not going \
                 to be installed"
            )
        );
        assert_eq!(
            Simulation::read(false, UNKNOWN).failure.as_deref(),
            Some("Unable to locate package nonsuch-pkg")
        );
        let downgrades =
            "The following packages will be DOWNGRADED:\n  seabios ipxe\n  grub\n0 upgraded\n";
        let downgrades = Simulation::read(true, downgrades);
        assert_eq!(downgrades.downgraded, ["seabios", "ipxe", "grub"]);
        assert!(!downgrades.fits());
    }

    #[test]
    fn the_suites_of_a_version_are_read() {
        assert_eq!(suites_offering(POLICY, IN_THE_WAY), ["bookworm-backports"]);
        assert_eq!(
            suites_offering(POLICY, "1:7.2+dfsg-7+deb12u18+b3"),
            ["bookworm"]
        );
        assert!(suites_offering(POLICY, "1:9").is_empty());
    }

    /// The machine that the outputs were recorded on: QEMU fits from the backports alone, one package nowhere, and
    /// every other everywhere.
    #[derive(Default)]
    struct Recorded {
        configured: Vec<String>,
        backports: Option<String>,
    }

    impl Apt for Recorded {
        fn simulate(&mut self, suite: &Suite, packages: &[String]) -> Simulation {
            let has = |name: &str| packages.iter().any(|package| package == name);
            let backports = "bookworm-backports".to_owned();
            let is_backports = [
                Suite::Added(backports.clone()),
                Suite::Configured(backports),
            ]
            .contains(suite);
            if has("nonsuch-pkg") {
                Simulation::read(false, UNKNOWN)
            } else if has("qemu-system-x86") && !is_backports {
                Simulation::read(true, REMOVES)
            } else {
                Simulation::read(true, BACKPORTS)
            }
        }

        fn offering(&self, package: &Installed) -> Vec<String> {
            assert_eq!(package.version, IN_THE_WAY);
            self.configured.clone()
        }

        fn backports(&self) -> Option<String> {
            self.backports.clone()
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn step(suite: Suite, packages: &[&str]) -> Step {
        Step {
            suite,
            packages: names(packages),
        }
    }

    #[test]
    fn what_fits_is_taken_plainly_and_at_once() {
        let plan = plan(&mut Recorded::default(), &names(&["cmake", "mtools"]));
        assert_eq!(plan.steps, [step(Suite::Preferred, &["cmake", "mtools"])]);
        assert!(plan.obstacles.is_empty());
    }

    #[test]
    fn what_would_remove_something_comes_from_the_suite_that_fits() {
        let backports = "bookworm-backports".to_owned();
        for (configured, expected) in [
            (vec![], Suite::Added(backports.clone())),
            // A suite that does not help is not the end of it.
            (names(&["bookworm"]), Suite::Added(backports.clone())),
            (
                names(&["bookworm-backports"]),
                Suite::Configured(backports.clone()),
            ),
        ] {
            let mut apt = Recorded {
                configured,
                backports: Some(backports.clone()),
            };
            let plan = plan(&mut apt, &names(&["qemu-system-x86", "cmake"]));
            assert_eq!(
                plan.steps,
                [
                    step(Suite::Preferred, &["cmake"]),
                    step(expected, &["qemu-system-x86"])
                ]
            );
            assert!(plan.obstacles.is_empty());
        }
    }

    #[test]
    fn what_fits_nowhere_is_named_with_what_is_in_the_way() {
        let mut apt = Recorded {
            configured: names(&["bookworm"]),
            backports: None,
        };
        let plan = plan(
            &mut apt,
            &names(&["qemu-system-x86", "nonsuch-pkg", "cmake"]),
        );
        assert_eq!(plan.steps, [step(Suite::Preferred, &["cmake"])]);
        assert_eq!(
            plan.obstacles,
            [
                Obstacle {
                    package: "qemu-system-x86".to_owned(),
                    reason: format!("apt would remove qemu-utils {IN_THE_WAY}"),
                    tried: names(&["bookworm"]),
                },
                Obstacle {
                    package: "nonsuch-pkg".to_owned(),
                    reason: "Unable to locate package nonsuch-pkg".to_owned(),
                    tried: Vec::new(),
                },
            ]
        );
    }
}
