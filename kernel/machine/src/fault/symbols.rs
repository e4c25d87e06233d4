//! Names of the kernel's functions.

use core::fmt;
use core::ops::Range;

use bareflow_boot_layout::symbols::{Symbol, SymbolTable};

use crate::layout;
use crate::single_thread_cell::SingleThreadCell;

/// Where the table is. It is opened when a name is wanted: its pages come from the disk then.
static TABLE: SingleThreadCell<Range<usize>> = SingleThreadCell::new(0..0);

/// Takes the names from the table that lies there.
///
/// # Safety
/// The bytes must be readable for ever and not change.
pub(crate) unsafe fn set_table(bytes: Range<usize>) {
    *TABLE.borrow() = bytes;
}

fn find(address: usize) -> Option<Symbol<'static>> {
    let bytes = TABLE.try_borrow()?.clone();
    let start = core::ptr::with_exposed_provenance(bytes.start);
    // SAFETY: the promise of `set_table`.
    let bytes = unsafe { core::slice::from_raw_parts(start, bytes.len()) };
    SymbolTable::open(bytes)?.find(address as u64)
}

/// The function that the address is in, and how far behind its beginning. `None` inside another such call.
#[must_use]
pub fn function_at(address: usize) -> Option<(&'static str, usize)> {
    let symbol = find(address)?;
    Some((symbol.name, address - symbol.address as usize))
}

/// An address, shown with the function that it is in.
pub(super) struct Place(pub(super) usize);

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{:#018x}", self.0)?;
        if let Some((name, offset)) = function_at(self.0) {
            write!(formatter, " {name}+{offset:#x}")?;
        } else if layout::is_code_pool(self.0) {
            formatter.write_str(" in the program")?;
        }
        Ok(())
    }
}
