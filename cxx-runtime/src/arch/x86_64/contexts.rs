//! `getcontext`, `makecontext` and `swapcontext`: several stacks in one thread. The layout of `ucontext_t` is Linux's.

use core::ffi::c_int;

use super::VaList;

/// `ucontext_t`, as far as `makecontext` looks into it.
#[repr(C)]
struct Context {
    flags: u64,
    link: *mut Context,
    stack_start: usize,
    stack_flags: c_int,
    stack_size: usize,
    registers: [usize; 23],
}

/// Where the arguments of a function are among the registers: rdi, rsi, rdx, rcx, r8, r9.
const ARGUMENTS: [usize; 6] = [8, 9, 12, 14, 0, 1];
const RBX: usize = 11;
const RSP: usize = 15;
const RIP: usize = 16;

unsafe extern "C" {
    fn bareflow_context_ends();
}

/// # Safety
/// The context must have a stack, and so many arguments must follow.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn bareflow_makecontext(
    context: *mut Context,
    function: usize,
    count: c_int,
    arguments: &mut VaList,
) {
    let count = usize::try_from(count).unwrap_or(0);
    let on_stack = count.saturating_sub(ARGUMENTS.len());
    // SAFETY: the caller's promise: the stack has room for the arguments and the return address.
    unsafe {
        let context = &mut *context;
        let top = context.stack_start + context.stack_size;
        let first = (top - on_stack * size_of::<usize>()) & !15;
        let place = core::ptr::with_exposed_provenance_mut::<usize>(first);
        for index in 0..count {
            let argument = arguments.next_integer() as usize;
            match ARGUMENTS.get(index) {
                Some(register) => context.registers[*register] = argument,
                None => *place.add(index - ARGUMENTS.len()) = argument,
            }
        }
        *place.sub(1) = bareflow_context_ends as *const () as usize;
        context.registers[RSP] = place.sub(1) as usize;
        context.registers[RIP] = function;
        // The function keeps this register for whoever comes after it.
        context.registers[RBX] = context.link as usize;
    }
}

// Offsets in a context: registers from 40, the signal mask at 296, the floating-point state's control words from 424.
#[cfg(not(test))]
core::arch::global_asm!(
    ".macro bareflow_save_context",
    "mov [rdi + 40], r8",
    "mov [rdi + 48], r9",
    "mov [rdi + 72], r12",
    "mov [rdi + 80], r13",
    "mov [rdi + 88], r14",
    "mov [rdi + 96], r15",
    "mov [rdi + 104], rdi",
    "mov [rdi + 112], rsi",
    "mov [rdi + 120], rbp",
    "mov [rdi + 128], rbx",
    "mov [rdi + 136], rdx",
    "mov [rdi + 152], rcx",
    // The stack pointer as it is after this function has returned.
    "lea rax, [rsp + 8]",
    "mov [rdi + 160], rax",
    "mov rax, [rsp]",
    "mov [rdi + 168], rax",
    "mov rax, [rip + bareflow_blocked_signals]",
    "mov [rdi + 296], rax",
    "fnstcw [rdi + 424]",
    "stmxcsr [rdi + 448]",
    ".endm",
    ".pushsection .text.bareflow_contexts, \"ax\", @progbits",
    ".globl getcontext",
    ".type getcontext, @function",
    "getcontext:",
    "bareflow_save_context",
    "xor eax, eax",
    "ret",
    ".size getcontext, . - getcontext",
    ".globl swapcontext",
    ".type swapcontext, @function",
    "swapcontext:",
    "bareflow_save_context",
    "mov rdi, rsi",
    "jmp setcontext",
    ".size swapcontext, . - swapcontext",
    ".globl setcontext",
    ".type setcontext, @function",
    "setcontext:",
    "push rdi",
    "mov rdi, [rdi + 296]",
    "call bareflow_restore_signals",
    "pop rdi",
    "fldcw [rdi + 424]",
    "ldmxcsr [rdi + 448]",
    "mov r8, [rdi + 40]",
    "mov r9, [rdi + 48]",
    "mov r12, [rdi + 72]",
    "mov r13, [rdi + 80]",
    "mov r14, [rdi + 88]",
    "mov r15, [rdi + 96]",
    "mov rsi, [rdi + 112]",
    "mov rbp, [rdi + 120]",
    "mov rbx, [rdi + 128]",
    "mov rdx, [rdi + 136]",
    "mov rcx, [rdi + 152]",
    "mov rsp, [rdi + 160]",
    "mov r11, [rdi + 168]",
    "mov rdi, [rdi + 104]",
    "xor eax, eax",
    "jmp r11",
    ".size setcontext, . - setcontext",
    // The function of a context has returned: the next one is in rbx, or the program ends.
    ".globl bareflow_context_ends",
    ".type bareflow_context_ends, @function",
    "bareflow_context_ends:",
    "mov rdi, rbx",
    "test rdi, rdi",
    "je 2f",
    "call setcontext",
    "2:",
    "xor edi, edi",
    "call exit",
    "ud2",
    ".size bareflow_context_ends, . - bareflow_context_ends",
    ".popsection",
);
