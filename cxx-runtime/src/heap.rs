//! One heap for C, C++ and Rust: talc over pages of the platform.

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicUsize, Ordering};

use talc::DefaultBinning;
use talc::base::Talc;
use talc::base::binning::Binning;
use talc::source::Source;

use crate::platform::Protection;
use crate::runtime::platform;
use crate::{arena, errno};

/// The heap and the arena grow by at least this many bytes.
pub(crate) const GROWTH_BYTES: usize = 4 << 20;

/// What every block is aligned to at least: `max_align_t` of x86-64.
const MINIMUM_ALIGNMENT: usize = 16;

static MAPPED_BYTES: AtomicUsize = AtomicUsize::new(0);

/// Whole pages with room for a block, its alignment, and talc's own records.
pub(crate) fn bytes_of_pages_for(layout: Layout) -> Option<usize> {
    layout
        .size()
        .checked_add(layout.align())?
        .checked_add(64 << 10)?
        .checked_next_multiple_of(platform().page_size_bytes())
}

#[derive(Debug)]
struct PlatformPages;

// SAFETY: `acquire` reaches the heap through its argument only, and the platform's page allocator does
// not allocate from the heap.
unsafe impl Source for PlatformPages {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        let exact = bytes_of_pages_for(layout).ok_or(())?;
        let read_write = Protection::READ | Protection::WRITE;
        let generous = exact.max(GROWTH_BYTES);
        let (address, size) = match platform().map_pages(generous, read_write) {
            Ok(address) => (address, generous),
            Err(_) => (
                platform().map_pages(exact, read_write).map_err(drop)?,
                exact,
            ),
        };
        MAPPED_BYTES.fetch_add(size, Ordering::Relaxed);
        // SAFETY: the pages are fresh, writable and never given back.
        unsafe { talc.claim(address as *mut u8, size) }
            .map(drop)
            .ok_or(())
    }
}

/// There is one thread, so there is no lock: a program that faults inside the allocator would leave it
/// taken for ever.
#[cfg(not(test))]
type Heap = talc::cell::TalcSyncCell<PlatformPages, DefaultBinning>;

/// Tests run on several threads.
#[cfg(test)]
type Heap = talc::sync::TalcLock<spinning_top::RawSpinlock, PlatformPages, DefaultBinning>;

/// The heap's own records, between words that tell whether somebody has overwritten them.
#[repr(C)]
struct Guarded {
    before: AtomicUsize,
    heap: Heap,
    after: AtomicUsize,
}

impl core::ops::Deref for Guarded {
    type Target = Heap;

    fn deref(&self) -> &Heap {
        &self.heap
    }
}

const CANARY: usize = 0x6865_6170_6865_6170;

static HEAP: Guarded = Guarded {
    before: AtomicUsize::new(CANARY),
    #[cfg(not(test))]
    // SAFETY: there is one thread, and no interrupt handler allocates.
    heap: unsafe { Heap::new(talc::cell::TalcCell::new(PlatformPages)) },
    #[cfg(test)]
    heap: Heap::new(PlatformPages),
    after: AtomicUsize::new(CANARY),
};

/// Whether what lies around the heap's own records is as it was. For interrupt handlers too.
#[must_use]
pub fn heap_is_intact() -> bool {
    [&HEAP.before, &HEAP.after]
        .into_iter()
        .all(|word| word.load(Ordering::Relaxed) == CANARY)
}

/// Bytes that the heap took from the platform so far.
#[must_use]
pub fn heap_bytes() -> usize {
    MAPPED_BYTES.load(Ordering::Relaxed)
}

/// The Rust allocator over the same heap: `#[global_allocator] static HEAP: GlobalHeap = GlobalHeap;`.
#[derive(Debug)]
pub struct GlobalHeap;

// SAFETY: every call is passed on to talc as it is.
unsafe impl GlobalAlloc for GlobalHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are talc's.
        unsafe { HEAP.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are talc's.
        unsafe { HEAP.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promises are talc's.
        unsafe { HEAP.realloc(block, layout, size) }
    }
}

/// What stands before every C block: C frees a block without naming its size.
#[repr(C)]
struct Header {
    /// Bytes from the start of the allocation to the block; also the allocation's alignment.
    offset: usize,
    /// Bytes of the whole allocation; the highest bit is set in blocks of the arena.
    size: usize,
}

const OF_ARENA: usize = 1 << (usize::BITS - 1);

