//! The machine's memory: the page tables in use, and who has which pages.

use core::cell::UnsafeCell;
use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bareflow_cxx_runtime::platform::{PlatformError, Protection};
use bareflow_memory::{
    Access, AddressSpace, Cache, Frame, Frames, MapError, PAGE_SIZE_BYTES, Pool, WORDS, frames_of,
};
use x86_64::instructions::tlb;
use x86_64::registers::control::{Cr3, Cr3Flags};
use x86_64::structures::paging::PhysFrame;
use x86_64::structures::paging::page_table::{PageTable, PageTableEntry, PageTableFlags};
use x86_64::{PhysAddr, VirtAddr};

use crate::one_thread::OneThread;
use crate::processor::segments::HANDLER_STACKS;
use crate::room::{POOL_ADDRESS, POOL_SIZE_BYTES, STACK_SIZE_BYTES};
use crate::start_info::StartInfo;
use crate::{exit, image};

/// One function's frame can be larger than a page: the guard is wide.
const STACK_GUARD_SIZE_BYTES: usize = 1 << 20;
const HANDLER_STACK_SIZE_BYTES: usize = 16 << 10;

/// Behind the code pool: a guard, the stack, then a guard of one page and a stack for each handler.
const STACK_GUARD: usize = POOL_ADDRESS + POOL_SIZE_BYTES;
const STACK: usize = STACK_GUARD + STACK_GUARD_SIZE_BYTES;
const HANDLER_STACK_AREA: usize = STACK + STACK_SIZE_BYTES;
const HANDLER_STACK_STRIDE: usize = PAGE_SIZE_BYTES + HANDLER_STACK_SIZE_BYTES;
const WINDOW_END: usize = HANDLER_STACK_AREA + HANDLER_STACKS * HANDLER_STACK_STRIDE;

/// VGA's text memory.
const SCREEN: Range<usize> = 0xb_8000..0xc_0000;

/// Memory below is the firmware's and the loader's: it stays theirs.
const LOW_MEMORY_END: usize = 0x10_0000;

const DIRECTORY_ENTRIES: usize = 1024;

/// Directories of the first 2 GiB, one behind the other.
#[repr(C, align(4096))]
struct Directories([PageTableEntry; DIRECTORY_ENTRIES]);

struct Upper {
    /// One entry: the first 512 GiB.
    level4: PageTable,
    /// Two entries: the directories.
    level3: PageTable,
    directories: Directories,
    free_frames: [u64; WORDS],
}

struct UpperTables(UnsafeCell<Upper>);

// SAFETY: `initialise` alone borrows it, once.
unsafe impl Sync for UpperTables {}

static UPPER: UpperTables = UpperTables(UnsafeCell::new(Upper {
    level4: PageTable::new(),
    level3: PageTable::new(),
    directories: Directories([const { PageTableEntry::new() }; DIRECTORY_ENTRIES]),
    free_frames: [0; WORDS],
}));

/// The frames that the firmware left us.
static USABLE_FRAMES: AtomicUsize = AtomicUsize::new(0);

static SPACE: OneThread<Option<AddressSpace<'static>>> = OneThread::new(None);

const fn page_of(address: usize) -> usize {
    address / PAGE_SIZE_BYTES
}

fn pages_of(bytes: &Range<usize>) -> Range<usize> {
    page_of(bytes.start)..bytes.end.div_ceil(PAGE_SIZE_BYTES)
}

/// What [`initialise`] has set up.
pub(crate) struct Layout {
    /// The bundle, mapped for reading.
    pub(crate) bundle: Range<usize>,
    /// The symbol table, if the image has one.
    pub(crate) symbols: Option<Range<usize>>,
    /// Where the stack begins.
    pub(crate) stack_top: usize,
    /// Where the handlers' stacks begin.
    pub(crate) handler_stack_tops: [usize; HANDLER_STACKS],
}

