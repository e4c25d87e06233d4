//! One heap for C, C++ and Rust: small blocks in slabs, large ones by talc, over pages of the platform.

mod slabs;

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicUsize, Ordering};

use talc::DefaultBinning;
use talc::base::Talc;
use talc::base::binning::Binning;
use talc::source::Source;

use self::slabs::Slabs;
use crate::platform::Protection;
use crate::runtime::platform;
use crate::{arena, errno};

/// The heap and the arena grow by at least this many bytes.
pub(crate) const GROWTH_BYTES: usize = 4 << 20;

/// What every block is aligned to at least: `max_align_t` of x86-64, and what vectors of SSE want.
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
struct Heap(talc::cell::TalcCell<PlatformPages, DefaultBinning>);

#[cfg(not(test))]
// SAFETY: there is one thread, and no interrupt handler allocates.
unsafe impl Sync for Heap {}

#[cfg(not(test))]
impl Heap {
    const fn new(source: PlatformPages) -> Self {
        Self(talc::cell::TalcCell::new(source))
    }

    const fn lock(&self) -> &talc::cell::TalcCell<PlatformPages, DefaultBinning> {
        &self.0
    }
}

#[cfg(not(test))]
impl core::ops::Deref for Heap {
    type Target = talc::cell::TalcCell<PlatformPages, DefaultBinning>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Tests run on several threads.
#[cfg(test)]
type Heap = talc::sync::TalcLock<spinning_top::RawSpinlock, PlatformPages, DefaultBinning>;

/// The heap's own records, between words that tell whether somebody has overwritten them.
#[repr(C)]
struct Guarded {
    before: AtomicUsize,
    slabs: SharedSlabs,
    large: Heap,
    after: AtomicUsize,
}

const CANARY: usize = 0x6865_6170_6865_6170_u64 as usize;

static HEAP: Guarded = Guarded {
    before: AtomicUsize::new(CANARY),
    slabs: SharedSlabs::new(),
    large: Heap::new(PlatformPages),
    after: AtomicUsize::new(CANARY),
};

/// Small blocks, for those who share them.
struct SharedSlabs {
    slabs: UnsafeCell<Slabs>,
    #[cfg(test)]
    lock: spinning_top::Spinlock<()>,
}

// SAFETY: there is one thread, and no interrupt handler allocates. Tests lock.
unsafe impl Sync for SharedSlabs {}

impl SharedSlabs {
    const fn new() -> Self {
        Self {
            slabs: UnsafeCell::new(Slabs::new()),
            #[cfg(test)]
            lock: spinning_top::Spinlock::new(()),
        }
    }

    #[inline]
    fn with<R>(&self, action: impl FnOnce(&mut Slabs) -> R) -> R {
        #[cfg(test)]
        let _guard = self.lock.lock();
        // SAFETY: nobody else has a reference: see `Sync`, and no action comes here again.
        action(unsafe { &mut *self.slabs.get() })
    }

    #[inline]
    fn owns(&self, block: *mut u8) -> bool {
        self.with(|slabs| slabs.owns(block))
    }

    /// A block of a class; null when there is no memory.
    #[inline]
    fn allocate(&self, class: usize) -> *mut u8 {
        self.with(|slabs| {
            let block = slabs.allocate(class);
            if block.is_null() {
                grow(slabs);
                return slabs.allocate(class);
            }
            block
        })
    }

    /// Gives a block back.
    ///
    /// # Safety
    /// It must be a small block that is in use.
    #[inline]
    unsafe fn deallocate(&self, block: *mut u8) {
        // SAFETY: the caller's promise.
        self.with(|slabs| unsafe { slabs.deallocate(block) });
    }
}

/// Takes pages of the platform for small blocks; what is no whole segment serves large ones.
#[cold]
#[inline(never)]
fn grow(slabs: &mut Slabs) {
    let Ok(address) = platform().map_pages(GROWTH_BYTES, Protection::READ | Protection::WRITE)
    else {
        return;
    };
    MAPPED_BYTES.fetch_add(GROWTH_BYTES, Ordering::Relaxed);
    let start = core::ptr::with_exposed_provenance_mut::<u8>(address);
    // SAFETY: the pages are fresh, writable and never given back.
    unsafe {
        slabs.add_memory(start..start.add(GROWTH_BYTES), |rest| {
            #[cfg_attr(not(test), expect(unused_mut, reason = "tests lock"))]
            let mut large = HEAP.large.lock();
            // What is too small for talc is lost.
            large.claim(rest.start, rest.end.offset_from(rest.start) as usize);
        });
    }
}

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

// SAFETY: a block is small, and of a class that is large and aligned enough, or talc's with this layout.
unsafe impl GlobalAlloc for GlobalHeap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if let Some(class) = slabs::class_of_aligned(layout.size(), layout.align()) {
            let block = HEAP.slabs.allocate(class);
            if !block.is_null() {
                return block;
            }
        }
        // SAFETY: the caller's promises are talc's.
        unsafe { HEAP.large.alloc(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe {
            if HEAP.slabs.owns(block) {
                HEAP.slabs.deallocate(block);
            } else {
                HEAP.large.dealloc(block, layout);
            }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise; a fresh block has the smaller one's size at least.
        unsafe {
            if !HEAP.slabs.owns(block) {
                return HEAP.large.realloc(block, layout, size);
            }
            if stays(block, size) {
                return block;
            }
            let fresh = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !fresh.is_null() {
                core::ptr::copy_nonoverlapping(block, fresh, layout.size().min(size));
                HEAP.slabs.deallocate(block);
            }
            fresh
        }
    }
}

/// Whether a small block is as well one of another size: no more than half of it would be lost.
///
/// # Safety
/// It must be a small block.
unsafe fn stays(block: *mut u8, size: usize) -> bool {
    // SAFETY: the caller's promise.
    let usable = unsafe { Slabs::usable_bytes(block) };
    size <= usable && size >= usable / 2
}

/// What stands before a C block that is not small: C frees a block without naming its size.
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
        // SAFETY: `allocate_with_header` made the header from a valid layout.
        unsafe { Layout::from_size_align_unchecked(self.size & !OF_ARENA, self.offset) }
    }
}

