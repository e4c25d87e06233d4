//! Which memory the machine has, who uses which part of it, and what the page tables say: as plain logic
//! over slices, without touching the machine.
//!
//! 1. Frames are numbers; a frame has 4 KiB and its physical address is its number times 4096.
//! 2. What is mapped at an address below [`LIMIT_BYTES`] is the memory with that physical address, except
//!    in the pool, a window into which any frame can be put.
//! 3. No mapping is writable and executable at once: [`Access`] has no such value.
//! 4. What the bits of an entry are is a [format](format): all else knows [`Entry`] alone.
//!
//! It never reads or writes the memory that it keeps account of.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod address_space;
mod entry;
pub mod format;
mod frames;
mod memory_map;

pub use address_space::{Access, AddressSpace, Cache, Frame, MapError, Pool};
pub use entry::{Entry, TABLE_PAGES, Table, entry_mut, entry_of};
pub use frames::{Frames, WORDS};
pub use memory_map::{Region, RegionKind, frames_of};

/// Bytes in a page and in a frame.
pub const PAGE_SIZE_BYTES: usize = 4096;
/// Memory from here on is not used: the small code model and 32-bit relocations reach up to it.
pub const LIMIT_BYTES: usize = 2 << 30;
/// Frames below the limit.
pub const LIMIT_FRAMES: usize = LIMIT_BYTES / PAGE_SIZE_BYTES;
