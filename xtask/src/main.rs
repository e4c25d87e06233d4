//! The build automation of BareFlow: `cargo xtask COMMAND`.
//!
//! 1. Results are on stdout; progress, commands and errors are on stderr.
//! 2. Every failure says what to do next and has its own exit code.
//! 3. Everything that is built is found again by the hash of what it was built from.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod audit;
mod bench;
mod commands;
mod e2e;
mod error;
mod image;
mod kernel;
mod launch;
mod llvm;
mod paths;
mod profile;
mod program;
mod qemu;
mod shell;
mod supervise;
mod temporary;
mod tools;
mod workbench;

/// Builds LLVM for the bare machine, kernels and images, and runs programs in them.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Doctor(commands::doctor::DoctorArgs),
    Llvm(commands::llvm::LlvmArgs),
    Cache(commands::cache::CacheArgs),
    Image(commands::image::ImageArgs),
    Run(commands::run::RunArgs),
    Test(commands::test::TestArgs),
    Bench(commands::bench::BenchArgs),
    Report(commands::report::ReportArgs),
    Ci(commands::ci::CiArgs),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Doctor(arguments) => arguments.run(),
        Command::Llvm(arguments) => arguments.run(),
        Command::Cache(arguments) => arguments.run(),
        Command::Image(arguments) => arguments.run(),
        Command::Run(arguments) => arguments.run(),
        Command::Test(arguments) => arguments.run(),
        Command::Bench(arguments) => arguments.run(),
        Command::Report(arguments) => arguments.run(),
        Command::Ci(arguments) => arguments.run(),
    };
    result.unwrap_or_else(|error| {
        eprintln!("bareflow: error: {error}");
        ExitCode::from(error.exit_code())
    })
}