/// The header of a block, where it stands.
unsafe fn header_of(block: *mut c_void) -> *mut Header {
    // SAFETY: `allocate_with_header` put a header right before the block.
    unsafe { block.cast::<Header>().sub(1) }
}

/// Where C's blocks are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Heap,
    Arena,
}

fn selected_place() -> Place {
    if arena::is_selected() {
        Place::Arena
    } else {
        Place::Heap
    }
}

/// A block of `size` bytes aligned to `alignment` (a power of two), or null.
pub(crate) fn allocate(size: usize, alignment: usize) -> *mut c_void {
    allocate_in(selected_place(), size, alignment)
}

fn allocate_in(place: Place, size: usize, alignment: usize) -> *mut c_void {
    if place == Place::Heap
        && let Some(class) = slabs::class_of_aligned(size, alignment)
    {
        let block = HEAP.slabs.allocate(class);
        if !block.is_null() {
            return block.cast();
        }
    }
    allocate_with_header(place, size, alignment)
}

fn allocate_with_header(place: Place, size: usize, alignment: usize) -> *mut c_void {
    let offset = alignment.max(MINIMUM_ALIGNMENT);
    let Some(layout) = size
        .checked_add(offset)
        .and_then(|total| Layout::from_size_align(total, offset).ok())
    else {
        return core::ptr::null_mut();
    };
    let start = match place {
        Place::Arena => arena::allocate(layout),
        // SAFETY: the layout's size is at least `offset`, so not zero.
        Place::Heap => unsafe { HEAP.large.alloc(layout) },
    };
    if start.is_null() {
        return core::ptr::null_mut();
    }
    let mark = if place == Place::Arena { OF_ARENA } else { 0 };
    // SAFETY: `offset` is at least the size of a header, and the allocation reaches beyond it.
    unsafe {
        let block = start.add(offset).cast::<c_void>();
        header_of(block).write(Header {
            offset,
            size: layout.size() | mark,
        });
        block
    }
}

/// The block, or null and `ENOMEM`.
fn or_errno(block: *mut c_void) -> *mut c_void {
    if block.is_null() {
        errno::set(errno::ENOMEM);
    }
    block
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) extern "C" fn malloc(size: usize) -> *mut c_void {
    if size <= slabs::LARGEST && !arena::is_selected() {
        let block = HEAP.slabs.allocate(slabs::class_of(size));
        if !block.is_null() {
            return block.cast();
        }
    }
    or_errno(allocate_with_header(
        selected_place(),
        size,
        MINIMUM_ALIGNMENT,
    ))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn free(block: *mut c_void) {
    // SAFETY: the caller passes a block of this heap.
    unsafe {
        if HEAP.slabs.owns(block.cast()) {
            HEAP.slabs.deallocate(block.cast());
        } else if !block.is_null() {
            free_with_header(block);
        }
    }
}

unsafe fn free_with_header(block: *mut c_void) {
    // SAFETY: a header stands before a block that is not small.
    unsafe {
        let header = header_of(block).read();
        let start = block.cast::<u8>().sub(header.offset);
        if header.is_of_arena() {
            arena::deallocate(start, header.layout());
        } else {
            HEAP.large.dealloc(start, header.layout());
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

/// A block of another size with the same contents; null leaves the old one.
///
/// # Safety
/// The block must be in use, and of `old_size` bytes.
unsafe fn move_block(
    block: *mut c_void,
    old_size: usize,
    size: usize,
    (place, alignment): (Place, usize),
) -> *mut c_void {
    let fresh = or_errno(allocate_in(place, size, alignment));
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
    // SAFETY: the caller passes a block of this heap: it is small, or a header stands before it. The new layout is
    // checked, and the contents move with the header's room.
    unsafe {
        if HEAP.slabs.owns(block.cast()) {
            if stays(block.cast(), size) {
                return block;
            }
            let usable = Slabs::usable_bytes(block.cast());
            return move_block(block, usable, size, (Place::Heap, MINIMUM_ALIGNMENT));
        }
        let header = header_of(block).read();
        let layout = header.layout();
        if header.is_of_arena() {
            let target = (selected_place(), header.offset);
            return move_block(block, layout.size() - header.offset, size, target);
        }
        let grown = size
            .checked_add(header.offset)
            .and_then(|total| Layout::from_size_align(total, header.offset).ok())
            .map_or(core::ptr::null_mut(), |grown| {
                let start = block.cast::<u8>().sub(header.offset);
                HEAP.large.realloc(start, layout, grown.size())
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
    // SAFETY: the caller passes a block of this heap: it is small, or a header stands before it.
    unsafe {
        if HEAP.slabs.owns(block.cast()) {
            return Slabs::usable_bytes(block.cast());
        }
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
    or_errno(allocate(size, alignment))
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
