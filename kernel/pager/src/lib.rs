//! Which pages of LLVM are read from the disk, in which order, and what the next boot learns from it: as plain
//! logic, without touching the machine.
//!
//! 1. Pages are read in clusters: all pages of a cluster at once, checked against the cluster's checksum, and
//!    decompressed if they are stored so.
//! 2. Which clusters are touched first, in which order, is recorded; a boot that knows the record reads them all
//!    when the first is touched, in few large reads. Which pages are used at all is recorded with it.
//! 3. A record is a hint. One that is damaged, torn or of another image is refused with a reason.
//!
//! A fault handler can use everything but the record: nothing else allocates.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

mod clusters;
mod contents;
mod pages;
mod record;
mod runs;
mod window;

pub use clusters::{Clusters, LIMIT_CLUSTERS};
pub use contents::contents;
pub use pages::PageSet;
pub use record::{Owner, RECORD_FOLDER, RECORD_NAMES, Record, RecordError};
pub use runs::runs;
pub use window::{Contents, Page, Section, Window};

const _: () =
    assert!(bareflow_boot_layout::clusters::PAGE_SIZE_BYTES == bareflow_memory::PAGE_SIZE_BYTES);
