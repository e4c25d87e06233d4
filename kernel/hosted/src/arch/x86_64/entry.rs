//! Linux's entry on x86-64, and changes of the stack.

use core::arch::{asm, global_asm};

// System V ABI for x86-64, section 3.4.1: the stack pointer is at the argument count.
global_asm!(
    ".pushsection .text._start, \"ax\", @progbits",
    ".globl _start",
    ".type _start, @function",
    "_start:",
    // The outermost frame has no caller.
    "xor ebp, ebp",
    "mov rdi, rsp",
    "and rsp, -16",
    "call hosted_start",
    "ud2",
    ".size _start, . - _start",
    ".popsection",
);

/// Goes on in `run` on another stack, whose end is `top`.
///
/// # Safety
/// The stack must be fresh and aligned, and nothing on the old one may be needed but what `argument` leads to.
pub(crate) unsafe fn switch_stack<T>(
    top: usize,
    run: unsafe extern "C" fn(*const T) -> !,
    argument: *const T,
) -> ! {
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "mov rsp, {top}",
            "xor ebp, ebp",
            "call {run}",
            "ud2",
            top = in(reg) top,
            run = in(reg) run,
            in("rdi") argument,
            options(noreturn),
        )
    }
}
