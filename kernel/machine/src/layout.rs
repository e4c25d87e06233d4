//! What lies where in the address space: the code pool, and behind it the stacks, devices, and LLVM.

use core::ops::Range;

use bareflow_memory::PAGE_SIZE_BYTES;

use crate::arch::trap::{HANDLER_STACK_SIZE_BYTES, HANDLER_STACKS};
use crate::image;

#[cfg(feature = "engine")]
mod of_payload {
    pub(crate) use bareflow_engine::{POOL_ADDRESS, POOL_SIZE_BYTES};

    /// LLVM's share, and the 8 MiB that Linux gives programs.
    pub(crate) const STACK_SIZE_BYTES: usize = 16 << 20;
}

#[cfg(not(feature = "engine"))]
mod of_payload {
    /// Nothing is compiled: the guard of the stack begins where the code pool would.
    pub(crate) use bareflow_protocol::pool::ADDRESS as POOL_ADDRESS;
    pub(crate) const POOL_SIZE_BYTES: usize = 0;

    /// What Linux gives programs.
    pub(crate) const STACK_SIZE_BYTES: usize = 8 << 20;
}

pub(crate) use of_payload::POOL_ADDRESS;
use of_payload::{POOL_SIZE_BYTES, STACK_SIZE_BYTES};

/// One function's frame can be larger than a page: the guard is wide.
const STACK_GUARD_SIZE_BYTES: usize = 1 << 20;

pub(crate) const STACK_GUARD: usize = POOL_ADDRESS + POOL_SIZE_BYTES;
pub(crate) const STACK: usize = STACK_GUARD + STACK_GUARD_SIZE_BYTES;
/// A guard of one page and a stack for each handler.
pub(crate) const HANDLER_STACK_AREA: usize = STACK + STACK_SIZE_BYTES;
pub(crate) const HANDLER_STACK_STRIDE: usize = PAGE_SIZE_BYTES + HANDLER_STACK_SIZE_BYTES;
/// Where devices' registers are mapped. LLVM's window is behind it, as the linker script says.
pub(crate) const DEVICES: Range<usize> = DEVICES_START..DEVICES_START + (4 << 20);
const DEVICES_START: usize =
    (HANDLER_STACK_AREA + HANDLER_STACKS * HANDLER_STACK_STRIDE).next_multiple_of(4 << 20);

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

/// Whether bytes lie in the core, whose addresses are physical addresses.
pub(crate) fn is_in_core(bytes: Range<usize>) -> bool {
    let core = image::whole();
    core.start <= bytes.start && bytes.end <= core.end
}
