//! What the prebuilt `core` names although nothing unwinds, and a conversion that Rust has no type for.

#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    crate::runtime::platform().abort("unwinding was resumed in a build without unwinding")
}

#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

// __floattixf and __floatuntixf convert a signed and an unsigned 128-bit integer to an x87 extended
// double, which Rust cannot return. The high word times 2^64 and the low word are both exact in 64 bits of
// significand, so the one addition rounds once, as it must.
core::arch::global_asm!(
    ".pushsection .rodata.bareflow_two_to_the_64, \"a\", @progbits",
    ".balign 4",
    "bareflow_two_to_the_64:",
    ".long 0x5f800000",
    ".popsection",
    ".pushsection .text.__floattixf, \"ax\", @progbits",
    ".globl __floattixf",
    ".globl __floatuntixf",
    ".type __floattixf, @function",
    ".type __floatuntixf, @function",
    "__floattixf:",
    "sub rsp, 24",
    "mov [rsp], rdi",
    "mov [rsp + 8], rsi",
    "fild qword ptr [rsp + 8]",
    "jmp 3f",
    "__floatuntixf:",
    "sub rsp, 24",
    "mov [rsp], rdi",
    "mov [rsp + 8], rsi",
    "fild qword ptr [rsp + 8]",
    "test rsi, rsi",
    "jns 3f",
    "fadd dword ptr [rip + bareflow_two_to_the_64]",
    "3:",
    "fmul dword ptr [rip + bareflow_two_to_the_64]",
    "fild qword ptr [rsp]",
    "test rdi, rdi",
    "jns 2f",
    "fadd dword ptr [rip + bareflow_two_to_the_64]",
    "2:",
    "faddp st(1), st",
    "add rsp, 24",
    "ret",
    ".popsection",
);
