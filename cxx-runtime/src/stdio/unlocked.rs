//! The forms of POSIX that take no lock: with one thread they are the same functions.

use core::ffi::{c_int, c_void};

use super::stream::{
    FileStream, clearerr, feof, ferror, fgetc, fputc, fread, fwrite, standard_input,
    standard_output,
};

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
