//! `cargo xtask order`: renews the order of LLVM's functions in the machine's kernel.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use bareflow_build::kernel::FUNCTION_ORDER;
use bareflow_build::shell::shell;
use bareflow_build::shell::write_whole;
use bareflow_build::tools::Installation;
use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result};
use bareflow_report::order;
use bareflow_run::say;

/// Renew the order of LLVM's functions in the machine's kernel, from boots of programs.
///
/// Functions that run in these boots come first, so that few pages of LLVM are used. Renew it when LLVM or the tiers
/// have changed.
#[derive(Args, Debug)]
pub struct OrderArgs {
    /// Install missing tools with apt first
    #[arg(long)]
    install_tools: bool,
    /// The programs, each in one file [default: the examples]
    #[arg(value_name = "PROGRAM")]
    programs: Vec<PathBuf>,
}

impl OrderArgs {
    /// Writes the file.
    ///
    /// # Errors
    /// That a program cannot be booted, or the file not be written.
    pub fn run(self) -> Result<ExitCode> {
        let context = Context::prepare(Installation::from_flag(self.install_tools))?;
        let mut programs = self.programs;
        if programs.is_empty() {
            programs = examples(&context)?;
        }
        let names = order::learn(&context, &programs, |number| {
            eprintln!("{}", programs[number].display());
        })?;
        let path = context.root.join(FUNCTION_ORDER);
        let count = names.len();
        write_whole(&path, (names.join("\n") + "\n").as_bytes())?;
        eprintln!("{count} functions of LLVM ran");
        say!("{}", path.display());
        Ok(ExitCode::SUCCESS)
    }
}

fn examples(context: &Context) -> Result<Vec<PathBuf>> {
    let folder = context.root.join("examples");
    let mut programs = shell()?.read_dir(&folder)?;
    programs.retain(|path| {
        path.extension()
            .is_some_and(|kind| kind == "c" || kind == "ll")
    });
    if programs.is_empty() {
        return Err(Error::build(format!(
            "there is no program in {}",
            folder.display()
        )));
    }
    Ok(programs)
}
