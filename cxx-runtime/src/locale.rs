//! The one locale (ISO C 7.11): numbers and times as in "C", and multibyte characters in UTF-8.

use core::cell::Cell;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::sync::atomic::{AtomicUsize, Ordering};

#[cfg(not(test))]
use crate::arch::jumps;
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

/// The names of the one locale.
const NAMES: [&CStr; 5] = [c"C", c"POSIX", c"C.UTF-8", c"C.utf8", c""];

/// What `setlocale` was told last.
struct Current(Cell<&'static CStr>);

// SAFETY: there is one thread.
unsafe impl Sync for Current {}

static CURRENT: Current = Current(Cell::new(c"C"));

/// The known name that is the same as a text.
///
/// # Safety
/// The name must be a C string.
unsafe fn known(name: *const c_char) -> Option<&'static CStr> {
    // SAFETY: the caller's promise.
    let name = unsafe { cstr::bytes(name) };
    let name = NAMES.into_iter().find(|known| known.to_bytes() == name)?;
    Some(if matches!(name.to_bytes(), b"" | b"POSIX") {
        c"C"
    } else {
        name
    })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn setlocale(category: c_int, locale: *const c_char) -> *const c_char {
    if !(0..=6).contains(&category) {
        return core::ptr::null();
    }
    if !locale.is_null() {
        // SAFETY: the caller passes a C string.
        let Some(name) = (unsafe { known(locale) }) else {
            return core::ptr::null();
        };
        CURRENT.0.set(name);
    }
    CURRENT.0.get().as_ptr()
}

/// A `locale_t` is a number that is not zero: all of them are the same locale.
const THE_LOCALE: usize = 1;
/// What `uselocale` returns for the locale of the whole program.
const GLOBAL_LOCALE: usize = usize::MAX;

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn newlocale(_mask: c_int, locale: *const c_char, _base: usize) -> usize {
    // SAFETY: the caller passes a C string or null.
    if locale.is_null() || unsafe { known(locale) }.is_none() {
        errno::set(if locale.is_null() {
            errno::EINVAL
        } else {
            errno::ENOENT
        });
        return 0;
    }
    THE_LOCALE
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn duplocale(_locale: usize) -> usize {
    THE_LOCALE
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn freelocale(_locale: usize) {}

/// What `uselocale` was told last.
static THREAD_LOCALE: AtomicUsize = AtomicUsize::new(GLOBAL_LOCALE);

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn uselocale(locale: usize) -> usize {
    let before = THREAD_LOCALE.load(Ordering::Relaxed);
    if locale != 0 {
        THREAD_LOCALE.store(locale, Ordering::Relaxed);
    }
    before
}

/// The items of `langinfo.h`, from `ABDAY_1` on.
const FIRST_ITEM: c_int = 0x20000;
const ITEMS: [&CStr; 57] = [
    c"Sun",
    c"Mon",
    c"Tue",
    c"Wed",
    c"Thu",
    c"Fri",
    c"Sat",
    c"Sunday",
    c"Monday",
    c"Tuesday",
    c"Wednesday",
    c"Thursday",
    c"Friday",
    c"Saturday",
    c"Jan",
    c"Feb",
    c"Mar",
    c"Apr",
    c"May",
    c"Jun",
    c"Jul",
    c"Aug",
    c"Sep",
    c"Oct",
    c"Nov",
    c"Dec",
    c"January",
    c"February",
    c"March",
    c"April",
    c"May",
    c"June",
    c"July",
    c"August",
    c"September",
    c"October",
    c"November",
    c"December",
    c"AM",
    c"PM",
    c"%a %b %e %H:%M:%S %Y",
    c"%m/%d/%y",
    c"%H:%M:%S",
    c"%I:%M:%S %p",
    c"",
    c"",
    c"",
    c"",
    c"",
    c"UTF-8",
    c".",
    c"",
    c"^[yY]",
    c"^[nN]",
    c"-",
    c"",
    c"",
];

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn nl_langinfo(item: c_int) -> *const c_char {
    usize::try_from(item.wrapping_sub(FIRST_ITEM))
        .ok()
        .and_then(|index| ITEMS.get(index))
        .unwrap_or(&c"")
        .as_ptr()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn nl_langinfo_l(item: c_int, _locale: usize) -> *const c_char {
    nl_langinfo(item)
}

// Functions with a locale are those without: there is only one.
#[cfg(not(test))]
jumps! {
    "isalnum_l" is "isalnum";
    "isalpha_l" is "isalpha";
    "isblank_l" is "isblank";
    "iscntrl_l" is "iscntrl";
    "isdigit_l" is "isdigit";
    "isgraph_l" is "isgraph";
    "islower_l" is "islower";
    "isprint_l" is "isprint";
    "ispunct_l" is "ispunct";
    "isspace_l" is "isspace";
    "isupper_l" is "isupper";
    "isxdigit_l" is "isxdigit";
    "tolower_l" is "tolower";
    "toupper_l" is "toupper";
    "strcoll_l" is "strcoll";
    "strxfrm_l" is "strxfrm";
    "strcasecmp_l" is "strcasecmp";
    "strncasecmp_l" is "strncasecmp";
    "strerror_l" is "strerror";
    "strftime_l" is "bareflow_strftime";
    "strptime_l" is "strptime";
    "wcsftime_l" is "wcsftime";
    "wctype_l" is "wctype";
    "iswctype_l" is "iswctype";
    "wctrans_l" is "wctrans";
    "towctrans_l" is "towctrans";
}

// Other names of the same functions.
#[cfg(not(test))]
jumps! {
    "bsd_signal" is "signal";
    "euidaccess" is "eaccess";
    "fgetws_unlocked" is "fgetws";
    "fputws_unlocked" is "fputws";
    "pthread_yield" is "sched_yield";
    "timelocal" is "bareflow_mktime";
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
            assert_eq!(cstr::bytes(setlocale(6, c"C.UTF-8".as_ptr())), b"C.UTF-8");
            assert_eq!(cstr::bytes(setlocale(0, core::ptr::null())), b"C.UTF-8");
            assert_eq!(cstr::bytes(nl_langinfo(0x20025)), b"December");
            assert_eq!(cstr::bytes(nl_langinfo(0x20031)), b"UTF-8");
        }
        assert_eq!(size_of::<Conventions>(), 96);
    }
}
