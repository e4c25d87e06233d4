//! The thread-local data of the one thread, in the layout of the x86-64 ELF ABI: variant II of
//! "ELF Handling For Thread-Local Storage" (<https://www.akkadia.org/drepper/tls.pdf>, section 3).
//!
//! The data ends at the thread pointer, where a pointer to itself stands. The linker script delimits the
//! initial data with `__tls_start`, `__tdata_end` and `__tls_end`.

/// What the data may be aligned to at most.
const ALIGNMENT: usize = 64;

/// Bytes at the thread pointer: the pointer to itself, and words that compilers may assume there.
const CONTROL_BYTES: usize = 64;

/// Bytes of the data, with the padding that makes the thread pointer aligned.
const fn padded(data_bytes: usize) -> usize {
    data_bytes.next_multiple_of(ALIGNMENT)
}

/// Copies the initial data to where the thread pointer's offsets expect it; returns the thread pointer.
///
/// # Safety
/// `block` must have room for `padded(data_bytes) + CONTROL_BYTES` zeroed bytes, aligned to `ALIGNMENT`.
unsafe fn lay_out(block: *mut u8, initial: &[u8], data_bytes: usize) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe {
        core::ptr::copy_nonoverlapping(initial.as_ptr(), block, initial.len());
        let thread_pointer = block.add(padded(data_bytes));
        thread_pointer.cast::<*mut u8>().write(thread_pointer);
        thread_pointer
    }
}

#[cfg(not(test))]
mod image {
    unsafe extern "C" {
        static __tls_start: u8;
        static __tdata_end: u8;
        static __tls_end: u8;
    }

    fn distance(start: *const u8, end: *const u8) -> usize {
        end as usize - start as usize
    }

    /// Bytes of the thread-local data.
    pub(super) fn data_bytes() -> usize {
        distance(&raw const __tls_start, &raw const __tls_end)
    }

    /// The data that does not start as zero.
    pub(super) fn initial() -> &'static [u8] {
        let start = &raw const __tls_start;
        // SAFETY: the linker script delimits these bytes of the image, which nothing writes to.
        unsafe { core::slice::from_raw_parts(start, distance(start, &raw const __tdata_end)) }
    }
}

/// Bytes of memory that [`initialise_block`] needs.
#[cfg(not(test))]
#[must_use]
pub fn block_size_bytes() -> usize {
    padded(image::data_bytes()) + CONTROL_BYTES
}

/// Builds the thread-local block in `block`; returns what FSBASE must be set to.
///
/// # Safety
/// `block` must have room for [`block_size_bytes`] zeroed bytes, be aligned to 64, and be used for
/// nothing else.
#[cfg(not(test))]
pub unsafe fn initialise_block(block: *mut u8) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe { lay_out(block, image::initial(), image::data_bytes()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(align(64))]
    struct Block([u8; 256]);

    #[test]
    fn the_data_ends_at_the_thread_pointer() {
        let mut block = Block([0; 256]);
        let start = block.0.as_mut_ptr();
        // SAFETY: the block is aligned and large enough for 70 bytes of data.
        let thread_pointer = unsafe { lay_out(start, b"data", 70) };
        assert_eq!(thread_pointer as usize - start as usize, 128);
        assert_eq!(&block.0[..5], b"data\0");
        assert_eq!(block.0[128..136], (thread_pointer as usize).to_le_bytes());
    }
}
