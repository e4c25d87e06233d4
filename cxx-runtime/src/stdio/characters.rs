//! Input and output of bytes and lines (C11 7.21.7 and 7.21.8), and the states of streams.

use core::ffi::{c_char, c_int, c_void};

use super::stream::{EOF, FileStream, standard_error, standard_input, standard_output};
use crate::cstr;
use crate::errno;
use crate::heap;

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) unsafe extern "C" fn fwrite(
    block: *const c_void,
    size: usize,
    count: usize,
    stream: &FileStream,
) -> usize {
    stream.orient(-1);
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
    stream.orient(-1);
    let Some(total) = size.checked_mul(count).filter(|total| *total != 0) else {
        return 0;
    };
    // SAFETY: the caller gives `total` bytes.
    unsafe { stream.read(block.cast(), total) / size }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) unsafe extern "C" fn fputs(text: *const c_char, stream: &FileStream) -> c_int {
    stream.orient(-1);
    // SAFETY: the caller passes a C string.
    let bytes = unsafe { cstr::bytes(text) };
    if bytes.is_empty() || stream.write(bytes) == bytes.len() {
        1
    } else {
        EOF
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn puts(text: *const c_char) -> c_int {
    let stream = standard_output();
    // SAFETY: the caller passes a C string.
    if unsafe { fputs(text, stream) } < 0 {
        return EOF;
    }
    if fputc(c_int::from(b'\n'), stream) < 0 {
        EOF
    } else {
        1
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn fputc(character: c_int, stream: &FileStream) -> c_int {
    stream.orient(-1);
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
    fputc(character, standard_output())
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
    fgetc(standard_input())
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn ungetc(character: c_int, stream: &FileStream) -> c_int {
    if character == EOF || !stream.push_back(&[character as u8]) {
        return EOF;
    }
    c_int::from(character as u8)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) unsafe extern "C" fn fgets(
    buffer: *mut c_char,
    size: c_int,
    stream: &FileStream,
) -> *mut c_char {
    stream.orient(-1);
    let Some(room) = usize::try_from(size)
        .ok()
        .and_then(|size| size.checked_sub(1))
    else {
        return core::ptr::null_mut();
    };
    let had_failed = stream.has_failed();
    let mut used = 0;
    stream.read_until(b'\n', room, |bytes| {
        // SAFETY: the caller gives `size` bytes.
        unsafe {
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.add(used).cast(), bytes.len());
        }
        used += bytes.len();
        true
    });
    if (used == 0 && room != 0) || (stream.has_failed() && !had_failed) {
        return core::ptr::null_mut();
    }
    // SAFETY: `used` is below `size`.
    unsafe { buffer.add(used).write(0) };
    buffer
}

/// Reads a line of any length into memory that grows.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getdelim(
    line: *mut *mut c_char,
    size: *mut usize,
    stop: c_int,
    stream: &FileStream,
) -> isize {
    if line.is_null() || size.is_null() {
        return errno::fail(errno::EINVAL) as isize;
    }
    stream.orient(-1);
    // SAFETY: the caller gives places for both, and a block of the size, or null.
    unsafe {
        if (*line).is_null() {
            *size = 0;
        }
        let mut used = 0;
        let read = stream.read_until(stop as u8, usize::MAX, |bytes| {
            let needed = used + bytes.len() + 1;
            if needed > *size {
                let grown = needed.max(*size * 2).max(120);
                let block = heap::realloc((*line).cast(), grown);
                if block.is_null() {
                    return false;
                }
                (*line, *size) = (block.cast(), grown);
            }
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), (*line).add(used).cast(), bytes.len());
            used += bytes.len();
            true
        });
        match read {
            Some(0) | None => -1,
            Some(used) => {
                *(*line).add(used) = 0;
                used as isize
            }
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getline(
    line: *mut *mut c_char,
    size: *mut usize,
    stream: &FileStream,
) -> isize {
    // SAFETY: the caller's promises are those of `getdelim`.
    unsafe { getdelim(line, size, c_int::from(b'\n'), stream) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getw(stream: &FileStream) -> c_int {
    let mut word = 0_i32;
    // SAFETY: the word has four bytes.
    let count = unsafe { fread((&raw mut word).cast(), size_of::<c_int>(), 1, stream) };
    if count == 1 { word } else { EOF }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn putw(word: c_int, stream: &FileStream) -> c_int {
    // SAFETY: the word has four bytes.
    let count = unsafe { fwrite((&raw const word).cast(), size_of::<c_int>(), 1, stream) };
    if count == 1 { 0 } else { EOF }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn feof(stream: &FileStream) -> c_int {
    c_int::from(stream.is_at_end())
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn ferror(stream: &FileStream) -> c_int {
    c_int::from(stream.has_failed())
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn clearerr(stream: &FileStream) {
    stream.clear();
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn perror(prefix: *const c_char) {
    let number = errno::get();
    let stream = standard_error();
    // SAFETY: the caller passes null or a C string.
    if !prefix.is_null() && unsafe { *prefix } != 0 {
        // SAFETY: as above.
        stream.write(unsafe { cstr::bytes(prefix) });
        stream.write(b": ");
    }
    stream.write(errno::text(number));
    stream.write(b"\n");
}

#[cfg(test)]
mod tests {
    use super::super::open::{fclose, fopen};
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
            assert_eq!(stream.tell(), 0);
            assert!(!fgets(buffer.as_mut_ptr(), 32, stream).is_null());
            assert_eq!(cstr::bytes(buffer.as_ptr()), b"Hello\n");
            assert!(stream.seek(2, 1));
            assert!(!fgets(buffer.as_mut_ptr(), 3, stream).is_null());
            assert_eq!(cstr::bytes(buffer.as_ptr()), b"rl");
            assert!(!fgets(buffer.as_mut_ptr(), 32, stream).is_null());
            assert!(fgets(buffer.as_mut_ptr(), 32, stream).is_null());
            assert_eq!(feof(stream), 1);
            assert_eq!(fclose(file), 0);
        }
    }
}
