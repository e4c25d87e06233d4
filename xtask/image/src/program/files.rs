//! Files that come with a program: which they are, and what the program calls them.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use walkdir::WalkDir;

/// Why a file cannot come along.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no regular file.
    #[error("{path} is not a regular file; --root takes a folder")]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// The root is no folder.
    #[error("--root {path}: not a folder")]
    NotAFolder {
        /// What was named.
        path: PathBuf,
    },
    /// A link in the root leads to something else.
    #[error("{path} is a link that leads out of {root}")]
    Outside {
        /// The link.
        path: PathBuf,
        /// The root.
        root: PathBuf,
    },
    /// The program's name of the file is none.
    #[error("{name}: a program's file has a path below /, without '..'")]
    BadName {
        /// The name.
        name: String,
    },
    /// A file has the name of a folder of another.
    #[error("{file} is /{name} for the program, which would be a folder with {other} in it")]
    FileAndFolder {
        /// The file.
        file: PathBuf,
        /// A file in the folder.
        other: PathBuf,
        /// The program's name.
        name: String,
    },
    /// Two files for one name.
    #[error("both {first} and {second} are /{name} for the program")]
    Twice {
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
        /// The program's name.
        name: String,
    },
}

/// A file of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramFile {
    /// What the program calls it, without the first slash.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its size when it was looked at, in bytes.
    pub size_bytes: u64,
}

/// How files get to the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transfer {
    /// Their bytes are in the bundle
    Embedded,
    /// The hosted kernel maps them when they are read; whoever writes an image puts them there
    #[default]
    ByPath,
}

impl ProgramFile {
    /// Of `HOST` or `HOST:GUEST`; a file whose own name has a colon is taken as it is.
    ///
    /// # Errors
    /// That it is no file, or has no name.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let (host, guest) = match text.rsplit_once(':') {
            Some((host, guest)) if !Path::new(text).exists() => (host, Some(guest)),
            _ => (text, None),
        };
        let path = PathBuf::from(host);
        let own_name = || {
            path.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        let name = match guest {
            Some(name) if name.ends_with('/') => format!("{name}{}", own_name()),
            Some(name) => name.to_owned(),
            None => own_name(),
        };
        Self::new(&path, &name)
    }

    /// Of a file and the program's name for it.
    ///
    /// # Errors
    /// That it is no file, or the name is none.
    pub fn new(path: &Path, name: &str) -> Result<Self, FileError> {
        let failed = |source| FileError::Read {
            path: path.into(),
            source,
        };
        let metadata = fs::metadata(path).map_err(failed)?;
        if !metadata.is_file() {
            return Err(FileError::NotAFile { path: path.into() });
        }
        let readable = fs::File::open(path).map_err(failed)?;
        drop(readable);
        Ok(Self {
            name: clean_name(name)?,
            path: std::path::absolute(path).map_err(failed)?,
            size_bytes: metadata.len(),
        })
    }

    /// All files below a folder, by name. Links are followed within it.
    ///
    /// # Errors
    /// What cannot be read, or leads out.
    pub fn below(root: &Path) -> Result<Vec<Self>, FileError> {
        let failed = |source| FileError::Read {
            path: root.into(),
            source,
        };
        if !fs::metadata(root).map_err(failed)?.is_dir() {
            return Err(FileError::NotAFolder { path: root.into() });
        }
        let real_root = root.canonicalize().map_err(failed)?;
        let mut files = Vec::new();
        for entry in WalkDir::new(root).follow_links(true).sort_by_file_name() {
            let entry = entry.map_err(|error| FileError::Read {
                path: error.path().unwrap_or(root).into(),
                source: error.into(),
            })?;
            let path = entry.path();
            if entry.path_is_symlink() {
                let target = path.canonicalize().map_err(|source| FileError::Read {
                    path: path.into(),
                    source,
                })?;
                if !target.starts_with(&real_root) {
                    return Err(FileError::Outside {
                        path: path.into(),
                        root: root.into(),
                    });
                }
            }
            if entry.file_type().is_dir() {
                continue;
            }
            let name = path.strip_prefix(root).unwrap_or(path);
            files.push(Self::new(path, &name.to_string_lossy())?);
        }
        Ok(files)
    }
}

