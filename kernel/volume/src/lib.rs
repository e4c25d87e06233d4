//! A FAT16 volume in a partition of a disk, read and written so that a power cut loses nothing that was there.
//!
//! 1. A file is visible when all of it is on the disk: clusters and both allocation tables are written and flushed
//!    before the entry that leads to them. Deleting goes the other way.
//! 2. Mounting checks the whole structure and writes nothing. A volume that contradicts itself is refused.
//! 3. Files may be open: they are read and written in parts, grow and shrink. Bytes that a file has are changed in
//!    place; how long it is, is on the disk with [`Volume::commit`]. A name that moves is the old or the new one.
//! 4. What a cut leaves behind is unreachable. It counts as free at once; [`Volume::recover`] tidies the disk up.
//! 5. After a failed write the volume is only read, until it is mounted again.
//!
//! It knows neither FAT12 nor FAT32. The layout is that of
//! Microsoft's "FAT: General Overview of On-Disk Format", version 1.03.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

mod boot_sector;
mod device;
mod draft;
mod error;
mod folder;
mod names;
mod open_file;
mod partition;
pub mod ram_disk;
mod scan;
mod table;
mod timestamp;
mod volume;

pub use boot_sector::BootSectorError;
pub use device::{BlockDevice, DeviceError, SECTOR_SIZE_BYTES};
pub use draft::Draft;
pub use error::{Corruption, VolumeError};
pub use folder::Entry;
pub use open_file::OpenFile;
pub use partition::{Partition, PartitionError};
pub use timestamp::Timestamp;
pub use volume::{Folder, Recovery, Volume};
