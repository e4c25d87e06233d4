//! The tests of the whole: cargo's checks, every example in every kernel and tier, and bad input.

mod bad_input;
mod cargo;
mod examples;
mod matrix;
mod runner;
mod subject;

pub use cargo::clean_cargo;
pub use runner::{Outcome, Summary, Test};
