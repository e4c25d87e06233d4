//! Functions that Rust cannot define: a few instructions around one that it can, by the System V ABI for x86-64
//! (<https://gitlab.com/x86-psABIs/x86-64-ABI>).

/// Defines a function of these instructions, which may go to `{implementation}`.
macro_rules! naked_function {
    ($name:ident = $implementation:path: $($instruction:literal,)*) => {
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name() {
            core::arch::naked_asm!($($instruction,)* implementation = sym $implementation)
        }
    };
}

/// Defines variadic functions by those that take a `va_list` (section 3.5.7) behind the arguments that are named.
macro_rules! variadic {
    (@register 1) => { "rsi" };
    (@register 2) => { "rdx" };
    (@register 3) => { "rcx" };
    (@register 5) => { "r9" };
    ($($name:literal calls $target:literal after $fixed:tt;)*) => {
        $(core::arch::global_asm!(
            concat!(".pushsection .text.", $name, ", \"ax\", @progbits"),
            concat!(".globl ", $name),
            concat!(".type ", $name, ", @function"),
            concat!($name, ":"),
            // 24 bytes of va_list, 8 of padding, 176 of register save area, 8 for the alignment.
            "sub rsp, 216",
            "mov [rsp + 32], rdi",
            "mov [rsp + 40], rsi",
            "mov [rsp + 48], rdx",
            "mov [rsp + 56], rcx",
            "mov [rsp + 64], r8",
            "mov [rsp + 72], r9",
            // AL is an upper bound of the vector registers in use.
            "test al, al",
            "je 2f",
            "movaps [rsp + 80], xmm0",
            "movaps [rsp + 96], xmm1",
            "movaps [rsp + 112], xmm2",
            "movaps [rsp + 128], xmm3",
            "movaps [rsp + 144], xmm4",
            "movaps [rsp + 160], xmm5",
            "movaps [rsp + 176], xmm6",
            "movaps [rsp + 192], xmm7",
            "2:",
            concat!("mov dword ptr [rsp], 8 * ", stringify!($fixed)),
            "mov dword ptr [rsp + 4], 48",
            "lea rax, [rsp + 224]",
            "mov [rsp + 8], rax",
            "lea rax, [rsp + 32]",
            "mov [rsp + 16], rax",
            concat!("lea ", $crate::arch::variadic!(@register $fixed), ", [rsp]"),
            concat!("call ", $target),
            "add rsp, 216",
            "ret",
            concat!(".size ", $name, ", . - ", $name),
            ".popsection",
        );)*
    };
}

/// Defines functions of long doubles that return one, by the Rust function that is given the places of the result and of
/// the arguments, which lie on the stack, 16 bytes each, and whatever was passed in the first two integer registers.
/// The result is returned in `st(0)`.
macro_rules! returning_long_double {
    ($($name:ident = $implementation:path;)*) => {
        $(
            $crate::arch::naked_function! {
                $name = $implementation:
                "sub rsp, 24",
                "mov rdx, rdi",
                "mov rcx, rsi",
                "mov rdi, rsp",
                "lea rsi, [rsp + 32]",
                "call {implementation}",
                "fld tbyte ptr [rsp]",
                "add rsp, 24",
                "ret",
            }
        )*
    };
}

/// Defines functions of long doubles that return an integer or nothing, in the same way.
macro_rules! returning_integer {
    ($($name:ident = $implementation:path;)*) => {
        $(
            $crate::arch::naked_function! {
                $name = $implementation:
                "mov rdx, rdi",
                "mov rcx, rsi",
                "lea rdi, [rsp + 8]",
                "jmp {implementation}",
            }
        )*
    };
}

/// Defines functions to complex numbers of long double, by the Rust function that is given the places of the result and
/// of the arguments on the stack. The parts are returned in `st(0)` and `st(1)`.
macro_rules! returning_long_complex {
    ($($name:ident = $implementation:path;)*) => {
        $(
            $crate::arch::naked_function! {
                $name = $implementation:
                "sub rsp, 40",
                "mov rdi, rsp",
                "lea rsi, [rsp + 48]",
                "call {implementation}",
                "fld tbyte ptr [rsp + 16]",
                "fld tbyte ptr [rsp]",
                "add rsp, 40",
                "ret",
            }
        )*
    };
}

/// Defines functions of a text and a place for its end that return a long double, by the Rust function that is given
/// the place of the result and both.
macro_rules! parsing_long_double {
    ($($name:ident = $implementation:path;)*) => {
        $(
            $crate::arch::naked_function! {
                $name = $implementation:
                "sub rsp, 24",
                "mov rdx, rsi",
                "mov rsi, rdi",
                "mov rdi, rsp",
                "call {implementation}",
                "fld tbyte ptr [rsp]",
                "add rsp, 24",
                "ret",
            }
        )*
    };
}

/// Defines functions whose third argument is a large structure by value, by the Rust function that is given its place:
/// it lies on the stack (class MEMORY).
macro_rules! with_third_in_memory {
    ($($name:ident = $implementation:path;)*) => {
        $(
            $crate::arch::naked_function! {
                $name = $implementation:
                "lea rdx, [rsp + 8]",
                "jmp {implementation}",
            }
        )*
    };
}

/// What the assembler calls an address.
macro_rules! address {
    () => {
        ".quad "
    };
}

/// `size_t` in names of the Itanium C++ ABI: `unsigned long`.
macro_rules! mangled_size {
    () => {
        "m"
    };
}

pub(crate) use {
    address, mangled_size, naked_function, parsing_long_double, returning_integer,
    returning_long_complex, returning_long_double, variadic, with_third_in_memory,
};
