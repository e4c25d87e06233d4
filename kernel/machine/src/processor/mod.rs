//! The processor: its features, its segments, and its source of randomness.

pub(crate) mod features;
pub(crate) mod random;
pub(crate) mod segments;
