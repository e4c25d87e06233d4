//! Sources from the registries that this machine is configured with, by name and hash.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::llvm::inputs::file_hash;
use crate::paths::Cache;
use crate::shell::{Log, shell};
use crate::temporary::TemporaryFolder;
use xshell::cmd;

/// The first line of an error that says why, for a list of attempts.
pub fn last_line(error: &Error) -> String {
    error.to_string().lines().rev().take(1).collect()
}

/// The Debian archive that apt is configured with, without a slash at its end.
///
/// # Errors
/// As [`apt_mirror`].
pub fn debian_mirror() -> Result<String, String> {
    apt_mirror("Debian")
}

/// The archive of this origin that apt is configured with, without a slash at its end.
///
/// # Errors
/// That there is no apt, or none of this origin in its configuration.
pub fn apt_mirror(origin: &str) -> Result<String, String> {
    let sh = shell().map_err(|error| error.to_string())?;
    let format = "$(REPO_URI) $(ORIGIN) $(LABEL)";
    let ask = cmd!(
        sh,
        "apt-get indextargets --format {format} 'Created-By: Packages'"
    );
    let answer = ask.quiet().ignore_stderr().read();
    let targets = answer.map_err(|_| "apt is not there")?;
    mirror_in(&targets, origin)
        .map(|uri| uri.trim_end_matches('/').to_owned())
        .ok_or_else(|| format!("apt is not configured with a mirror of {origin}"))
}

/// The first archive of this origin, other than the one for security updates.
fn mirror_in<'a>(targets: &'a str, origin: &str) -> Option<&'a str> {
    targets
        .lines()
        .filter_map(|line| line.split_once(' '))
        .find(|(uri, found)| {
            found.starts_with(origin) && !found.contains("Security") && !uri.contains("security")
        })
        .map(|(uri, _)| uri)
}

/// Downloads a file whose SHA-256 is known, with apt's own settings of proxies and the like.
///
/// # Errors
/// What the download said.
pub fn download_from_debian(
    log: &Log,
    uri: &str,
    sha256: &str,
    output: &Path,
) -> Result<(), String> {
    let sh = shell().map_err(|error| error.to_string())?;
    let helper = "/usr/lib/apt/apt-helper";
    log.run_cmd(cmd!(
        sh,
        "{helper} download-file {uri} {output} SHA256:{sha256}"
    ))
    .map_err(|error| last_line(&error))
}

/// A source that tests use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A crate, by name and version.
    Crate {
        /// Its name.
        name: String,
        /// Its version, exactly.
        version: String,
    },
    /// A tarball of a Debian source package, by its path in the archive's pool.
    Debian {
        /// Such as `main/z/zlib/zlib_1.2.13.dfsg.orig.tar.bz2`.
        path: String,
    },
}

/// The file of `origin` with this hash, out of the cache or downloaded to it.
///
/// # Errors
/// That it cannot be had, or is another.
pub fn provide(cache: &Cache, origin: &Origin, sha256: &str) -> Result<PathBuf, String> {
    let file = match origin {
        Origin::Crate { name, version } => crate_file(name, version)?,
        Origin::Debian { path } => pool_file(cache, path, sha256)?,
    };
    let found = file_hash(&file).map_err(|error| error.to_string())?;
    if found == sha256 {
        return Ok(file);
    }
    Err(format!(
        "{} has the wrong contents: expected SHA-256 {sha256}, found {found}",
        file.display()
    ))
}

fn pool_file(cache: &Cache, path: &str, sha256: &str) -> Result<PathBuf, String> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let file = cache.source().join(name);
    if file.is_file() {
        return Ok(file);
    }
    let failed = |error: std::io::Error| format!("cannot write {}: {error}", file.display());
    let sh = shell().map_err(|error| error.to_string())?;
    sh.create_dir(cache.source())
        .map_err(|error| error.to_string())?;
    let partial = TemporaryFolder::new_in(&cache.source()).map_err(failed)?;
    let download = partial.path().join(name);
    let log = Log::start(cache.log("sources")).map_err(|error| error.to_string())?;
    let uri = format!("{}/pool/{path}", debian_mirror()?);
    download_from_debian(&log, &uri, sha256, &download)?;
    fs::rename(&download, &file).map_err(failed)?;
    Ok(file)
}

/// Cargo downloads it, from the registry that it is configured with.
fn crate_file(name: &str, version: &str) -> Result<PathBuf, String> {
    let file_name = format!("{name}-{version}.crate");
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
        .ok_or("there is no home folder")?;
    let find = || {
        let registries = fs::read_dir(home.join("registry/cache")).ok()?;
        registries
            .flatten()
            .map(|registry| registry.path().join(&file_name))
            .find(|path| path.is_file())
    };
    if let Some(path) = find() {
        return Ok(path);
    }
    let folder = TemporaryFolder::new("crate").map_err(|error| error.to_string())?;
    let manifest = format!(
        "[package]\nname = \"sources\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[lib]\npath = \"lib.rs\"\n\
         [dependencies]\n{name} = \"={version}\"\n"
    );
    let sh = shell().map_err(|error| error.to_string())?;
    for (name, text) in [("Cargo.toml", manifest.as_str()), ("lib.rs", "")] {
        sh.write_file(folder.path().join(name), text)
            .map_err(|error| error.to_string())?;
    }
    let output = crate::cargo::clean_cargo(folder.path())
        .args(["fetch", "--quiet"])
        .output()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    find().ok_or_else(|| {
        format!(
            "cargo did not download {name} {version}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_debians_and_not_the_one_for_security() {
        let targets = "https://other.example/deb Other Other\n\
                       http://security.example/debian-security Debian Debian-Security\n\
                       http://mirror.example/debian Debian Debian\n";
        let debian = Some("http://mirror.example/debian");
        assert_eq!(mirror_in(targets, "Debian"), debian);
        assert_eq!(mirror_in(targets, "Ubuntu"), None);
    }
}
