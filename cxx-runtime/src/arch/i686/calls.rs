//! Functions that Rust cannot define: a few instructions around one that it can, by the System V ABI for i386
//! (<https://gitlab.com/x86-psABIs/i386-ABI>). At a call the stack is at a multiple of 16 bytes.

/// Defines variadic functions by those that take a `va_list` behind the arguments that are named, each of which is a word.
macro_rules! variadic {
    // What makes the stack a multiple of 16 bytes behind the return address, the named arguments and the list.
    (@padding 1) => { "4" };
    (@padding 2) => { "0" };
    (@padding 3) => { "12" };
    (@padding 5) => { "4" };
    ($($name:literal calls $target:literal after $fixed:tt;)*) => {
        $(core::arch::global_asm!(
            concat!(".pushsection .text.", $name, ", \"ax\", @progbits"),
            concat!(".globl ", $name),
            concat!(".type ", $name, ", @function"),
            concat!($name, ":"),
            concat!("lea eax, [esp + 4 + 4 * ", stringify!($fixed), "]"),
            concat!("sub esp, ", $crate::arch::variadic!(@padding $fixed)),
            "push eax",
            // From the last of them on: it is the same place before each push.
            concat!(".rept ", stringify!($fixed)),
            concat!(
                "push dword ptr [esp + 4 + 4 * ", stringify!($fixed), " + ",
                $crate::arch::variadic!(@padding $fixed), "]"
            ),
            ".endr",
            concat!("call ", $target),
            concat!(
                "add esp, 4 + 4 * ", stringify!($fixed), " + ",
                $crate::arch::variadic!(@padding $fixed)
            ),
            "ret",
            concat!(".size ", $name, ", . - ", $name),
            ".popsection",
        );)*
    };
}

/// Long doubles are doubles here: their functions are those of doubles under another name, of which there is a list.
macro_rules! of_long_double {
    ($($name:ident = $implementation:path;)*) => {
        $(
            const _: () = {
                let _ = $implementation;
            };
        )*
    };
}

/// Defines functions whose third argument is a structure by value, by the Rust function that is given its place.
macro_rules! with_third_in_memory {
    ($($name:ident = $implementation:path;)*) => {
        $(
            #[unsafe(naked)]
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name() {
                core::arch::naked_asm!(
                    "lea eax, [esp + 12]",
                    "push eax",
                    "push dword ptr [esp + 12]",
                    "push dword ptr [esp + 12]",
                    "call {implementation}",
                    "add esp, 12",
                    "ret",
                    implementation = sym $implementation
                )
            }
        )*
    };
}

/// What the assembler calls an address.
macro_rules! address {
    () => {
        ".long "
    };
}

/// `size_t` in names of the Itanium C++ ABI: `unsigned int`.
macro_rules! mangled_size {
    () => {
        "j"
    };
}

pub(crate) use {
    address, mangled_size, of_long_double as parsing_long_double,
    of_long_double as returning_integer, of_long_double as returning_long_complex,
    of_long_double as returning_long_double, variadic, with_third_in_memory,
};
