//! What must hold for any input of the readers of partition tables, volumes and snapshots.
//!
//! 1. A target takes bytes and panics if a promise of a reader is broken. The same targets run under libFuzzer (the
//!    folder `fuzz`) and with made-up input in the ordinary tests.
//! 2. What is promised is checked against second, simple implementations, not only against panics.
//! 3. Memory and disk operations are counted: what a reader takes is bounded by what it is given.
//!
//! The book's page "Reference: robustness" lists the promises.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod partition;
mod snapshot;
mod volume;

/// A reader with everything that must hold for it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which is also that of its fuzz target.
    pub name: &'static str,
    /// Runs it on these bytes; panics if something does not hold.
    pub check: fn(&[u8]),
    /// Inputs to start from, which lead deep into the reader.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// The partition reader.
pub const PARTITION: Target = Target {
    name: "partition",
    check: partition::check,
    seeds: partition::seeds,
};

/// The reader of snapshots.
pub const SNAPSHOT: Target = Target {
    name: "snapshot",
    check: snapshot::check,
    seeds: snapshot::seeds,
};

/// The FAT16 volume.
pub const VOLUME: Target = Target {
    name: "volume",
    check: volume::check,
    seeds: volume::seeds,
};

/// All of them.
pub const TARGETS: [Target; 3] = [PARTITION, SNAPSHOT, VOLUME];

/// The most memory that an action had at a time, in bytes, and what it returned.
fn peak_bytes_of<T>(action: impl FnOnce() -> T) -> (u64, T) {
    let mut result = None;
    let info = allocation_counter::measure(|| result = Some(action()));
    (info.bytes_max, result.expect("the action was run"))
}

/// A reason is one line without a full stop.
fn assert_is_reason(reason: &impl std::fmt::Display) {
    let text = reason.to_string();
    let is_line = !text.is_empty() && !text.contains('\n') && !text.ends_with('.');
    assert!(is_line, "not a reason: {text:?}");
}