impl Header {
    fn is_of_arena(&self) -> bool {
        self.size & OF_ARENA != 0
    }

    fn layout(&self) -> Layout {
        // SAFETY: `allocate` made the header from a valid layout.
        unsafe { Layout::from_size_align_unchecked(self.size & !OF_ARENA, self.offset) }
    }
}

/// The header of a block, where it stands.
unsafe fn header_of(block: *mut c_void) -> *mut Header {
    // SAFETY: `allocate` put a header right before every block.
    unsafe { block.cast::<Header>().sub(1) }
}

/// A block of `size` bytes aligned to `alignment` (a power of two), or null.
pub(crate) fn allocate(size: usize, alignment: usize) -> *mut c_void {
    let offset = alignment.max(MINIMUM_ALIGNMENT);
    let Some(layout) = size
        .checked_add(offset)
        .and_then(|total| Layout::from_size_align(total, offset).ok())
    else {
        return core::ptr::null_mut();
    };
    let of_arena = arena::is_selected();
    let start = if of_arena {
        arena::allocate(layout)
    } else {
        // SAFETY: the layout's size is at least `offset`, so not zero.
        unsafe { HEAP.alloc(layout) }
    };
    if start.is_null() {
        return core::ptr::null_mut();
    }
    // SAFETY: `offset` is at least the size of a header, and the allocation reaches beyond it.
    unsafe {
        let block = start.add(offset).cast::<c_void>();
        header_of(block).write(Header {
            offset,
            size: layout.size() | if of_arena { OF_ARENA } else { 0 },
        });
        block
    }
}

