//! The machine's memory: the page tables in use, and who has which pages.

#[cfg(feature = "engine")]
mod copies;
mod large;
mod llvm;

use core::cell::UnsafeCell;
use core::fmt;
use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::arch::cpu::without_interrupts;
use crate::arch::mm::{self, Entry};
use crate::arch::trap::{HANDLER_STACK_SIZE_BYTES, HANDLER_STACKS};
use crate::image::LlvmWindow;
use crate::layout::{
    DEVICES, HANDLER_STACK_AREA, HANDLER_STACK_STRIDE, POOL_ADDRESS, STACK, STACK_GUARD,
};
use crate::single_thread_cell::SingleThreadCell;
use crate::{counters, image};
use bareflow_boot_info::{BootInfo, module};
use bareflow_boot_layout::KernelHeader;
use bareflow_cxx_runtime::platform::{PlatformError, Protection};
use bareflow_memory::{
    Access, Cache, Frame, Frames, MapError, PAGE_SIZE_BYTES, Pool, WORDS, frames_of,
};

#[cfg(feature = "engine")]
pub(crate) use copies::{MemoryCopy, copy, drop_copy, keep_free, mapping, place_llvm_page, share};
pub(crate) use large::map_large;
pub(crate) use llvm::fill_llvm_page;
#[cfg(feature = "engine")]
pub(crate) use llvm::is_used;
use llvm::{find_llvm, place_llvm};

/// Memory below is the firmware's and the loader's: it stays theirs.
const LOW_MEMORY_END: usize = 0x10_0000;

struct FreeFrames(UnsafeCell<[u64; WORDS]>);

// SAFETY: `initialise` alone borrows it, once.
unsafe impl Sync for FreeFrames {}

static FREE_FRAMES: FreeFrames = FreeFrames(UnsafeCell::new([0; WORDS]));

/// The frames that the firmware left us.
static USABLE_FRAMES: AtomicUsize = AtomicUsize::new(0);

/// In the architecture's format.
type AddressSpace<'a> = bareflow_memory::AddressSpace<'a, Entry>;

static SPACE: SingleThreadCell<Option<AddressSpace<'static>>> = SingleThreadCell::new(None);

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
    /// The program's files that are not in the bundle, mapped for reading, if a loader has put them somewhere.
    pub(crate) files: Range<usize>,
    /// The symbol table, which may be empty.
    pub(crate) symbols: Range<usize>,
    /// Where LLVM's pages are.
    pub(crate) llvm: LlvmWindow,
    /// The header on the disk that LLVM is to be read from; `None` if a loader has put there what there is of it.
    pub(crate) header: Option<KernelHeader>,
    /// Where the stack begins.
    pub(crate) stack_top: usize,
    /// Where the handlers' stacks begin.
    pub(crate) handler_stack_tops: [usize; HANDLER_STACKS],
}

/// Why the memory cannot be set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemoryError {
    /// So many frames are free. The entry has checked the memory's size; only a map with holes comes here.
    TooLittle { free_frames: usize },
    /// What there is does not suffice for the stack.
    NoStack,
}

impl fmt::Display for MemoryError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::TooLittle { free_frames } => write!(
                formatter,
                "this machine has {} MiB of free memory; at least {} MiB are needed",
                (free_frames * PAGE_SIZE_BYTES) >> 20,
                image::minimum_memory() >> 20
            ),
            Self::NoStack => formatter.write_str("there is no memory for the stack"),
        }
    }
}

fn take(frames: &mut Frames, count: usize) -> Result<usize, MemoryError> {
    frames.take(count).ok_or(MemoryError::TooLittle {
        free_frames: frames.free_count(),
    })
}

