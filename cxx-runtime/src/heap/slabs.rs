//! Small blocks: pages of blocks of one size each, without a word beside a block.
//!
//! 1. Memory comes in segments of 1 MiB, aligned to their size, of 16 pages. What is known of the pages stands at the
//!    segment's start, so that a block's address tells where.
//! 2. Every page has its own list of free blocks, in the blocks themselves: what is allocated together lies together.
//! 3. A page without blocks in use serves any size; a segment is never given back.
//! 4. Whether an address is of a segment is looked up in a table, whatever lies there: other blocks have no mark.
//!
//! The design is that of mimalloc (Leijen, Zorn, de Moura: "Mimalloc: Free List Sharding in Action"), for one thread.

use core::ops::Range;
use core::ptr;

/// The largest block.
pub(super) const LARGEST: usize = 8192;
/// What every block is aligned to at least; sizes are multiples of it.
const GRANULE: usize = 16;
/// From here on there are four sizes between a power of two and the next.
const FINE_END: usize = 128;
const CLASS_COUNT: usize = 32;

const SEGMENT_BYTES: usize = 1 << SEGMENT_SHIFT;
const SEGMENT_SHIFT: u32 = 20;
const PAGE_BYTES: usize = 1 << PAGE_SHIFT;
const PAGE_SHIFT: u32 = 16;
const PAGE_COUNT: usize = SEGMENT_BYTES / PAGE_BYTES;

/// As many segments can be told apart: 4 GiB of them, if they lie together.
const TABLE_LENGTH: usize = 4096;
/// So many bytes of a page are made into free blocks at a time.
const BATCH_BYTES: usize = 4096;

/// The sizes of blocks, in order.
const CLASS_BYTES: [u16; CLASS_COUNT] = {
    let mut sizes = [0; CLASS_COUNT];
    let mut class = 0;
    let mut size = 0;
    let mut step = GRANULE;
    while class < CLASS_COUNT {
        size += step;
        sizes[class] = size as u16;
        if size >= FINE_END && size.is_power_of_two() {
            step = size / 4;
        }
        class += 1;
    }
    assert!(size == LARGEST);
    sizes
};

/// The class of each number of granules.
const CLASS_OF: [u8; LARGEST / GRANULE + 1] = {
    let mut classes = [0; LARGEST / GRANULE + 1];
    let mut granules = 0;
    let mut class = 0;
    while granules < classes.len() {
        while (CLASS_BYTES[class] as usize) < granules * GRANULE {
            class += 1;
        }
        classes[granules] = class as u8;
        granules += 1;
    }
    classes
};

/// A free block.
struct Free {
    next: *mut Self,
}

/// What is known of a page.
#[repr(C, align(64))]
struct Page {
    free: *mut Free,
    /// Blocks that are in use.
    used: u32,
    /// When a block comes back and no more than so many are in use, there is more to be done: none is in use, or all
    /// of the page was.
    notice: u32,
    /// What has not been made into blocks yet.
    fresh: *mut u8,
    end: *mut u8,
    /// Neighbours in the list of the class's pages with free blocks, or of free pages.
    previous: *mut Self,
    next: *mut Self,
    block_bytes: u32,
    class: u32,
}

/// Of a page that is in no list since it has no free block.
const FULL: u32 = u32::MAX;

impl Page {
    const NONE: Self = Self {
        free: ptr::null_mut(),
        used: 0,
        notice: 0,
        fresh: ptr::null_mut(),
        end: ptr::null_mut(),
        previous: ptr::null_mut(),
        next: ptr::null_mut(),
        block_bytes: 0,
        class: 0,
    };
}

/// Stands where there is no page: it never has a free block, and is never written.
struct NoPage(Page);

// SAFETY: nobody writes it.
unsafe impl Sync for NoPage {}

static NO_PAGE: NoPage = NoPage(Page::NONE);

const fn no_page() -> *mut Page {
    (&raw const NO_PAGE.0).cast_mut()
}

fn is_page(page: *mut Page) -> bool {
    page != no_page()
}

/// What is known of the page of a block.
fn page_of(block: *mut u8) -> *mut Page {
    let page = block.addr() >> PAGE_SHIFT & (PAGE_COUNT - 1);
    block
        .map_addr(|address| (address & !(SEGMENT_BYTES - 1)) + page * size_of::<Page>())
        .cast()
}

/// The class of blocks of this size, which must not be above [`LARGEST`].
#[inline]
pub(super) fn class_of(size: usize) -> usize {
    usize::from(CLASS_OF[size.div_ceil(GRANULE)])
}

