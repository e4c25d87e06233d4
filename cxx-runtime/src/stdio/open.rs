//! Opening and closing streams (C11 7.21.5), and their buffers.

use core::ffi::{c_char, c_int};

use super::stream::{Access, Buffering, Device, EOF, FileStream, SEEK_SET, flush_all};
use crate::cstr;
use crate::errno;
use crate::files;

const O_RDONLY: c_int = 0;
const O_WRONLY: c_int = 1;
const O_RDWR: c_int = 2;
const O_CREAT: c_int = 0o100;
const O_EXCL: c_int = 0o200;
const O_TRUNC: c_int = 0o1000;
const O_APPEND: c_int = 0o2000;
const O_CLOEXEC: c_int = 0o2_000_000;
const SEEK_END: c_int = 2;
const O_ACCMODE: c_int = 3;
const F_SETFD: c_int = 2;
const F_GETFL: c_int = 3;
const F_SETFL: c_int = 4;

/// What a mode says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mode {
    pub(super) access: Access,
    flags: c_int,
}

impl Mode {
    /// Whether writing goes to the end.
    pub(super) fn appends(self) -> bool {
        self.flags & O_APPEND != 0
    }

    /// Whether what was there is forgotten.
    pub(super) fn truncates(self) -> bool {
        self.flags & O_TRUNC != 0
    }

    /// Reads a mode as glibc does: letters that it does not know are ignored, a charset behind a comma too.
    pub(super) fn parse(mode: &[u8]) -> Option<Self> {
        let (first, rest) = mode.split_first()?;
        let rest = rest.split(|byte| *byte == b',').next().unwrap_or(&[]);
        let has = |letter: u8| rest.contains(&letter);
        let (creation, reads) = match first {
            b'r' => (0, true),
            b'w' => (O_CREAT | O_TRUNC, false),
            b'a' => (O_CREAT | O_APPEND, false),
            _ => return None,
        };
        let updates = has(b'+');
        let access = Access {
            reads: reads || updates,
            writes: !reads || updates,
        };
        let direction = match (access.reads, access.writes) {
            (true, true) => O_RDWR,
            (false, true) => O_WRONLY,
            _ => O_RDONLY,
        };
        let exclusive = if has(b'x') { O_EXCL } else { 0 };
        let close_on_exec = if has(b'e') { O_CLOEXEC } else { 0 };
        Some(Self {
            access,
            flags: direction | creation | exclusive | close_on_exec,
        })
    }
}

/// # Safety
/// The mode must be a C string.
pub(super) unsafe fn mode_of(mode: *const c_char) -> Option<Mode> {
    // SAFETY: the caller's promise.
    let parsed = Mode::parse(unsafe { cstr::bytes(mode) });
    if parsed.is_none() {
        errno::set(errno::EINVAL);
    }
    parsed
}

/// Opens the file of a stream.
///
/// # Safety
/// The path must be a C string.
unsafe fn open(path: *const c_char, mode: Mode) -> Option<c_int> {
    // SAFETY: the caller's promise.
    let descriptor = unsafe { files::open(path, mode.flags, 0o666) };
    if descriptor < 0 {
        return None;
    }
    if mode.appends() && !mode.access.reads {
        // So that `ftell` says where the first byte will go.
        files::lseek(descriptor, 0, SEEK_END);
    }
    Some(descriptor)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) unsafe extern "C" fn fopen(
    path: *const c_char,
    mode: *const c_char,
) -> *const FileStream {
    // SAFETY: the caller passes C strings.
    unsafe {
        let Some(mode) = mode_of(mode) else {
            return core::ptr::null();
        };
        let Some(descriptor) = open(path, mode) else {
            return core::ptr::null();
        };
        let stream = FileStream::create(Device::Descriptor(descriptor), mode.access);
        if stream.is_null() {
            files::close(descriptor);
        }
        stream
    }
}

/// The descriptor must have been opened for what the mode says.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fdopen(descriptor: c_int, mode: *const c_char) -> *const FileStream {
    // SAFETY: the caller passes a C string; the commands take numbers.
    unsafe {
        let Some(mode) = mode_of(mode) else {
            return core::ptr::null();
        };
        let flags = files::fcntl(descriptor, F_GETFL, 0);
        if flags < 0 {
            return core::ptr::null();
        }
        let is_permitted = match flags & O_ACCMODE {
            O_RDONLY => !mode.access.writes,
            O_WRONLY => !mode.access.reads,
            _ => true,
        };
        if !is_permitted {
            errno::set(errno::EINVAL);
            return core::ptr::null();
        }
        if mode.appends() && flags & O_APPEND == 0 {
            files::fcntl(descriptor, F_SETFL, (flags | O_APPEND) as usize);
        }
        if mode.flags & O_CLOEXEC != 0 {
            files::fcntl(descriptor, F_SETFD, 1);
        }
        FileStream::create(Device::Descriptor(descriptor), mode.access)
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) unsafe extern "C" fn fclose(stream: *const FileStream) -> c_int {
    // SAFETY: the caller passes an open stream.
    unsafe { FileStream::close(stream) }
}

