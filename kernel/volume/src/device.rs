//! Disks as rows of sectors.

use core::fmt;

/// The size of a sector, in bytes.
pub const SECTOR_SIZE_BYTES: usize = bareflow_boot_layout::SECTOR_SIZE_BYTES;

/// Why a disk did not do what it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceError {
    /// The sectors are not on the disk, or the buffer is not of whole sectors.
    OutOfRange,
    /// Fewer bytes were transferred than asked for.
    Short,
    /// The disk cannot be written.
    ReadOnly,
    /// The disk or its driver reports an error, in the driver's words.
    Failed(&'static str),
}

impl fmt::Display for DeviceError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::OutOfRange => formatter.write_str("the sectors are not on the disk"),
            Self::Short => formatter.write_str("the disk transferred less than was asked for"),
            Self::ReadOnly => formatter.write_str("the disk cannot be written"),
            Self::Failed(reason) => write!(formatter, "the disk fails: {reason}"),
        }
    }
}

impl core::error::Error for DeviceError {}

/// A disk, or a part of one.
///
/// A sector is written whole or not at all, also when the power fails. Writes may reach the disk in any order;
/// those before a [`flush`](Self::flush) do so before those behind it.
pub trait BlockDevice {
    /// How many sectors it has.
    fn sector_count(&self) -> u64;

    /// Reads sectors; the length of `buffer`, a multiple of [`SECTOR_SIZE_BYTES`], says how many.
    ///
    /// # Errors
    /// [`DeviceError`]; the contents of `buffer` mean nothing then.
    fn read(&mut self, first_sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError>;

    /// Writes sectors; the length of `bytes`, a multiple of [`SECTOR_SIZE_BYTES`], says how many.
    ///
    /// # Errors
    /// [`DeviceError`]; any of the sectors may have been written then.
    fn write(&mut self, first_sector: u64, bytes: &[u8]) -> Result<(), DeviceError>;

    /// Returns when everything that was written is on the disk, whatever happens to the power afterwards.
    ///
    /// # Errors
    /// [`DeviceError`]; any of what was written since the last flush may be missing then.
    fn flush(&mut self) -> Result<(), DeviceError>;
}

impl<D: BlockDevice + ?Sized> BlockDevice for &mut D {
    fn sector_count(&self) -> u64 {
        (**self).sector_count()
    }

    fn read(&mut self, first_sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        (**self).read(first_sector, buffer)
    }

    fn write(&mut self, first_sector: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        (**self).write(first_sector, bytes)
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        (**self).flush()
    }
}

/// Whether `length_bytes` from a sector on are whole sectors of a disk of this size.
pub(crate) fn check_range(
    sector_count: u64,
    first_sector: u64,
    length_bytes: usize,
) -> Result<(), DeviceError> {
    let sectors = (length_bytes / SECTOR_SIZE_BYTES) as u64;
    let whole = length_bytes.is_multiple_of(SECTOR_SIZE_BYTES);
    match first_sector.checked_add(sectors) {
        Some(end) if whole && end <= sector_count => Ok(()),
        _ => Err(DeviceError::OutOfRange),
    }
}
