//! `FILE`: a descriptor, a buffer for output, one pushed-back character for input.

use core::cell::{Cell, UnsafeCell};
use core::ffi::{c_char, c_int, c_long, c_void};

use alloc::boxed::Box;

use crate::cstr;
use crate::errno;
use crate::files;

const EOF: c_int = -1;
const OUTPUT_BUFFER_BYTES: usize = 4096;

/// What C knows as `FILE`.
pub(crate) struct FileStream {
    descriptor: Cell<c_int>,
    pushed_back: Cell<Option<u8>>,
    at_end: Cell<bool>,
    failed: Cell<bool>,
    // Cells that no guard can leave locked: a program may fault in the middle of a write, and what it
    // wrote before must still come out.
    output: UnsafeCell<[u8; OUTPUT_BUFFER_BYTES]>,
    output_used: Cell<usize>,
}

// SAFETY: there is one thread.
unsafe impl Sync for FileStream {}

impl FileStream {
    const fn new(descriptor: c_int) -> Self {
        Self {
            descriptor: Cell::new(descriptor),
            pushed_back: Cell::new(None),
            at_end: Cell::new(false),
            failed: Cell::new(false),
            output: UnsafeCell::new([0; OUTPUT_BUFFER_BYTES]),
            output_used: Cell::new(0),
        }
    }

    fn emit(&self, bytes: &[u8]) {
        // SAFETY: the slice gives the address and the size.
        if unsafe { files::write(self.descriptor.get(), bytes.as_ptr().cast(), bytes.len()) } < 0 {
            self.failed.set(true);
        }
    }

    pub(super) fn write(&self, bytes: &[u8]) -> usize {
        if self.descriptor.get() != 1 {
            // Standard error is not buffered.
            self.emit(bytes);
            return if self.failed.get() { 0 } else { bytes.len() };
        }
        for chunk in bytes.chunks(OUTPUT_BUFFER_BYTES) {
            if self.output_used.get() + chunk.len() > OUTPUT_BUFFER_BYTES {
                self.flush();
            }
            let used = self.output_used.get();
            // SAFETY: there is one thread, and nothing else refers to the buffer now; the chunk fits
            // behind what is used.
            unsafe {
                let place = self.output.get().cast::<u8>().add(used);
                core::ptr::copy_nonoverlapping(chunk.as_ptr(), place, chunk.len());
            }
            self.output_used.set(used + chunk.len());
        }
        if self.failed.get() { 0 } else { bytes.len() }
    }

    fn flush(&self) {
        let used = self.output_used.replace(0);
        if used != 0 {
            // SAFETY: there is one thread, and emitting does not write to the buffer.
            self.emit(unsafe { core::slice::from_raw_parts(self.output.get().cast(), used) });
        }
    }

    pub(super) fn next_byte(&self) -> Option<u8> {
        if let Some(byte) = self.pushed_back.take() {
            return Some(byte);
        }
        if self.descriptor.get() == 0 {
            // What was asked must be on the console before the answer is awaited.
            flush();
        }
        let mut byte = 0_u8;
        // SAFETY: one byte is given.
        match unsafe { files::read(self.descriptor.get(), (&raw mut byte).cast(), 1) } {
            1 => Some(byte),
            0 => {
                self.at_end.set(true);
                None
            }
            _ => {
                self.failed.set(true);
                None
            }
        }
    }

    pub(super) fn push_back(&self, byte: u8) {
        self.pushed_back.set(Some(byte));
        self.at_end.set(false);
    }
}

static STANDARD_INPUT: FileStream = FileStream::new(0);
static STANDARD_OUTPUT: FileStream = FileStream::new(1);
static STANDARD_ERROR: FileStream = FileStream::new(2);

/// A `FILE *` variable of C.
#[repr(transparent)]
pub struct StreamPointer(UnsafeCell<*const FileStream>);

// SAFETY: there is one thread.
unsafe impl Sync for StreamPointer {}

#[cfg_attr(not(test), unsafe(export_name = "stdin"))]
static STDIN: StreamPointer = StreamPointer(UnsafeCell::new(&raw const STANDARD_INPUT));
#[cfg_attr(not(test), unsafe(export_name = "stdout"))]
static STDOUT: StreamPointer = StreamPointer(UnsafeCell::new(&raw const STANDARD_OUTPUT));
#[cfg_attr(not(test), unsafe(export_name = "stderr"))]
static STDERR: StreamPointer = StreamPointer(UnsafeCell::new(&raw const STANDARD_ERROR));

pub(super) fn standard_output() -> &'static FileStream {
    &STANDARD_OUTPUT
}

pub(super) fn standard_input() -> &'static FileStream {
    &STANDARD_INPUT
}

