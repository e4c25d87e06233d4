//! Whether the firmware names a second processor.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bareflow_acpi::{Physical, find_root, other_processor};
use bareflow_boot_info::FirmwareTables;

use crate::arch::second::initial_id;

const NONE: u64 = u64::MAX;

/// The second processor's number.
static FOUND: AtomicU64 = AtomicU64::new(NONE);

/// Memory while the entry's tables are in use.
struct LowMemory;

const MAPPED_BYTES: u64 = 4 << 30;

impl Physical for LowMemory {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Option<()> {
        let end = address.checked_add(buffer.len() as u64)?;
        if address == 0 || end > MAPPED_BYTES {
            return None;
        }
        let start = core::ptr::with_exposed_provenance::<u8>(address as usize);
        for (offset, byte) in buffer.iter_mut().enumerate() {
            // SAFETY: all of this is mapped now; where no memory is, reading gives something, and changes nothing that
            // the kernel uses.
            *byte = unsafe { start.add(offset).read_volatile() };
        }
        Some(())
    }
}

/// Looks for one.
///
/// # Safety
/// The first 4 GiB must be mapped.
pub(crate) unsafe fn find(tables: &FirmwareTables) {
    let root = match tables {
        FirmwareTables::Root(root) => Some(*root),
        FirmwareTables::Within(range) => find_root(&LowMemory, range.clone()),
    };
    let other = root.and_then(|root| other_processor(&LowMemory, root, initial_id()));
    FOUND.store(other.map_or(NONE, u64::from), Relaxed);
}

/// The second processor's number, if there is one.
pub(super) fn found() -> Option<u32> {
    u32::try_from(FOUND.load(Relaxed)).ok()
}