/// The class of blocks of this size and alignment, if there is one.
pub(super) fn class_of_aligned(size: usize, alignment: usize) -> Option<usize> {
    let enough = if alignment <= GRANULE {
        size
    } else {
        // Such blocks begin at multiples of their size.
        size.max(alignment).checked_next_power_of_two()?
    };
    (enough <= LARGEST).then(|| class_of(enough))
}

/// All small blocks.
pub(super) struct Slabs {
    /// Of each class the pages with free blocks; blocks are taken from the first.
    pages: [*mut Page; CLASS_COUNT],
    free_pages: *mut Page,
    /// Which segment is at each place, by the last bits of its number. There is no segment 0.
    segments: [usize; TABLE_LENGTH],
}

impl Slabs {
    pub(super) const fn new() -> Self {
        Self {
            pages: [no_page(); CLASS_COUNT],
            free_pages: no_page(),
            segments: [0; TABLE_LENGTH],
        }
    }

    /// Whether an address is that of a small block.
    #[inline]
    pub(super) fn owns(&self, block: *mut u8) -> bool {
        let segment = block.addr() >> SEGMENT_SHIFT;
        self.segments[segment % TABLE_LENGTH] == segment && segment != 0
    }

    /// A block of a class; null when there is no memory.
    #[inline]
    pub(super) fn allocate(&mut self, class: usize) -> *mut u8 {
        // SAFETY: `pages` holds descriptions of pages, or that of no page, which has no free block; a free block holds
        // the next one.
        unsafe {
            let page = self.pages[class];
            let block = (*page).free;
            if block.is_null() {
                return self.allocate_slowly(class);
            }
            (*page).free = (*block).next;
            (*page).used += 1;
            block.cast()
        }
    }

    /// Gives a block back.
    ///
    /// # Safety
    /// It must be a block of these that is in use.
    #[inline]
    pub(super) unsafe fn deallocate(&mut self, block: *mut u8) {
        let page = page_of(block);
        let block = block.cast::<Free>();
        // SAFETY: the caller's promise.
        unsafe {
            (*block).next = (*page).free;
            (*page).free = block;
            (*page).used -= 1;
            if (*page).used <= (*page).notice {
                self.notice(page);
            }
        }
    }

    /// How many bytes of a block can be used.
    ///
    /// # Safety
    /// It must be a block of these.
    #[inline]
    pub(super) unsafe fn usable_bytes(block: *mut u8) -> usize {
        // SAFETY: the caller's promise.
        unsafe { (*page_of(block)).block_bytes as usize }
    }

    #[cold]
    #[inline(never)]
    unsafe fn allocate_slowly(&mut self, class: usize) -> *mut u8 {
        loop {
            let page = self.pages[class];
            // SAFETY: the lists hold descriptions of pages.
            unsafe {
                if !is_page(page) {
                    let fresh = self.free_pages;
                    if !is_page(fresh) {
                        return ptr::null_mut();
                    }
                    self.free_pages = (*fresh).next;
                    prepare(fresh, class);
                    self.list(fresh);
                } else if !(*page).free.is_null() || make_blocks(page) {
                    return self.allocate(class);
                } else {
                    self.unlist(page);
                    (*page).notice = FULL;
                }
            }
        }
    }

    /// A block has come back to a page that was full, or whose last one in use it was.
    #[cold]
    #[inline(never)]
    unsafe fn notice(&mut self, page: *mut Page) {
        // SAFETY: the caller has a page of these.
        unsafe {
            if (*page).notice == FULL {
                (*page).notice = 0;
                self.list(page);
            }
            // The last page of a class stays: what has been given back is soon wanted again.
            let is_only = !is_page((*page).previous) && !is_page((*page).next);
            if (*page).used == 0 && !is_only {
                self.unlist(page);
                (*page).next = self.free_pages;
                self.free_pages = page;
            }
        }
    }

    /// Puts a page first among those of its class.
    unsafe fn list(&mut self, page: *mut Page) {
        // SAFETY: the lists hold descriptions of pages, which nobody else borrows.
        unsafe {
            let first = &mut self.pages[(*page).class as usize];
            (*page).previous = no_page();
            (*page).next = *first;
            if is_page(*first) {
                (**first).previous = page;
            }
            *first = page;
        }
    }

    unsafe fn unlist(&mut self, page: *mut Page) {
        // SAFETY: as above.
        unsafe {
            let (previous, next) = ((*page).previous, (*page).next);
            if is_page(previous) {
                (*previous).next = next;
            } else {
                self.pages[(*page).class as usize] = next;
            }
            if is_page(next) {
                (*next).previous = previous;
            }
        }
    }

