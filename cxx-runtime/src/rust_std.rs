//! What Rust's standard library, as built for Linux with glibc, asks of a C library beyond the floor:
//! enough that an unmodified crate that happens to depend on `std` links and runs on one thread.
//!
//! Files cannot be opened (its `stat` is glibc's), threads cannot be started, a backtrace is empty.

use core::cell::Cell;
use core::ffi::{c_char, c_int, c_long, c_uint, c_void};

use crate::{errno, files, memory};

/// `struct iovec`.
#[repr(C)]
struct Piece {
    start: *const c_void,
    size: usize,
}

/// # Safety
/// As of POSIX's `writev`.
#[unsafe(no_mangle)]
unsafe extern "C" fn writev(descriptor: c_int, pieces: *const Piece, count: c_int) -> isize {
    let mut total = 0;
    for index in 0..usize::try_from(count).unwrap_or(0) {
        // SAFETY: the caller's promise: `count` pieces of readable bytes.
        let written = unsafe {
            let piece = &*pieces.add(index);
            files::write(descriptor, piece.start, piece.size)
        };
        if written < 0 {
            return if total == 0 { written } else { total };
        }
        total += written;
    }
    total
}

/// Linux's number of `getrandom` on x86-64.
const SYS_GETRANDOM: c_long = 318;

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

const KEY_COUNT: usize = 32;

/// The values of the one thread, by key. Destructors never run: the thread ends with the program.
struct Values {
    used: Cell<usize>,
    values: [Cell<*const c_void>; KEY_COUNT],
}

// SAFETY: there is one thread.
unsafe impl Sync for Values {}

static VALUES: Values = Values {
    used: Cell::new(0),
    values: [const { Cell::new(core::ptr::null()) }; KEY_COUNT],
};

#[unsafe(no_mangle)]
extern "C" fn pthread_key_create(key: &mut c_uint, _destructor: *const c_void) -> c_int {
    let next = VALUES.used.get();
    if next == KEY_COUNT {
        return errno::EAGAIN;
    }
    VALUES.used.set(next + 1);
    *key = next as c_uint;
    0
}

#[unsafe(no_mangle)]
extern "C" fn pthread_key_delete(_key: c_uint) -> c_int {
    0
}

#[unsafe(no_mangle)]
extern "C" fn pthread_setspecific(key: c_uint, value: *const c_void) -> c_int {
    VALUES
        .values
        .get(key as usize)
        .map_or(errno::EINVAL, |cell| {
            cell.set(value);
            0
        })
}

#[unsafe(no_mangle)]
extern "C" fn pthread_getspecific(key: c_uint) -> *const c_void {
    VALUES
        .values
        .get(key as usize)
        .map_or(core::ptr::null(), Cell::get)
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
