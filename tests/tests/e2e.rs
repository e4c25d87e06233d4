//! The tests of programs for cargo's own commands, each by its name: `cargo test` and `cargo nextest run`, with
//! `--package bareflow-tests --test e2e`. `cargo xtask test` runs them all, with those of the crates.

use std::process::ExitCode;

use bareflow_tests::campaign::{Purpose, tests_of_programs};
use bareflow_tests::{Outcome, Test};
use libtest_mimic::{Arguments, Completion, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let purpose = if arguments.list {
        Purpose::List
    } else {
        Purpose::Run
    };
    match tests_of_programs(purpose) {
        Ok(tests) => {
            let trials = tests.into_iter().map(trial).collect();
            libtest_mimic::run(&arguments, trials).exit_code()
        }
        Err(error) => {
            eprintln!("bareflow: error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn trial(test: Test) -> Trial {
    Trial::ignorable_test(test.name().to_owned(), move || match test.run() {
        Outcome::Passed => Ok(Completion::Completed),
        Outcome::Skipped(reason) => Ok(Completion::ignored_with(reason)),
        Outcome::Failed(details) => Err(details.into()),
    })
}
