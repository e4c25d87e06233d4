//! The FAT16 volume: the program's modules and files under their names, and the folder of snapshots.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use bareflow_boot_layout::SECTOR_SIZE_BYTES;
use bareflow_bundle::{Bundle, FILE, MODULE};
use fatfs::{FatType, FileSystem, FormatVolumeOptions, FsOptions};

const VOLUME_LABEL: [u8; 11] = *b"BAREFLOW   ";
const VOLUME_ID: u32 = u32::from_le_bytes(*b"BFLW");
/// Where modules and files go, and where the kernel will keep native code.
const PROGRAM_FOLDER: &str = "program";
const FILES_FOLDER: &str = "files";
const BOOT_FOLDER: &str = "boot";
const SNAPSHOTS_FOLDER: &str = "boot/snapshots";

/// How many bytes of files come from the bundle.
pub(super) fn content_size_bytes(bundle: &[u8]) -> usize {
    let Ok(bundle) = Bundle::open(bundle) else {
        return 0;
    };
    bundle.entries().map(|entry| entry.contents.len()).sum()
}

/// Makes the volume in a range of sectors that holds zeros.
pub(super) fn write(
    file: &mut File,
    first_sector: u32,
    sectors: u32,
    bundle: &[u8],
) -> io::Result<()> {
    let mut partition = Partition {
        start: u64::from(first_sector) * SECTOR_SIZE_BYTES as u64,
        size_bytes: u64::from(sectors) * SECTOR_SIZE_BYTES as u64,
        position: 0,
        file,
    };
    let options = FormatVolumeOptions::new()
        .fat_type(FatType::Fat16)
        .total_sectors(sectors)
        .volume_id(VOLUME_ID)
        .volume_label(VOLUME_LABEL);
    fatfs::format_volume(&mut partition, options)?;
    let volume = FileSystem::new(&mut partition, FsOptions::new())?;
    let root = volume.root_dir();
    root.create_dir(BOOT_FOLDER)?;
    root.create_dir(SNAPSHOTS_FOLDER)?;
    if let Ok(bundle) = Bundle::open(bundle) {
        for (prefix, folder) in [(MODULE, PROGRAM_FOLDER), (FILE, FILES_FOLDER)] {
            for entry in bundle.with_prefix(prefix) {
                let path = format!("{folder}/{}", entry.name.trim_start_matches('/'));
                create_parents(&root, &path)?;
                let mut target = root.create_file(&path)?;
                target.truncate()?;
                target.write_all(entry.contents)?;
            }
        }
    }
    drop(root);
    volume.unmount()
}

fn create_parents<T: fatfs::ReadWriteSeek>(root: &fatfs::Dir<T>, path: &str) -> io::Result<()> {
    for (end, _) in path.match_indices('/') {
        root.create_dir(&path[..end])?;
    }
    Ok(())
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
