//! Memory for very large variables: at addresses of their own, above all that is mapped to itself, where any frames can
//! be put one behind the other.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bareflow_cxx_runtime::platform::PlatformError;
use bareflow_memory::{Access, Cache, Entry as _, PAGE_SIZE_BYTES, TABLE_PAGES, Table};

use super::{exact_pages, platform_error, with_space, zero};
use crate::arch::mm::{Entry, FIRST_LARGE_SLOT, LARGE_SLOT_LIMIT, attach_large};

/// What a directory maps.
const SLOT_PAGES: usize = TABLE_PAGES * TABLE_PAGES;

static NEXT_SLOT: AtomicUsize = AtomicUsize::new(FIRST_LARGE_SLOT);

/// `Platform::map_large`.
pub(crate) fn map_large(size_bytes: usize) -> Result<usize, PlatformError> {
    let size_bytes = size_bytes
        .checked_next_multiple_of(PAGE_SIZE_BYTES)
        .ok_or(PlatformError::OutOfMemory)?;
    let count = exact_pages(0, size_bytes)?.len();
    let (table_count, slots) = (count.div_ceil(TABLE_PAGES), count.div_ceil(SLOT_PAGES));
    let slot = NEXT_SLOT.load(Relaxed);
    if slot + slots > LARGE_SLOT_LIMIT {
        return Err(PlatformError::OutOfMemory);
    }
    with_space(|space| {
        if space.free_count() < count + table_count + slots {
            return Err(PlatformError::OutOfMemory);
        }
        let first_table = space
            .map(table_count + slots, Access::ReadWrite)
            .map_err(platform_error)?;
        zero(first_table..first_table + table_count + slots);
        let start =
            core::ptr::with_exposed_provenance_mut::<Table<Entry>>(first_table * PAGE_SIZE_BYTES);
        // SAFETY: the pages are fresh, mapped at their physical addresses, and stay tables for ever; zeros are a table.
        let tables = unsafe { core::slice::from_raw_parts_mut(start, table_count + slots) };
        let fill = |page: usize, frame: usize| {
            tables[page / TABLE_PAGES].0[page % TABLE_PAGES] =
                Entry::page(frame as u64, Access::ReadWrite, Cache::On);
        };
        space.take_each(count, fill).map_err(platform_error)?;
        let (tables, directories) = tables.split_at_mut(table_count);
        for index in 0..tables.len() {
            directories[index / TABLE_PAGES].0[index % TABLE_PAGES] =
                Entry::table((first_table + index) as u64);
        }
        attach_large(slot..slot + slots, first_table + table_count);
        Ok(())
    })?;
    NEXT_SLOT.store(slot + slots, Relaxed);
    let first = slot * SLOT_PAGES;
    zero(first..first + count);
    Ok(first * PAGE_SIZE_BYTES)
}
