//! The tests of the whole: cargo's checks, the distribution, every example in every kernel and tier, and bad input.

mod bad_input;
mod cargo;
mod distribution;
mod examples;
mod jail;
mod libc_bitcode;
mod matrix;
mod outside;
mod runner;
mod subject;
mod volume;

use std::io;
use std::sync::Arc;

pub use cargo::{clean_cargo, lints, unit_tests};
pub use matrix::Extent;
pub use runner::{Outcome, Summary, Test, report, run};
pub use subject::Subject;

/// Every test that runs a program.
///
/// # Errors
/// That the examples cannot be read.
pub fn program_tests(subject: &Arc<Subject>, extent: Extent) -> io::Result<Vec<Test>> {
    let mut tests = matrix::tests(subject, extent)?;
    tests.extend(distribution::tests(subject));
    tests.extend(volume::tests(subject));
    tests.extend(bad_input::tests(subject));
    tests.extend(jail::tests(subject));
    Ok(tests)
}
