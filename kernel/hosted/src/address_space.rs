//! Where the process's memory lies. Everything that code refers to is in the lowest 2 GiB, but for very large variables
//! of the program, as on the machine: the image at 4 MiB, the code pool at 1 GiB, the heap above the pool and, when that is full,
//! below it.

use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering};

#[cfg(feature = "engine")]
use bareflow_engine::{POOL_ADDRESS, POOL_SIZE_BYTES};

use crate::linux::{
    self, Errno, MAP_32BIT, MAP_ANONYMOUS, MAP_FIXED_NOREPLACE, MAP_NORESERVE, MAP_PRIVATE,
    PROT_READ, PROT_WRITE,
};

/// LLVM's share, and the 8 MiB that Linux gives programs.
const STACK_SIZE_BYTES: usize = 16 << 20;

/// One function's frame can be larger than a page: the guard is wide.
const GUARD_SIZE_BYTES: usize = 1 << 20;

/// A stack with a guard below it.
#[derive(Clone, Debug)]
pub(crate) struct Stack {
    /// Addresses whose access is a stack overflow.
    pub(crate) guard: Range<usize>,
    /// The end, where the stack begins.
    pub(crate) top: usize,
}

/// Without the engine there is no pool: the heap has its room.
#[cfg(not(feature = "engine"))]
const POOL_ADDRESS: usize = 0x4000_0000;

/// Sets the code pool's addresses aside; its pages are backed when they get a protection.
#[cfg(feature = "engine")]
pub(crate) fn reserve_pool() -> Result<(), Errno> {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
    linux::map(POOL_ADDRESS, POOL_SIZE_BYTES, 0, flags, None).map(drop)
}

/// Maps zeroed pages in the lowest 2 GiB.
pub(crate) fn map_pages(size_bytes: usize, protection: usize) -> Result<usize, Errno> {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS;
    // Linux takes this to mean the second GiB.
    linux::map(0, size_bytes, protection, flags | MAP_32BIT, None)
        .or_else(|_| map_below_pool(size_bytes, protection))
}

/// Maps zeroed pages, the first at the same addresses in each process: snapshots hold code that knows them.
pub(crate) fn map_large(size_bytes: usize) -> Result<usize, Errno> {
    /// As on the machine. Linux itself maps near the stack, far above.
    const FIRST: usize = 16 << 30;
    let flags = MAP_PRIVATE | MAP_ANONYMOUS;
    let map = |address, flags| linux::map(address, size_bytes, PROT_READ | PROT_WRITE, flags, None);
    map(FIRST, flags | MAP_FIXED_NOREPLACE).or_else(|_| map(0, flags))
}

/// Maps downwards from the pool. Addresses are not used again: the heap keeps its pages.
fn map_below_pool(size_bytes: usize, protection: usize) -> Result<usize, Errno> {
    /// The lowest address that is given out: the image lies below.
    const LOWEST: usize = 256 << 20;
    static NEXT: AtomicUsize = AtomicUsize::new(POOL_ADDRESS);
    let address = NEXT
        .load(Ordering::Relaxed)
        .checked_sub(size_bytes)
        .filter(|address| *address >= LOWEST)
        .ok_or(Errno::ENOMEM)?;
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    linux::map(address, size_bytes, protection, flags, None)?;
    NEXT.store(address, Ordering::Relaxed);
    Ok(address)
}

/// Maps the stack. Only addresses on it refer to it, so it may lie anywhere.
pub(crate) fn map_stack() -> Result<Stack, Errno> {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    let start = linux::map(0, GUARD_SIZE_BYTES + STACK_SIZE_BYTES, 0, flags, None)?;
    let bottom = start + GUARD_SIZE_BYTES;
    // SAFETY: the pages are fresh.
    unsafe { linux::protect(bottom, STACK_SIZE_BYTES, PROT_READ | PROT_WRITE)? };
    Ok(Stack {
        guard: start..bottom,
        top: bottom + STACK_SIZE_BYTES,
    })
}
