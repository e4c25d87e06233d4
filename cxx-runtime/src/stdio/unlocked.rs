//! The forms of POSIX that take no lock: with one thread they are the same functions.

use core::ffi::{c_char, c_int, c_void};

use super::characters::{clearerr, feof, ferror, fgetc, fgets, fputc, fputs, fread, fwrite};
use super::open::{fflush, fileno};
use super::stream::{FileStream, standard_input, standard_output};

macro_rules! unlocked {
    ($($name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? { $call:expr })*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $name($($argument: $type),*) $(-> $result)? {
                $call
            }
        )*
    };
}

unlocked! {
    clearerr_unlocked(stream: &FileStream) { clearerr(stream) }
    fflush_unlocked(stream: Option<&FileStream>) -> c_int { fflush(stream) }
    fileno_unlocked(stream: &FileStream) -> c_int { fileno(stream) }
    feof_unlocked(stream: &FileStream) -> c_int { feof(stream) }
    ferror_unlocked(stream: &FileStream) -> c_int { ferror(stream) }
    fgetc_unlocked(stream: &FileStream) -> c_int { fgetc(stream) }
    getc_unlocked(stream: &FileStream) -> c_int { fgetc(stream) }
    getchar_unlocked() -> c_int { fgetc(standard_input()) }
    fputc_unlocked(character: c_int, stream: &FileStream) -> c_int { fputc(character, stream) }
    putc_unlocked(character: c_int, stream: &FileStream) -> c_int { fputc(character, stream) }
    putchar_unlocked(character: c_int) -> c_int { fputc(character, standard_output()) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn flockfile(_stream: &FileStream) {}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn funlockfile(_stream: &FileStream) {}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn ftrylockfile(_stream: &FileStream) -> c_int {
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fgets_unlocked(
    buffer: *mut c_char,
    size: c_int,
    stream: &FileStream,
) -> *mut c_char {
    // SAFETY: the caller's promises are those of `fgets`.
    unsafe { fgets(buffer, size, stream) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fputs_unlocked(text: *const c_char, stream: &FileStream) -> c_int {
    // SAFETY: the caller's promises are those of `fputs`.
    unsafe { fputs(text, stream) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fread_unlocked(
    block: *mut c_void,
    size: usize,
    count: usize,
    stream: &FileStream,
) -> usize {
    // SAFETY: the caller's promises are those of `fread`.
    unsafe { fread(block, size, count, stream) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fwrite_unlocked(
    block: *const c_void,
    size: usize,
    count: usize,
    stream: &FileStream,
) -> usize {
    // SAFETY: the caller's promises are those of `fwrite`.
    unsafe { fwrite(block, size, count, stream) }
}
