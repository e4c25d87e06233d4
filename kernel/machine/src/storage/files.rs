//! The program's files that are not in the bundle: on the disk behind LLVM, or in memory where a loader had to load
//! everything.

use core::ops::Range;

use bareflow_program_env::FileRegion;
use bareflow_volume::{DeviceError, SECTOR_SIZE_BYTES};

use super::disk;
use crate::single_thread_cell::SingleThreadCell;

enum Place {
    Nowhere,
    /// From this sector on.
    Disk(u64),
    Memory(&'static [u8]),
}

/// Where the files are.
pub(crate) struct Region(SingleThreadCell<Place>);

pub(crate) static REGION: Region = Region(SingleThreadCell::new(Place::Nowhere));

/// The files begin with this sector of the machine's disk.
pub(super) fn are_on_disk(first_sector: u64) {
    *REGION.0.borrow() = Place::Disk(first_sector);
}

/// A loader has put the files here, if there are any.
///
/// # Safety
/// The range must be mapped for reading for ever, and nothing may write to it.
pub(crate) unsafe fn are_loaded(bytes: Range<usize>) {
    if bytes.is_empty() {
        return;
    }
    let start = core::ptr::with_exposed_provenance(bytes.start);
    // SAFETY: the caller's promise.
    let bytes = unsafe { core::slice::from_raw_parts(start, bytes.len()) };
    *REGION.0.borrow() = Place::Memory(bytes);
}

impl FileRegion for Region {
    fn read(&self, first_sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        let place = self.0.try_borrow();
        match place.as_deref() {
            Some(Place::Disk(start)) => {
                let sector = start
                    .checked_add(first_sector)
                    .ok_or(DeviceError::OutOfRange)?;
                disk::read_with(sector, buffer.len(), |bytes| buffer.copy_from_slice(bytes))
            }
            Some(Place::Memory(all)) => {
                let start = usize::try_from(first_sector)
                    .ok()
                    .and_then(|sector| sector.checked_mul(SECTOR_SIZE_BYTES));
                let bytes = start
                    .and_then(|start| all.get(start..)?.get(..buffer.len()))
                    .ok_or(DeviceError::OutOfRange)?;
                buffer.copy_from_slice(bytes);
                Ok(())
            }
            Some(Place::Nowhere) | None => Err(DeviceError::Failed("there is none")),
        }
    }
}
