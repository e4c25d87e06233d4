//! Tests of libc++ that are right to fail here.

/// The start of a path below the folder of tests, and why.
pub const KNOWN: &[(&str, &str)] = &[];
