//! A file as a disk.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use bareflow_volume::{BlockDevice, DeviceError, SECTOR_SIZE_BYTES};

/// A file as a disk. One that was opened for reading only fails to be written.
#[derive(Debug)]
pub struct FileDisk {
    file: File,
    sector_count: u64,
}

impl FileDisk {
    /// The whole file.
    ///
    /// # Errors
    /// What the system said.
    pub fn new(file: File) -> io::Result<Self> {
        let sector_count = file.metadata()?.len() / SECTOR_SIZE_BYTES as u64;
        Ok(Self { file, sector_count })
    }
}

fn failed(_: io::Error) -> DeviceError {
    DeviceError::Failed("the disk's file cannot be read or written")
}

fn offset(sector: u64) -> Result<u64, DeviceError> {
    sector
        .checked_mul(SECTOR_SIZE_BYTES as u64)
        .ok_or(DeviceError::OutOfRange)
}

impl BlockDevice for FileDisk {
    fn sector_count(&self) -> u64 {
        self.sector_count
    }

    fn read(&mut self, first_sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        let offset = offset(first_sector)?;
        self.file.read_exact_at(buffer, offset).map_err(failed)
    }

    fn write(&mut self, first_sector: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        let offset = offset(first_sector)?;
        self.file.write_all_at(bytes, offset).map_err(failed)
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        // The next to read it is a process of the same system.
        Ok(())
    }
}
