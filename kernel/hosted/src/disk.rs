//! A disk in a file.

use core::ffi::CStr;

use bareflow_volume::{BlockDevice, DeviceError, SECTOR_SIZE_BYTES};

use crate::linux::{self, Access, Errno};

/// A file as a disk, for this process alone.
#[derive(Debug)]
pub(crate) struct FileDisk {
    descriptor: usize,
    sector_count: u64,
    access: Access,
}

impl FileDisk {
    /// Opens and locks the file. One that cannot be written is only read.
    ///
    /// # Errors
    /// Linux's; `EWOULDBLOCK` if another process has the file.
    pub(crate) fn open(path: &CStr) -> Result<Self, Errno> {
        let (descriptor, access) = match linux::open(path, Access::ReadWrite) {
            Ok(descriptor) => (descriptor, Access::ReadWrite),
            Err(Errno::EACCES | Errno::EROFS) => {
                (linux::open(path, Access::ReadOnly)?, Access::ReadOnly)
            }
            Err(error) => return Err(error),
        };
        linux::lock(descriptor)?;
        let size_bytes = linux::file_size_bytes(descriptor)?;
        Ok(Self {
            descriptor,
            sector_count: (size_bytes / SECTOR_SIZE_BYTES) as u64,
            access,
        })
    }

    /// Where on the file `length` bytes are.
    fn offset(&self, first_sector: u64, length: usize) -> Result<usize, DeviceError> {
        let sectors = (length / SECTOR_SIZE_BYTES) as u64;
        let is_whole = length.is_multiple_of(SECTOR_SIZE_BYTES);
        first_sector
            .checked_add(sectors)
            .filter(|end| is_whole && *end <= self.sector_count)
            .ok_or(DeviceError::OutOfRange)?;
        Ok(first_sector as usize * SECTOR_SIZE_BYTES)
    }
}

fn failed(error: Errno) -> DeviceError {
    DeviceError::Failed(bareflow_cxx_runtime::errno::description(error.0))
}

impl BlockDevice for FileDisk {
    fn sector_count(&self) -> u64 {
        self.sector_count
    }

    fn read(&mut self, first_sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        let mut offset = self.offset(first_sector, buffer.len())?;
        let mut rest = buffer;
        while !rest.is_empty() {
            match linux::read_at(self.descriptor, rest, offset).map_err(failed)? {
                0 => return Err(DeviceError::Short),
                count => {
                    offset += count;
                    rest = &mut rest[count..];
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, first_sector: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        if self.access == Access::ReadOnly {
            return Err(DeviceError::ReadOnly);
        }
        let mut offset = self.offset(first_sector, bytes.len())?;
        let mut rest = bytes;
        while !rest.is_empty() {
            match linux::write_at(self.descriptor, rest, offset).map_err(failed)? {
                0 => return Err(DeviceError::Short),
                count => {
                    offset += count;
                    rest = &rest[count..];
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        linux::synchronise(self.descriptor).map_err(failed)
    }
}
