//! C strings.

use core::ffi::{CStr, c_char};

/// The bytes of a C string.
///
/// # Safety
/// `text` must be a C string that lives for `'a`.
pub(crate) unsafe fn bytes<'a>(text: *const c_char) -> &'a [u8] {
    // SAFETY: the caller promises a C string.
    unsafe { CStr::from_ptr(text) }.to_bytes()
}

/// Copies `text` and a terminating zero into `buffer`, cut to fit; returns whether all fitted.
///
/// # Safety
/// `buffer` must be writable for `size` bytes.
pub(crate) unsafe fn store(text: &[u8], buffer: *mut c_char, size: usize) -> bool {
    let Some(room) = size.checked_sub(1) else {
        return false;
    };
    let count = text.len().min(room);
    // SAFETY: `count` + 1 bytes are within the buffer.
    unsafe {
        core::ptr::copy_nonoverlapping(text.as_ptr().cast(), buffer, count);
        *buffer.add(count) = 0;
    }
    count == text.len()
}
