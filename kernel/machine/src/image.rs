//! Where the kernel's own sections are, by the symbols of the linker script.

use core::ops::Range;

use bareflow_boot_layout::symbols::SymbolTable;

unsafe extern "C" {
    static __image_start: u8;
    static __text_start: u8;
    static __text_end: u8;
    static __rodata_start: u8;
    static __rodata_end: u8;
    static __data_start: u8;
    static __data_end: u8;
    static __image_end: u8;
    static __minimum_memory: u8;
}

fn range(start: *const u8, end: *const u8) -> Range<usize> {
    start as usize..end as usize
}

/// Everything that was loaded and zeroed, without the symbol table.
pub(crate) fn whole() -> Range<usize> {
    range(&raw const __image_start, &raw const __image_end)
}

/// Code.
pub(crate) fn text() -> Range<usize> {
    range(&raw const __text_start, &raw const __text_end)
}

/// Constants.
pub(crate) fn constants() -> Range<usize> {
    range(&raw const __rodata_start, &raw const __rodata_end)
}

/// Variables.
pub(crate) fn data() -> Range<usize> {
    range(&raw const __data_start, &raw const __data_end)
}

/// The end of the memory that the image and its work need, the bundle not counted.
pub(crate) fn minimum_memory() -> usize {
    (&raw const __minimum_memory) as usize
}

/// Where the symbol table is, if the image has one: `cargo xtask` appends it to the linked image.
///
/// # Safety
/// The page behind the image must be mapped.
pub(crate) unsafe fn symbol_table_range() -> Option<Range<usize>> {
    let start = whole().end;
    // SAFETY: the caller's promise.
    let first = unsafe { &*core::ptr::with_exposed_provenance::<[u8; 16]>(start) };
    Some(start..start + SymbolTable::size_bytes(first)?)
}
