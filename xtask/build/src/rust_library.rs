//! Rust's `core` and `alloc` for a target that the installation may lack.
//!
//! 1. What is installed is used; what rustup can install is installed.
//! 2. Else both are compiled from the sources of this very compiler's library, `rust-library-VERSION.tar.zst` in a folder
//!    of the caches: in a private sysroot, whose other files are those of the installation.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cargo::clean_environment;
use crate::error::{Error, Result, system, unpacking};
use crate::paths::Cache;
use crate::shell::{display, shell, write_whole};
use crate::tools::RUSTC;

/// Where cargo has `core` and `alloc` from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Library {
    /// The installation.
    Installed,
    /// Sources: this compiler's sysroot has them.
    Compiled {
        /// Stands for `rustc`.
        compiler: PathBuf,
    },
}

impl Library {
    /// Tells a `cargo build`.
    pub fn apply(&self, cargo: &mut Command) {
        if let Self::Compiled { compiler } = self {
            cargo
                .arg("-Zbuild-std=core,alloc")
                // The option is for the compilers of every night; this call alone takes it from a stable one.
                .env("RUSTC_BOOTSTRAP", "1")
                .env("RUSTC", compiler);
        }
    }
}

/// Finds the library of a target, or has it installed, or finds its sources.
///
/// # Errors
/// That there is none of the three.
pub fn provide(cache: &Cache, target: &str) -> Result<Library> {
    if is_installed(target) || is_added(target) {
        return Ok(Library::Installed);
    }
    let name = format!("rust-library-{}.tar.zst", version());
    let folders = [cache.root()];
    let mut folders = folders.into_iter().chain(cache.read_only());
    let Some(archive) = folders.find_map(|folder| {
        let path = folder.join(&name);
        path.is_file().then_some(path)
    }) else {
        return Err(Error::Build(format!(
            "Rust's library for {target} is not installed: `rustup target add {target}`, or put {name}, \
             the library's sources, into a folder of BAREFLOW_CACHE_READ"
        )));
    };
    let compiler = private_sysroot(cache, &archive)?;
    Ok(Library::Compiled { compiler })
}

/// `1.95.0` of `rustc 1.95.0 (...)`.
fn version() -> &'static str {
    RUSTC.split_whitespace().nth(1).unwrap_or_default()
}

fn rustc_says(arguments: &[&str]) -> Option<PathBuf> {
    let mut rustc = clean_environment(Command::new("rustc"));
    let output = rustc.args(arguments).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output
        .status
        .success()
        .then(|| PathBuf::from(text.trim_end()))
}

fn is_installed(target: &str) -> bool {
    let folder = rustc_says(&["--print", "target-libdir", "--target", target]);
    let entries = folder.and_then(|folder| fs::read_dir(folder).ok());
    entries.is_some_and(|entries| {
        let mut names = entries.flatten().map(|entry| entry.file_name());
        names.any(|name| name.to_string_lossy().starts_with("libcore-"))
    })
}

/// Whether rustup has it, and has installed it.
fn is_added(target: &str) -> bool {
    let mut rustup = clean_environment(Command::new("rustup"));
    rustup.args(["target", "add", target]);
    eprintln!("$ {}", display(&rustup));
    rustup.stdout(Stdio::null()).stderr(Stdio::null());
    rustup.status().is_ok_and(|status| status.success()) && is_installed(target)
}

/// Lays the sysroot out; returns what stands for its `rustc`.
fn private_sysroot(cache: &Cache, archive: &Path) -> Result<PathBuf> {
    let root = cache.source().join(format!("rust-{}", version()));
    let compiler = root.join("rustc");
    if compiler.is_file() {
        return Ok(compiler);
    }
    let installed = rustc_says(&["--print", "sysroot"])
        .ok_or_else(|| Error::Build("rustc does not name its sysroot".to_owned()))?;
    let failed = || format!("cannot lay out {}", root.display());
    let sysroot = root.join("sysroot");
    shell()?.remove_path(&root)?;
    let rust = sysroot.join("lib/rustlib/src/rust");
    fs::create_dir_all(&rust).map_err(system(failed()))?;
    for folder in ["", "lib", "lib/rustlib"] {
        link_children(&installed.join(folder), &sysroot.join(folder)).map_err(system(failed()))?;
    }
    let file = File::open(archive).map_err(system(failed()))?;
    let decoder =
        zstd::Decoder::new(file).map_err(unpacking(archive.display().to_string(), &rust))?;
    tar::Archive::new(decoder)
        .unpack(&rust)
        .map_err(unpacking(archive.display().to_string(), &rust))?;
    // Written last: it says that all is there. A link would lead rustc to the sysroot of the installation.
    let script = format!(
        "#!/bin/sh\nexec rustc --sysroot '{}' \"$@\"\n",
        sysroot.display()
    );
    write_whole(&compiler, script.as_bytes())?;
    fs::set_permissions(&compiler, fs::Permissions::from_mode(0o755)).map_err(system(failed()))?;
    Ok(compiler)
}

/// Names in `to` for what `from` holds, but for what is there already.
fn link_children(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = to.join(entry.file_name());
        if fs::symlink_metadata(&name).is_err() {
            symlink(entry.path(), name)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_that_of_this_compiler() {
        let numbers: Vec<u32> = version()
            .split('.')
            .filter_map(|number| number.parse().ok())
            .collect();
        assert_eq!(numbers.len(), 3, "{}", version());
    }

    #[test]
    fn what_is_there_stays_and_the_rest_has_a_second_name() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        for path in [from.join("lib"), from.join("bin"), to.join("lib")] {
            fs::create_dir_all(path).unwrap();
        }
        link_children(&from, &to).unwrap();
        assert!(fs::symlink_metadata(to.join("bin")).unwrap().is_symlink());
        assert!(fs::symlink_metadata(to.join("lib")).unwrap().is_dir());
    }
}
