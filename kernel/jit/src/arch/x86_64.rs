//! x86-64 (System V Application Binary Interface, AMD64 Architecture Processor Supplement, 3.2.3 "Parameter Passing").

use core::arch::global_asm;
use core::ffi::c_void;

// Stubs push the number of their function and come here instead of to its code, with all that the caller passes: that is
// kept, and the code gets it.
global_asm!(
    ".globl bareflow_jit_enter",
    ".type bareflow_jit_enter, @function",
    "bareflow_jit_enter:",
    "push rax",
    "push rdi",
    "push rsi",
    "push rdx",
    "push rcx",
    "push r8",
    "push r9",
    "push r10",
    "sub rsp, 128",
    "movaps [rsp], xmm0",
    "movaps [rsp + 16], xmm1",
    "movaps [rsp + 32], xmm2",
    "movaps [rsp + 48], xmm3",
    "movaps [rsp + 64], xmm4",
    "movaps [rsp + 80], xmm5",
    "movaps [rsp + 96], xmm6",
    "movaps [rsp + 112], xmm7",
    "mov rdi, [rsp + 192]",
    "call {first}",
    "mov r11, rax",
    "movaps xmm0, [rsp]",
    "movaps xmm1, [rsp + 16]",
    "movaps xmm2, [rsp + 32]",
    "movaps xmm3, [rsp + 48]",
    "movaps xmm4, [rsp + 64]",
    "movaps xmm5, [rsp + 80]",
    "movaps xmm6, [rsp + 96]",
    "movaps xmm7, [rsp + 112]",
    "add rsp, 128",
    "pop r10",
    "pop r9",
    "pop r8",
    "pop rcx",
    "pop rdx",
    "pop rsi",
    "pop rdi",
    "pop rax",
    "add rsp, 8",
    "jmp r11",
    ".size bareflow_jit_enter, . - bareflow_jit_enter",
    first = sym crate::compiler::first,
);

// Calls a function on another stack. Where it was left from is put down, so that somebody on that stack can come back
// without returning.
global_asm!(
    ".type bareflow_jit_call_on, @function",
    "bareflow_jit_call_on:",
    "push rbp",
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "mov [rip + bareflow_jit_left_stack], rsp",
    "mov rsp, rdi",
    "mov rdi, rdx",
    "xor ebp, ebp",
    "call rsi",
    "mov eax, 1",
    "2:",
    "mov rsp, [rip + bareflow_jit_left_stack]",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    "ret",
    ".size bareflow_jit_call_on, . - bareflow_jit_call_on",
    ".type bareflow_jit_leave, @function",
    "bareflow_jit_leave:",
    "cld",
    "xor eax, eax",
    "jmp 2b",
    ".size bareflow_jit_leave, . - bareflow_jit_leave",
    ".local bareflow_jit_left_stack",
    ".comm bareflow_jit_left_stack, 8, 8",
);

unsafe extern "C" {
    fn bareflow_jit_call_on(
        top: usize,
        function: unsafe extern "C" fn(*mut c_void),
        argument: *mut c_void,
    ) -> u32;
    fn bareflow_jit_leave() -> !;
}

/// Calls the function on the stack that ends at `top`; returns whether it has come to its end, rather than to [`leave`].
///
/// # Safety
/// The stack is large enough for the function, and nobody's. What the argument leads to is what the function wants. When
/// it has been left, nothing of it is used any more.
pub(crate) unsafe fn call_on(
    top: usize,
    function: unsafe extern "C" fn(*mut c_void),
    argument: *mut c_void,
) -> bool {
    // SAFETY: the caller's promise.
    unsafe { bareflow_jit_call_on(top, function, argument) != 0 }
}

/// Goes back to who has called [`call_on`].
///
/// # Safety
/// On the stack that it has called a function on.
pub(crate) unsafe extern "C" fn leave() -> ! {
    // SAFETY: the caller's promise.
    unsafe { bareflow_jit_leave() }
}

/// What counting code calls.
pub(crate) fn entered() -> usize {
    crate::compiler::entered as *const () as usize
}

/// The same in loops.
pub(crate) fn looped() -> usize {
    crate::compiler::looped as *const () as usize
}
