//! Caches elsewhere: HTTP servers and S3-compatible stores, read and written.
//!
//! 1. What a server has is known by the name of the file alone: there is no index.
//! 2. Whatever fails is tried again if that may help, and goes on where it stopped; nothing waits without an end.
//! 3. Nothing that comes from a server is believed: the caller compares it with its manifest.

pub mod address;
mod client;
mod place;

pub use address::Address;
pub use client::{Failure, Patience, Remote};

#[cfg(test)]
mod tests;
