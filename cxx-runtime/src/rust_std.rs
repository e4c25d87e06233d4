//! What Rust's standard library, as built for Linux with glibc, asks of a C library beyond the floor:
//! enough that an unmodified crate that happens to depend on `std` links and runs on one thread.
//!
//! Files cannot be opened (its `stat` is glibc's), threads cannot be started, a backtrace is empty.

use core::ffi::{c_char, c_int, c_long, c_void};

use crate::arch::SYS_GETRANDOM;
use crate::{errno, files, memory};

/// # Safety
/// As of the system call of that number.
#[unsafe(no_mangle)]
unsafe extern "C" fn syscall(number: c_long, buffer: *mut u8, size: usize) -> c_long {
    if number == SYS_GETRANDOM {
        // SAFETY: the caller's promise: `size` writable bytes.
        let bytes = unsafe { core::slice::from_raw_parts_mut(buffer, size) };
        crate::platform().fill_random(bytes);
        return size as c_long;
    }
    c_long::from(errno::fail(errno::ENOSYS))
}

#[unsafe(no_mangle)]
extern "C" fn open64(_path: *const c_char, _flags: c_int) -> c_int {
    errno::fail(errno::ENOSYS)
}

#[unsafe(no_mangle)]
extern "C" fn stat64(_path: *const c_char, _status: *mut c_void) -> c_int {
    errno::fail(errno::ENOSYS)
}

#[unsafe(no_mangle)]
extern "C" fn fstat64(_descriptor: c_int, _status: *mut c_void) -> c_int {
    errno::fail(errno::ENOSYS)
}

#[unsafe(no_mangle)]
extern "C" fn lseek64(descriptor: c_int, offset: i64, whence: c_int) -> i64 {
    files::lseek(descriptor, offset, whence)
}

#[unsafe(no_mangle)]
extern "C" fn mmap64(
    address: *mut c_void,
    size: usize,
    protection: c_int,
    flags: c_int,
    descriptor: c_int,
    offset: i64,
) -> *mut c_void {
    memory::mmap(address, size, protection, flags, descriptor, offset)
}

/// No image is described: a backtrace has no names.
#[unsafe(no_mangle)]
extern "C" fn dl_iterate_phdr(_callback: *const c_void, _data: *mut c_void) -> c_int {
    0
}

/// `_URC_END_OF_STACK` of the Itanium C++ ABI, level 1.
const END_OF_STACK: c_int = 5;

#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(_visit: *const c_void, _data: *mut c_void) -> c_int {
    END_OF_STACK
}

/// What only an unwinder would call, and there is none.
macro_rules! never_called {
    ($($name:ident)*) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $name() -> ! {
                crate::platform().abort("unwinding in a build without unwinding")
            }
        )*
    };
}

never_called! {
    _Unwind_GetDataRelBase
    _Unwind_GetIP
    _Unwind_GetIPInfo
    _Unwind_GetLanguageSpecificData
    _Unwind_GetRegionStart
    _Unwind_GetTextRelBase
    _Unwind_SetGR
    _Unwind_SetIP
}
