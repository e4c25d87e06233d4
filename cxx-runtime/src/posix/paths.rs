//! Paths and files by name: `libgen.h`, the temporary names of `stdlib.h`, the times of `utime.h`, `ftw.h`, and parts
//! of files in `sys/uio.h`.

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;

use super::waiting::{TimeSpec, TimeVal};
use crate::cstr;
use crate::errno::{self, fail};
use crate::runtime::platform;

unsafe extern "C" {
    fn open(path: *const c_char, flags: c_int, mode: u32) -> c_int;
    fn mkdir(path: *const c_char, mode: u32) -> c_int;
    fn lstat(path: *const c_char, status: *mut FileStatus) -> c_int;
    fn stat(path: *const c_char, status: *mut FileStatus) -> c_int;
    fn opendir(path: *const c_char) -> *mut c_void;
    fn readdir(folder: *mut c_void) -> *mut FolderEntry;
    fn closedir(folder: *mut c_void) -> c_int;
    fn utimensat(
        folder: c_int,
        path: *const c_char,
        times: *const [TimeSpec; 2],
        flags: c_int,
    ) -> c_int;
    fn futimens(file: c_int, times: *const [TimeSpec; 2]) -> c_int;
    fn read(file: c_int, buffer: *mut c_void, size: usize) -> isize;
    fn write(file: c_int, buffer: *const c_void, size: usize) -> isize;
    fn pread(file: c_int, buffer: *mut c_void, size: usize, offset: i64) -> isize;
    fn pwrite(file: c_int, buffer: *const c_void, size: usize, offset: i64) -> isize;
}

/// `struct stat`, of which only the kind of file is looked at.
#[repr(C)]
pub(super) struct FileStatus {
    device: u64,
    inode: u64,
    mode: u32,
    rest: [u64; 16],
}

/// `struct dirent` up to its name.
#[repr(C)]
struct FolderEntry {
    inode: u64,
    kind: u8,
    name: [c_char; 256],
}

/// What a path names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    Link,
    Other,
}

impl FileStatus {
    fn kind(&self) -> Kind {
        const KIND_MASK: u32 = 0o170_000;
        match self.mode & KIND_MASK {
            0o040_000 => Kind::Folder,
            0o120_000 => Kind::Link,
            _ => Kind::Other,
        }
    }
}

/// What a path names, and its status; none if it names nothing.
fn status_of(
    path: &CStr,
    function: unsafe extern "C" fn(*const c_char, *mut FileStatus) -> c_int,
) -> Option<FileStatus> {
    let mut status = FileStatus {
        device: 0,
        inode: 0,
        mode: 0,
        rest: [0; 16],
    };
    // SAFETY: the path is a C string, and the status has the room of a `struct stat`.
    (unsafe { function(path.as_ptr(), &raw mut status) } == 0).then_some(status)
}

/// What a path names, behind links.
pub(super) fn kind_of(path: &CStr) -> Option<Kind> {
    status_of(path, stat).map(|status| status.kind())
}

/// The names in a folder, without those of itself and of the one above it; the error number if it cannot be read.
pub(super) fn names_in(folder: &CStr) -> Result<Vec<CString>, c_int> {
    let mut names = Vec::new();
    // SAFETY: the path is a C string; the entries are read until there is none, and their names are C strings.
    unsafe {
        let open = opendir(folder.as_ptr());
        if open.is_null() {
            return Err(errno::get());
        }
        loop {
            let entry = readdir(open);
            if entry.is_null() {
                break;
            }
            let name = CStr::from_ptr((&raw const (*entry).name).cast());
            if name != c"." && name != c".." {
                names.push(name.into());
            }
        }
        closedir(open);
    }
    Ok(names)
}

/// POSIX's form: it may write to its argument.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn __xpg_basename(path: *mut c_char) -> *mut c_char {
    if path.is_null() {
        return c".".as_ptr().cast_mut();
    }
    // SAFETY: the caller passes a writable C string; all places are within it.
    unsafe {
        let text = cstr::bytes(path);
        if text.is_empty() {
            return c".".as_ptr().cast_mut();
        }
        let Some(last) = text.iter().rposition(|byte| *byte != b'/') else {
            return c"/".as_ptr().cast_mut();
        };
        let start = text[..last]
            .iter()
            .rposition(|byte| *byte == b'/')
            .map_or(0, |slash| slash + 1);
        if last + 1 < text.len() {
            *path.add(last + 1) = 0;
        }
        path.add(start)
    }
}

