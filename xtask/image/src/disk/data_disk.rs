//! A disk without a kernel: one FAT16 partition, for the hosted kernel's snapshots.

use std::fs::File;
use std::io;
use std::path::Path;

use bareflow_boot_layout::{FAT16_PARTITION_TYPE, SECTOR_SIZE_BYTES};
use mbrman::{BOOT_INACTIVE, CHS, MBR, MBRPartitionEntry};

use super::blueprint::DISK_SIGNATURE;
use super::{PARTITION_ALIGNMENT_SECTORS, fat};
use crate::outputs::{OutputError, OutputFile};

/// The size of such a disk; the file is sparse.
pub const DATA_DISK_SIZE_BYTES: u64 = 256 << 20;

/// Makes the file.
///
/// # Errors
/// [`OutputError`].
pub fn write_data_disk(path: &Path, size_bytes: u64) -> Result<(), OutputError> {
    OutputFile::new(path, "--disk")?.write(|file| write(file, size_bytes))
}

fn write(mut file: &mut File, size_bytes: u64) -> io::Result<()> {
    file.set_len(size_bytes)?;
    let sectors = u32::try_from(size_bytes / SECTOR_SIZE_BYTES as u64).unwrap_or(u32::MAX);
    let start = PARTITION_ALIGNMENT_SECTORS;
    let mut table = MBR::new_from(&mut file, SECTOR_SIZE_BYTES as u32, DISK_SIGNATURE)
        .map_err(io::Error::other)?;
    table[1] = MBRPartitionEntry {
        boot: BOOT_INACTIVE,
        first_chs: CHS::empty(),
        sys: FAT16_PARTITION_TYPE,
        last_chs: CHS::empty(),
        starting_lba: start,
        sectors: sectors - start,
    };
    table.write_into(&mut file).map_err(io::Error::other)?;
    fat::write(file, start, sectors - start)
}
