//! The layout of thread-local data in the x86-64 ELF ABI: variant II of "ELF Handling For Thread-Local Storage"
//! (<https://www.akkadia.org/drepper/tls.pdf>, section 3). The data ends at the thread pointer, FSBASE, where a pointer to
//! itself stands.

/// What the data may be aligned to at most.
const ALIGNMENT: usize = 64;

/// Bytes at the thread pointer: the pointer to itself, and words that compilers may assume there.
const CONTROL_BYTES: usize = 64;

/// Bytes of the data, with the padding that makes the thread pointer aligned.
const fn padded(data_bytes: usize) -> usize {
    data_bytes.next_multiple_of(ALIGNMENT)
}

/// Bytes of the block for so many bytes of data.
pub(crate) const fn thread_local_bytes(data_bytes: usize) -> usize {
    padded(data_bytes) + CONTROL_BYTES
}

/// Copies the initial data to where the thread pointer's offsets expect it; returns the thread pointer.
///
/// # Safety
/// `block` must have room for [`thread_local_bytes`] zeroed bytes, aligned to 64.
pub(crate) unsafe fn lay_out_thread_local(
    block: *mut u8,
    initial: &[u8],
    data_bytes: usize,
) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe {
        core::ptr::copy_nonoverlapping(initial.as_ptr(), block, initial.len());
        let thread_pointer = block.add(padded(data_bytes));
        thread_pointer.cast::<*mut u8>().write(thread_pointer);
        thread_pointer
    }
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
        let thread_pointer = unsafe { lay_out_thread_local(start, b"data", 70) };
        assert_eq!(thread_pointer as usize - start as usize, 128);
        assert_eq!(&block.0[..5], b"data\0");
        assert_eq!(block.0[128..136], (thread_pointer as usize).to_le_bytes());
    }
}
