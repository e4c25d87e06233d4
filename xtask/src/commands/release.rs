//! `cargo xtask release`: the packages of this state, as they are published.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use bareflow_build::attest::{Signer, release};
use bareflow_build::distribution;
use bareflow_build::llvm::{self, Request};
use bareflow_build::paths::Cache;
use bareflow_build::sdk;
use bareflow_build::tools::{Installation, Tools};
use bareflow_image::error::{Error, Result};
use bareflow_run::say;

/// The variable with the password of the secret key.
const PASSWORD: &str = "BAREFLOW_SIGNING_PASSWORD";

/// Gather the packages of this state, each with its hash, the list of its parts and where it comes from; sign them.
#[derive(Args, Debug)]
pub struct ReleaseArgs {
    /// Where to put them
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Sign them with this secret key of minisign; its password, if it has one, is in BAREFLOW_SIGNING_PASSWORD
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Fail unless this names the version that is built
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
}

impl ReleaseArgs {
    /// Prints the archives.
    ///
    /// # Errors
    /// When a package cannot be had, written or signed; when the tag is of another version.
    pub fn run(self) -> Result<ExitCode> {
        check_tag(self.tag.as_deref())?;
        // A key that cannot be used is said before anything is built.
        let signer = match &self.key {
            Some(key) => {
                let password = env::var(PASSWORD).ok().filter(|word| !word.is_empty());
                Some(Signer::from_file(key, password)?)
            }
            None => None,
        };
        let tools = Tools::find(Installation::Forbidden)?;
        let cache = Cache::find()?;
        let request = Request::default();
        let libraries = llvm::distribution(&cache, &tools, &request)?;
        let sdk = sdk::provide(&cache, &tools, &libraries, &request)?;
        let product = distribution::provide(&cache, &tools, &request)?;
        let packages = [product, libraries, sdk];
        let archives = release::gather(&packages, &self.out, signer.as_ref())?;
        for archive in archives {
            say!("{}", archive.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn check_tag(tag: Option<&str>) -> Result<()> {
    let expected = concat!("v", env!("CARGO_PKG_VERSION"));
    match tag {
        Some(tag) if tag != expected => Err(Error::usage(format!(
            "the tag {tag} is not of this version, whose tag is {expected}: change `version` in Cargo.toml, or the tag"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_of_the_version_that_is_built() {
        assert!(check_tag(None).is_ok());
        assert!(check_tag(Some(concat!("v", env!("CARGO_PKG_VERSION")))).is_ok());
        let error = check_tag(Some("v99.0.0")).unwrap_err();
        assert_eq!(error.exit_code(), 105);
    }
}