/// Makes the kernel's own page tables and changes to them.
///
/// # Errors
/// [`MemoryError`].
///
/// # Safety
/// To be called once, with the first 4 GiB mapped at their own addresses.
pub(crate) unsafe fn initialise(info: &BootInfo) -> Result<Layout, MemoryError> {
    // SAFETY: these are the only borrows.
    let (directory, free_frames) = unsafe { (mm::directory(), &mut *FREE_FRAMES.0.get()) };
    let mut frames = Frames::new(free_frames);
    frames_of(info.memory_map.iter().copied(), &mut frames);
    frames.reserve(0..page_of(LOW_MEMORY_END));
    // SAFETY: the first 4 GiB are mapped.
    let (llvm, loaded_llvm, header) = unsafe { find_llvm(info) };
    let window_end = llvm.0[llvm.0.len() - 1].pages.end;
    let pool = Pool {
        pages: page_of(POOL_ADDRESS)..window_end,
    };
    frames.reserve(pool.pages.clone());
    USABLE_FRAMES.store(frames.free_count(), Relaxed);
    frames.reserve(pages_of(&image::whole()));
    if let Some(loaded) = &loaded_llvm {
        frames.reserve(pages_of(&loaded.bytes));
    }
    let modules = [module::BUNDLE, module::FILES].map(|name| info.module(name).unwrap_or(0..0));
    for module in &modules {
        reserve_module(module, &mut frames);
    }
    let [bundle, files] = modules;
    let bundle = place_module(bundle, &pool, &mut frames)?;
    let files = place_module(files, &pool, &mut frames)?;

    let count = AddressSpace::table_count(&frames, &pool);
    let first = take(&mut frames, count)?;
    let tables = first * PAGE_SIZE_BYTES;
    // SAFETY: the frames are free memory, mapped, and taken for this; any bytes are a page table.
    let table_slice = unsafe {
        core::slice::from_raw_parts_mut(core::ptr::with_exposed_provenance_mut(tables), count)
    };
    let mut space = AddressSpace::new(&mut directory[..count], table_slice, tables, frames, pool);
    space.map_fixed(first..first + count, Access::ReadWrite, Cache::On);
    let screen = pages_of(&info.screen.memory());
    space.map_fixed(screen, Access::ReadWrite, Cache::Off);
    space.map_fixed(pages_of(&image::text()), Access::ReadExecute, Cache::On);
    space.map_fixed(pages_of(&image::constants()), Access::Read, Cache::On);
    for (pages, access) in data_pages() {
        space.map_fixed(pages, access, Cache::On);
    }
    for module in [&bundle, &files] {
        space.map_fixed(pages_of(module), Access::Read, Cache::On);
    }
    if let Some(loaded) = loaded_llvm {
        place_llvm(&mut space, &llvm, &loaded);
    }
    let handler_stack_tops = commit_stacks(&mut space)?;

    // SAFETY: the new tables map everything of the kernel where it is, its stack (in .bss) included.
    unsafe { mm::activate() };
    publish_peak(&space);
    *SPACE.borrow() = Some(space);
    let symbols = &llvm.0[llvm.0.len() - 1].pages;
    Ok(Layout {
        bundle,
        files,
        symbols: symbols.start * PAGE_SIZE_BYTES..symbols.end * PAGE_SIZE_BYTES,
        llvm,
        header,
        stack_top: HANDLER_STACK_AREA,
        handler_stack_tops,
    })
}

/// The kernel's variables, with the upper tables among them.
fn data_pages() -> [(Range<usize>, Access); 3] {
    let data = pages_of(&image::data());
    let upper = pages_of(&mm::upper_tables());
    [
        (data.start..upper.start, Access::ReadWrite),
        (upper.clone(), Access::Read),
        (upper.end..data.end, Access::ReadWrite),
    ]
}

/// Reserves the memory of what a loader has brought.
fn reserve_module(module: &Range<usize>, frames: &mut Frames) {
    let pages = pages_of(module);
    let limit = bareflow_memory::LIMIT_FRAMES;
    frames.reserve(pages.start.min(limit)..pages.end.min(limit));
}

