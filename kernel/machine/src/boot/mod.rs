//! How the machine comes to the kernel: what starts it, and what that has told. Nothing outside this folder knows which
//! protocol it was.
//!
//! `pvh/` is the entry of the PVH protocol, to which stage 2 in `bios/` jumps, too; what is read of the loader's
//! structures is in the crate `boot-info`. A protocol is of the architectures that have it.

mod bios;
mod pvh;

use bareflow_boot_info::{BootError, BootInfo, LoaderMemory};

/// Memory that the entry has mapped.
struct EntryMemory;

const MAPPED_BYTES: u64 = 4 << 30;

impl LoaderMemory<'static> for EntryMemory {
    fn bytes(&self, address: u64, size_bytes: usize) -> Option<&'static [u8]> {
        let end = address.checked_add(size_bytes as u64)?;
        if address == 0 || end > MAPPED_BYTES {
            return None;
        }
        let start = core::ptr::with_exposed_provenance(address as usize);
        // SAFETY: the promise of `read`, which alone makes one of these.
        Some(unsafe { core::slice::from_raw_parts(start, size_bytes) })
    }
}

/// Reads what the loader has told, which is at this address. Its texts are the loader's memory.
///
/// # Errors
/// [`BootError`].
///
/// # Safety
/// The entry's tables must be in use, and nothing may write to the loader's memory while the result is used.
pub(crate) unsafe fn read(address: usize) -> Result<BootInfo<'static>, BootError> {
    let info = bareflow_boot_info::pvh::read(&EntryMemory, address as u64)?;
    Ok(bios::completed(info))
}
