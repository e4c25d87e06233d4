//! Snapshots: a program's native code and what was learnt about it, for the next boot.
//!
//! 1. A snapshot is checked whole before anything in it is used: size, checksum, authentication, structure, keys.
//!    What fails is refused with a reason, and never half used.
//! 2. There is one way to write a snapshot: equal contents are equal bytes.
//! 3. Reading borrows: names and code stay where the file was read to.
//! 4. The newest snapshot that is not refused counts. A snapshot is deleted only when a newer one is on the disk,
//!    or when it was refused or is older than the one in use, and its room is needed.
//!
//! The layout is in the book's page "Reference: snapshots", byte by byte.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

mod decode;
mod destination;
mod encode;
mod layout;
mod model;
mod processor;
mod profile;
mod refusal;
pub mod seen;
mod store;
mod wire;

pub use decode::{Expected, decode, inspect};
pub use destination::{Destination, DestinationError};
pub use encode::encode;
pub use layout::{pages_of, without_last_zeros, without_zeros};
pub use model::{
    Access, Allocation, Anchor, AnchorKind, Authentication, Function, Import, Keys, Kind, Owner,
    PAGE_SIZE_BYTES, Region, Snapshot, hash_of_modules,
};
pub use processor::{BASELINE, level_named, level_of, levels};
pub use profile::{CallCycles, Part, Profile, Sample};
pub use refusal::{Key, Refusal};
pub use store::{
    DEFAULT_KEEP, FOLDER, LoadedSnapshot, SaveError, Saved, Series, Store, inspect_newest,
};
pub use wire::VERSION;
