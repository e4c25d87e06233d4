//! What `-l` names.

use std::path::{Path, PathBuf};

use crate::error::{DriverError, Result};
use crate::input::holds_bitcode;
use crate::link::Part;

/// Libraries that every C program may name: what is in them is in the kernels.
const IN_THE_KERNELS: &[&str] = &["c", "m", "pthread", "dl", "rt", "util", "gcc", "gcc_s"];

/// The names of libc++ and of what it is built on, in link order. GNU's name for it stands for both.
pub const CXX_LIBRARIES: &[&str] = &["c++", "c++abi"];

/// The archives of `-l` `name`: of the user's folders first, then of the target's.
///
/// # Errors
/// [`DriverError::Input`]: there is none, or only a shared library.
pub fn find(name: &str, folders: &[PathBuf], target: &Path) -> Result<Vec<PathBuf>> {
    let file_name = match name.strip_prefix(':') {
        Some(file_name) => file_name.to_owned(),
        None => format!("lib{name}.a"),
    };
    let candidates = folders
        .iter()
        .map(|folder| folder.join(&file_name))
        .filter(|path| path.is_file());
    if IN_THE_KERNELS.contains(&name) {
        // The host's own libraries of these names may lie in a folder that is named for the sake of others.
        for path in candidates {
            if holds_bitcode(&path)? == Some(true) {
                return Ok(vec![path]);
            }
        }
        return Ok(Vec::new());
    }
    if let Some(path) = candidates.into_iter().next() {
        return Ok(vec![path]);
    }
    if name == "stdc++" || CXX_LIBRARIES.contains(&name) {
        return of_cxx(
            if name == "c++abi" {
                &["c++abi"]
            } else {
                CXX_LIBRARIES
            },
            target,
        );
    }
    let own = target.join(&file_name);
    if own.is_file() {
        return Ok(vec![own]);
    }
    let shared = folders
        .iter()
        .map(|folder| folder.join(format!("lib{name}.so")))
        .find(|path| path.is_file());
    Err(DriverError::Input(match shared {
        Some(path) => format!(
            "-l{name}: {} is a shared library, and there is no {file_name} beside it; programs are linked from \
             archives of bitcode",
            path.display()
        ),
        None => format!("-l{name}: no {file_name} is in the folders named with -L"),
    }))
}

/// The target's own libraries with these names.
///
/// # Errors
/// That one is not there.
pub fn of_cxx(names: &[&str], target: &Path) -> Result<Vec<PathBuf>> {
    names
        .iter()
        .map(|name| {
            let path = target.join(format!("lib{name}.a"));
            if path.is_file() {
                return Ok(path);
            }
            Err(DriverError::Input(format!(
                "-l{name}: {} is not there",
                path.display()
            )))
        })
        .collect()
}

/// What a program with C++ in it is linked with: those that are there. What is then missing, the linker names.
pub fn of_cxx_if_there(target: &Path) -> impl Iterator<Item = Part> {
    CXX_LIBRARIES
        .iter()
        .map(|name| target.join(format!("lib{name}.a")))
        .filter(|path| path.is_file())
        .map(Part::from_library)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn libraries_are_the_users_before_the_targets() {
        let folder = tempfile::tempdir().unwrap();
        let user = folder.path().join("user");
        let target = folder.path().join("target");
        fs::create_dir_all(&user).unwrap();
        fs::create_dir_all(&target).unwrap();
        for path in [
            "target/libc++.a",
            "target/libc++abi.a",
            "target/libx.a",
            "user/libx.a",
        ] {
            fs::write(folder.path().join(path), "!<arch>\n").unwrap();
        }
        fs::write(user.join("libshared.so"), "").unwrap();
        let find = |name: &str| find(name, std::slice::from_ref(&user), &target);
        assert_eq!(find("x").unwrap(), [user.join("libx.a")]);
        assert_eq!(find(":libx.a").unwrap(), [user.join("libx.a")]);
        assert_eq!(find("stdc++").unwrap().len(), 2);
        assert!(find("m").unwrap().is_empty());
        assert!(
            find("shared")
                .unwrap_err()
                .to_string()
                .contains("a shared library")
        );
        assert!(find("nope").unwrap_err().to_string().contains("libnope.a"));
    }
}
