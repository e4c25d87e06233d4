//! LLVM's memory: what of it a loader has put where, and pages that are filled when they are touched.

use core::ops::Range;

use bareflow_boot_info::{BootInfo, module};
use bareflow_boot_layout::clusters::Table;
use bareflow_boot_layout::{KernelHeader, SECTOR_SIZE_BYTES};
use bareflow_memory::{Access, Cache, MapError, PAGE_SIZE_BYTES};

use super::{AddressSpace, flush, page_of, pages_of, with_space};
use crate::image::{self, LlvmWindow};

/// LLVM where a loader has put it.
pub(super) struct LoadedLlvm {
    /// All that was loaded.
    pub(super) bytes: Range<usize>,
    /// Where its first page is.
    start: usize,
    /// Which pages these are.
    table: Table<'static>,
}

/// LLVM's window, and what of it is loaded; if nothing is, the header on the disk that it is to be read from.
///
/// # Safety
/// The first 4 GiB must be mapped.
pub(super) unsafe fn find_llvm(
    info: &BootInfo,
) -> (LlvmWindow, Option<LoadedLlvm>, Option<KernelHeader>) {
    // SAFETY: the caller's promise.
    let Some(header) = (unsafe { header_of(info) }) else {
        let mut bytes = image::loaded_llvm();
        // SAFETY: the caller's promise.
        bytes.end += unsafe { image::loaded_symbols_size_bytes() };
        let pages = pages_of(&bytes).len();
        let loaded = LoadedLlvm {
            start: bytes.start,
            bytes,
            table: Table::of_all(pages),
        };
        return (image::llvm_window(pages), Some(loaded), None);
    };
    let pages = header.llvm_pages as usize;
    let window = image::llvm_window(pages);
    let Some(bytes) = info.module(module::LLVM) else {
        return (window, None, Some(header));
    };
    let table_size_bytes = header.llvm_table_sectors as usize * SECTOR_SIZE_BYTES;
    let table = core::ptr::with_exposed_provenance(bytes.start);
    // SAFETY: the caller's promise; the loader has brought the table. Nobody uses it any more when the kernel has its
    // own page tables, in which it is not.
    let table = unsafe { core::slice::from_raw_parts(table, table_size_bytes) };
    let loaded = LoadedLlvm {
        start: bytes.start + table_size_bytes,
        bytes,
        table: Table::open(table, header.llvm_extent())
            .expect("the image was made with the table that its header says"),
    };
    (window, Some(loaded), None)
}

/// The header of the image on the disk that the machine was started from.
///
/// # Safety
/// The loader's modules must be mapped.
unsafe fn header_of(info: &BootInfo) -> Option<KernelHeader> {
    let sector = info.module(module::HEADER)?;
    let start = core::ptr::with_exposed_provenance::<[u8; SECTOR_SIZE_BYTES]>(sector.start);
    if sector.len() < SECTOR_SIZE_BYTES {
        return None;
    }
    // SAFETY: the caller's promise.
    KernelHeader::from_sector(unsafe { &*start }).ok()
}

/// Puts LLVM's memory, which a loader has filled, at LLVM's addresses.
pub(super) fn place_llvm(space: &mut AddressSpace, window: &LlvmWindow, loaded: &LoadedLlvm) {
    let first_frame = page_of(loaded.start);
    let stored = (0..).map_while(|position| loaded.table.page(position));
    for (stored, frame) in stored.zip(first_frame..) {
        if let Some(page) = window.find_stored(stored) {
            space
                .place(page.number, frame as u64, page.access, Cache::On)
                .expect("LLVM's window is in the pool");
        }
    }
}

/// Gives a page of LLVM memory: the contents are `bytes` and zeros behind them.
///
/// # Errors
/// [`MapError::OutOfMemory`].
pub(crate) fn fill_llvm_page(page: usize, access: Access, bytes: &[u8]) -> Result<(), MapError> {
    with_space(|space| {
        space.commit(page, Access::ReadWrite)?;
        let start = core::ptr::with_exposed_provenance_mut::<u8>(page * PAGE_SIZE_BYTES);
        let count = bytes.len().min(PAGE_SIZE_BYTES);
        // SAFETY: the page is mapped writable, and whoever touched it waits for its contents.
        unsafe {
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), start, count);
            core::ptr::write_bytes(start.add(count), 0, PAGE_SIZE_BYTES - count);
        }
        // The access right of its users, to whom the page is still untouched.
        space.commit(page, access)?;
        flush(page..page + 1);
        Ok(())
    })
}

/// Whether anybody has used the page of LLVM since it was filled.
#[cfg(feature = "engine")]
pub(crate) fn is_used(page: usize) -> bool {
    with_space(|space| space.is_accessed(page))
}
