//! The lock files of the packages outside the workspace, which no build of the workspace keeps fresh.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::runner::{Outcome, Test};
use bareflow_build::cargo::clean_cargo;
use bareflow_targets::DEFAULT;

/// One test for each lock file below `examples`, and one for that of the fuzz targets.
///
/// # Errors
/// That the folder cannot be read.
pub fn tests(root: &Path) -> io::Result<Vec<Test>> {
    let mut packages: Vec<PathBuf> = fs::read_dir(root.join("examples"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    packages.push(root.join("fuzz"));
    packages.retain(|package| package.join("Cargo.lock").is_file());
    packages.sort();
    let tests = packages.into_iter().map(|package| {
        let name = package.file_name().unwrap_or_default().to_string_lossy();
        Test::new(format!("lock_file::{name}"), {
            let package = package.clone();
            move || check(&package)
        })
    });
    Ok(tests.collect())
}

/// The lock file is fresh if cargo resolves the dependencies without changing it.
fn check(package: &Path) -> Outcome {
    let metadata = clean_cargo(package)
        .args(["metadata", "--locked", "--format-version", "1"])
        // Else packages that only other systems need are downloaded.
        .args(["--filter-platform", DEFAULT.rust.target])
        .output();
    match metadata {
        Ok(output) if output.status.success() => Outcome::Passed,
        Ok(output) => Outcome::Failed(format!(
            "{}if {} does not fit the manifests any more, this repairs it:\n  cargo update --workspace --manifest-path {}",
            String::from_utf8_lossy(&output.stderr),
            package.join("Cargo.lock").display(),
            package.join("Cargo.toml").display()
        )),
        Err(error) => Outcome::Failed(format!("cannot start cargo: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package `app` with a lock file, which depends on the package `part` beside it if told so.
    fn package(folder: &Path, dependencies: &str) -> PathBuf {
        let app = folder.join("app");
        for (name, dependencies) in [("app", dependencies), ("part", "")] {
            let package = folder.join(name);
            fs::create_dir_all(package.join("src")).unwrap();
            fs::write(package.join("src/lib.rs"), "").unwrap();
            let manifest = format!(
                "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n[workspace]\n[dependencies]\n{dependencies}"
            );
            fs::write(package.join("Cargo.toml"), manifest).unwrap();
        }
        let lock = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n";
        fs::write(app.join("Cargo.lock"), lock).unwrap();
        app
    }

    #[test]
    fn a_stale_lock_file_fails_with_the_command_that_repairs_it() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(check(&package(folder.path(), "")), Outcome::Passed);
        let app = package(folder.path(), "part = { path = \"../part\" }\n");
        let Outcome::Failed(text) = check(&app) else {
            panic!("a missing dependency was not noticed");
        };
        assert!(text.contains("--locked"), "{text}");
        assert!(
            text.contains("cargo update --workspace --manifest-path"),
            "{text}"
        );
    }
}
