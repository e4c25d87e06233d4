//! A copy of all memory that can be written, for the second processor.

use alloc::vec::Vec;
use core::ops::Range;

use bareflow_memory::{
    Access, AddressSpace, Cache, MapError, PAGE_SIZE_BYTES, TABLE_PAGES, is_empty,
};
use x86_64::instructions::interrupts::without_interrupts;
use x86_64::structures::paging::page_table::{PageTable, PageTableEntry, PageTableFlags};
use x86_64::{PhysAddr, VirtAddr};

use super::{UPPER, flush, page_of, with_space};
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
            core::slice::from_raw_parts_mut::<PageTable>(start, count)
        };
        let free = with_space(|space| {
            let is_shared = |page, is_writable| is_shared(space, page, is_writable);
            space.copy_to(tables, frames.clone(), is_shared)
        });
        // What `reserve` has counted cannot be too little. Nothing is borrowed from here on: that would be copied too.
        let free = free.ok()?;
        copy_contents(tables, frames.start + tables.len()..free.start, stack);
        let root = connect(tables, frames.start);
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

fn copy_contents(tables: &[PageTable], own: Range<usize>, stack: usize) {
    let unused = page_of(STACK)..page_of(stack).min(page_of(HANDLER_STACK_AREA));
    let used = (0..).zip(tables).filter(|(_, table)| !is_empty(table));
    for page in used.flat_map(|(index, _)| index * TABLE_PAGES..(index + 1) * TABLE_PAGES) {
        let entry = &tables[page / TABLE_PAGES][page % TABLE_PAGES];
        let is_there = entry.flags().contains(PageTableFlags::PRESENT);
        let frame = frame_of(entry);
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

fn frame_of(entry: &PageTableEntry) -> usize {
    entry.addr().as_u64() as usize / PAGE_SIZE_BYTES
}

/// Makes the copy's own upper tables lead to its tables; returns where the highest is.
fn connect(tables: &[PageTable], first_table: usize) -> usize {
    let flags = PageTableFlags::PRESENT | PageTableFlags::WRITABLE;
    let address = |frame: usize| PhysAddr::new((frame * PAGE_SIZE_BYTES) as u64);
    let in_copy = |start: usize| {
        let page = page_of(start);
        frame_of(&tables[page / TABLE_PAGES][page % TABLE_PAGES])
    };
    let upper = UPPER.0.get();
    // SAFETY: these are addresses of fields, which are not read.
    let (level4, level3, directories) = unsafe {
        (
            &raw const (*upper).level4,
            &raw const (*upper).level3,
            &raw const (*upper).directories,
        )
    };
    let directories = [0, 1].map(|index| in_copy(directories as usize + index * PAGE_SIZE_BYTES));
    let (level4, level3) = (in_copy(level4 as usize), in_copy(level3 as usize));
    let table_at = |frame: usize| {
        let start = core::ptr::with_exposed_provenance_mut::<PageTable>(frame * PAGE_SIZE_BYTES);
        // SAFETY: the frame is the copy's, mapped where it is, and nobody else has it; it holds a table.
        let table = unsafe { &mut *start };
        table.zero();
        table
    };
    table_at(level4)[0].set_addr(address(level3), flags);
    let upper_table = table_at(level3);
    for (index, directory) in directories.into_iter().enumerate() {
        upper_table[index].set_addr(address(directory), flags);
        let directory = table_at(directory);
        let first = index * TABLE_PAGES;
        for (offset, entry) in directory.iter_mut().enumerate() {
            if first + offset < tables.len() {
                entry.set_addr(address(first_table + first + offset), flags);
            }
        }
    }
    level4 * PAGE_SIZE_BYTES
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
    x86_64::instructions::tlb::flush(VirtAddr::new((page * PAGE_SIZE_BYTES) as u64));
    Ok(())
}
