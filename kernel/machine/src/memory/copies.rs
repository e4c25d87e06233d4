//! A copy of all memory that can be written, for the second processor.

use alloc::vec::Vec;
use core::ops::Range;

use bareflow_memory::{
    Access, Cache, Entry as _, MapError, PAGE_SIZE_BYTES, TABLE_PAGES, Table, entry_of,
};

use super::{AddressSpace, flush, page_of, with_space};
use crate::arch::cpu::without_interrupts;
use crate::arch::mm::{self, Entry};
use crate::image;
use crate::layout::{HANDLER_STACK_AREA, STACK};
use crate::single_thread_cell::SingleThreadCell;

/// What the second processor gets to work with, beside the copy: half of what is free, but no more than this.
const MOST_ROOM_PAGES: usize = (128 << 20) / PAGE_SIZE_BYTES;
/// With less, it is not worth while.
const LEAST_ROOM_PAGES: usize = (24 << 20) / PAGE_SIZE_BYTES;

/// Larger pieces would be copied by the processor's own loop (`rep movsb`), which an emulator runs byte by byte.
const PIECE_SIZE_BYTES: usize = 1024;

/// Pages that both processors see.
static SHARED: SingleThreadCell<Vec<Range<usize>>> = SingleThreadCell::new(Vec::new());

/// Such a copy.
pub(crate) struct MemoryCopy {
    /// Where its tables are.
    pub(crate) tables: usize,
    /// The frames that are free in it.
    pub(crate) free: Range<usize>,
    /// All of its frames, which are mapped where they are.
    frames: Range<usize>,
}

/// Has both processors see these pages, of which none is given back while there is a copy.
pub(crate) fn share(pages: Range<usize>) {
    let mut shared = SHARED.borrow();
    if !shared.contains(&pages) {
        shared.push(pages);
    }
}

fn is_shared(space: &AddressSpace, page: usize, is_writable: bool) -> bool {
    // LLVM's code and constants stay where they are.
    let is_llvm = page >= page_of(image::llvm_text().start) && space.is_in_pool(page);
    (is_llvm && !is_writable) || SHARED.borrow().iter().any(|pages| pages.contains(&page))
}

/// Copies everything, but for what lies below the stack pointer. `None` if there is too little memory.
pub(crate) fn copy(stack: usize) -> Option<MemoryCopy> {
    without_interrupts(|| {
        let frames = with_space(|space| reserve(space))?;
        // SAFETY: the frames are mapped where they are, and nobody else has them; any bytes are a table.
        let tables = unsafe {
            let start = core::ptr::with_exposed_provenance_mut(frames.start * PAGE_SIZE_BYTES);
            let count = with_space(|space| space.copied_table_count());
            core::slice::from_raw_parts_mut::<Table<Entry>>(start, count)
        };
        let free = with_space(|space| {
            let is_shared = |page, is_writable| is_shared(space, page, is_writable);
            space.copy_to(tables, frames.clone(), is_shared)
        });
        // What `reserve` has counted cannot be too little. Nothing is borrowed from here on: that would be copied too.
        let free = free.ok()?;
        copy_contents(tables, frames.start + tables.len()..free.start, stack);
        // SAFETY: none of these pages is shared: the copy has frames of its own for them, which are mapped where they
        // are.
        let root = unsafe {
            mm::connect_copy(tables.len(), frames.start, |address| {
                frame_in(tables, page_of(address))
            })
        };
        Some(MemoryCopy {
            tables: root,
            free,
            frames,
        })
    })
}

fn reserve(space: &mut AddressSpace) -> Option<Range<usize>> {
    let own = space.own_count(|page, is_writable| is_shared(space, page, is_writable));
    let needed = space.copied_table_count() + own;
    let room = (space.free_count().checked_sub(needed)? / 2).min(MOST_ROOM_PAGES);
    if room < LEAST_ROOM_PAGES {
        return None;
    }
    let count = needed + room;
    let first = space.map(count, Access::ReadWrite).ok()?;
    Some(first..first + count)
}

fn copy_contents(tables: &[Table<Entry>], own: Range<usize>, stack: usize) {
    let unused = page_of(STACK)..page_of(stack).min(page_of(HANDLER_STACK_AREA));
    let used = (0..).zip(tables).filter(|(_, table)| !table.is_empty());
    for page in used.flat_map(|(index, _)| index * TABLE_PAGES..(index + 1) * TABLE_PAGES) {
        let frame = frame_in(tables, page);
        let is_there = entry_of(tables, page).is_some_and(Entry::is_present);
        if !is_there || !own.contains(&frame) || unused.contains(&page) {
            continue;
        }
        for offset in (0..PAGE_SIZE_BYTES).step_by(PIECE_SIZE_BYTES) {
            // SAFETY: the page is mapped for reading in these tables as in the processor's, and so is the frame, which
            // nobody has yet.
            unsafe {
                core::ptr::copy_nonoverlapping(
                    core::ptr::with_exposed_provenance::<u8>(page * PAGE_SIZE_BYTES + offset),
                    core::ptr::with_exposed_provenance_mut::<u8>(frame * PAGE_SIZE_BYTES + offset),
                    PIECE_SIZE_BYTES,
                );
            }
        }
    }
}

/// The frame of a page in tables; 0 if it has none.
fn frame_in(tables: &[Table<Entry>], page: usize) -> usize {
    entry_of(tables, page).map_or(0, |entry| entry.frame() as usize)
}

/// Takes the memory of a copy back that nobody uses any more.
pub(crate) fn drop_copy(copy: MemoryCopy) {
    let frames = copy.frames;
    with_space(|space| {
        let count = space.copied_table_count();
        let start = core::ptr::with_exposed_provenance(frames.start * PAGE_SIZE_BYTES);
        // SAFETY: the copy's tables are there, and nobody writes to them any more.
        let tables = unsafe { core::slice::from_raw_parts(start, count) };
        let llvm = page_of(image::llvm_text().start)..count * TABLE_PAGES;
        space.add_accessed(llvm, tables);
        space
            .unmap(frames.clone())
            .expect("the frames are mapped since the copy was made");
    });
    flush(frames);
}

/// In the copy: these frames are its own, and no others.
pub(crate) fn keep_free(frames: Range<usize>) {
    with_space(|space| space.keep_free(frames));
}

/// What a page is mapped to, and whether it can be written; `None` if it is not there.
pub(crate) fn mapping(page: usize) -> Option<(usize, bool)> {
    with_space(|space| space.mapping(page))
}

/// In the copy: maps a page of LLVM that the first processor has.
///
/// # Errors
/// [`MapError::InvalidRange`]: it is not LLVM's.
pub(crate) fn place_llvm_page(page: usize, frame: usize, access: Access) -> Result<(), MapError> {
    with_space(|space| space.place(page, frame as u64, access, Cache::On))?;
    mm::flush_page(page);
    Ok(())
}
