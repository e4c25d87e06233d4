//! `mmap` and its family: anonymous memory, and private copies of read-only files.

use core::ffi::{c_char, c_int, c_void};

use crate::errno::{self, fail};
use crate::platform::Protection;
use crate::runtime::platform;

const PROT_READ: c_int = 1;
const PROT_WRITE: c_int = 2;
const PROT_EXEC: c_int = 4;
const MAP_ANONYMOUS: c_int = 0x20;
const MAP_FAILED: *mut c_void = !0_usize as *mut c_void;

fn protection(bits: c_int) -> Protection {
    [
        (PROT_READ, Protection::READ),
        (PROT_WRITE, Protection::WRITE),
        (PROT_EXEC, Protection::EXECUTE),
    ]
    .into_iter()
    .filter(|(bit, _)| bits & bit != 0)
    .fold(Protection::NONE, |sum, (_, one)| sum | one)
}

fn whole_pages(size: usize) -> Option<usize> {
    size.checked_next_multiple_of(platform().page_size_bytes())
        .filter(|size| *size != 0)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) extern "C" fn mmap(
    _address: *mut c_void,
    size: usize,
    bits: c_int,
    flags: c_int,
    file: c_int,
    offset: i64,
) -> *mut c_void {
    let failed = |number| {
        errno::set(number);
        MAP_FAILED
    };
    let Some(pages) = whole_pages(size) else {
        return failed(errno::EINVAL);
    };
    let contents = if flags & MAP_ANONYMOUS != 0 {
        &[][..]
    } else {
        match crate::files::contents(file) {
            Some(contents) => contents
                .get(usize::try_from(offset).unwrap_or(usize::MAX)..)
                .unwrap_or(&[]),
            None => return failed(errno::EBADF),
        }
    };
    let wanted = protection(bits);
    let first = if contents.is_empty() {
        wanted
    } else {
        Protection::READ | Protection::WRITE
    };
    let Ok(address) = platform().map_pages(pages, first) else {
        return failed(errno::ENOMEM);
    };
    if !contents.is_empty() {
        let count = contents.len().min(size);
        // SAFETY: the pages are fresh, writable and at least `size` bytes; nobody else knows them yet.
        let protected = unsafe {
            core::ptr::copy_nonoverlapping(contents.as_ptr(), address as *mut u8, count);
            platform().protect_pages(address, pages, wanted)
        };
        if protected.is_err() {
            return failed(errno::EINVAL);
        }
    }
    address as *mut c_void
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn munmap(address: *mut c_void, size: usize) -> c_int {
    let Some(pages) = whole_pages(size) else {
        return fail(errno::EINVAL);
    };
    // SAFETY: the caller says that nothing uses the range any more.
    match unsafe { platform().unmap_pages(address as usize, pages) } {
        Ok(()) => 0,
        Err(_) => fail(errno::EINVAL),
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mprotect(address: *mut c_void, size: usize, bits: c_int) -> c_int {
    let Some(pages) = whole_pages(size) else {
        return fail(errno::EINVAL);
    };
    // SAFETY: the caller says that nothing relies on what is forbidden now.
    match unsafe { platform().protect_pages(address as usize, pages, protection(bits)) } {
        Ok(()) => 0,
        Err(_) => fail(errno::EACCES),
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn posix_madvise(_address: *mut c_void, _size: usize, _advice: c_int) -> c_int {
    0
}

/// Advice need not be taken.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn madvise(_address: *mut c_void, _size: usize, _advice: c_int) -> c_int {
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn shm_open(_name: *const c_char, _flags: c_int, _mode: u32) -> c_int {
    fail(errno::ENOSYS)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn shm_unlink(_name: *const c_char) -> c_int {
    fail(errno::ENOSYS)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn getpagesize() -> c_int {
    c_int::try_from(platform().page_size_bytes()).unwrap_or(4096)
}