/// The stream keeps its address. It is closed when the new file cannot be opened, as ISO C wants it.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn freopen(
    path: *const c_char,
    mode: *const c_char,
    stream: *const FileStream,
) -> *const FileStream {
    // SAFETY: the caller passes C strings and an open stream, which it does not use again on failure.
    unsafe {
        let Some(mode) = mode_of(mode) else {
            FileStream::close(stream);
            return core::ptr::null();
        };
        if path.is_null() {
            // Another mode for the same file: what the descriptor was opened for cannot be changed.
            (*stream).flush();
            (*stream).end_reading();
            (*stream).reopen((*stream).device(), mode.access);
            return stream;
        }
        let wanted = match (*stream).device() {
            Device::Descriptor(descriptor) => Some(descriptor),
            Device::Cookie(..) | Device::Closed => None,
        };
        (*stream).close_device();
        let Some(mut descriptor) = open(path, mode) else {
            FileStream::close(stream);
            return core::ptr::null();
        };
        // A program that redirects a standard stream means its descriptor too.
        if let Some(wanted) = wanted.filter(|wanted| *wanted != descriptor)
            && files::dup2(descriptor, wanted) >= 0
        {
            files::close(descriptor);
            descriptor = wanted;
        }
        (*stream).reopen(Device::Descriptor(descriptor), mode.access);
        stream
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn fflush(stream: Option<&FileStream>) -> c_int {
    let went_well = match stream {
        None => flush_all(),
        Some(stream) => {
            // What was read ahead is given back (POSIX).
            stream.end_reading();
            stream.flush()
        }
    };
    if went_well { 0 } else { EOF }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn setvbuf(stream: &FileStream, buffer: *mut c_char, mode: c_int, size: usize) -> c_int {
    let buffering = match mode {
        0 => Buffering::Full,
        1 => Buffering::Lines,
        2 => Buffering::None,
        _ => {
            errno::set(errno::EINVAL);
            return EOF;
        }
    };
    stream.set_buffering(buffering, buffer.cast(), size);
    0
}

/// BUFSIZ of `stdio.h`.
const BUFSIZ: usize = 1024;

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn setbuffer(stream: &FileStream, buffer: *mut c_char, size: usize) {
    setvbuf(stream, buffer, if buffer.is_null() { 2 } else { 0 }, size);
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn setbuf(stream: &FileStream, buffer: *mut c_char) {
    setbuffer(stream, buffer, BUFSIZ);
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn setlinebuf(stream: &FileStream) {
    setvbuf(stream, core::ptr::null_mut(), 1, 0);
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn fileno(stream: &FileStream) -> c_int {
    stream.descriptor()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn fseeko(stream: &FileStream, offset: i64, whence: c_int) -> c_int {
    if stream.seek(offset, whence) { 0 } else { EOF }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn fseek(stream: &FileStream, offset: i64, whence: c_int) -> c_int {
    fseeko(stream, offset, whence)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn ftello(stream: &FileStream) -> i64 {
    stream.tell()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn ftell(stream: &FileStream) -> i64 {
    stream.tell()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn rewind(stream: &FileStream) {
    stream.seek(0, SEEK_SET);
    stream.clear();
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fgetpos(stream: &FileStream, position: *mut i64) -> c_int {
    let offset = stream.tell();
    if offset < 0 {
        return EOF;
    }
    // SAFETY: the caller gives a place for the result.
    unsafe { *position = offset };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fsetpos(stream: &FileStream, position: *const i64) -> c_int {
    // SAFETY: the caller passes what `fgetpos` stored.
    fseeko(stream, unsafe { *position }, SEEK_SET)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_those_of_iso_c_and_posix() {
        let flags = |mode: &str| Mode::parse(mode.as_bytes()).map(|mode| mode.flags);
        assert_eq!(flags("r"), Some(O_RDONLY));
        assert_eq!(flags("rb"), Some(O_RDONLY));
        assert_eq!(flags("r+b"), Some(O_RDWR));
        assert_eq!(flags("rb+"), Some(O_RDWR));
        assert_eq!(flags("w"), Some(O_WRONLY | O_CREAT | O_TRUNC));
        assert_eq!(flags("wx"), Some(O_WRONLY | O_CREAT | O_TRUNC | O_EXCL));
        assert_eq!(flags("a+e"), Some(O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC));
        assert_eq!(flags("r,ccs=x+"), Some(O_RDONLY));
        assert_eq!(flags("q"), None);
        assert_eq!(flags(""), None);
    }
}
