//! The table of real projects: what they are, where they come from, how they are built and what they run.

use serde::Deserialize;

use bareflow_build::registry::Origin;

/// The table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// In the order of the book.
    pub project: Vec<Project>,
}

/// A project that nobody of this one wrote.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// Its name in tests; its inputs are in the folder of this name.
    pub name: String,
    /// What it is, for the book.
    pub about: String,
    /// Its crate, `NAME VERSION`, or its tarball's path in Debian's pool.
    pub source: String,
    /// SHA-256 of that file, in hexadecimal.
    pub sha256: String,
    /// What it is written in.
    pub language: Language,
    /// How it is built.
    pub build: BuildSystem,
    /// A shell script that builds it in its own folder, with `CC`, `CXX`, `AR`, `RANLIB`, `CONFIGURE` and `CMAKE` set
    /// for Linux or for BareFlow; `INPUTS` is the folder of its inputs.
    pub script: String,
    /// Where it is tested without being asked for.
    #[serde(default)]
    pub short: Short,
    /// Whether it is run in the machine too.
    #[serde(default)]
    pub machine: bool,
    /// What was needed besides, for the book.
    #[serde(default)]
    pub needs: String,
    /// What is run.
    pub run: Vec<Run>,
    /// What takes longer: `bench real` runs it as well.
    #[serde(default)]
    pub bench: Vec<Run>,
}

/// One run of one of its programs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The program, below the project's folder.
    pub program: String,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Inputs that it finds in its working directory: files of the project's inputs, or of its own folder.
    #[serde(default)]
    pub files: Vec<String>,
    /// The file that is its standard input.
    #[serde(default)]
    pub stdin: Option<String>,
}

/// How much of a project is tested every time.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Short {
    /// Nothing
    #[default]
    No,
    /// What is fast
    Hosted,
    /// What is fast in an emulated machine, too
    Everywhere,
}

/// A programming language.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// C.
    C,
    /// C++.
    Cxx,
}

/// A build system.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum BuildSystem {
    /// None that fits: its files are named to the compiler.
    Files,
    /// Its own Makefile.
    Make,
    /// Its own configure script.
    Configure,
    /// Its own CMake project.
    Cmake,
}

impl Project {
    /// Its row in the book.
    pub fn row(&self) -> String {
        let language = match self.language {
            Language::C => "C",
            Language::Cxx => "C++",
        };
        let build = match self.build {
            BuildSystem::Files => "files named",
            BuildSystem::Make => "make",
            BuildSystem::Configure => "configure",
            BuildSystem::Cmake => "CMake",
        };
        let place = if self.machine {
            "hosted, machine"
        } else {
            "hosted"
        };
        let runs = self.run.len();
        let needs = if self.needs.is_empty() {
            "nothing"
        } else {
            &self.needs
        };
        format!(
            "| {} | {language} | {build} | {runs} | {place} | {needs} |",
            self.about
        )
    }

    /// Where it comes from.
    pub fn origin(&self) -> Origin {
        match self.source.split_once(' ') {
            Some((name, version)) => Origin::Crate {
                name: name.to_owned(),
                version: version.to_owned(),
            },
            None => Origin::Debian {
                path: self.source.clone(),
            },
        }
    }
}

/// The table of this repository.
///
/// # Errors
/// What is wrong with it.
pub fn read() -> Result<Table, String> {
    toml::from_str(include_str!("../../fixtures/real/projects.toml"))
        .map_err(|error| format!("projects.toml: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_right_and_has_what_was_promised() {
        let projects = read().unwrap().project;
        let count = |wanted: fn(&&Project) -> bool| projects.iter().filter(wanted).count();
        assert!(projects.len() >= 20);
        assert!(count(|project| project.language == Language::Cxx) >= 5);
        assert!(
            count(|project| matches!(project.build, BuildSystem::Configure | BuildSystem::Cmake))
                >= 6
        );
        assert!(count(|project| project.machine) >= 8);
        for project in &projects {
            assert_eq!(project.sha256.len(), 64, "{}", project.name);
            assert!(!project.run.is_empty(), "{}", project.name);
        }
    }
}
