//! Names of the kernel's functions.

use core::fmt;
use core::ops::Range;

use bareflow_boot_layout::symbols::SymbolTable;

use crate::memory;
use crate::one_thread::OneThread;

static TABLE: OneThread<SymbolTable<'static>> = OneThread::new(SymbolTable::EMPTY);

/// Takes the names from the table that lies there.
///
/// # Safety
/// The bytes must be mapped for ever and not change.
pub(crate) unsafe fn set_table(bytes: Range<usize>) {
    let start = core::ptr::with_exposed_provenance(bytes.start);
    // SAFETY: the caller's promise.
    let bytes = unsafe { core::slice::from_raw_parts(start, bytes.len()) };
    if let Some(table) = SymbolTable::open(bytes) {
        *TABLE.borrow() = table;
    }
}

/// The function that the address is in, and how far behind its beginning. `None` inside another such call.
#[must_use]
pub fn function_at(address: usize) -> Option<(&'static str, usize)> {
    let symbol = TABLE.try_borrow()?.find(address as u64)?;
    Some((symbol.name, address - symbol.address as usize))
}

/// An address, shown with the function that it is in.
pub(super) struct Place(pub(super) u64);

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{:#018x}", self.0)?;
        if let Some((name, offset)) = function_at(self.0 as usize) {
            write!(formatter, " {name}+{offset:#x}")?;
        } else if memory::is_code_pool(self.0 as usize) {
            formatter.write_str(" in the program")?;
        }
        Ok(())
    }
}
