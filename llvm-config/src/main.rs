//! The `llvm-config` that ships in a distribution and answers for it.

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bareflow_llvm_config::query::{Distribution, QueryError, answer, usage};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = prefix()
        .and_then(Distribution::open)
        .and_then(|distribution| match answer(&distribution, &arguments) {
            // As upstream's: the usage, and failure.
            Err(QueryError::NoOption) => {
                eprint!("{}", usage(&distribution.build.target));
                Ok(None)
            }
            answer => Ok(Some(answer?)),
        });
    match result {
        Ok(Some(text)) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Ok(None) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("llvm-config: error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The distribution that this program lies in.
fn prefix() -> Result<PathBuf, Box<dyn Error>> {
    let program = env::current_exe()?.canonicalize()?;
    program
        .parent()
        .and_then(Path::parent)
        .map(Path::to_owned)
        .ok_or_else(|| "this program does not lie in a distribution's bin folder".into())
}
