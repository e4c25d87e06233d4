//! Files: the platform's read-only table behind POSIX descriptors. Whatever would write fails.

use core::cell::Cell;
use core::ffi::{c_char, c_int, c_long, c_void};

use alloc::string::String;
use alloc::vec::Vec;

use crate::cstr;
use crate::errno::{self, fail};
use crate::platform::{File, Stream};
use crate::runtime::platform;

const STANDARD_STREAMS: c_int = 3;
const DESCRIPTOR_LIMIT: usize = 64;
const O_ACCMODE: c_int = 3;
const O_DIRECTORY: c_int = 0o200_000;

#[derive(Clone, Copy)]
struct OpenFile {
    file: &'static File,
    offset: usize,
}

/// No entry can be left borrowed: a program may fault while a file is read into its memory.
struct Table([Cell<Option<OpenFile>>; DESCRIPTOR_LIMIT]);

// SAFETY: there is one thread.
unsafe impl Sync for Table {}

static OPEN: Table = Table([const { Cell::new(None) }; DESCRIPTOR_LIMIT]);

/// The table's entry of a descriptor.
fn entry(descriptor: c_int) -> Option<&'static Cell<Option<OpenFile>>> {
    let index = usize::try_from(descriptor.checked_sub(STANDARD_STREAMS)?).ok()?;
    OPEN.0.get(index)
}

fn with_open<T>(descriptor: c_int, action: impl FnOnce(&mut OpenFile) -> T) -> Option<T> {
    let entry = entry(descriptor)?;
    let mut open = entry.get()?;
    let result = action(&mut open);
    entry.set(Some(open));
    Some(result)
}

/// The contents of an open file.
pub(crate) fn contents(descriptor: c_int) -> Option<&'static [u8]> {
    with_open(descriptor, |open| open.file.contents)
}

/// An absolute path without `.` and empty parts; `..` leaves the last part.
fn normalise(path: &[u8]) -> String {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let mut result = String::new();
    for part in parts {
        result.push('/');
        result.push_str(&String::from_utf8_lossy(part));
    }
    if result.is_empty() {
        String::from("/")
    } else {
        result
    }
}

/// What a path names.
pub(crate) enum Entry {
    Regular(&'static File),
    Directory,
}

fn find(path: &str) -> Option<Entry> {
    let files = platform().files();
    if let Some(file) = files.iter().find(|file| file.path == path) {
        return Some(Entry::Regular(file));
    }
    let inside = |file: &File| {
        path == "/"
            || file
                .path
                .strip_prefix(path)
                .is_some_and(|rest| rest.starts_with('/'))
    };
    files
        .iter()
        .any(inside)
        .then_some(Entry::Directory)
        .or_else(|| (path == "/").then_some(Entry::Directory))
}

/// What a C string names, with its absolute path.
///
/// # Safety
/// `path` must be a C string.
pub(crate) unsafe fn find_c(path: *const c_char) -> Result<(String, Entry), c_int> {
    // SAFETY: the caller passes a C string.
    let path = normalise(unsafe { cstr::bytes(path) });
    let entry = find(&path).ok_or(errno::ENOENT)?;
    Ok((path, entry))
}

fn open_file(file: &'static File) -> c_int {
    match OPEN.0.iter().position(|entry| entry.get().is_none()) {
        Some(index) => {
            OPEN.0[index].set(Some(OpenFile { file, offset: 0 }));
            index as c_int + STANDARD_STREAMS
        }
        None => fail(errno::EMFILE),
    }
}

/// The mode that creation would take is never needed.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn open(path: *const c_char, flags: c_int) -> c_int {
    // SAFETY: the caller passes a C string.
    match unsafe { find_c(path) } {
        Err(errno::ENOENT) if flags & O_ACCMODE != 0 => fail(errno::EROFS),
        Err(number) => fail(number),
        Ok(_) if flags & O_ACCMODE != 0 => fail(errno::EROFS),
        Ok((_, Entry::Directory)) => fail(errno::EISDIR),
        Ok((_, Entry::Regular(_))) if flags & O_DIRECTORY != 0 => fail(errno::ENOTDIR),
        Ok((_, Entry::Regular(file))) => open_file(file),
    }
}