/// A path below the root, without empty parts.
fn clean_name(name: &str) -> Result<String, FileError> {
    let bad = || FileError::BadName {
        name: name.to_owned(),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in Path::new(name).components() {
        match part {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(part) => parts.push(part.to_str().ok_or_else(bad)?),
            Component::ParentDir | Component::Prefix(_) => return Err(bad()),
        }
    }
    if parts.is_empty() || name.ends_with('/') {
        return Err(bad());
    }
    Ok(parts.join("/"))
}

/// Puts lists of files together.
///
/// # Errors
/// That two different files have one name.
pub fn merge(files: impl IntoIterator<Item = ProgramFile>) -> Result<Vec<ProgramFile>, FileError> {
    let mut all: Vec<ProgramFile> = Vec::new();
    let mut indices: HashMap<String, usize> = HashMap::new();
    for file in files {
        match indices.get(&file.name).map(|index| &all[*index]) {
            Some(known) if known.path != file.path => {
                return Err(FileError::Twice {
                    first: known.path.clone(),
                    second: file.path,
                    name: file.name,
                });
            }
            Some(_) => {}
            None => {
                indices.insert(file.name.clone(), all.len());
                all.push(file);
            }
        }
    }
    for other in &all {
        let folders = other.name.match_indices('/');
        let mut folders = folders.map(|(end, _)| &other.name[..end]);
        if let Some(index) = folders.find_map(|folder| indices.get(folder)) {
            let file = &all[*index];
            return Err(FileError::FileAndFolder {
                file: file.path.clone(),
                other: other.path.clone(),
                name: file.name.clone(),
            });
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_own_name_or_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs::write(&path, "hello").unwrap();
        let path = path.to_str().unwrap();
        let name = |text: String| ProgramFile::parse(&text).map(|file| file.name);
        assert_eq!(name(path.to_owned()).unwrap(), "a.txt");
        assert_eq!(name(format!("{path}:/etc//x")).unwrap(), "etc/x");
        assert_eq!(name(format!("{path}:data/")).unwrap(), "data/a.txt");
        let with_colon = format!("{path}:b");
        fs::write(&with_colon, "").unwrap();
        assert_eq!(name(with_colon).unwrap(), "a.txt:b");
        for bad in ["..", "a/../b", ""] {
            let error = name(format!("{path}:{bad}")).unwrap_err();
            assert!(matches!(error, FileError::BadName { .. }), "{bad}: {error}");
        }
        let missing = ProgramFile::parse("/no/such/file").unwrap_err();
        assert!(missing.to_string().starts_with("cannot read /no/such/file"));
        let folder = ProgramFile::parse(folder.path().to_str().unwrap()).unwrap_err();
        assert!(matches!(folder, FileError::NotAFile { .. }));
    }

    #[test]
    fn a_root_is_walked_and_left_by_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir_all(root.join("b/c")).unwrap();
        fs::write(root.join("b/c/file"), "1").unwrap();
        fs::write(root.join("a"), "22").unwrap();
        std::os::unix::fs::symlink("b/c/file", root.join("link")).unwrap();
        let files = ProgramFile::below(&root).unwrap();
        let found: Vec<(&str, u64)> = files
            .iter()
            .map(|file| (file.name.as_str(), file.size_bytes))
            .collect();
        assert_eq!(found, [("a", 2), ("b/c/file", 1), ("link", 1)]);

        fs::write(folder.path().join("outside"), "").unwrap();
        std::os::unix::fs::symlink("../outside", root.join("out")).unwrap();
        let error = ProgramFile::below(&root).unwrap_err();
        assert!(matches!(error, FileError::Outside { .. }), "{error}");
        let error = ProgramFile::below(&root.join("a")).unwrap_err();
        assert!(matches!(error, FileError::NotAFolder { .. }));
    }

    #[test]
    fn one_name_is_for_one_file() {
        let file = |path: &str| ProgramFile {
            name: "x".into(),
            path: path.into(),
            size_bytes: 0,
        };
        assert_eq!(merge([file("/a"), file("/a")]).unwrap().len(), 1);
        let error = merge([file("/a"), file("/b")]).unwrap_err();
        assert_eq!(error.to_string(), "both /a and /b are /x for the program");
        let below = |name: &str| ProgramFile {
            name: name.into(),
            ..file("/c")
        };
        let error = merge([below("x/y/z"), file("/b")]).unwrap_err();
        assert!(
            matches!(error, FileError::FileAndFolder { .. }),
            "{error:?}"
        );
        assert_eq!(merge([below("xy"), file("/b")]).unwrap().len(), 2);
    }
}