/// Where a module stays. A loader may have put it where the kernel maps nothing: then it is copied.
fn place_module(
    module: Range<usize>,
    pool: &Pool,
    frames: &mut Frames,
) -> Result<Range<usize>, MemoryError> {
    let count = pages_of(&module).len();
    let window = pool.pages.start * PAGE_SIZE_BYTES..pool.pages.end * PAGE_SIZE_BYTES;
    let overlaps = module.start < window.end && window.start < module.end;
    if module.is_empty() || (module.end <= bareflow_memory::LIMIT_BYTES && !overlaps) {
        return Ok(module);
    }
    let first = take(frames, count)?;
    let copy = first * PAGE_SIZE_BYTES;
    // SAFETY: both ranges are mapped memory; the frames are free and the loader's module is not.
    unsafe {
        core::ptr::copy_nonoverlapping(
            core::ptr::with_exposed_provenance::<u8>(module.start),
            core::ptr::with_exposed_provenance_mut::<u8>(copy),
            module.len(),
        );
    }
    Ok(copy..copy + module.len())
}

fn commit_stacks(space: &mut AddressSpace) -> Result<[usize; HANDLER_STACKS], MemoryError> {
    let mut commit = |bytes: Range<usize>| {
        pages_of(&bytes).try_for_each(|page| {
            let committed = space.commit(page, Access::ReadWrite);
            committed.map(|_| ()).map_err(|_| MemoryError::NoStack)
        })
    };
    commit(STACK..HANDLER_STACK_AREA)?;
    let tops: [usize; HANDLER_STACKS] =
        core::array::from_fn(|index| HANDLER_STACK_AREA + (index + 1) * HANDLER_STACK_STRIDE);
    for top in tops {
        commit(top - HANDLER_STACK_SIZE_BYTES..top)?;
    }
    Ok(tops)
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
        mm::flush_all();
        return;
    }
    pages.for_each(mm::flush_page);
}

fn publish_peak(space: &AddressSpace) {
    let most_used = USABLE_FRAMES.load(Relaxed) - space.least_free_count();
    counters::set_peak_memory(most_used * PAGE_SIZE_BYTES);
}

/// No handler runs meanwhile: one that touches LLVM needs the space itself.
fn with_space<T>(action: impl FnOnce(&mut AddressSpace<'static>) -> T) -> T {
    without_interrupts(|| {
        let mut space = SPACE.borrow();
        let space = space
            .as_mut()
            .expect("memory is initialised before anybody asks for some");
        let result = action(space);
        publish_peak(space);
        result
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

/// Whether the page of an address has memory.
pub(crate) fn is_committed(address: usize) -> bool {
    SPACE.try_borrow().is_some_and(|mut space| {
        space
            .as_mut()
            .is_some_and(|space| space.is_committed(page_of(address)))
    })
}

/// How much memory is free, in bytes.
pub(crate) fn free_bytes() -> usize {
    with_space(|space| space.free_count() * PAGE_SIZE_BYTES)
}

/// Maps a device's registers, not cached; returns where they are. They stay there.
///
/// # Errors
/// [`PlatformError::OutOfMemory`] when there are no addresses left.
pub(crate) fn map_device(physical: u64, size_bytes: usize) -> Result<usize, PlatformError> {
    static NEXT_PAGE: AtomicUsize = AtomicUsize::new(page_of(DEVICES.start));

    let page_size = PAGE_SIZE_BYTES as u64;
    let offset = (physical % page_size) as usize;
    let first = NEXT_PAGE.load(Relaxed);
    let count = (offset + size_bytes).div_ceil(PAGE_SIZE_BYTES);
    if count > page_of(DEVICES.end) - first {
        return Err(PlatformError::OutOfMemory);
    }
    NEXT_PAGE.store(first + count, Relaxed);
    for (index, frame) in (physical / page_size..).take(count).enumerate() {
        with_space(|space| space.place(first + index, frame, Access::ReadWrite, Cache::Off))
            .map_err(platform_error)?;
    }
    Ok(first * PAGE_SIZE_BYTES + offset)
}
