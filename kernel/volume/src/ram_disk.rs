//! A disk in memory that remembers every write, for tests: it can lose power, and fail.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::device::{BlockDevice, DeviceError, SECTOR_SIZE_BYTES, check_range};

type Sector = [u8; SECTOR_SIZE_BYTES];

/// What was done to a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A sector was written.
    Write(u64, Box<Sector>),
    /// Everything before is on the disk for good.
    Flush,
}

/// How a disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// So many sectors are read as they should be, then reading fails in this way.
    Reads(u64, DeviceError),
    /// So many sectors are written as they should be, then writing and flushing fail in this way.
    Writes(u64, DeviceError),
}

/// The disk. A clone shares what was on the disk at first.
#[derive(Clone, Debug, Default)]
pub struct RamDisk {
    original: Arc<Vec<u8>>,
    changed: BTreeMap<u64, Sector>,
    operations: Vec<Operation>,
    failure: Option<Failure>,
}

impl RamDisk {
    /// A disk with these contents, of whole sectors.
    #[must_use]
    pub fn new(contents: Vec<u8>) -> Self {
        Self {
            original: Arc::new(contents),
            ..Self::default()
        }
    }

    /// All that is on it.
    #[must_use]
    pub fn contents(&self) -> Vec<u8> {
        let mut contents = self.original.to_vec();
        for (sector, bytes) in &self.changed {
            let offset = *sector as usize * SECTOR_SIZE_BYTES;
            contents[offset..offset + SECTOR_SIZE_BYTES].copy_from_slice(bytes);
        }
        contents
    }

    /// What was done to it since the last time that this was asked.
    pub fn take_operations(&mut self) -> Vec<Operation> {
        core::mem::take(&mut self.operations)
    }

    /// Writes a sector that no operation tells of.
    pub fn apply(&mut self, sector: u64, bytes: &Sector) {
        self.changed.insert(sector, *bytes);
    }

    /// Lets it fail from now on, or not any more.
    pub fn fail(&mut self, failure: Option<Failure>) {
        self.failure = failure;
    }

    /// Counts a sector of a read.
    fn count_read(&mut self) -> Result<(), DeviceError> {
        match &mut self.failure {
            Some(Failure::Reads(0, error)) => Err(*error),
            Some(Failure::Reads(left, _)) => {
                *left -= 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn count_write(&mut self) -> Result<(), DeviceError> {
        match &mut self.failure {
            Some(Failure::Writes(0, error)) => Err(*error),
            Some(Failure::Writes(left, _)) => {
                *left -= 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl BlockDevice for RamDisk {
    fn sector_count(&self) -> u64 {
        (self.original.len() / SECTOR_SIZE_BYTES) as u64
    }

    fn read(&mut self, first_sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        check_range(self.sector_count(), first_sector, buffer.len())?;
        for (sector, bytes) in (first_sector..).zip(buffer.chunks_exact_mut(SECTOR_SIZE_BYTES)) {
            self.count_read()?;
            let offset = sector as usize * SECTOR_SIZE_BYTES;
            match self.changed.get(&sector) {
                Some(changed) => bytes.copy_from_slice(changed),
                None => bytes.copy_from_slice(&self.original[offset..offset + SECTOR_SIZE_BYTES]),
            }
        }
        Ok(())
    }

    fn write(&mut self, first_sector: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        check_range(self.sector_count(), first_sector, bytes.len())?;
        let sectors = bytes.as_chunks::<SECTOR_SIZE_BYTES>().0;
        for (sector, bytes) in (first_sector..).zip(sectors) {
            self.count_write()?;
            self.changed.insert(sector, *bytes);
            self.operations
                .push(Operation::Write(sector, Box::new(*bytes)));
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        if let Some(Failure::Writes(0, error)) = self.failure {
            return Err(error);
        }
        self.operations.push(Operation::Flush);
        Ok(())
    }
}
