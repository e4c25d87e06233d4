//! The entry of the kernel's file, in the processor's 32-bit mode.

use core::arch::global_asm;

// One piece: the way back to stage 2 uses the entry's tables.
global_asm!(
    include_str!(concat!(env!("OUT_DIR"), "/definitions.S")),
    include_str!("entry.S"),
    include_str!("../report.S"),
    include_str!("entry_end.S"),
    include_str!("../bios/reload.S"),
    options(att_syntax, raw)
);