/// Writes out what standard output still holds.
pub fn flush() {
    STANDARD_OUTPUT.flush();
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) unsafe extern "C" fn fwrite(
    block: *const c_void,
    size: usize,
    count: usize,
    stream: &FileStream,
) -> usize {
    let Some(total) = size.checked_mul(count).filter(|total| *total != 0) else {
        return 0;
    };
    // SAFETY: the caller gives `total` bytes.
    stream.write(unsafe { core::slice::from_raw_parts(block.cast(), total) }) / size
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) unsafe extern "C" fn fread(
    block: *mut c_void,
    size: usize,
    count: usize,
    stream: &FileStream,
) -> usize {
    let Some(total) = size.checked_mul(count).filter(|total| *total != 0) else {
        return 0;
    };
    let mut done = 0;
    while done < total {
        let Some(byte) = stream.next_byte() else {
            break;
        };
        // SAFETY: the caller gives `total` bytes.
        unsafe { block.cast::<u8>().add(done).write(byte) };
        done += 1;
    }
    done / size
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn fflush(stream: Option<&FileStream>) -> c_int {
    stream.unwrap_or(&STANDARD_OUTPUT).flush();
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fputs(text: *const c_char, stream: &FileStream) -> c_int {
    // SAFETY: the caller passes a C string.
    let bytes = unsafe { cstr::bytes(text) };
    if stream.write(bytes) == bytes.len() {
        1
    } else {
        EOF
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn puts(text: *const c_char) -> c_int {
    // SAFETY: the caller passes a C string.
    STANDARD_OUTPUT.write(unsafe { cstr::bytes(text) });
    STANDARD_OUTPUT.write(b"\n");
    1
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn fputc(character: c_int, stream: &FileStream) -> c_int {
    let byte = character as u8;
    if stream.write(&[byte]) == 1 {
        c_int::from(byte)
    } else {
        EOF
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn putc(character: c_int, stream: &FileStream) -> c_int {
    fputc(character, stream)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn putchar(character: c_int) -> c_int {
    fputc(character, &STANDARD_OUTPUT)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn fgetc(stream: &FileStream) -> c_int {
    stream.next_byte().map_or(EOF, c_int::from)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn getc(stream: &FileStream) -> c_int {
    fgetc(stream)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn getchar() -> c_int {
    fgetc(&STANDARD_INPUT)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn ungetc(character: c_int, stream: &FileStream) -> c_int {
    if character == EOF {
        return EOF;
    }
    stream.push_back(character as u8);
    character
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fgets(buffer: *mut c_char, size: c_int, stream: &FileStream) -> *mut c_char {
    let room = usize::try_from(size).unwrap_or(0).saturating_sub(1);
    let mut used = 0;
    while used < room {
        let Some(byte) = stream.next_byte() else {
            break;
        };
        // SAFETY: the caller gives `size` bytes.
        unsafe { buffer.add(used).write(byte as c_char) };
        used += 1;
        if byte == b'\n' {
            break;
        }
    }
    if used == 0 {
        return core::ptr::null_mut();
    }
    // SAFETY: `used` is below `size`.
    unsafe { buffer.add(used).write(0) };
    buffer
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn fileno(stream: &FileStream) -> c_int {
    stream.descriptor.get()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn feof(stream: &FileStream) -> c_int {
    c_int::from(stream.at_end.get())
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn ferror(stream: &FileStream) -> c_int {
    c_int::from(stream.failed.get())
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn clearerr(stream: &FileStream) {
    stream.at_end.set(false);
    stream.failed.set(false);
}

/// Only reading modes: files are read-only.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fopen(path: *const c_char, mode: *const c_char) -> *const FileStream {
    // SAFETY: the caller passes C strings.
    unsafe {
        if !matches!(cstr::bytes(mode), b"r" | b"rb") {
            errno::set(errno::EROFS);
            return core::ptr::null();
        }
        match files::open(path, 0, 0) {
            descriptor if descriptor < 0 => core::ptr::null(),
            descriptor => Box::into_raw(Box::new(FileStream::new(descriptor))),
        }
    }
}

/// The descriptor was opened for what `mode` says.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn fdopen(descriptor: c_int, _mode: *const c_char) -> *const FileStream {
    Box::into_raw(Box::new(FileStream::new(descriptor)))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fclose(stream: *const FileStream) -> c_int {
    // SAFETY: the caller passes an open stream, which only `fopen` allocates.
    unsafe {
        (*stream).flush();
        let descriptor = (*stream).descriptor.get();
        if descriptor > 2 {
            drop(Box::from_raw(stream.cast_mut()));
        }
        files::close(descriptor)
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn fseek(stream: &FileStream, offset: c_long, whence: c_int) -> c_int {
    const SEEK_CUR: c_int = 1;
    // A pushed-back character stands before the descriptor's offset.
    let pending = i64::from(whence == SEEK_CUR && stream.pushed_back.take().is_some());
    if files::lseek(stream.descriptor.get(), offset - pending, whence) < 0 {
        return EOF;
    }
    stream.pushed_back.set(None);
    stream.at_end.set(false);
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn ftell(stream: &FileStream) -> c_long {
    let offset = files::lseek(stream.descriptor.get(), 0, 1);
    let pushed_back = stream.pushed_back.take();
    stream.pushed_back.set(pushed_back);
    if offset < 0 {
        offset
    } else {
        offset - c_long::from(pushed_back.is_some())
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn rewind(stream: &FileStream) {
    fseek(stream, 0, 0);
    clearerr(stream);
}

/// `off_t` is `long` here.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn fseeko(stream: &FileStream, offset: c_long, whence: c_int) -> c_int {
    fseek(stream, offset, whence)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn ftello(stream: &FileStream) -> c_long {
    ftell(stream)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fgetpos(stream: &FileStream, position: *mut c_long) -> c_int {
    let offset = ftell(stream);
    if offset < 0 {
        return EOF;
    }
    // SAFETY: the caller gives a place for the result.
    unsafe { *position = offset };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fsetpos(stream: &FileStream, position: *const c_long) -> c_int {
    // SAFETY: the caller passes what `fgetpos` stored.
    fseek(stream, unsafe { *position }, 0)
}

/// Temporary files cannot be written.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn tmpfile() -> *const FileStream {
    errno::set(errno::EROFS);
    core::ptr::null()
}

/// The stream is closed, as ISO C wants it when the new file cannot be opened in its place.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn freopen(
    path: *const c_char,
    mode: *const c_char,
    stream: *const FileStream,
) -> *const FileStream {
    // SAFETY: the caller passes C strings and an open stream, which it does not use again on failure.
    unsafe {
        let standard = (*stream).descriptor.get() < 3;
        let opened = if path.is_null() {
            errno::set(errno::ENOTSUP);
            core::ptr::null()
        } else {
            fopen(path, mode)
        };
        if opened.is_null() || !standard {
            fclose(stream);
            return opened;
        }
        // A standard stream keeps its address: it takes the new file over.
        (*stream).flush();
        (*stream).descriptor.set((*opened).descriptor.get());
        (*stream).pushed_back.set(None);
        clearerr(&*stream);
        drop(Box::from_raw(opened.cast_mut()));
        stream
    }
}

/// Buffering is fixed: standard output is buffered, standard error is not.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn setvbuf(
    _stream: &FileStream,
    _buffer: *mut c_char,
    _mode: c_int,
    _size: usize,
) -> c_int {
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn setbuf(_stream: &FileStream, _buffer: *mut c_char) {}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn perror(prefix: *const c_char) {
    let number = errno::get();
    // SAFETY: the caller passes null or a C string.
    if !prefix.is_null() && unsafe { *prefix } != 0 {
        // SAFETY: as above.
        STANDARD_ERROR.write(unsafe { cstr::bytes(prefix) });
        STANDARD_ERROR.write(b": ");
    }
    STANDARD_ERROR.write(errno::text(number));
    STANDARD_ERROR.write(b"\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::test_platform;

    #[test]
    fn lines_of_a_file_are_read_with_push_back() {
        test_platform::install();
        let mut buffer = [0 as c_char; 32];
        // SAFETY: the paths are C strings, the buffer has the size that is given, the stream is open.
        unsafe {
            let file = fopen(c"/etc/motd".as_ptr(), c"r".as_ptr());
            let stream = &*file;
            assert_eq!(fgetc(stream), c_int::from(b'h'));
            assert_eq!(ungetc(c_int::from(b'H'), stream), c_int::from(b'H'));
            assert_eq!(ftell(stream), 0);
            assert!(!fgets(buffer.as_mut_ptr(), 32, stream).is_null());
            assert_eq!(cstr::bytes(buffer.as_ptr()), b"Hello\n");
            assert_eq!(fseek(stream, 2, 1), 0);
            assert!(!fgets(buffer.as_mut_ptr(), 3, stream).is_null());
            assert_eq!(cstr::bytes(buffer.as_ptr()), b"rl");
            assert!(!fgets(buffer.as_mut_ptr(), 32, stream).is_null());
            assert!(fgets(buffer.as_mut_ptr(), 32, stream).is_null());
            assert_eq!(feof(stream), 1);
            assert_eq!(fclose(file), 0);
            assert!(fopen(c"/etc/motd".as_ptr(), c"w".as_ptr()).is_null());
        }
    }
}
