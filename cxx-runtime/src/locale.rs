//! The one locale, "C" (ISO C 7.11), with one byte to a character.

use core::ffi::{c_char, c_int, c_void};

use crate::{cstr, errno};

/// `struct lconv` of the overlay.
#[repr(C)]
struct Conventions {
    decimal_point: *const c_char,
    other_texts: [*const c_char; 9],
    numbers: [c_char; 14],
}

// SAFETY: nothing writes to it.
unsafe impl Sync for Conventions {}

/// What the "C" locale does not define has the value CHAR_MAX.
static CONVENTIONS: Conventions = Conventions {
    decimal_point: c".".as_ptr(),
    other_texts: [c"".as_ptr(); 9],
    numbers: [c_char::MAX; 14],
};

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn setlocale(_category: c_int, locale: *const c_char) -> *const c_char {
    // SAFETY: the caller passes a C string or null.
    if locale.is_null() || matches!(unsafe { cstr::bytes(locale) }, b"" | b"C" | b"POSIX") {
        c"C".as_ptr()
    } else {
        core::ptr::null()
    }
}

/// There are no message catalogues: no name is that of one.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn catopen(_name: *const c_char, _flag: c_int) -> *const c_void {
    errno::set(errno::ENOENT);
    core::ptr::without_provenance(usize::MAX)
}

/// The text that the program brings stands in for every message.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn catgets(
    _catalogue: *const c_void,
    _set: c_int,
    _message: c_int,
    text: *const c_char,
) -> *const c_char {
    text
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn catclose(_catalogue: *const c_void) -> c_int {
    errno::set(errno::EBADF);
    -1
}

/// The program must not change what it gets (ISO C 7.11.2.1): it cannot.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn localeconv() -> *const c_char {
    (&raw const CONVENTIONS).cast()
}

/// Bytes of the next character.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mblen(text: *const c_char, size: usize) -> c_int {
    if text.is_null() {
        return 0;
    }
    if size == 0 {
        return -1;
    }
    // SAFETY: the caller gives `size` bytes.
    c_int::from(unsafe { *text } != 0)
}

/// The byte of a wide character, or EOF.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn wctob(character: u32) -> c_int {
    u8::try_from(character)
        .ok()
        .filter(u8::is_ascii)
        .map_or(-1, c_int::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_c_locale_exists() {
        // SAFETY: the names are C strings.
        unsafe {
            assert!(!setlocale(6, c"".as_ptr()).is_null());
            assert!(!setlocale(6, core::ptr::null()).is_null());
            assert!(setlocale(6, c"de_DE.UTF-8".as_ptr()).is_null());
        }
        assert_eq!(size_of::<Conventions>(), 96);
    }

    #[test]
    fn characters_are_bytes() {
        // SAFETY: the texts have the sizes given.
        unsafe {
            assert_eq!(mblen(c"ab".as_ptr(), 3), 1);
            assert_eq!(mblen(c"".as_ptr(), 1), 0);
            assert_eq!(mblen(c"a".as_ptr(), 0), -1);
        }
        assert_eq!((wctob(0x41), wctob(0x80), wctob(u32::MAX)), (0x41, -1, -1));
    }
}
