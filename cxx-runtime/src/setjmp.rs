//! `setjmp` and `longjmp`.
//!
//! llvm-libc 18 writes them in C++ with local register variables, which its own build option
//! `-ftrivial-auto-var-init=pattern` overwrites before they are stored. The layout of `jmp_buf` is that
//! of its header: rbx, rbp, r12 to r15, the caller's rsp, and the return address.

core::arch::global_asm!(
    ".pushsection .text.setjmp, \"ax\", @progbits",
    ".globl setjmp",
    ".globl _setjmp",
    "_setjmp:",
    ".type setjmp, @function",
    "setjmp:",
    "mov [rdi], rbx",
    "mov [rdi + 8], rbp",
    "mov [rdi + 16], r12",
    "mov [rdi + 24], r13",
    "mov [rdi + 32], r14",
    "mov [rdi + 40], r15",
    // The stack pointer as it is after this function has returned.
    "lea rax, [rsp + 8]",
    "mov [rdi + 48], rax",
    "mov rax, [rsp]",
    "mov [rdi + 56], rax",
    "xor eax, eax",
    "ret",
    ".size setjmp, . - setjmp",
    ".popsection",
    ".pushsection .text.longjmp, \"ax\", @progbits",
    ".globl longjmp",
    ".globl _longjmp",
    "_longjmp:",
    ".type longjmp, @function",
    "longjmp:",
    "mov eax, esi",
    // ISO C 7.13.2.1: a value of 0 is returned as 1.
    "cmp eax, 1",
    "adc eax, 0",
    "mov rbx, [rdi]",
    "mov rbp, [rdi + 8]",
    "mov r12, [rdi + 16]",
    "mov r13, [rdi + 24]",
    "mov r14, [rdi + 32]",
    "mov r15, [rdi + 40]",
    "mov rsp, [rdi + 48]",
    "jmp [rdi + 56]",
    ".size longjmp, . - longjmp",
    ".popsection",
);
