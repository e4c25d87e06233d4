//! The thread-local data of the one thread. The linker script delimits the initial data with `__tls_start`,
//! `__tdata_end` and `__tls_end`.

#[cfg(not(test))]
use crate::arch;

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
    arch::thread_local_bytes(image::data_bytes())
}

/// Builds the thread-local block in `block`; returns what the thread pointer must be set to.
///
/// # Safety
/// `block` must have room for [`block_size_bytes`] zeroed bytes, be aligned to 64, and be used for
/// nothing else.
#[cfg(not(test))]
pub unsafe fn initialise_block(block: *mut u8) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe { arch::lay_out_thread_local(block, image::initial(), image::data_bytes()) }
}
