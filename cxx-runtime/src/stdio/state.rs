//! `<stdio_ext.h>`: what a stream is doing, which gnulib asks.

use core::ffi::{c_char, c_int};

use super::stream::{FileStream, flush};

/// `FSETLOCKING_INTERNAL`: the library takes the locks, which with one thread are none.
const FSETLOCKING_INTERNAL: c_int = 1;

macro_rules! told {
    ($($name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? { $call:expr })*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $name($($argument: $type),*) $(-> $result)? {
                $call
            }
        )*
    };
}

told! {
    __fbufsize(stream: &FileStream) -> usize { stream.buffer_size() }
    __flbf(stream: &FileStream) -> c_int { c_int::from(stream.is_line_buffered()) }
    __fpending(stream: &FileStream) -> usize { stream.pending() }
    __fpurge(stream: &FileStream) { stream.purge() }
    __freadable(stream: &FileStream) -> c_int { c_int::from(stream.access().reads) }
    __freadahead(stream: &FileStream) -> usize { stream.ahead_count() }
    __freading(stream: &FileStream) -> c_int {
        c_int::from(!stream.access().writes || stream.is_reading())
    }
    __fseterr(stream: &FileStream) { stream.fail() }
    __fsetlocking(_stream: &FileStream, _kind: c_int) -> c_int { FSETLOCKING_INTERNAL }
    __fwritable(stream: &FileStream) -> c_int { c_int::from(stream.access().writes) }
    __fwriting(stream: &FileStream) -> c_int {
        c_int::from(!stream.access().reads || stream.is_writing())
    }
    _flushlbf() { flush() }
}

/// Where the bytes are that are read next without asking the file; null if there are none, or where they were pushed
/// back.
///
/// # Safety
/// `size` must be writable.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn __freadptr(stream: &FileStream, size: *mut usize) -> *const c_char {
    let next = stream.buffered();
    if next.is_empty() {
        return core::ptr::null();
    }
    // SAFETY: the caller's promise.
    unsafe { size.write(next.len()) };
    next.as_ptr().cast()
}

/// Goes on behind bytes that `__freadptr` gave.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn __freadptrinc(stream: &FileStream, count: usize) {
    stream.skip_buffered(count);
}
