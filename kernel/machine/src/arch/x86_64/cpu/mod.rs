//! The processor: its features, its source of randomness, and single instructions.

mod features;
mod random;

use core::arch::asm;

use x86_64::VirtAddr;
use x86_64::registers::model_specific::FsBase;

pub(crate) use features::enable as enable_features;
pub(crate) use random::fill as fill_random;
pub(crate) use x86_64::instructions::hlt as wait_for_interrupt;
#[cfg(feature = "engine")]
pub(crate) use x86_64::instructions::interrupts::enable_and_hlt as enable_interrupts_and_wait;
pub(crate) use x86_64::instructions::interrupts::{
    are_enabled as are_interrupts_enabled, disable as disable_interrupts,
    enable as enable_interrupts, without_interrupts,
};

/// Where thread-local data is found.
pub(crate) fn set_thread_pointer(address: usize) {
    FsBase::write(VirtAddr::new(address as u64));
}

/// Where thread-local data is.
#[cfg(feature = "engine")]
pub(crate) fn thread_pointer() -> usize {
    FsBase::read().as_u64() as usize
}

/// How far the stack is in use.
#[cfg(feature = "engine")]
pub(crate) fn stack_pointer() -> usize {
    let stack: usize;
    // SAFETY: the register is only read.
    unsafe { asm!("mov {}, rsp", out(reg) stack, options(nomem, nostack, preserves_flags)) };
    stack
}

/// Goes on with a function on another stack. Backtraces end there.
///
/// # Safety
/// The stack must be mapped and aligned, and nothing on the one in use may be needed any more.
pub(crate) unsafe fn run_on_stack(top: usize, run: extern "C" fn() -> !) -> ! {
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "mov rsp, {top}",
            "xor ebp, ebp",
            "call {run}",
            "ud2",
            top = in(reg) top,
            run = in(reg) run,
            options(noreturn),
        )
    }
}
