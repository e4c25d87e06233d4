//! `cargo xtask cache`: what the cache holds, whether it is whole, less of it, and the same elsewhere.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use bareflow_build::distribution;
use bareflow_build::llvm::{Inputs, LlvmProfile, Request};
use bareflow_build::packing::listing::Contents;
use bareflow_build::paths::Cache;
use bareflow_build::remote::Address;
use bareflow_build::sdk;
use bareflow_build::store::{self, Current, Pushed};
use bareflow_build::tools::{Installation, Tools};
use bareflow_image::error::Result;
use bareflow_run::say;

/// Look at the cache, check it, make it smaller, or bring its packages to another one.
#[derive(Args, Debug)]
pub struct CacheArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List what it holds
    Ls,
    /// Compare every byte of every package and of every archive with what is recorded of it
    Verify,
    /// Delete build trees, logs, all packages but the current and the newest of each kind, and what is damaged or unfinished
    Gc,
    /// Bring every archive, and what lies beside it, to another cache
    Push {
        /// A folder, http(s)://HOST/FOLDER, or s3://BUCKET/PREFIX
        #[arg(value_name = "DEST")]
        to: OsString,
    },
}

impl CacheArgs {
    /// Does it.
    ///
    /// # Errors
    /// What cannot be read or deleted.
    pub fn run(self) -> Result<ExitCode> {
        let cache = Cache::find()?;
        match self.action {
            Action::Ls => {
                for entry in store::list(&cache)? {
                    say!(
                        "{:>9.1} MB  {}",
                        entry.size_bytes as f64 / 1e6,
                        entry.path.display()
                    );
                }
            }
            Action::Verify => {
                let problems = store::verify(&cache)?;
                for problem in &problems {
                    say!("{problem}");
                }
                if !problems.is_empty() {
                    say!("delete what is damaged: `cargo xtask llvm` and `sdk` provide it anew");
                    return Ok(ExitCode::FAILURE);
                }
                say!("every package is whole");
            }
            Action::Gc => {
                let current = current(&cache).unwrap_or_else(|error| {
                    let reason = error.to_string();
                    eprintln!(
                        "warning: every whole package is kept, because the current ones are unknown: {}",
                        reason.lines().next().unwrap_or_default()
                    );
                    Current::Unknown
                });
                say!(
                    "{:.1} MB freed",
                    store::collect(&cache, &current)? as f64 / 1e6
                );
            }
            Action::Push { to } => {
                let to = Address::parse(&to);
                for pushed in store::push(&cache, &to)? {
                    match pushed {
                        Pushed::New(archive) => say!("{} is there now", archive.display()),
                        Pushed::Same(archive) => say!("{} was there already", archive.display()),
                    }
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The packages that this checkout would use.
fn current(cache: &Cache) -> Result<Current> {
    let tools = Tools::find(Installation::from_flag(false))?;
    let mut names = Vec::new();
    for profile in [LlvmProfile::Full, LlvmProfile::Jit] {
        let request = Request {
            profile,
            ..Request::default()
        };
        let identity = Inputs::collect(&tools, &request)?.identity();
        // An SDK is made for a distribution that is there.
        if let Some(folder) = store::find(cache, &identity, Contents::Sized)? {
            let sdk = sdk::Inputs::collect(&tools, &folder, &request)?;
            names.push(sdk.identity().name());
        }
        names.push(identity.name());
        let distribution = distribution::Inputs::collect(&tools, &request)?;
        names.push(distribution.identity().name());
    }
    Ok(Current::Known(names))
}
