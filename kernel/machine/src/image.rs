//! Where the sections of the kernel's two parts are, the core and LLVM, by the symbols of the linker script.

use core::ops::Range;

use bareflow_boot_layout::symbols::SymbolTable;
use bareflow_memory::{Access, PAGE_SIZE_BYTES};
use bareflow_pager::{Contents, Section, Window};

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
    static __llvm_window: u8;
    static __llvm_window_end: u8;
    static __llvm_rodata_start: u8;
    static __llvm_pages_data_start: u8;
    static __llvm_pages_bss_start: u8;
    static __llvm_load_start: u8;
    static __llvm_load_end: u8;
}

/// LLVM's sections: code, constants, variables, zeroed variables, and the symbol table.
pub(crate) type LlvmWindow = Window<5>;

fn range(start: *const u8, end: *const u8) -> Range<usize> {
    start as usize..end as usize
}

/// Everything that was loaded and zeroed of the core.
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

/// The end of the memory that the core and its work need, the bundle not counted.
pub(crate) fn minimum_memory() -> usize {
    (&raw const __minimum_memory) as usize
}

/// LLVM's code.
pub(crate) fn llvm_text() -> Range<usize> {
    range(&raw const __llvm_window, &raw const __llvm_rodata_start)
}

/// LLVM's variables that are not zeros at first.
#[cfg(feature = "engine")]
pub(crate) fn llvm_variables() -> Range<usize> {
    range(
        &raw const __llvm_pages_data_start,
        &raw const __llvm_pages_bss_start,
    )
}

/// Where a loader of ELF files has put LLVM, without the symbol table.
pub(crate) fn loaded_llvm() -> Range<usize> {
    range(&raw const __llvm_load_start, &raw const __llvm_load_end)
}

/// How large the symbol table is that a loader of ELF files has put behind LLVM: `cargo xtask` appends it to
/// the linked image.
///
/// # Safety
/// The page behind LLVM must be mapped.
pub(crate) unsafe fn loaded_symbols_size_bytes() -> usize {
    let start = core::ptr::with_exposed_provenance::<[u8; 16]>(loaded_llvm().end);
    // SAFETY: the caller's promise.
    SymbolTable::size_bytes(unsafe { &*start }).unwrap_or(0)
}

/// Where the pages of LLVM are that has so many but for zeroed variables; the symbol table is what lies behind its own
/// sections.
pub(crate) fn llvm_window(stored: usize) -> LlvmWindow {
    let page = |symbol: *const u8| symbol as usize / PAGE_SIZE_BYTES;
    let starts = [
        page(&raw const __llvm_window),
        page(&raw const __llvm_rodata_start),
        page(&raw const __llvm_pages_data_start),
        page(&raw const __llvm_pages_bss_start),
        page(&raw const __llvm_window_end),
    ];
    let [text, constants, data, zeros, symbols] = starts;
    let symbols_stored = zeros - text;
    let section = |pages: Range<usize>, access, stored_start| Section {
        pages,
        access,
        contents: stored_start,
    };
    let symbols_end = symbols + stored.saturating_sub(symbols_stored);
    Window([
        section(text..constants, Access::ReadExecute, Contents::Stored(0)),
        section(
            constants..data,
            Access::Read,
            Contents::Stored(constants - text),
        ),
        section(
            data..zeros,
            Access::ReadWrite,
            Contents::Stored(data - text),
        ),
        section(zeros..symbols, Access::ReadWrite, Contents::Zeros),
        section(
            symbols..symbols_end,
            Access::Read,
            Contents::Stored(symbols_stored),
        ),
    ])
}
