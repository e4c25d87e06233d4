//! The build automation of BareFlow: `cargo xtask COMMAND`.
//!
//! 1. Results are on stdout; progress, commands and errors are on stderr.
//! 2. Every failure says what to do next and has its own exit code.
//! 3. Everything that is built is found again by the hash of what it was built from.

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

mod commands;

use bareflow_image::error::Error;

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
    Sdk(commands::sdk::SdkArgs),
    Path(commands::path::PathArgs),
    Cache(commands::cache::CacheArgs),
    Release(commands::release::ReleaseArgs),
    Image(commands::image::ImageArgs),
    Export(commands::export::ExportArgs),
    Shrink(commands::shrink::ShrinkArgs),
    Disk(commands::disk::DiskArgs),
    Size(commands::size::SizeArgs),
    Run(commands::run::RunArgs),
    Test(commands::test::TestArgs),
    Bench(commands::bench::BenchArgs),
    Fuzz(commands::fuzz::FuzzArgs),
    Order(commands::order::OrderArgs),
    Report(commands::report::ReportArgs),
    Converge(commands::converge::ConvergeArgs),
    Ci(commands::ci::CiArgs),
}

/// Whether an environment variable changes what compilers and linkers do, in one of the spellings that they or build
/// systems read: for the tools that are started here, everything is on their command lines.
fn is_compiler_setting(name: &str) -> bool {
    const WHOLE: &[&str] = &[
        "CCC_ADD_ARGS",
        "CCC_OVERRIDE_OPTIONS",
        "COMPILER_PATH",
        "CPATH",
        "C_INCLUDE_PATH",
        "CPLUS_INCLUDE_PATH",
        "GCC_EXEC_PREFIX",
        "LIBRARY_PATH",
        "OBJC_INCLUDE_PATH",
    ];
    const BASES: &[&str] = &[
        "AR", "ARFLAGS", "AS", "ASFLAGS", "CC", "CFLAGS", "CPPFLAGS", "CXX", "CXXFLAGS", "LD",
        "LDFLAGS", "RANLIB",
    ];
    let base = ["TARGET_", "HOST_"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name);
    let is_of = |known: &&str| {
        base.strip_prefix(*known)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("_x86_64"))
    };
    WHOLE.contains(&name) || BASES.iter().any(is_of)
}

fn forget_compiler_settings() {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_compiler_setting) {
            // SAFETY: this process has one thread yet.
            unsafe { std::env::remove_var(&name) };
        }
    }
}

fn main() -> ExitCode {
    forget_compiler_settings();
    let words = commands::program::with_long_include(std::env::args_os());
    let arguments = match Cli::try_parse_from(words) {
        Ok(arguments) => arguments,
        Err(error) => return answer(&error),
    };
    let result = match arguments.command {
        Command::Doctor(arguments) => arguments.run(),
        Command::Llvm(arguments) => arguments.run(),
        Command::Sdk(arguments) => arguments.run(),
        Command::Path(arguments) => arguments.run(),
        Command::Cache(arguments) => arguments.run(),
        Command::Release(arguments) => arguments.run(),
        Command::Image(arguments) => arguments.run(),
        Command::Export(arguments) => arguments.run(),
        Command::Shrink(arguments) => arguments.run(),
        Command::Disk(arguments) => arguments.run(),
        Command::Size(arguments) => arguments.run(),
        Command::Run(arguments) => arguments.run(),
        Command::Test(arguments) => arguments.run(),
        Command::Bench(arguments) => arguments.run(),
        Command::Fuzz(arguments) => arguments.run(),
        Command::Order(arguments) => arguments.run(),
        Command::Report(arguments) => arguments.run(),
        Command::Converge(arguments) => arguments.run(),
        Command::Ci(arguments) => arguments.run(),
    };
    result.unwrap_or_else(|error| {
        eprintln!("bareflow: error: {error}");
        ExitCode::from(error.exit_code())
    })
}

/// Prints what was asked for, `--help` or `--version`, or what is wrong with the command line.
fn answer(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        let error = Error::usage(usage_text(error));
        eprintln!("bareflow: error: {error}");
        return ExitCode::from(error.exit_code());
    }
    // A reader that has gone does not want the rest.
    let _ = error.print();
    ExitCode::SUCCESS
}

fn usage_text(error: &clap::Error) -> String {
    let text = error.render().to_string();
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return format!("no command was given\n\n{}", text.trim_end());
    }
    text.trim_start_matches("error: ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_compilers_are_known() {
        for name in [
            "CXXFLAGS",
            "CPATH",
            "TARGET_CFLAGS",
            "CXXFLAGS_x86_64-unknown-linux-gnu",
            "CC_x86_64_unknown_linux_gnu",
        ] {
            assert!(is_compiler_setting(name), "{name}");
        }
        for name in [
            "PATH",
            "CCACHE_DIR",
            "ASAN_OPTIONS",
            "LD_LIBRARY_PATH",
            "HOST_NAME",
        ] {
            assert!(!is_compiler_setting(name), "{name}");
        }
    }

    #[test]
    fn a_wrong_command_line_is_an_error_like_others() {
        for (line, expected) in [
            ("xtask run --nope a.c", "unexpected argument '--nope'"),
            ("xtask run --tier O9 a.c", "invalid value 'O9'"),
            ("xtask", "no command was given"),
        ] {
            let error = Cli::try_parse_from(line.split(' ')).unwrap_err();
            assert!(usage_text(&error).starts_with(expected), "{line}");
            assert!(error.use_stderr());
        }
        let help = Cli::try_parse_from(["xtask", "run", "--help"]).unwrap_err();
        assert!(!help.use_stderr());
    }
}
