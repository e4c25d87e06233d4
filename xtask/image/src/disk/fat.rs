//! The FAT16 volume of a new image: the folder of snapshots, and the one of the program's own files.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use bareflow_boot_layout::SECTOR_SIZE_BYTES;
use hadris_fat::format::{FatFormatOptions, FatTypeSelection, FatVolumeFormatter};
use hadris_fat::time::EpochTimeProvider;
use hadris_fat::{FatDir, FatVolume};

const VOLUME_LABEL: &str = "BAREFLOW";
const VOLUME_ID: u32 = u32::from_le_bytes(*b"BFLW");
const SNAPSHOTS_FOLDER: &str = "boot/snapshots";
/// What programs see as `/data`.
const DATA_FOLDER: &str = "data";

/// Makes the volume in a range of sectors that holds zeros.
pub(super) fn write(file: &mut File, first_sector: u32, sectors: u32) -> io::Result<()> {
    let mut partition = Partition {
        start: u64::from(first_sector) * SECTOR_SIZE_BYTES as u64,
        size_bytes: u64::from(sectors) * SECTOR_SIZE_BYTES as u64,
        position: 0,
        file,
    };
    let options = FatFormatOptions::new(partition.size_bytes)
        .fat_type(FatTypeSelection::Fat16)
        .sectors_per_cluster(sectors_per_cluster(sectors))
        .hidden_sectors(first_sector)
        .volume_id(VOLUME_ID)
        .volume_label(VOLUME_LABEL);
    drop(FatVolumeFormatter::format(&mut partition, options).map_err(io::Error::other)?);
    partition.rewind()?;
    // The same inputs make the same image: no time of day is in it.
    let volume = FatVolume::builder(&mut partition)
        .time_provider(&EpochTimeProvider)
        .open()
        .map_err(io::Error::other)?;
    fill(&volume).map_err(io::Error::other)
}

/// The fewest that keep the clusters countable in 16 bits, less the numbers with a meaning of their own
/// (Microsoft, "FAT: General Overview of On-Disk Format", 1.03).
fn sectors_per_cluster(sectors: u32) -> u8 {
    const CLUSTER_LIMIT: u32 = 65_524;
    const LARGEST: u32 = 64;
    let needed = sectors.div_ceil(CLUSTER_LIMIT).next_power_of_two();
    // A volume that is too large for FAT16 is refused by the formatter.
    needed.min(LARGEST) as u8
}

fn fill<T: Read + Write + Seek>(volume: &FatVolume<T>) -> hadris_fat::Result<()> {
    folder(volume, SNAPSHOTS_FOLDER)?;
    folder(volume, DATA_FOLDER)?;
    volume.sync()
}

/// The folder of this path, made if it is not there.
fn folder<'a, T: Read + Write + Seek>(
    volume: &'a FatVolume<T>,
    path: &str,
) -> hadris_fat::Result<FatDir<'a, T>> {
    let mut folder = volume.root_dir();
    for name in path.split('/').filter(|name| !name.is_empty()) {
        folder = match folder.find(name)? {
            Some(_) => folder.open_dir(name)?,
            None => volume.create_dir(&folder, name)?,
        };
    }
    Ok(folder)
}

/// A part of a file as if it were the whole.
struct Partition<'a> {
    file: &'a mut File,
    start: u64,
    size_bytes: u64,
    position: u64,
}

impl Partition<'_> {
    /// Goes to the position in the file; returns how much of `length` is left there.
    fn enter(&mut self, length: usize) -> io::Result<usize> {
        self.file
            .seek(SeekFrom::Start(self.start + self.position))?;
        let left = self.size_bytes.saturating_sub(self.position);
        Ok(usize::try_from(left).map_or(length, |left| length.min(left)))
    }
}

impl Read for Partition<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.enter(buffer.len())?;
        let count = self.file.read(&mut buffer[..length])?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Write for Partition<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.enter(bytes.len())?;
        let count = self.file.write(&bytes[..length])?;
        self.position += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Partition<'_> {
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        let position = match target {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.size_bytes.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
