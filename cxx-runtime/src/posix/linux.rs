//! What programs for Linux use beyond POSIX: affinity, locked memory, identities, and copies between files.

use alloc::vec;
use core::ffi::{c_char, c_int, c_uint, c_ulong, c_void};
use core::ptr;

use crate::errno::{self, fail};
use crate::runtime::platform;
use crate::{files, heap};

const PATH_LIMIT_BYTES: usize = 4096;

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn gettid() -> c_int {
    1
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sched_getcpu() -> c_int {
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getcpu(processor: *mut c_uint, node: *mut c_uint) -> c_int {
    for place in [processor, node] {
        if !place.is_null() {
            // SAFETY: the caller passes null or a place.
            unsafe { *place = 0 };
        }
    }
    0
}

/// The one processor.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sched_getaffinity(process: c_int, size: usize, set: *mut u8) -> c_int {
    if !matches!(process, 0 | 1) {
        return fail(errno::ESRCH);
    }
    if size < size_of::<c_ulong>() {
        return fail(errno::EINVAL);
    }
    // SAFETY: the caller gives `size` bytes.
    unsafe {
        ptr::write_bytes(set, 0, size);
        *set = 1;
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sched_setaffinity(process: c_int, size: usize, set: *const u8) -> c_int {
    if !matches!(process, 0 | 1) {
        return fail(errno::ESRCH);
    }
    // SAFETY: the caller passes `size` bytes.
    if size == 0 || unsafe { *set } & 1 == 0 {
        return fail(errno::EINVAL);
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_getaffinity_np(_thread: u64, size: usize, set: *mut u8) -> c_int {
    // SAFETY: the caller gives `size` bytes.
    match unsafe { sched_getaffinity(0, size, set) } {
        0 => 0,
        _ => errno::get(),
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pthread_setaffinity_np(_thread: u64, size: usize, set: *const u8) -> c_int {
    // SAFETY: the caller passes `size` bytes.
    match unsafe { sched_setaffinity(0, size, set) } {
        0 => 0,
        _ => errno::get(),
    }
}

/// What Linux tells a program at its start.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn getauxval(kind: c_ulong) -> c_ulong {
    const PAGE_SIZE: c_ulong = 6;
    const CLOCK_TICKS: c_ulong = 17;
    const USER_AND_GROUP: core::ops::RangeInclusive<c_ulong> = 11..=14;
    const IS_SECURE: c_ulong = 23;
    const TICKS_PER_SECOND: c_ulong = 100;
    match kind {
        PAGE_SIZE => platform().page_size_bytes() as c_ulong,
        CLOCK_TICKS => TICKS_PER_SECOND,
        IS_SECURE => 0,
        kind if USER_AND_GROUP.contains(&kind) => 0,
        _ => {
            errno::set(errno::ENOENT);
            0
        }
    }
}

macro_rules! always_zero {
    ($($name:ident($($argument:ty),*);)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $name($(_: $argument),*) -> c_int {
                0
            }
        )*
    };
}

// Memory is never taken away, and what is written is where it belongs.
always_zero! {
    mlock(*const c_void, usize);
    mlock2(*const c_void, usize, c_uint);
    mlockall(c_int);
    munlock(*const c_void, usize);
    munlockall();
    readahead(c_int, i64, usize);
    syncfs(c_int);
}

/// Root may become anybody, and only root exists.
macro_rules! three_identities {
    ($($get:ident and $set:ident;)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            unsafe extern "C" fn $get(real: *mut c_uint, effective: *mut c_uint, saved: *mut c_uint) -> c_int {
                // SAFETY: the caller gives three places.
                unsafe { [*real, *effective, *saved] = [0; 3] };
                0
            }

            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $set(real: c_uint, effective: c_uint, saved: c_uint) -> c_int {
                if [real, effective, saved].iter().all(|number| matches!(*number, 0 | c_uint::MAX)) {
                    0
                } else {
                    fail(errno::EINVAL)
                }
            }
        )*
    };
}

three_identities! {
    getresuid and setresuid;
    getresgid and setresgid;
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getgrouplist(
    _user: *const c_char,
    group: c_uint,
    groups: *mut c_uint,
    count: *mut c_int,
) -> c_int {
    // SAFETY: the caller gives the count and so many places.
    unsafe {
        let room = *count;
        *count = 1;
        if room < 1 {
            return -1;
        }
        *groups = group;
    }
    1
}

unsafe extern "C" {
    fn getcwd(buffer: *mut c_char, size: usize) -> *mut c_char;
    fn realpath(path: *const c_char, place: *mut c_char) -> *mut c_char;
    fn pread(file: c_int, buffer: *mut c_void, size: usize, offset: i64) -> isize;
    fn pwrite(file: c_int, buffer: *const c_void, size: usize, offset: i64) -> isize;
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn get_current_dir_name() -> *mut c_char {
    // SAFETY: null asks for fresh memory.
    unsafe { getcwd(ptr::null_mut(), 0) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getwd(buffer: *mut c_char) -> *mut c_char {
    // SAFETY: the caller gives PATH_MAX bytes.
    unsafe { getcwd(buffer, PATH_LIMIT_BYTES) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn canonicalize_file_name(path: *const c_char) -> *mut c_char {
    // SAFETY: the caller passes a C string; null asks for fresh memory.
    unsafe { realpath(path, ptr::null_mut()) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn eaccess(path: *const c_char, mode: c_int) -> c_int {
    // SAFETY: the caller passes a C string.
    unsafe { files::access(path, mode) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int {
    const F_SETFD: c_int = 2;
    const CLOEXEC: c_int = 4;
    const LIMIT: c_uint = 1024;
    if first > last || flags & !(CLOEXEC | 2) != 0 {
        return fail(errno::EINVAL);
    }
    let number = errno::get();
    for file in first..last.saturating_add(1).min(LIMIT) {
        if flags & CLOEXEC == 0 {
            files::close(file as c_int);
        } else {
            // SAFETY: the command takes a number.
            unsafe { files::fcntl(file as c_int, F_SETFD, 1) };
        }
    }
    errno::set(number);
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn closefrom(first: c_int) {
    close_range(first.max(0).cast_unsigned(), c_uint::MAX, 0);
}

/// Where a copy reads or writes: at an offset of the caller's, or at the file's own.
struct Position {
    file: c_int,
    offset: *mut i64,
}

/// Copies from one file to another.
unsafe fn copy(from: &Position, to: &Position, size: usize) -> isize {
    const PART_BYTES: usize = 16 << 10;
    let mut buffer = vec![0_u8; size.min(PART_BYTES)];
    let mut done = 0;
    // SAFETY: the buffer has the sizes that are given; the caller gives null or offsets.
    unsafe {
        while done < size {
            let part = buffer.as_mut_ptr().cast::<c_void>();
            let wanted = (size - done).min(PART_BYTES);
            let read = match from.offset.as_mut() {
                Some(offset) => pread(from.file, part, wanted, *offset),
                None => files::read(from.file, part, wanted),
            };
            if read <= 0 {
                return if done == 0 { read } else { done as isize };
            }
            let written = match to.offset.as_mut() {
                Some(offset) => pwrite(to.file, part, read as usize, *offset),
                None => files::write(to.file, part, read as usize),
            };
            if written < 0 {
                return if done == 0 { written } else { done as isize };
            }
            for offset in [from.offset, to.offset] {
                if let Some(offset) = offset.as_mut() {
                    *offset += written as i64;
                }
            }
            done += written as usize;
            if written < read {
                break;
            }
        }
    }
    done as isize
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sendfile(to: c_int, from: c_int, offset: *mut i64, size: usize) -> isize {
    let to = Position {
        file: to,
        offset: ptr::null_mut(),
    };
    // SAFETY: the caller gives null or an offset.
    unsafe { copy(&Position { file: from, offset }, &to, size) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn copy_file_range(
    from: c_int,
    from_offset: *mut i64,
    to: c_int,
    to_offset: *mut i64,
    size: usize,
    flags: c_uint,
) -> isize {
    if flags != 0 {
        return fail(errno::EINVAL) as isize;
    }
    let from = Position {
        file: from,
        offset: from_offset,
    };
    let to = Position {
        file: to,
        offset: to_offset,
    };
    // SAFETY: the caller gives null or offsets.
    unsafe { copy(&from, &to, size) }
}

/// `struct mallinfo2`; the older one has the same numbers as `int`.
type Counts<T> = [T; 10];

fn counts() -> Counts<usize> {
    let used = heap::heap_bytes();
    [used, 0, 0, 0, 0, 0, 0, used, 0, 0]
}

#[repr(C)]
struct MallocInfo2(Counts<usize>);

#[repr(C)]
struct MallocInfo(Counts<c_int>);

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn mallinfo2() -> MallocInfo2 {
    MallocInfo2(counts())
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn mallinfo() -> MallocInfo {
    MallocInfo(counts().map(|count| c_int::try_from(count).unwrap_or(c_int::MAX)))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn malloc_stats() {
    let line = alloc::format!("in use bytes     = {:>10}\n", heap::heap_bytes());
    super::system::write_error(&[line.as_bytes()]);
}

/// Days of a year.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn dysize(year: c_int) -> c_int {
    365 + c_int::from(super::calendar::is_leap(i64::from(year)))
}

/// The limits in force cannot be changed.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn prlimit(
    process: c_int,
    resource: c_int,
    new: *const c_void,
    old: *mut c_void,
) -> c_int {
    unsafe extern "C" {
        fn getrlimit(resource: c_int, result: *mut c_void) -> c_int;
        fn setrlimit(resource: c_int, limits: *const c_void) -> c_int;
    }
    if !matches!(process, 0 | 1) {
        return fail(errno::ESRCH);
    }
    // SAFETY: the caller passes null or limits, and null or a place for them.
    unsafe {
        if !old.is_null() && getrlimit(resource, old) != 0 {
            return -1;
        }
        if !new.is_null() && setrlimit(resource, new) != 0 {
            return -1;
        }
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn fallocate(file: c_int, mode: c_int, offset: i64, size: i64) -> c_int {
    unsafe extern "C" {
        fn posix_fallocate(file: c_int, offset: i64, size: i64) -> c_int;
    }
    if mode != 0 {
        return fail(errno::ENOTSUP);
    }
    // SAFETY: the function takes numbers.
    match unsafe { posix_fallocate(file, offset, size) } {
        0 => 0,
        number => fail(number),
    }
}
