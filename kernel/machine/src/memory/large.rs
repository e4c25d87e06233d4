//! Memory for very large variables: at addresses of their own, above all that is mapped to itself, where any frames can
//! be put one behind the other.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bareflow_cxx_runtime::platform::PlatformError;
use bareflow_memory::{Access, PAGE_SIZE_BYTES, TABLE_PAGES, large_entry};
use x86_64::PhysAddr;
use x86_64::structures::paging::page_table::{PageTable, PageTableFlags};

use super::{UPPER, exact_pages, platform_error, with_space, without_write_protection, zero};

/// What a directory maps: an entry of the table of level 3.
const SLOT_PAGES: usize = TABLE_PAGES * TABLE_PAGES;
/// The first that is used: 16 GiB.
const FIRST_SLOT: usize = 16;
const SLOT_LIMIT: usize = TABLE_PAGES;

static NEXT_SLOT: AtomicUsize = AtomicUsize::new(FIRST_SLOT);

/// `Platform::map_large`.
pub(crate) fn map_large(size_bytes: usize) -> Result<usize, PlatformError> {
    let size_bytes = size_bytes
        .checked_next_multiple_of(PAGE_SIZE_BYTES)
        .ok_or(PlatformError::OutOfMemory)?;
    let count = exact_pages(0, size_bytes)?.len();
    let (table_count, slots) = (count.div_ceil(TABLE_PAGES), count.div_ceil(SLOT_PAGES));
    let slot = NEXT_SLOT.load(Relaxed);
    if slot + slots > SLOT_LIMIT {
        return Err(PlatformError::OutOfMemory);
    }
    with_space(|space| {
        if space.free_count() < count + table_count + slots {
            return Err(PlatformError::OutOfMemory);
        }
        let tables = space
            .map(table_count + slots, Access::ReadWrite)
            .map_err(platform_error)?;
        zero(tables..tables + table_count + slots);
        let start = core::ptr::with_exposed_provenance_mut::<PageTable>(tables * PAGE_SIZE_BYTES);
        // SAFETY: the pages are fresh, mapped at their physical addresses, and stay tables for ever; zeros are a table.
        let tables = unsafe { core::slice::from_raw_parts_mut(start, table_count + slots) };
        let address = start.expose_provenance();
        let fill = |page: usize, frame: usize| {
            tables[page / TABLE_PAGES][page % TABLE_PAGES] = large_entry(frame);
        };
        space.take_each(count, fill).map_err(platform_error)?;
        let (tables, directories) = tables.split_at_mut(table_count);
        let flags = PageTableFlags::PRESENT | PageTableFlags::WRITABLE;
        let place = |index: usize| PhysAddr::new((address + index * PAGE_SIZE_BYTES) as u64);
        for index in 0..tables.len() {
            directories[index / TABLE_PAGES][index % TABLE_PAGES].set_addr(place(index), flags);
        }
        // SAFETY: the table is the kernel's own, which nobody else borrows after the start; what was not mapped is in no
        // translation buffer.
        let level3 = unsafe { &mut (&mut *UPPER.0.get()).level3 };
        without_write_protection(|| {
            for index in 0..slots {
                level3[slot + index].set_addr(place(table_count + index), flags);
            }
        });
        Ok(())
    })?;
    NEXT_SLOT.store(slot + slots, Relaxed);
    let first = slot * SLOT_PAGES;
    zero(first..first + count);
    Ok(first * PAGE_SIZE_BYTES)
}
