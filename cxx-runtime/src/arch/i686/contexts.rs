//! `getcontext`, `makecontext` and `swapcontext`: several stacks in one thread. The layout of `ucontext_t` is Linux's.

use core::ffi::c_int;

use super::VaList;

/// `ucontext_t`, as far as `makecontext` looks into it.
#[repr(C)]
struct Context {
    flags: u32,
    link: *mut Context,
    stack_start: usize,
    stack_flags: c_int,
    stack_size: usize,
    registers: [usize; 19],
}

const ESP: usize = 7;
const EBX: usize = 8;
const EIP: usize = 14;

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
    mut arguments: VaList,
) {
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: the caller's promise: the stack has room for the arguments and the return address.
    unsafe {
        let context = &mut *context;
        let top = context.stack_start + context.stack_size;
        let first = (top - count * size_of::<usize>()) & !15;
        let place = core::ptr::with_exposed_provenance_mut::<usize>(first);
        for index in 0..count {
            *place.add(index) = arguments.next_integer() as usize;
        }
        *place.sub(1) = bareflow_context_ends as *const () as usize;
        context.registers[ESP] = place.sub(1) as usize;
        context.registers[EIP] = function;
        // The function keeps this register for whoever comes after it.
        context.registers[EBX] = context.link as usize;
    }
}

// Offsets in a context: registers from 20, the signal mask at 108, the control words of both floating-point units from 236, where
// Linux has the state of the x87.
#[cfg(not(test))]
core::arch::global_asm!(
    ".macro bareflow_save_context",
    "mov eax, [esp + 4]",
    "mov [eax + 36], edi",
    "mov [eax + 40], esi",
    "mov [eax + 44], ebp",
    "mov [eax + 52], ebx",
    // The stack pointer as it is after this function has returned.
    "lea ecx, [esp + 4]",
    "mov [eax + 48], ecx",
    "mov ecx, [esp]",
    "mov [eax + 76], ecx",
    "mov ecx, [bareflow_blocked_signals]",
    "mov [eax + 108], ecx",
    "mov ecx, [bareflow_blocked_signals + 4]",
    "mov [eax + 112], ecx",
    "fnstcw [eax + 236]",
    "stmxcsr [eax + 240]",
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
    "mov ecx, [esp + 8]",
    "mov [esp + 4], ecx",
    "jmp setcontext",
    ".size swapcontext, . - swapcontext",
    ".globl setcontext",
    ".type setcontext, @function",
    "setcontext:",
    "mov ebx, [esp + 4]",
    "sub esp, 4",
    "push dword ptr [ebx + 112]",
    "push dword ptr [ebx + 108]",
    "call bareflow_restore_signals",
    "mov eax, ebx",
    "fldcw [eax + 236]",
    "ldmxcsr [eax + 240]",
    "mov edi, [eax + 36]",
    "mov esi, [eax + 40]",
    "mov ebp, [eax + 44]",
    "mov ebx, [eax + 52]",
    "mov esp, [eax + 48]",
    "mov ecx, [eax + 76]",
    "xor eax, eax",
    "jmp ecx",
    ".size setcontext, . - setcontext",
    // The function of a context has returned: the next one is in ebx, or the program ends.
    ".globl bareflow_context_ends",
    ".type bareflow_context_ends, @function",
    "bareflow_context_ends:",
    "and esp, -16",
    "test ebx, ebx",
    "je 2f",
    "sub esp, 12",
    "push ebx",
    "call setcontext",
    "2:",
    "sub esp, 12",
    "push 0",
    "call exit",
    "ud2",
    ".size bareflow_context_ends, . - bareflow_context_ends",
    ".popsection",
);
