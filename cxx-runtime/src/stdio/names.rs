//! Names of temporary files (C11 7.21.4.4, POSIX `tempnam`).

use core::cell::{Cell, UnsafeCell};
use core::ffi::{c_char, c_int};

use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;

use super::stream::{Access, Device, FileStream};
use crate::{cstr, errno, files, heap};

/// L_tmpnam of `stdio.h`.
const NAME_BYTES: usize = 20;

struct Names {
    buffer: UnsafeCell<[c_char; NAME_BYTES]>,
    count: Cell<u32>,
}

// SAFETY: there is one thread.
unsafe impl Sync for Names {}

static NAMES: Names = Names {
    buffer: UnsafeCell::new([0; NAME_BYTES]),
    count: Cell::new(0),
};

/// A name that begins with these bytes and that no file has.
fn fresh(start: &[u8]) -> Option<CString> {
    const F_OK: c_int = 0;
    for _ in 0..1 << 16 {
        let count = NAMES.count.get();
        NAMES.count.set(count.wrapping_add(1));
        let mut bytes = Vec::from(start);
        bytes.extend_from_slice(format!("{:06}", count % 1_000_000).as_bytes());
        let name = CString::new(bytes).ok()?;
        // SAFETY: the name is a C string.
        if unsafe { files::access(name.as_ptr(), F_OK) } != 0 {
            return Some(name);
        }
    }
    None
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn tmpnam(place: *mut c_char) -> *mut c_char {
    let place = if place.is_null() {
        NAMES.buffer.get().cast()
    } else {
        place
    };
    match fresh(b"/tmp/file") {
        // SAFETY: the caller gives L_tmpnam bytes.
        Some(name) if unsafe { cstr::store(name.as_bytes(), place, NAME_BYTES) } => place,
        _ => core::ptr::null_mut(),
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn tmpnam_r(place: *mut c_char) -> *mut c_char {
    if place.is_null() {
        return place;
    }
    // SAFETY: the caller gives L_tmpnam bytes.
    unsafe { tmpnam(place) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn tempnam(folder: *const c_char, prefix: *const c_char) -> *mut c_char {
    let text = |text: *const c_char, otherwise: &'static [u8]| {
        if text.is_null() {
            otherwise
        } else {
            // SAFETY: the caller passes C strings or null.
            unsafe { cstr::bytes(text) }
        }
    };
    let (folder, prefix) = (text(folder, b"/tmp"), text(prefix, b"file"));
    let start = [folder, b"/", &prefix[..prefix.len().min(5)]].concat();
    let Some(name) = fresh(&start) else {
        return core::ptr::null_mut();
    };
    let bytes = name.as_bytes_with_nul();
    let block = heap::malloc(bytes.len()).cast::<c_char>();
    if !block.is_null() {
        // SAFETY: the block has this many bytes.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr().cast(), block, bytes.len()) };
    }
    block
}

/// It has no name once it is open.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn tmpfile() -> *const FileStream {
    const FLAGS: c_int = 0o2 | 0o100 | 0o200;
    let Some(name) = fresh(b"/tmp/file") else {
        errno::set(errno::EEXIST);
        return core::ptr::null();
    };
    // SAFETY: the name is a C string.
    let descriptor = unsafe { files::open(name.as_ptr(), FLAGS, 0o600) };
    if descriptor < 0 {
        return core::ptr::null();
    }
    // SAFETY: as above.
    unsafe { files::unlink(name.as_ptr()) };
    let access = Access {
        reads: true,
        writes: true,
    };
    let stream = FileStream::create(Device::Descriptor(descriptor), access);
    if stream.is_null() {
        files::close(descriptor);
    }
    stream
}

#[cfg(test)]
mod tests {
    use super::super::characters::{fread, fwrite};
    use super::super::open::fclose;
    use super::*;

    #[test]
    fn a_temporary_file_is_written_and_read() {
        crate::platform::test_platform::install();
        let file = tmpfile();
        let mut buffer = [0_u8; 8];
        // SAFETY: the stream is open, the buffers have their sizes.
        unsafe {
            let stream = &*file;
            assert_eq!(fwrite(b"hello world".as_ptr().cast(), 1, 11, stream), 11);
            assert_eq!(stream.tell(), 11);
            assert!(stream.seek(-5, 2));
            assert_eq!(fread(buffer.as_mut_ptr().cast(), 1, 8, stream), 5);
            assert_eq!(&buffer[..5], b"world");
            assert!(stream.is_at_end());
            assert!(stream.seek(0, 0));
            assert_eq!(fwrite(b"J".as_ptr().cast(), 1, 1, stream), 1);
            assert!(stream.seek(0, 1));
            assert_eq!(fread(buffer.as_mut_ptr().cast(), 1, 4, stream), 4);
            assert_eq!(&buffer[..4], b"ello");
            assert_eq!(fclose(file), 0);
        }
    }

    #[test]
    fn names_differ_and_fit() {
        crate::platform::test_platform::install();
        let mut first = [0; NAME_BYTES];
        // SAFETY: the place has its size; names are C strings.
        unsafe {
            assert!(!tmpnam(first.as_mut_ptr()).is_null());
            assert_ne!(
                cstr::bytes(first.as_ptr()),
                cstr::bytes(tmpnam(core::ptr::null_mut()))
            );
            let long = tempnam(c"/data".as_ptr(), c"prefix".as_ptr());
            assert!(cstr::bytes(long).starts_with(b"/data/prefi"));
            heap::free(long.cast());
        }
    }
}
