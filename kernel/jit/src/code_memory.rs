//! Where code lies.

use bareflow_cxx_runtime::platform;
use bareflow_cxx_runtime::platform::{PlatformError, Protection};
use bareflow_machine_code::ALIGNMENT;

/// What is asked of the platform at once, at least.
const CHUNK_BYTES: usize = 1 << 20;

/// Pages with code, of which only those that are written to are not executable.
#[derive(Debug)]
pub(crate) struct CodeMemory {
    next: usize,
    end: usize,
}

impl CodeMemory {
    pub(crate) const NONE: Self = Self { next: 0, end: 0 };

    /// A place for so much code, which is nobody else's.
    pub(crate) fn place(
        &mut self,
        size_bytes: usize,
        alignment: u32,
    ) -> Result<usize, PlatformError> {
        let alignment = alignment.max(ALIGNMENT) as usize;
        let start = self.next.next_multiple_of(alignment);
        if self.next != 0 && size_bytes <= self.end.saturating_sub(start) {
            self.next = start + size_bytes;
            return Ok(start);
        }
        let page = platform().page_size_bytes();
        let whole = size_bytes.next_multiple_of(page).max(CHUNK_BYTES);
        let start = platform().map_pages(whole, Protection::READ | Protection::WRITE)?;
        self.end = start + whole;
        self.next = start + size_bytes;
        Ok(start)
    }

    /// Puts code at a place.
    pub(crate) fn write(&mut self, address: usize, bytes: &[u8]) -> Result<(), PlatformError> {
        let page = platform().page_size_bytes();
        let start = address / page * page;
        let size_bytes = (address + bytes.len()).next_multiple_of(page) - start;
        // SAFETY: the pages are this memory's. No code in them runs meanwhile, and none relies on being written to.
        unsafe {
            platform().protect_pages(start, size_bytes, Protection::READ | Protection::WRITE)?;
            core::ptr::with_exposed_provenance_mut::<u8>(address)
                .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            platform().protect_pages(start, size_bytes, Protection::READ | Protection::EXECUTE)
        }
    }
}