fn allocate_or_errno(size: usize, alignment: usize) -> *mut c_void {
    let block = allocate(size, alignment);
    if block.is_null() {
        errno::set(errno::ENOMEM);
    }
    block
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) extern "C" fn malloc(size: usize) -> *mut c_void {
    allocate_or_errno(size, MINIMUM_ALIGNMENT)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn free(block: *mut c_void) {
    if block.is_null() {
        return;
    }
    // SAFETY: the caller passes a block of this heap, so a header stands before it.
    unsafe {
        let header = header_of(block).read();
        let start = block.cast::<u8>().sub(header.offset);
        if header.is_of_arena() {
            arena::deallocate(start, header.layout());
        } else {
            HEAP.dealloc(start, header.layout());
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    let Some(total) = count.checked_mul(size) else {
        errno::set(errno::ENOMEM);
        return core::ptr::null_mut();
    };
    let block = malloc(total);
    if !block.is_null() {
        // SAFETY: the block has `total` bytes.
        unsafe { core::ptr::write_bytes(block.cast::<u8>(), 0, total) };
    }
    block
}

/// A block of another size with the same contents, in the heap that is selected; null leaves the old one.
///
/// # Safety
/// The block must be of `old_size` bytes.
unsafe fn move_block(
    block: *mut c_void,
    old_size: usize,
    size: usize,
    alignment: usize,
) -> *mut c_void {
    let fresh = allocate_or_errno(size, alignment);
    if !fresh.is_null() {
        // SAFETY: both blocks have this many bytes, and are apart.
        unsafe {
            core::ptr::copy_nonoverlapping(
                block.cast::<u8>(),
                fresh.cast::<u8>(),
                old_size.min(size),
            );
            free(block);
        }
    }
    fresh
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    if block.is_null() {
        return malloc(size);
    }
    // SAFETY: the caller passes a block of this heap, so a header stands before it; the new layout is
    // checked, and the contents move with the header's room.
    unsafe {
        let header = header_of(block).read();
        let layout = header.layout();
        if header.is_of_arena() {
            return move_block(block, layout.size() - header.offset, size, header.offset);
        }
        let grown = size
            .checked_add(header.offset)
            .and_then(|total| Layout::from_size_align(total, header.offset).ok())
            .map_or(core::ptr::null_mut(), |grown| {
                let start = block.cast::<u8>().sub(header.offset);
                HEAP.realloc(start, layout, grown.size())
            });
        if grown.is_null() {
            errno::set(errno::ENOMEM);
            return core::ptr::null_mut();
        }
        let fresh = grown.add(header.offset).cast::<c_void>();
        (*header_of(fresh)).size = header.offset + size;
        fresh
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn reallocarray(block: *mut c_void, count: usize, size: usize) -> *mut c_void {
    match count.checked_mul(size) {
        // SAFETY: the caller's promises are those of `realloc`.
        Some(total) => unsafe { realloc(block, total) },
        None => {
            errno::set(errno::ENOMEM);
            core::ptr::null_mut()
        }
    }
}

/// How many bytes of a block can be used.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn malloc_usable_size(block: *mut c_void) -> usize {
    if block.is_null() {
        return 0;
    }
    // SAFETY: the caller passes a block of this heap, so a header stands before it.
    unsafe {
        let header = header_of(block).read();
        header.layout().size() - header.offset
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn memalign(alignment: usize, size: usize) -> *mut c_void {
    aligned_alloc(alignment, size)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn valloc(size: usize) -> *mut c_void {
    aligned_alloc(platform().page_size_bytes(), size)
}

/// Whole pages.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pvalloc(size: usize) -> *mut c_void {
    let page = platform().page_size_bytes();
    match size.checked_next_multiple_of(page) {
        Some(total) => aligned_alloc(page, total),
        None => {
            errno::set(errno::ENOMEM);
            core::ptr::null_mut()
        }
    }
}

/// Free pages cannot be told apart from the rest of the heap: none are given back.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn malloc_trim(_left: usize) -> c_int {
    0
}

/// There is nothing to tune.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn mallopt(_parameter: c_int, _value: c_int) -> c_int {
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn cfree(block: *mut c_void) {
    // SAFETY: the caller's promises are those of `free`.
    unsafe { free(block) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn posix_memalign(
    result: *mut *mut c_void,
    alignment: usize,
    size: usize,
) -> c_int {
    if !alignment.is_power_of_two() || !alignment.is_multiple_of(size_of::<usize>()) {
        return errno::EINVAL;
    }
    let block = allocate(size, alignment);
    if block.is_null() {
        return errno::ENOMEM;
    }
    // SAFETY: the caller gives a place for the result.
    unsafe { *result = block };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn aligned_alloc(alignment: usize, size: usize) -> *mut c_void {
    if !alignment.is_power_of_two() {
        errno::set(errno::EINVAL);
        return core::ptr::null_mut();
    }
    allocate_or_errno(size, alignment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::test_platform;

    #[test]
    fn blocks_are_aligned_distinct_and_reusable() {
        test_platform::install();
        for alignment in [16, 32, 64, 4096] {
            let block = aligned_alloc(alignment, 100);
            assert!(!block.is_null());
            assert_eq!(block as usize % alignment, 0);
            // SAFETY: the block has 100 bytes and is freed once.
            unsafe {
                core::ptr::write_bytes(block.cast::<u8>(), 0xa5, 100);
                free(block);
            }
        }
    }

    #[test]
    fn realloc_keeps_the_contents() {
        test_platform::install();
        let block = malloc(10).cast::<u8>();
        // SAFETY: the writes and reads stay within the sizes asked for.
        unsafe {
            for index in 0..10 {
                block.add(index).write(index as u8);
            }
            let grown = realloc(block.cast(), 100_000).cast::<u8>();
            for index in 0..10 {
                assert_eq!(grown.add(index).read(), index as u8);
            }
            let shrunk = realloc(grown.cast(), 4).cast::<u8>();
            assert_eq!(shrunk.add(3).read(), 3);
            free(shrunk.cast());
        }
    }

    #[test]
    fn absurd_sizes_fail_with_enomem() {
        test_platform::install();
        assert!(malloc(usize::MAX).is_null());
        assert!(calloc(usize::MAX / 2, 3).is_null());
        let mut result = core::ptr::null_mut();
        // SAFETY: the result has a place.
        unsafe {
            assert_eq!(posix_memalign(&raw mut result, 24, 8), errno::EINVAL);
            assert_eq!(
                posix_memalign(&raw mut result, 64, usize::MAX - 64),
                errno::ENOMEM
            );
            assert_eq!(posix_memalign(&raw mut result, 64, 8), 0);
            free(result);
        }
    }

    #[test]
    fn calloc_zeroes_used_memory() {
        test_platform::install();
        let block = malloc(64);
        // SAFETY: both blocks have 64 bytes.
        unsafe {
            core::ptr::write_bytes(block.cast::<u8>(), 0xff, 64);
            free(block);
            let zeroed = calloc(8, 8).cast::<u8>();
            assert!((0..64).all(|index| zeroed.add(index).read() == 0));
            free(zeroed.cast());
        }
    }
}
