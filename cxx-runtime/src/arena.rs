//! A second heap, for a part of the program whose memory can be put back as it was: a compiler that may
//! fail in the middle of anything.
//!
//! While the arena is selected, C's and C++'s allocations come from it; a block is always given back to the
//! heap that it came from. Rust's allocations never come from it.

use core::alloc::Layout;
use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ops::Range;
use core::ptr;
use core::sync::atomic::{Ordering, compiler_fence};

use talc::DefaultBinning;
use talc::base::Talc;
use talc::base::binning::Binning;
use talc::source::Source;

use crate::heap::{GROWTH_BYTES, bytes_of_pages_for};
use crate::platform::{PlatformError, Protection};
use crate::runtime::platform;

const CHUNK_LIMIT: usize = 512;
const REGION_LIMIT: usize = 8;

type ArenaTalc = Talc<ArenaPages, DefaultBinning>;

/// Memory, and where its copy is.
#[derive(Clone, Copy)]
struct Region {
    start: usize,
    size: usize,
    copy: usize,
}

struct State {
    talc: ArenaTalc,
    is_selected: bool,
    /// What the platform gave, in order.
    chunks: [Region; CHUNK_LIMIT],
    chunk_count: usize,
    mapped_bytes: usize,
    limit_bytes: usize,
    /// Memory outside the heap that belongs to the arena's user: its variables.
    variables: [Region; REGION_LIMIT],
    variable_count: usize,
    /// How many chunks there were at the checkpoint, and talc's own state then.
    checkpoint: Option<(usize, MaybeUninit<ArenaTalc>)>,
    hook: Option<fn()>,
}

struct Arena(UnsafeCell<State>);

// SAFETY: there is one thread, and no interrupt handler allocates.
unsafe impl Sync for Arena {}

const NOTHING: Region = Region {
    start: 0,
    size: 0,
    copy: 0,
};

static ARENA: Arena = Arena(UnsafeCell::new(State {
    talc: Talc::new(ArenaPages),
    is_selected: false,
    chunks: [NOTHING; CHUNK_LIMIT],
    chunk_count: 0,
    mapped_bytes: 0,
    limit_bytes: usize::MAX,
    variables: [NOTHING; REGION_LIMIT],
    variable_count: 0,
    checkpoint: None,
    hook: None,
}));

fn state() -> *mut State {
    ARENA.0.get()
}

#[derive(Debug)]
struct ArenaPages;

// SAFETY: `acquire` reaches the heap through its argument only, and the platform's page allocator does not
// allocate from it.
unsafe impl Source for ArenaPages {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        let size = bytes_of_pages_for(layout).ok_or(())?.max(GROWTH_BYTES);
        // SAFETY: the fields are apart from talc's, which the caller has borrowed.
        let (chunks, count, mapped, limit) = unsafe {
            let state = state();
            (
                &raw mut (*state).chunks,
                &mut (*state).chunk_count,
                &mut (*state).mapped_bytes,
                (*state).limit_bytes,
            )
        };
        if *count == CHUNK_LIMIT || size > limit.saturating_sub(*mapped) {
            return Err(());
        }
        let start = undisturbed(|| {
            let start = platform().map_pages(size, Protection::READ | Protection::WRITE)?;
            // SAFETY: there is room, as checked above.
            unsafe {
                (*chunks)[*count] = Region {
                    start,
                    size,
                    copy: 0,
                };
            }
            *count += 1;
            *mapped += size;
            Ok(start)
        })
        .map_err(|_: PlatformError| ())?;
        // SAFETY: the pages are fresh and writable, and stay until a rollback forgets them.
        unsafe { talc.claim(start as *mut u8, size) }
            .map(drop)
            .ok_or(())
    }
}

/// Does what must not end in the middle: whoever would leave the arena's user and roll the arena back does so only while
/// the arena is selected.
fn undisturbed<T>(step: impl FnOnce() -> T) -> T {
    let before = select(false);
    let result = step();
    select(before);
    result
}

/// Takes C's allocations from the arena from now on, or no longer; returns whether it was so before.
pub fn select(is_selected: bool) -> bool {
    // SAFETY: the place is taken, and nothing is read.
    let place = unsafe { &raw mut (*state()).is_selected };
    // Interrupt handlers see neither too early nor too late what is done while the arena is selected.
    compiler_fence(Ordering::SeqCst);
    // SAFETY: there is one thread, which alone writes here.
    let before = unsafe { place.replace(is_selected) };
    compiler_fence(Ordering::SeqCst);
    before
}

/// Whether C's allocations come from the arena. For interrupt handlers too.
#[must_use]
pub fn is_selected() -> bool {
    // SAFETY: reading a byte is one access.
    unsafe { ptr::read_volatile(&raw const (*state()).is_selected) }
}

/// Bounds the arena; what it has already stays.
pub fn set_limit_bytes(limit_bytes: usize) {
    // SAFETY: there is one thread, and nothing holds a reference.
    unsafe { (*state()).limit_bytes = limit_bytes };
}

/// Bytes that the arena has from the platform, without the copies of the checkpoint.
#[must_use]
pub fn mapped_bytes() -> usize {
    // SAFETY: there is one thread, and nothing holds a reference.
    unsafe { (*state()).mapped_bytes }
}

/// The memory that the arena has from the platform.
pub fn mapped_ranges() -> impl Iterator<Item = Range<usize>> {
    // SAFETY: there is one thread, and the arena does not grow while its ranges are looked at.
    let state = unsafe { &*state() };
    state.chunks[..state.chunk_count]
        .iter()
        .map(|chunk| chunk.start..chunk.start + chunk.size)
}