/// Makes the kernel's own page tables and changes to them.
///
/// # Safety
/// To be called once, with the first 4 GiB mapped at their own addresses.
pub(crate) unsafe fn initialise(info: &StartInfo) -> Layout {
    // SAFETY: this is the only borrow.
    let upper = unsafe { &mut *UPPER.0.get() };
    let mut frames = Frames::new(&mut upper.free_frames);
    frames_of(info.memory_map(), &mut frames);
    frames.reserve(0..page_of(LOW_MEMORY_END));
    USABLE_FRAMES.store(frames.free_count(), Relaxed);
    frames.reserve(pages_of(&image::whole()));
    // SAFETY: the first 4 GiB are mapped.
    let symbols = unsafe { image::symbol_table_range() };
    if let Some(symbols) = &symbols {
        frames.reserve(pages_of(symbols));
    }
    let bundle = place_bundle(info.bundle().unwrap_or(0..0), &mut frames);

    let pool = Pool {
        pages: page_of(POOL_ADDRESS)..page_of(WINDOW_END),
    };
    let count = AddressSpace::table_count(&frames, &pool);
    let first = frames.take(count).unwrap_or_else(|| too_little(&frames));
    let tables = first * PAGE_SIZE_BYTES;
    // SAFETY: the frames are free memory, mapped, and taken for this; any bytes are a page table.
    let table_slice = unsafe {
        core::slice::from_raw_parts_mut(core::ptr::with_exposed_provenance_mut(tables), count)
    };
    let directory = &mut upper.directories.0[..];
    let directory_address = directory.as_ptr() as usize;
    let mut space = AddressSpace::new(&mut directory[..count], table_slice, tables, frames, pool);
    space.map_fixed(first..first + count, Access::ReadWrite, Cache::On);
    space.map_fixed(pages_of(&SCREEN), Access::ReadWrite, Cache::Off);
    space.map_fixed(pages_of(&image::text()), Access::ReadExecute, Cache::On);
    space.map_fixed(pages_of(&image::constants()), Access::Read, Cache::On);
    space.map_fixed(pages_of(&image::data()), Access::ReadWrite, Cache::On);
    space.map_fixed(pages_of(&bundle), Access::Read, Cache::On);
    if let Some(symbols) = &symbols {
        space.map_fixed(pages_of(symbols), Access::Read, Cache::On);
    }
    let handler_stack_tops = commit_stacks(&mut space);

    let present = PageTableFlags::PRESENT | PageTableFlags::WRITABLE;
    upper.level4[0].set_addr(physical(&raw const upper.level3), present);
    for index in 0..2 {
        let address = PhysAddr::new((directory_address + index * PAGE_SIZE_BYTES) as u64);
        upper.level3[index].set_addr(address, present);
    }
    let level4 = PhysFrame::containing_address(physical(&raw const upper.level4));
    // SAFETY: the new tables map everything of the kernel where it is, its stack (in .bss) included.
    unsafe { Cr3::write(level4, Cr3Flags::empty()) };
    *SPACE.borrow() = Some(space);
    Layout {
        bundle,
        symbols,
        stack_top: HANDLER_STACK_AREA,
        handler_stack_tops,
    }
}

fn physical(table: *const PageTable) -> PhysAddr {
    PhysAddr::new(table as u64)
}

/// Reserves the bundle's memory. A loader may have put it where the kernel maps nothing: then it is copied.
fn place_bundle(bundle: Range<usize>, frames: &mut Frames) -> Range<usize> {
    let count = pages_of(&bundle).len();
    let window = POOL_ADDRESS..WINDOW_END;
    let overlaps = bundle.start < window.end && window.start < bundle.end;
    if bundle.is_empty() || (bundle.end <= bareflow_memory::LIMIT_BYTES && !overlaps) {
        frames.reserve(pages_of(&bundle));
        return bundle;
    }
    frames.reserve(page_of(window.start)..page_of(window.end));
    let first = frames.take(count).unwrap_or_else(|| too_little(frames));
    let copy = first * PAGE_SIZE_BYTES;
    // SAFETY: both ranges are mapped memory; the frames are free and the loader's module is not.
    unsafe {
        core::ptr::copy_nonoverlapping(
            core::ptr::with_exposed_provenance::<u8>(bundle.start),
            core::ptr::with_exposed_provenance_mut::<u8>(copy),
            bundle.len(),
        );
    }
    copy..copy + bundle.len()
}

fn commit_stacks(space: &mut AddressSpace) -> [usize; HANDLER_STACKS] {
    let mut commit = |bytes: Range<usize>| {
        for page in pages_of(&bytes) {
            if space.commit(page, Access::ReadWrite).is_err() {
                exit::fail(
                    exit::OUT_OF_MEMORY,
                    format_args!("there is no memory for the stack"),
                );
            }
        }
    };
    commit(STACK..HANDLER_STACK_AREA);
    core::array::from_fn(|index| {
        let top = HANDLER_STACK_AREA + (index + 1) * HANDLER_STACK_STRIDE;
        commit(top - HANDLER_STACK_SIZE_BYTES..top);
        top
    })
}

/// The entry has checked the memory's size; only a map with holes comes here.
fn too_little(frames: &Frames) -> ! {
    exit::fail(
        exit::OUT_OF_MEMORY,
        format_args!(
            "this machine has {} MiB of free memory; at least {} MiB are needed",
            (frames.free_count() * PAGE_SIZE_BYTES) >> 20,
            image::minimum_memory() >> 20
        ),
    )
}

/// Whether the address is in the stack's guard.
pub(crate) fn is_stack_guard(address: usize) -> bool {
    (STACK_GUARD..STACK).contains(&address)
}

/// Whether the address is in the code pool.
pub(crate) fn is_code_pool(address: usize) -> bool {
    (POOL_ADDRESS..STACK_GUARD).contains(&address)
}

/// The stack's lowest address.
pub(crate) fn stack_start() -> usize {
    STACK
}

/// Whether the address is on the stack.
pub(crate) fn is_stack(address: usize) -> bool {
    (STACK..HANDLER_STACK_AREA).contains(&address)
}