/// Absolute paths, and paths relative to the root, which is the working directory.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn openat(directory: c_int, path: *const c_char, flags: c_int) -> c_int {
    const AT_FDCWD: c_int = -100;
    // SAFETY: the caller passes a C string.
    unsafe {
        if directory != AT_FDCWD && *path.cast::<u8>() != b'/' {
            return fail(errno::ENOTDIR);
        }
        open(path, flags)
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) extern "C" fn close(descriptor: c_int) -> c_int {
    if (0..STANDARD_STREAMS).contains(&descriptor) {
        return 0;
    }
    match entry(descriptor).and_then(Cell::take) {
        Some(_) => 0,
        None => fail(errno::EBADF),
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn read(descriptor: c_int, buffer: *mut c_void, size: usize) -> isize {
    // SAFETY: the caller gives `size` bytes.
    let buffer = unsafe { core::slice::from_raw_parts_mut(buffer.cast::<u8>(), size) };
    if descriptor == 0 {
        return platform().console_read(buffer) as isize;
    }
    let copied = with_open(descriptor, |open| {
        let rest = open.file.contents.get(open.offset..).unwrap_or(&[]);
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        open.offset += count;
        count
    });
    copied.map_or_else(|| fail(errno::EBADF) as isize, |count| count as isize)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pread(
    descriptor: c_int,
    buffer: *mut c_void,
    size: usize,
    offset: i64,
) -> isize {
    let Some(contents) = contents(descriptor) else {
        return fail(errno::EBADF) as isize;
    };
    let Ok(offset) = usize::try_from(offset) else {
        return fail(errno::EINVAL) as isize;
    };
    let rest = contents.get(offset..).unwrap_or(&[]);
    let count = rest.len().min(size);
    // SAFETY: the caller gives `size` bytes.
    unsafe { core::ptr::copy_nonoverlapping(rest.as_ptr(), buffer.cast(), count) };
    count as isize
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn write(
    descriptor: c_int,
    buffer: *const c_void,
    size: usize,
) -> isize {
    let stream = match descriptor {
        1 => Stream::Output,
        2 => Stream::Error,
        _ => return fail(errno::EBADF) as isize,
    };
    // SAFETY: the caller gives `size` bytes.
    platform().console_write(stream, unsafe {
        core::slice::from_raw_parts(buffer.cast::<u8>(), size)
    });
    size as isize
}

/// No file can be written at an offset.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn pwrite(
    descriptor: c_int,
    _buffer: *const c_void,
    _size: usize,
    _offset: i64,
) -> isize {
    let is_standard = (0..STANDARD_STREAMS).contains(&descriptor);
    fail(if is_standard {
        errno::ESPIPE
    } else {
        errno::EBADF
    }) as isize
}

/// There is nothing that is not written yet.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn fsync(descriptor: c_int) -> c_int {
    fcntl(descriptor, 0)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) extern "C" fn lseek(descriptor: c_int, offset: i64, whence: c_int) -> i64 {
    let moved = with_open(descriptor, |open| {
        let base = match whence {
            0 => 0,
            1 => open.offset as i64,
            2 => open.file.contents.len() as i64,
            _ => return None,
        };
        let target = usize::try_from(base.checked_add(offset)?).ok()?;
        open.offset = target;
        Some(target as i64)
    });
    match moved {
        Some(Some(offset)) => offset,
        Some(None) => i64::from(fail(errno::EINVAL)),
        None if (0..STANDARD_STREAMS).contains(&descriptor) => i64::from(fail(errno::ESPIPE)),
        None => i64::from(fail(errno::EBADF)),
    }
}

/// `struct stat` of llvm-libc.
#[repr(C)]
#[derive(Default)]
struct Status {
    device: u64,
    inode: u64,
    mode: u32,
    link_count: u64,
    user: u32,
    group: u32,
    special_device: u64,
    size_bytes: i64,
    times: [[i64; 2]; 3],
    block_size_bytes: i64,
    block_count: i64,
}

const S_IFREG: u32 = 0o100_000;
const S_IFDIR: u32 = 0o040_000;
const S_IFCHR: u32 = 0o020_000;

impl Status {
    fn new(kind: u32, permissions: u32, inode: u64, size: usize) -> Self {
        Self {
            device: 1,
            inode,
            mode: kind | permissions,
            link_count: 1,
            size_bytes: size as i64,
            block_size_bytes: 4096,
            block_count: size.div_ceil(512) as i64,
            ..Self::default()
        }
    }

    /// The inode of a file is its address: unique, and equal for equal files.
    fn of_file(file: &'static File) -> Self {
        Self::new(
            S_IFREG,
            0o444,
            core::ptr::from_ref(file) as u64,
            file.contents.len(),
        )
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn stat(path: *const c_char, result: *mut Status) -> c_int {
    // SAFETY: the caller passes a C string and a place for the result.
    unsafe {
        *result = match find_c(path) {
            Err(number) => return fail(number),
            Ok((_, Entry::Directory)) => Status::new(S_IFDIR, 0o555, 2, 0),
            Ok((_, Entry::Regular(file))) => Status::of_file(file),
        };
    }
    0
}

/// There are no links.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn lstat(path: *const c_char, result: *mut Status) -> c_int {
    // SAFETY: the caller's promises are those of `stat`.
    unsafe { stat(path, result) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fstat(descriptor: c_int, result: *mut Status) -> c_int {
    let status = if (0..STANDARD_STREAMS).contains(&descriptor) {
        Status::new(S_IFCHR, 0o666, 3, 0)
    } else {
        match with_open(descriptor, |open| Status::of_file(open.file)) {
            Some(status) => status,
            None => return fail(errno::EBADF),
        }
    };
    // SAFETY: the caller gives a place for the result.
    unsafe { *result = status };
    0
}

const W_OK: c_int = 2;

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn access(path: *const c_char, mode: c_int) -> c_int {
    // SAFETY: the caller passes a C string.
    match unsafe { find_c(path) } {
        Err(number) => fail(number),
        Ok(_) if mode & W_OK != 0 => fail(errno::EROFS),
        Ok(_) => 0,
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn isatty(descriptor: c_int) -> c_int {
    if (0..STANDARD_STREAMS).contains(&descriptor) && platform().is_terminal(descriptor) {
        return 1;
    }
    errno::set(errno::ENOTTY);
    0
}

unsafe fn return_path(path: &str, buffer: *mut c_char, size: usize) -> *mut c_char {
    // SAFETY: the caller gives `size` bytes.
    if unsafe { cstr::store(path.as_bytes(), buffer, size) } {
        buffer
    } else {
        errno::set(errno::ERANGE);
        core::ptr::null_mut()
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getcwd(buffer: *mut c_char, size: usize) -> *mut c_char {
    // SAFETY: the caller gives `size` bytes.
    unsafe { return_path("/", buffer, size) }
}

const PATH_MAX: usize = 4096;

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn realpath(path: *const c_char, resolved: *mut c_char) -> *mut c_char {
    // SAFETY: the caller passes a C string, and null or PATH_MAX bytes.
    unsafe {
        match find_c(path) {
            Err(number) => {
                errno::set(number);
                core::ptr::null_mut()
            }
            Ok((path, _)) => {
                let target = if resolved.is_null() {
                    crate::heap::malloc(PATH_MAX).cast()
                } else {
                    resolved
                };
                if target.is_null() {
                    target
                } else {
                    return_path(&path, target, PATH_MAX)
                }
            }
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn fcntl(descriptor: c_int, _command: c_int) -> c_int {
    if (0..STANDARD_STREAMS).contains(&descriptor) || contents(descriptor).is_some() {
        0
    } else {
        fail(errno::EBADF)
    }
}

macro_rules! read_only {
    ($($name:ident($($argument:ty),*);)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $name($(_: $argument),*) -> c_int {
                fail(errno::EROFS)
            }
        )*
    };
}

read_only! {
    unlink(*const c_char);
    remove(*const c_char);
    rename(*const c_char, *const c_char);
    mkdir(*const c_char, u32);
    rmdir(*const c_char);
    link(*const c_char, *const c_char);
    symlink(*const c_char, *const c_char);
    chmod(*const c_char, u32);
    fchmod(c_int, u32);
    fchown(c_int, u32, u32);
    ftruncate(c_int, i64);
    futimens(c_int, *const c_void);
    creat(*const c_char, u32);
    fchmodat(c_int, *const c_char, u32, c_int);
    linkat(c_int, *const c_char, c_int, *const c_char, c_int);
    mkdirat(c_int, *const c_char, u32);
    symlinkat(*const c_char, c_int, *const c_char);
    truncate(*const c_char, i64);
    unlinkat(c_int, *const c_char, c_int);
}

macro_rules! unsupported {
    ($($name:ident($($argument:ty),*);)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $name($(_: $argument),*) -> c_int {
                fail(errno::ENOSYS)
            }
        )*
    };
}

unsupported! {
    chdir(*const c_char);
    fchdir(c_int);
    dup(c_int);
    dup2(c_int, c_int);
    dup3(c_int, c_int, c_int);
    statvfs(*const c_char, *mut c_void);
    fstatvfs(c_int, *mut c_void);
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn umask(_mask: u32) -> u32 {
    0o022
}

/// There are no links to read.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn readlink(_path: *const c_char, _buffer: *mut c_char, _size: usize) -> c_long {
    c_long::from(fail(errno::EINVAL))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::test_platform;
    use core::ffi::CStr;

    fn read_all(path: &CStr) -> Result<Vec<u8>, c_int> {
        // SAFETY: the path is a C string and the buffer has the size that is given.
        unsafe {
            let descriptor = open(path.as_ptr(), 0);
            if descriptor < 0 {
                return Err(errno::get());
            }
            let mut buffer = [0_u8; 64];
            let count = read(descriptor, buffer.as_mut_ptr().cast(), buffer.len());
            assert_eq!(close(descriptor), 0);
            assert_eq!(close(descriptor), -1);
            Ok(buffer[..usize::try_from(count).unwrap()].to_vec())
        }
    }

    #[test]
    fn files_of_the_table_are_read() {
        test_platform::install();
        assert_eq!(read_all(c"/etc//./motd").unwrap(), b"hello\nworld\n");
        assert_eq!(read_all(c"data/../etc/motd").unwrap(), b"hello\nworld\n");
        assert_eq!(read_all(c"/etc/nothing"), Err(errno::ENOENT));
        assert_eq!(read_all(c"/etc"), Err(errno::EISDIR));
    }

    #[test]
    fn seeking_is_checked() {
        test_platform::install();
        // SAFETY: the path is a C string.
        let descriptor = unsafe { open(c"/etc/motd".as_ptr(), 0) };
        assert_eq!(lseek(descriptor, -6, 2), 6);
        assert_eq!(lseek(descriptor, -60, 1), -1);
        assert_eq!(close(descriptor), 0);
        assert_eq!(lseek(1, 0, 0), -1);
    }
}