    /// Takes memory for further pages. What it cannot use is given to `rest`.
    ///
    /// # Safety
    /// The memory must be writable, unused, and stay.
    pub(super) unsafe fn add_memory(
        &mut self,
        memory: Range<*mut u8>,
        mut rest: impl FnMut(Range<*mut u8>),
    ) {
        let end = memory.end;
        let mut unused = memory.start;
        loop {
            let start = unused.map_addr(|address| address.next_multiple_of(SEGMENT_BYTES));
            let segment = start.addr() >> SEGMENT_SHIFT;
            if end.addr().saturating_sub(start.addr()) < SEGMENT_BYTES || start < unused {
                break;
            }
            let following = start.wrapping_add(SEGMENT_BYTES);
            if segment == 0 || self.segments[segment % TABLE_LENGTH] != 0 {
                rest(unused..following);
            } else {
                if unused < start {
                    rest(unused..start);
                }
                self.segments[segment % TABLE_LENGTH] = segment;
                for index in (0..PAGE_COUNT).rev() {
                    // SAFETY: the segment is writable memory that nobody else uses.
                    unsafe {
                        let page = start.cast::<Page>().add(index);
                        page.write(Page {
                            next: self.free_pages,
                            ..Page::NONE
                        });
                        self.free_pages = page;
                    }
                }
            }
            unused = following;
        }
        if unused < end {
            rest(unused..end);
        }
    }
}

/// Makes a page one of a class, without any blocks yet.
unsafe fn prepare(page: *mut Page, class: usize) {
    let block_bytes = usize::from(CLASS_BYTES[class]);
    let segment = page.map_addr(|address| address & !(SEGMENT_BYTES - 1));
    // SAFETY: the description lies in its segment, and the offsets are within it.
    unsafe {
        let index = page.offset_from(segment) as usize;
        let start = segment.cast::<u8>().add(index * PAGE_BYTES);
        // The first page begins with the descriptions. Blocks of a power of two begin at its multiples.
        let taken = if index == 0 {
            let alignment = 1 << block_bytes.trailing_zeros();
            (PAGE_COUNT * size_of::<Page>()).next_multiple_of(alignment)
        } else {
            0
        };
        let count = (PAGE_BYTES - taken) / block_bytes;
        page.write(Page {
            fresh: start.add(taken),
            end: start.add(taken + count * block_bytes),
            block_bytes: block_bytes as u32,
            class: class as u32,
            ..Page::NONE
        });
    }
}