/// Has `hook` called before each allocation from the arena, for tests that make allocations fail.
pub fn set_hook(hook: Option<fn()>) {
    // SAFETY: there is one thread, and nothing holds a reference.
    unsafe { (*state()).hook = hook };
}

/// A block, or null.
pub(crate) fn allocate(layout: Layout) -> *mut u8 {
    // SAFETY: there is one thread; the hook is called without a reference, and talc is borrowed alone.
    unsafe {
        if let Some(hook) = (*state()).hook {
            hook();
        }
        let talc = &mut (*state()).talc;
        talc.allocate(layout)
            .map_or(ptr::null_mut(), |block| block.as_ptr())
    }
}

/// Gives a block back.
///
/// # Safety
/// The block must be from [`allocate`] with this layout, and not be used any more.
pub(crate) unsafe fn deallocate(block: *mut u8, layout: Layout) {
    // SAFETY: there is one thread, and talc is borrowed alone; the rest is the caller's promise.
    unsafe { (*state()).talc.deallocate(block, layout) };
}

/// Remembers the arena, and these variables, as they are. Replaces an earlier checkpoint.
///
/// # Errors
/// [`PlatformError::OutOfMemory`] when there is no memory for the copies: there is no checkpoint then.
///
/// # Panics
/// With more than eight ranges of variables.
///
/// # Safety
/// The variables must be memory that only the arena's user writes, and stay for ever.
pub unsafe fn checkpoint(variables: &[Range<usize>]) -> Result<(), PlatformError> {
    // SAFETY: there is one thread, and nothing else holds a reference.
    let state = unsafe { &mut *state() };
    state.checkpoint = None;
    assert!(variables.len() <= REGION_LIMIT, "too many ranges");
    state.variable_count = variables.len();
    for (region, range) in state.variables.iter_mut().zip(variables) {
        region.start = range.start;
        region.size = range.len();
    }
    let regions = state.chunks[..state.chunk_count]
        .iter_mut()
        .chain(&mut state.variables[..state.variable_count]);
    for region in regions {
        if region.size > 0 && region.copy == 0 {
            let page = platform().page_size_bytes();
            region.copy = platform().map_pages(
                region.size.next_multiple_of(page),
                Protection::READ | Protection::WRITE,
            )?;
        }
        // SAFETY: the copy is as large as the region and apart from it.
        unsafe {
            ptr::copy_nonoverlapping(
                region.start as *const u8,
                region.copy as *mut u8,
                region.size,
            );
        }
    }
    let mut talc = MaybeUninit::uninit();
    // SAFETY: the bytes are kept, and used only to put them back.
    unsafe { ptr::copy_nonoverlapping(&raw const state.talc, talc.as_mut_ptr(), 1) };
    state.checkpoint = Some((state.chunk_count, talc));
    Ok(())
}

/// Puts the arena and the variables back as they were at the checkpoint; false if there is none.
///
/// # Safety
/// Nothing may use what was allocated since, nor expect what was given back since to be free.
pub unsafe fn roll_back() -> bool {
    // SAFETY: there is one thread, and nothing else holds a reference.
    let state = unsafe { &mut *state() };
    let Some((chunk_count, talc)) = &state.checkpoint else {
        return false;
    };
    for chunk in &mut state.chunks[*chunk_count..state.chunk_count] {
        state.mapped_bytes -= chunk.size;
        // SAFETY: the caller's promise. A failure leaves pages unused, nothing worse.
        let _ = unsafe { platform().unmap_pages(chunk.start, chunk.size) };
        *chunk = NOTHING;
    }
    state.chunk_count = *chunk_count;
    let regions = state.chunks[..state.chunk_count]
        .iter()
        .chain(&state.variables[..state.variable_count]);
    for region in regions {
        // SAFETY: the copy was made from this memory.
        unsafe {
            ptr::copy_nonoverlapping(
                region.copy as *const u8,
                region.start as *mut u8,
                region.size,
            );
        }
    }
    // SAFETY: talc's memory is what it was when these bytes were its state.
    unsafe { ptr::copy_nonoverlapping(talc.as_ptr(), &raw mut state.talc, 1) };
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::test_platform;

    #[test]
    fn everything_is_as_it_was() {
        test_platform::install();
        let layout = Layout::from_size_align(1000, 16).unwrap();
        let mut variable = Box::new([7_u8; 64]);
        let address = variable.as_mut_ptr() as usize;
        let variable_range = address..address + variable.len();
        // SAFETY: the blocks are used within their sizes, and not after the rollback; the variable is ours.
        unsafe {
            let before = allocate(layout);
            before.write_bytes(1, layout.size());
            checkpoint(core::slice::from_ref(&variable_range)).unwrap();
            let mapped = mapped_bytes();

            before.write_bytes(2, layout.size());
            ptr::write_volatile(address as *mut u8, 9);
            select(true);
            let after: Vec<*mut u8> = (0..20_000).map(|_| allocate(layout)).collect();
            assert!(after.iter().all(|block| !block.is_null()));
            assert!(mapped_bytes() > mapped);
            assert!(select(false));
            assert!(!test_platform::was_mapped_in_the_arena());
            deallocate(before, layout);

            assert!(roll_back());
            assert_eq!(mapped_bytes(), mapped);
            assert_eq!(before.add(999).read(), 1);
            assert_eq!(ptr::read_volatile(address as *const u8), 7);
            // What is allocated now is what was allocated then.
            assert_eq!(allocate(layout), after[0]);
            assert!(roll_back());
            deallocate(before, layout);

            set_limit_bytes(mapped_bytes());
            let large = Layout::from_size_align(64 << 20, 16).unwrap();
            assert!(allocate(large).is_null());
            set_limit_bytes(usize::MAX);
        }
    }
}
