//! `cargo xtask cache`: what the cache holds, whether it is whole, and less of it.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use bareflow_build::paths::Cache;
use bareflow_build::store;
use bareflow_image::error::Result;
use bareflow_run::say;

/// Look at the cache, check it, or make it smaller.
#[derive(Args, Debug)]
pub struct CacheArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List what it holds
    Ls,
    /// Compare every archive with its recorded SHA-256
    Verify,
    /// Delete build trees, logs and all distributions but the newest of each profile
    Gc,
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
                    return Ok(ExitCode::FAILURE);
                }
                say!("every distribution is whole");
            }
            Action::Gc => say!("{:.1} MB freed", store::collect(&cache)? as f64 / 1e6),
        }
        Ok(ExitCode::SUCCESS)
    }
}
