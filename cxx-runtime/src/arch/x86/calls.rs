//! What Rust cannot define, and needs no calling convention.

/// Defines functions that are others under another name, whatever is passed.
macro_rules! jumps {
    ($($name:literal is $target:literal;)*) => {
        $(core::arch::global_asm!(
            concat!(".pushsection .text.", $name, ", \"ax\", @progbits"),
            concat!(".globl ", $name),
            concat!(".type ", $name, ", @function"),
            concat!($name, ": jmp ", $target),
            concat!(".size ", $name, ", . - ", $name),
            ".popsection",
        );)*
    };
}

/// Defines a read-only table of the addresses of symbols.
macro_rules! address_table {
    ($table:ident: $($name:ident)*) => {
        core::arch::global_asm!(
            concat!(".pushsection .rodata.", stringify!($table), ", \"a\", @progbits"),
            ".balign 8",
            concat!(".globl ", stringify!($table)),
            concat!(stringify!($table), ":"),
            $(concat!($crate::arch::address!(), stringify!($name)),)*
            ".popsection",
        );
    };
}

pub(crate) use {address_table, jumps};
