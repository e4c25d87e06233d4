//! `bareflow.toml`: what a program is made of and how it runs, in a file beside its sources.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{ProgramFile, Sources};

/// What the file is called.
pub const CONFIG_FILE: &str = "bareflow.toml";

/// The contents of a `bareflow.toml`. Paths in it are relative to its folder.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct ProjectConfig {
    /// What the program is called, if not like the folder.
    name: Option<String>,
    /// Files or patterns such as `src/*.c`.
    sources: Vec<String>,
    /// Files or patterns of those that are left out.
    #[serde(default)]
    exclude: Vec<String>,
    /// Flags of the compiler driver.
    #[serde(default)]
    flags: Vec<String>,
    /// Libraries, as after `-l`.
    #[serde(default)]
    libraries: Vec<String>,
    /// Files that the program finds: `HOST` or `HOST:GUEST`, as with `--file`.
    #[serde(default)]
    files: Vec<String>,
    /// What the program is started with.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Environment variables of the program.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
}

/// Why a `bareflow.toml` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not what it should be.
    #[error("{path}: {details}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        details: String,
    },
}

/// The folder of a `bareflow.toml`.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

impl ProjectConfig {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.into(),
            source,
        })?;
        toml::from_str(&text).map_err(|error| ConfigError::Wrong {
            path: path.into(),
            details: error.to_string().trim_end().to_owned(),
        })
    }

    /// The files that the program finds; `path` is where this file is.
    ///
    /// # Errors
    /// Which one cannot come along.
    pub fn files(&self, path: &Path) -> Result<Vec<ProgramFile>, ConfigError> {
        let folder = folder_of(path);
        let files = self.files.iter().map(|text| {
            let text = folder.join(text);
            ProgramFile::parse(&text.to_string_lossy())
        });
        let files: Result<Vec<ProgramFile>, _> = files.collect();
        files.map_err(|error| ConfigError::Wrong {
            path: path.into(),
            details: error.to_string(),
        })
    }

    /// What the program is made of; `path` is where the file is.
    ///
    /// # Errors
    /// That a pattern is wrong or fits no file.
    pub fn sources(&self, path: &Path) -> Result<Sources, ConfigError> {
        let wrong = |details: String| ConfigError::Wrong {
            path: path.into(),
            details,
        };
        let folder = folder_of(path);
        let excluded = expand(folder, &self.exclude).map_err(wrong)?;
        let mut words: Vec<OsString> = self.flags.iter().map(OsString::from).collect();
        for pattern in &self.sources {
            let files = expand(folder, std::slice::from_ref(pattern)).map_err(wrong)?;
            if files.is_empty() {
                return Err(wrong(format!("sources: no file fits \"{pattern}\"")));
            }
            for file in files {
                if !excluded.contains(&file) && !words.contains(&file.as_os_str().into()) {
                    words.push(file.into());
                }
            }
        }
        words.extend(
            self.libraries
                .iter()
                .map(|name| OsString::from(format!("-l{name}"))),
        );
        let own_name = || {
            let folder = folder.canonicalize().ok()?;
            Some(folder.file_name()?.to_string_lossy().into_owned())
        };
        Ok(Sources {
            words,
            name: self.name.clone().or_else(own_name),
            folder: (folder != Path::new(".")).then(|| folder.to_owned()),
        })
    }
}

/// The files that fit the patterns, relative to `folder`; in the order of the patterns, and by name within each.
fn expand(folder: &Path, patterns: &[String]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for pattern in patterns {
        let absolute = Path::new(&glob::Pattern::escape(&folder.to_string_lossy())).join(pattern);
        let found = glob::glob(&absolute.to_string_lossy())
            .map_err(|error| format!("\"{pattern}\": {error}"))?;
        for path in found {
            let path = path.map_err(|error| error.to_string())?;
            if path.is_file() {
                files.push(path.strip_prefix(folder).unwrap_or(&path).to_owned());
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["src/b.c", "src/a.c", "src/test_a.c", "lib/x.a"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let path = folder.path().join(CONFIG_FILE);
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn patterns_are_files_in_order() {
        let (folder, path) = project(
            "name = 'p'\nsources = ['src/b.c', 'src/*.c', 'lib/x.a']\nexclude = ['src/test_*']\n\
             flags = ['-Iinc', '-DX']\nlibraries = ['m']\narguments = ['1']\n[environment]\nA = 'b'\n",
        );
        let config = ProjectConfig::read(&path).unwrap();
        let sources = config.sources(&path).unwrap();
        let words = ["-Iinc", "-DX", "src/b.c", "src/a.c", "lib/x.a", "-lm"];
        assert_eq!(sources.words, words);
        assert_eq!(sources.name.as_deref(), Some("p"));
        assert_eq!(sources.folder.as_deref(), Some(folder.path()));
        assert_eq!(config.arguments, ["1"]);
        assert_eq!(config.environment["A"], "b");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, word) in [
            ("sources = ['a.c']\nflag = []\n", "unknown field `flag`"),
            ("", "missing field `sources`"),
            ("sources = 'a.c'\n", "line 1"),
            ("sources = [\n", "unclosed array"),
        ] {
            let (_folder, path) = project(text);
            let error = ProjectConfig::read(&path).unwrap_err().to_string();
            assert!(
                error.contains(CONFIG_FILE) && error.contains(word),
                "{text}: {error}"
            );
        }
        let (_folder, path) = project("sources = ['src/*.cc']\n");
        let config = ProjectConfig::read(&path).unwrap();
        let error = config.sources(&path).unwrap_err().to_string();
        assert!(error.contains("no file fits \"src/*.cc\""), "{error}");
    }
}