fn access_of(protection: Protection) -> Result<Access, PlatformError> {
    if protection.contains(Protection::WRITE | Protection::EXECUTE) {
        return Err(PlatformError::InvalidRange);
    }
    Ok(if protection == Protection::NONE {
        Access::None
    } else if protection.contains(Protection::WRITE) {
        Access::ReadWrite
    } else if protection.contains(Protection::EXECUTE) {
        Access::ReadExecute
    } else {
        Access::Read
    })
}

fn platform_error(error: MapError) -> PlatformError {
    match error {
        MapError::OutOfMemory => PlatformError::OutOfMemory,
        MapError::InvalidRange => PlatformError::InvalidRange,
    }
}

/// The whole pages of a range; an error if it does not begin and end on a page.
fn exact_pages(address: usize, size_bytes: usize) -> Result<Range<usize>, PlatformError> {
    let end = address
        .checked_add(size_bytes)
        .ok_or(PlatformError::InvalidRange)?;
    if !address.is_multiple_of(PAGE_SIZE_BYTES) || !end.is_multiple_of(PAGE_SIZE_BYTES) {
        return Err(PlatformError::InvalidRange);
    }
    Ok(page_of(address)..page_of(end))
}

/// Above this many pages, forgetting all translations is quicker than forgetting each.
const FLUSH_LIMIT_PAGES: usize = 64;

fn flush(pages: Range<usize>) {
    if pages.len() > FLUSH_LIMIT_PAGES {
        tlb::flush_all();
        return;
    }
    for page in pages {
        tlb::flush(VirtAddr::new((page * PAGE_SIZE_BYTES) as u64));
    }
}

fn with_space<T>(action: impl FnOnce(&mut AddressSpace<'static>) -> T) -> T {
    let mut space = SPACE.borrow();
    action(
        space
            .as_mut()
            .expect("memory is initialised before anybody asks for some"),
    )
}

/// The most memory that was in use at once, in bytes: the kernel's image and everything else. 0 before
/// memory is set up, and when a fault has interrupted its management.
pub(crate) fn peak_bytes() -> usize {
    let Some(space) = SPACE.try_borrow() else {
        return 0;
    };
    space.as_ref().map_or(0, |space| {
        (USABLE_FRAMES.load(Relaxed) - space.least_free_count()) * PAGE_SIZE_BYTES
    })
}

/// Zeroes pages that are mapped writable and that nobody uses yet.
fn zero(pages: Range<usize>) {
    let start = core::ptr::with_exposed_provenance_mut::<u8>(pages.start * PAGE_SIZE_BYTES);
    // SAFETY: the pages are mapped writable and nobody else has them.
    unsafe { core::ptr::write_bytes(start, 0, pages.len() * PAGE_SIZE_BYTES) };
}

/// `Platform::map_pages`.
pub(crate) fn map(size_bytes: usize, protection: Protection) -> Result<usize, PlatformError> {
    let access = access_of(protection)?;
    let count = exact_pages(0, size_bytes)?.len();
    with_space(|space| {
        let first = space
            .map(count, Access::ReadWrite)
            .map_err(platform_error)?;
        let pages = first..first + count;
        // What was not mapped is in no translation buffer.
        zero(pages.clone());
        if access != Access::ReadWrite {
            space
                .protect(pages.clone(), access)
                .map_err(platform_error)?;
            flush(pages);
        }
        Ok(first * PAGE_SIZE_BYTES)
    })
}

/// `Platform::unmap_pages`.
///
/// # Safety
/// Nothing may use the range afterwards.
pub(crate) unsafe fn unmap(address: usize, size_bytes: usize) -> Result<(), PlatformError> {
    let pages = exact_pages(address, size_bytes)?;
    with_space(|space| space.unmap(pages.clone())).map_err(platform_error)?;
    flush(pages);
    Ok(())
}

/// `Platform::protect_pages`. A page of the code pool has memory from its first access right on, and gives
/// it back with its last.
///
/// # Safety
/// Nothing may rely on an access that the new protection forbids.
pub(crate) unsafe fn protect(
    address: usize,
    size_bytes: usize,
    protection: Protection,
) -> Result<(), PlatformError> {
    let access = access_of(protection)?;
    let pages = exact_pages(address, size_bytes)?;
    let result = with_space(|space| {
        if !(POOL_ADDRESS..STACK_GUARD).contains(&address) {
            return space.protect(pages.clone(), access);
        }
        if address + size_bytes > STACK_GUARD {
            return Err(MapError::InvalidRange);
        }
        pages
            .clone()
            .try_for_each(|page| commit(space, page, access))
    });
    flush(pages);
    result.map_err(platform_error)
}

fn commit(space: &mut AddressSpace, page: usize, access: Access) -> Result<(), MapError> {
    if access == Access::None {
        space.decommit(page);
        return Ok(());
    }
    if space.commit(page, access)? == Frame::New {
        space.commit(page, Access::ReadWrite)?;
        zero(page..page + 1);
        space.commit(page, access)?;
    }
    Ok(())
}
