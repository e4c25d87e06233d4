//! What the machine runs, if the crate that uses it does not bring its own.

mod engine;
mod host;