/// Makes free blocks of what is fresh of a page that has none; false if all is used.
unsafe fn make_blocks(page: *mut Page) -> bool {
    // SAFETY: what lies between `fresh` and `end` is unused and a whole number of blocks.
    unsafe {
        let block_bytes = (*page).block_bytes as usize;
        let left = (*page).end.offset_from((*page).fresh) as usize / block_bytes;
        let count = left.min((BATCH_BYTES / block_bytes).max(1));
        if count == 0 {
            return false;
        }
        let first = (*page).fresh;
        for index in 0..count {
            let block = first.add(index * block_bytes).cast::<Free>();
            (*block).next = if index + 1 == count {
                ptr::null_mut()
            } else {
                first.add((index + 1) * block_bytes).cast()
            };
        }
        (*page).free = first.cast();
        (*page).fresh = first.add(count * block_bytes);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::alloc::{Layout, alloc, dealloc};
    use std::collections::BTreeMap;

    use super::*;

    /// Slabs over memory of the host.
    struct Subject {
        slabs: Box<Slabs>,
        memory: *mut u8,
        layout: Layout,
    }

    impl Subject {
        fn new(segments: usize) -> Self {
            let layout = Layout::from_size_align(segments * SEGMENT_BYTES, SEGMENT_BYTES).unwrap();
            let mut slabs = Box::new(Slabs::new());
            // SAFETY: the memory is fresh, and outlives the slabs.
            let memory = unsafe {
                let memory = alloc(layout);
                slabs.add_memory(memory..memory.add(layout.size()), |_| panic!("all is used"));
                memory
            };
            Self {
                slabs,
                memory,
                layout,
            }
        }
    }

    impl Drop for Subject {
        fn drop(&mut self) {
            // SAFETY: it was allocated so.
            unsafe { dealloc(self.memory, self.layout) };
        }
    }

    #[test]
    fn classes_are_the_next_larger_sizes() {
        for size in 0..=LARGEST {
            let class = class_of(size);
            let bytes = usize::from(CLASS_BYTES[class]);
            assert!(bytes >= size && bytes.is_multiple_of(GRANULE));
            assert!(bytes <= size + size / 4 + GRANULE, "{size} in {bytes}");
            assert!(class == 0 || usize::from(CLASS_BYTES[class - 1]) < size);
        }
        assert_eq!(class_of_aligned(LARGEST + 1, 1), None);
        assert_eq!(class_of_aligned(1, 2 * LARGEST), None);
        assert_eq!(class_of_aligned(usize::MAX, 64), None);
    }

    #[test]
    fn blocks_are_apart_aligned_and_keep_their_contents() {
        let mut subject = Subject::new(3);
        let mut live: BTreeMap<usize, (*mut u8, usize, u8)> = BTreeMap::new();
        let mut random = 88_172_645_463_325_252_u64;
        for step in 0..60_000 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let value = step as u8;
            if live.len() < 3000 && !random.is_multiple_of(3) {
                let size = (random >> 8) as usize % (1 << (4 + (random >> 40) % 9)) + 1;
                let alignment = 1 << ((random >> 48) % 13);
                let class = class_of_aligned(size, alignment).unwrap();
                let block = subject.slabs.allocate(class);
                if block.is_null() {
                    continue;
                }
                assert!(subject.slabs.owns(block));
                assert!(block.addr().is_multiple_of(alignment.max(GRANULE)));
                // SAFETY: the block has the size.
                unsafe {
                    assert!(Slabs::usable_bytes(block) >= size);
                    block.write_bytes(value, size);
                }
                let before = live.range(..block.addr()).next_back();
                assert!(before.is_none_or(|(at, (_, size, _))| at + size <= block.addr()));
                let after = live.range(block.addr()..).next();
                assert!(after.is_none_or(|(at, _)| block.addr() + size <= *at));
                live.insert(block.addr(), (block, size, value));
            } else {
                let key = live.range(random as usize..).next().or(live.iter().next());
                if let Some(key) = key.map(|(key, _)| *key) {
                    let (block, size, value) = live.remove(&key).unwrap();
                    // SAFETY: the block is in use and has the size.
                    unsafe {
                        assert_eq!((block.read(), block.add(size - 1).read()), (value, value));
                        subject.slabs.deallocate(block);
                    }
                }
            }
        }
    }

    #[test]
    fn all_memory_serves_any_size_again() {
        let mut subject = Subject::new(2);
        for size in [16, 8192, 48, 7168, 16] {
            let class = class_of(size);
            let blocks: Vec<*mut u8> = core::iter::repeat_with(|| subject.slabs.allocate(class))
                .take_while(|block| !block.is_null())
                .collect();
            // The last page of another class stays with it.
            let least = (2 * PAGE_COUNT - 5) * (PAGE_BYTES / size) - 1;
            assert!(blocks.len() >= least, "{} of {size}", blocks.len());
            for (index, block) in blocks.iter().enumerate() {
                // SAFETY: every block is in use.
                unsafe { subject.slabs.deallocate(*block) };
                if index % 7 == 0 {
                    let again = subject.slabs.allocate(class);
                    assert!(!again.is_null());
                    // SAFETY: it is in use.
                    unsafe { subject.slabs.deallocate(again) };
                }
            }
        }
    }

    #[test]
    fn what_is_no_whole_segment_is_left() {
        let mut slabs = Box::new(Slabs::new());
        let layout = Layout::from_size_align(3 * SEGMENT_BYTES, SEGMENT_BYTES).unwrap();
        // SAFETY: the memory is fresh, used within its bounds, and given back last.
        unsafe {
            let memory = alloc(layout);
            let mut rest = Vec::new();
            let whole = memory.add(4096)..memory.add(3 * SEGMENT_BYTES - 4096);
            slabs.add_memory(whole, |range| {
                rest.push((range.start as usize, range.end as usize));
            });
            let (start, size) = (memory as usize, SEGMENT_BYTES);
            assert_eq!(
                rest,
                [
                    (start + 4096, start + size),
                    (start + 2 * size, start + 3 * size - 4096)
                ]
            );
            assert!(!slabs.owns(memory));
            assert!(slabs.owns(memory.add(size)) && slabs.owns(memory.add(2 * size - 1)));
            assert!(!slabs.owns(memory.add(2 * size)));
            assert!(!slabs.owns(ptr::null_mut()));
            dealloc(memory, layout);
        }
    }
}