/// GNU's form of `basename`, which `string.h` declares: what is behind the last slash.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn basename(path: *const c_char) -> *const c_char {
    // SAFETY: the caller passes a C string; the place is within it.
    unsafe {
        let slash = cstr::bytes(path).iter().rposition(|byte| *byte == b'/');
        path.add(slash.map_or(0, |slash| slash + 1))
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn dirname(path: *mut c_char) -> *mut c_char {
    let here = c".".as_ptr().cast_mut();
    if path.is_null() {
        return here;
    }
    // SAFETY: the caller passes a writable C string; all places are within it.
    unsafe {
        let text = cstr::bytes(path);
        let Some(last) = text.iter().rposition(|byte| *byte != b'/') else {
            return if text.is_empty() {
                here
            } else {
                c"/".as_ptr().cast_mut()
            };
        };
        let Some(slash) = text[..last].iter().rposition(|byte| *byte == b'/') else {
            return here;
        };
        let end = text[..slash].iter().rposition(|byte| *byte != b'/');
        *path.add(end.map_or(1, |end| end + 1)) = 0;
        path
    }
}

const TEMPLATE: &[u8] = b"XXXXXX";
const LETTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const ATTEMPTS: usize = 100;
const O_RDWR: c_int = 2;
const O_CREAT: c_int = 0o100;
const O_EXCL: c_int = 0o200;

/// Replaces the template's letters until `make` succeeds or fails for another reason than that the name is taken.
unsafe fn with_unique_name(
    name: *mut c_char,
    suffix_size: c_int,
    mut make: impl FnMut() -> c_int,
) -> c_int {
    // SAFETY: the caller passes a writable C string.
    let length = unsafe { cstr::bytes(name) }.len();
    let start = usize::try_from(suffix_size)
        .ok()
        .and_then(|suffix| length.checked_sub(suffix)?.checked_sub(TEMPLATE.len()));
    let Some(start) = start else {
        return fail(errno::EINVAL);
    };
    // SAFETY: the place is within the string.
    let place =
        unsafe { core::slice::from_raw_parts_mut(name.add(start).cast::<u8>(), TEMPLATE.len()) };
    if place != TEMPLATE {
        return fail(errno::EINVAL);
    }
    for _ in 0..ATTEMPTS {
        let mut random = [0; TEMPLATE.len()];
        platform().fill_random(&mut random);
        for (letter, byte) in place.iter_mut().zip(random) {
            *letter = LETTERS[usize::from(byte) % LETTERS.len()];
        }
        let result = make();
        if result >= 0 || errno::get() != errno::EEXIST {
            return result;
        }
    }
    fail(errno::EEXIST)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mkostemps(name: *mut c_char, suffix_size: c_int, flags: c_int) -> c_int {
    // SAFETY: the caller passes a writable C string.
    unsafe {
        with_unique_name(name, suffix_size, || {
            open(name, flags | O_RDWR | O_CREAT | O_EXCL, 0o600)
        })
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mkstemp(name: *mut c_char) -> c_int {
    // SAFETY: the caller passes a writable C string.
    unsafe { mkostemps(name, 0, 0) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mkostemp(name: *mut c_char, flags: c_int) -> c_int {
    // SAFETY: the caller passes a writable C string.
    unsafe { mkostemps(name, 0, flags) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mkstemps(name: *mut c_char, suffix_size: c_int) -> c_int {
    // SAFETY: the caller passes a writable C string.
    unsafe { mkostemps(name, suffix_size, 0) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mkdtemp(name: *mut c_char) -> *mut c_char {
    // SAFETY: the caller passes a writable C string.
    if unsafe { with_unique_name(name, 0, || mkdir(name, 0o700)) } < 0 {
        return ptr::null_mut();
    }
    name
}

/// The name is made empty if there is none.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mktemp(name: *mut c_char) -> *mut c_char {
    // SAFETY: the caller passes a writable C string.
    unsafe {
        let result = with_unique_name(name, 0, || {
            if status_of(CStr::from_ptr(name), lstat).is_none() {
                0
            } else {
                fail(errno::EEXIST)
            }
        });
        if result < 0 {
            *name = 0;
        }
    }
    name
}

const AT_FDCWD: c_int = -100;
const AT_SYMLINK_NOFOLLOW: c_int = 0x100;

/// Sets the times; null means now.
unsafe fn set_times(
    times: *const [TimeVal; 2],
    set: impl FnOnce(*const [TimeSpec; 2]) -> c_int,
) -> c_int {
    if times.is_null() {
        return set(ptr::null());
    }
    // SAFETY: the caller passes null or two times.
    let times = unsafe { *times }.map(|time| TimeSpec {
        seconds: time.seconds,
        nanoseconds: time.microseconds * 1000,
    });
    set(&raw const times)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn utimes(path: *const c_char, times: *const [TimeVal; 2]) -> c_int {
    // SAFETY: the caller passes a C string, and null or two times.
    unsafe { set_times(times, |times| utimensat(AT_FDCWD, path, times, 0)) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn lutimes(path: *const c_char, times: *const [TimeVal; 2]) -> c_int {
    // SAFETY: the caller passes a C string, and null or two times.
    unsafe {
        set_times(times, |times| {
            utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW)
        })
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn futimesat(
    folder: c_int,
    path: *const c_char,
    times: *const [TimeVal; 2],
) -> c_int {
    // SAFETY: the caller passes a C string, and null or two times.
    unsafe { set_times(times, |times| utimensat(folder, path, times, 0)) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn futimes(file: c_int, times: *const [TimeVal; 2]) -> c_int {
    // SAFETY: the caller passes null or two times.
    unsafe { set_times(times, |times| futimens(file, times)) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn utime(path: *const c_char, times: *const [i64; 2]) -> c_int {
    // SAFETY: the caller passes a C string, and null or two times in seconds.
    unsafe {
        if times.is_null() {
            return utimensat(AT_FDCWD, path, ptr::null(), 0);
        }
        let times = (*times).map(|seconds| TimeSpec {
            seconds,
            nanoseconds: 0,
        });
        utimensat(AT_FDCWD, path, &raw const times, 0)
    }
}

/// `struct iovec`.
#[repr(C)]
struct Part {
    start: *mut c_void,
    size: usize,
}

/// Moves each part until one is moved in part only; what has been moved before an error counts.
unsafe fn each_part(
    parts: *const Part,
    count: c_int,
    mut transfer: impl FnMut(&Part, usize) -> isize,
) -> isize {
    const LIMIT: c_int = 1024;
    if !(0..=LIMIT).contains(&count) {
        return fail(errno::EINVAL) as isize;
    }
    let mut total = 0;
    for index in 0..count as usize {
        // SAFETY: the caller passes `count` parts.
        let part = unsafe { &*parts.add(index) };
        if part.size == 0 {
            continue;
        }
        match usize::try_from(transfer(part, total)) {
            Ok(moved) => {
                total += moved;
                if moved < part.size {
                    break;
                }
            }
            Err(_) if total != 0 => break,
            Err(_) => return -1,
        }
    }
    total.cast_signed()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn readv(file: c_int, parts: *const Part, count: c_int) -> isize {
    // SAFETY: the caller passes `count` parts.
    unsafe { each_part(parts, count, |part, _| read(file, part.start, part.size)) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn writev(file: c_int, parts: *const Part, count: c_int) -> isize {
    // SAFETY: the caller passes `count` parts.
    unsafe { each_part(parts, count, |part, _| write(file, part.start, part.size)) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn preadv(file: c_int, parts: *const Part, count: c_int, offset: i64) -> isize {
    // SAFETY: the caller passes `count` parts.
    unsafe {
        each_part(parts, count, |part, moved| {
            pread(file, part.start, part.size, offset + moved as i64)
        })
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pwritev(file: c_int, parts: *const Part, count: c_int, offset: i64) -> isize {
    // SAFETY: the caller passes `count` parts.
    unsafe {
        each_part(parts, count, |part, moved| {
            pwrite(file, part.start, part.size, offset + moved as i64)
        })
    }
}

/// What `ftw` and `nftw` call.
enum Visitor {
    Plain(extern "C" fn(*const c_char, *const FileStatus, c_int) -> c_int),
    Detailed(extern "C" fn(*const c_char, *const FileStatus, c_int, *mut Place) -> c_int),
}

/// `struct FTW`.
#[repr(C)]
struct Place {
    base: c_int,
    level: c_int,
}

const FTW_F: c_int = 0;
const FTW_D: c_int = 1;
const FTW_DNR: c_int = 2;
const FTW_SL: c_int = 4;
const FTW_DP: c_int = 5;
const FTW_SLN: c_int = 6;
const FTW_PHYS: c_int = 1;
const FTW_DEPTH: c_int = 8;

struct Walk {
    visitor: Visitor,
    flags: c_int,
}

impl Walk {
    fn visit(&self, path: &CStr, status: &FileStatus, kind: c_int, level: c_int) -> c_int {
        let name = path.to_bytes();
        let base = name.iter().rposition(|byte| *byte == b'/');
        let mut place = Place {
            base: base.map_or(0, |slash| slash as c_int + 1),
            level,
        };
        match self.visitor {
            Visitor::Plain(visit) => visit(path.as_ptr(), status, kind),
            Visitor::Detailed(visit) => visit(path.as_ptr(), status, kind, &raw mut place),
        }
    }

    /// Visits what is there and what is below it, until the visitor says something else than 0.
    fn walk(&self, path: &CStr, level: c_int) -> c_int {
        let follows = self.flags & FTW_PHYS == 0;
        let followed = follows.then(|| status_of(path, stat)).flatten();
        let is_dangling = follows && followed.is_none();
        let Some(status) = followed.or_else(|| status_of(path, lstat)) else {
            return -1;
        };
        match status.kind() {
            Kind::Link => {
                let kind = if is_dangling { FTW_SLN } else { FTW_SL };
                self.visit(path, &status, kind, level)
            }
            Kind::Other => self.visit(path, &status, FTW_F, level),
            Kind::Folder => {
                let Ok(names) = names_in(path) else {
                    return self.visit(path, &status, FTW_DNR, level);
                };
                let is_deep = self.flags & FTW_DEPTH != 0;
                if !is_deep {
                    let result = self.visit(path, &status, FTW_D, level);
                    if result != 0 {
                        return result;
                    }
                }
                for name in names {
                    let mut inner = path.to_bytes().to_vec();
                    if inner.last() != Some(&b'/') {
                        inner.push(b'/');
                    }
                    inner.extend_from_slice(name.to_bytes());
                    let Ok(inner) = CString::new(inner) else {
                        continue;
                    };
                    let result = self.walk(&inner, level + 1);
                    if result != 0 {
                        return result;
                    }
                }
                if is_deep {
                    return self.visit(path, &status, FTW_DP, level);
                }
                0
            }
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn ftw(
    path: *const c_char,
    visit: extern "C" fn(*const c_char, *const FileStatus, c_int) -> c_int,
    _files: c_int,
) -> c_int {
    let walk = Walk {
        visitor: Visitor::Plain(visit),
        flags: 0,
    };
    // SAFETY: the caller passes a C string.
    walk.walk(unsafe { CStr::from_ptr(path) }, 0)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn nftw(
    path: *const c_char,
    visit: extern "C" fn(*const c_char, *const FileStatus, c_int, *mut Place) -> c_int,
    _files: c_int,
    flags: c_int,
) -> c_int {
    let walk = Walk {
        visitor: Visitor::Detailed(visit),
        flags,
    };
    // SAFETY: the caller passes a C string.
    walk.walk(unsafe { CStr::from_ptr(path) }, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts_of(path: &str) -> (String, String) {
        let parts = [dirname, __xpg_basename].map(|function| {
            let buffer = CString::new(path).unwrap().into_raw();
            // SAFETY: the buffer is a writable C string, and the result is one.
            unsafe {
                let part = CStr::from_ptr(function(buffer))
                    .to_str()
                    .unwrap()
                    .to_owned();
                drop(CString::from_raw(buffer).into_bytes());
                part
            }
        });
        let [folder, name] = parts;
        (folder, name)
    }

    /// From the table of POSIX.
    #[test]
    fn paths_are_split() {
        for (path, folder, name) in [
            ("/usr/lib", "/usr", "lib"),
            ("/usr/", "/", "usr"),
            ("usr", ".", "usr"),
            ("/", "/", "/"),
            ("//", "/", "/"),
            (".", ".", "."),
            ("..", ".", ".."),
            ("", ".", "."),
            ("a//b//", "a", "b"),
        ] {
            assert_eq!(
                parts_of(path),
                (folder.to_owned(), name.to_owned()),
                "{path}"
            );
        }
    }
}
