//! `mmap` and its family: anonymous memory, and copies of files. What is shared and writable goes back to its file at
//! `msync` and `munmap`.

use core::cell::UnsafeCell;
use core::ffi::{c_char, c_int, c_void};

use alloc::vec::Vec;

use crate::errno::{self, fail};
use crate::files::{self, Mapping};
use crate::platform::Protection;
use crate::runtime::platform;

const PROT_READ: c_int = 1;
const PROT_WRITE: c_int = 2;
const PROT_EXEC: c_int = 4;
const MAP_SHARED: c_int = 1;
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
    let wanted = protection(bits);
    if flags & MAP_ANONYMOUS != 0 {
        return match platform().map_pages(pages, wanted) {
            Ok(address) => address as *mut c_void,
            Err(_) => failed(errno::ENOMEM),
        };
    }
    let is_shared_writable = flags & MAP_SHARED != 0 && bits & PROT_WRITE != 0;
    let mapping = match files::map(file, offset, is_shared_writable) {
        Ok(mapping) => mapping,
        Err(number) => return failed(number),
    };
    let Ok(address) = platform().map_pages(pages, Protection::READ | Protection::WRITE) else {
        return failed(errno::ENOMEM);
    };
    // SAFETY: the pages are fresh and writable; nobody else knows them yet.
    let ready = unsafe {
        let memory = core::slice::from_raw_parts_mut(address as *mut u8, size);
        mapping.load(memory).and_then(|()| {
            let protected = platform().protect_pages(address, pages, wanted);
            protected.map_err(|_| errno::EINVAL)
        })
    };
    if let Err(number) = ready {
        // SAFETY: nobody uses the pages.
        let _ = unsafe { platform().unmap_pages(address, pages) };
        return failed(number);
    }
    if is_shared_writable {
        // SAFETY: there is one thread.
        unsafe { &mut *SHARED.0.get() }.push(SharedMapping {
            address,
            size,
            mapping,
        });
    }
    address as *mut c_void
}

/// A file whose mapped bytes go back to it.
struct SharedMapping {
    address: usize,
    size: usize,
    mapping: Mapping,
}

impl SharedMapping {
    fn overlaps(&self, address: usize, size: usize) -> bool {
        self.address < address.saturating_add(size) && address < self.address + self.size
    }

    fn save(&self) {
        // SAFETY: the range is mapped and readable until it is unmapped, which forgets it here.
        self.mapping
            .save(unsafe { core::slice::from_raw_parts(self.address as *const u8, self.size) });
    }
}

struct SharedMappings(UnsafeCell<Vec<SharedMapping>>);

// SAFETY: there is one thread.
unsafe impl Sync for SharedMappings {}

static SHARED: SharedMappings = SharedMappings(UnsafeCell::new(Vec::new()));

/// Writes all shared mappings back to their files.
pub(crate) fn save_shared() {
    msync(core::ptr::null_mut(), usize::MAX, 0);
}

/// Writes shared mappings in this range back to their files.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn msync(address: *mut c_void, size: usize, flags: c_int) -> c_int {
    const MS_SYNC: c_int = 4;
    // SAFETY: there is one thread.
    for shared in unsafe { &*SHARED.0.get() } {
        if shared.overlaps(address as usize, size) {
            shared.save();
            if flags & MS_SYNC != 0
                && let Err(number) = shared.mapping.commit()
            {
                return fail(number);
            }
        }
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn munmap(address: *mut c_void, size: usize) -> c_int {
    let Some(pages) = whole_pages(size) else {
        return fail(errno::EINVAL);
    };
    msync(address, pages, 0);
    // SAFETY: there is one thread.
    unsafe { &mut *SHARED.0.get() }.retain(|shared| !shared.overlaps(address as usize, pages));
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
