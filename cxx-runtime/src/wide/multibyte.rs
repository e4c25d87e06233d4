//! Conversions between multibyte and wide characters (C11 7.22.7, 7.22.8 and 7.29.6).

use core::cell::UnsafeCell;
use core::ffi::{c_char, c_int};

use super::{ENCODED_BYTES, State, WEOF, encode};
use crate::errno;

/// What the conversions return for a sequence that is no character.
pub(super) const ILLEGAL: usize = usize::MAX;
/// What they return for the start of a character.
pub(super) const INCOMPLETE: usize = usize::MAX - 1;

/// The state of the functions that were given none.
#[repr(transparent)]
pub(super) struct OwnState(UnsafeCell<State>);

// SAFETY: there is one thread.
unsafe impl Sync for OwnState {}

impl OwnState {
    pub(super) const fn new() -> Self {
        Self(UnsafeCell::new(State(0)))
    }

    /// The caller's state, or this one if there is none.
    pub(super) fn or(&self, state: *mut State) -> *mut State {
        if state.is_null() { self.0.get() } else { state }
    }
}

pub(super) fn illegal() -> usize {
    errno::set(errno::EILSEQ);
    ILLEGAL
}

/// How many bytes of a multibyte text are at most `limit` whole characters.
///
/// # Safety
/// The text must end with a zero or have as many characters.
pub(crate) unsafe fn multibyte_length(text: *const u8, limit: usize) -> usize {
    let (mut length, mut count) = (0, 0);
    // SAFETY: the caller's promise: a byte is looked at only if fewer characters have been seen, or if it may belong
    // to the last of them.
    unsafe {
        loop {
            let byte = *text.add(length);
            let starts = byte & 0xc0 != 0x80;
            if byte == 0 || (starts && count == limit) {
                return length;
            }
            count += usize::from(starts);
            length += 1;
            if count == limit && byte.is_ascii() {
                return length;
            }
        }
    }
}

/// Reads one character.
///
/// # Safety
/// `text` must have `size` bytes or a whole character, and the state be writable.
pub(super) unsafe fn read(
    text: *const c_char,
    size: usize,
    state: *mut State,
) -> Result<(u32, usize), usize> {
    // SAFETY: the caller's promise.
    unsafe {
        for index in 0..size {
            match (*state).push(*text.add(index) as u8) {
                Ok(Some(unit)) => return Ok((unit, index + 1)),
                Ok(None) => {}
                Err(()) => return Err(illegal()),
            }
        }
    }
    Err(INCOMPLETE)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) unsafe extern "C" fn mbrtowc(
    place: *mut u32,
    text: *const c_char,
    size: usize,
    state: *mut State,
) -> usize {
    static OWN: OwnState = OwnState::new();
    let state = OWN.or(state);
    // SAFETY: the caller passes null, or a text of `size` bytes; the place is null or writable.
    unsafe {
        if text.is_null() {
            return match read(c"".as_ptr(), 1, state) {
                Ok(_) => 0,
                Err(code) => code,
            };
        }
        match read(text, size, state) {
            Ok((unit, used)) => {
                if !place.is_null() {
                    *place = unit;
                }
                if unit == 0 { 0 } else { used }
            }
            Err(code) => code,
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mbrlen(text: *const c_char, size: usize, state: *mut State) -> usize {
    static OWN: OwnState = OwnState::new();
    // SAFETY: the caller's promises are those of `mbrtowc`.
    unsafe { mbrtowc(core::ptr::null_mut(), text, size, OWN.or(state)) }
}

/// UTF-8 has no states, so that a call without a text returns 0.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mbtowc(place: *mut u32, text: *const c_char, size: usize) -> c_int {
    if text.is_null() {
        return 0;
    }
    let mut state = State::default();
    // SAFETY: the caller's promises are those of `mbrtowc`.
    match unsafe { mbrtowc(place, text, size, &raw mut state) } {
        ILLEGAL => -1,
        INCOMPLETE => {
            errno::set(errno::EILSEQ);
            -1
        }
        used => used as c_int,
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mblen(text: *const c_char, size: usize) -> c_int {
    // SAFETY: the caller's promises are those of `mbtowc`.
    unsafe { mbtowc(core::ptr::null_mut(), text, size) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mbsinit(state: *const State) -> c_int {
    // SAFETY: the caller passes null or a state.
    c_int::from(state.is_null() || unsafe { *state }.is_initial())
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) unsafe extern "C" fn wcrtomb(
    place: *mut c_char,
    unit: u32,
    _state: *mut State,
) -> usize {
    let mut buffer = [0; ENCODED_BYTES];
    if place.is_null() {
        return 1;
    }
    let Some(bytes) = encode(unit, &mut buffer) else {
        return illegal();
    };
    // SAFETY: the caller gives MB_CUR_MAX bytes.
    unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), place.cast(), bytes.len()) };
    bytes.len()
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn wctomb(place: *mut c_char, unit: u32) -> c_int {
    if place.is_null() {
        return 0;
    }
    // SAFETY: the caller gives MB_CUR_MAX bytes.
    match unsafe { wcrtomb(place, unit, core::ptr::null_mut()) } {
        ILLEGAL => -1,
        length => length as c_int,
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mbsnrtowcs(
    place: *mut u32,
    source: *mut *const c_char,
    bytes: usize,
    size: usize,
    state: *mut State,
) -> usize {
    static OWN: OwnState = OwnState::new();
    let state = OWN.or(state);
    // SAFETY: the caller passes a text that ends with a zero or has this many bytes, and room for `size` characters
    // if there is a place. Without one neither text nor state change.
    unsafe {
        let mut scratch = *state;
        let state = if place.is_null() {
            &raw mut scratch
        } else {
            state
        };
        let mut next = *source;
        let (mut count, mut left) = (0, bytes);
        while place.is_null() || count < size {
            match read(next, left, state) {
                Err(INCOMPLETE) => {
                    next = next.add(left);
                    break;
                }
                Err(code) => {
                    if !place.is_null() {
                        *source = next;
                    }
                    return code;
                }
                Ok((unit, used)) => {
                    if !place.is_null() {
                        *place.add(count) = unit;
                    }
                    if unit == 0 {
                        next = core::ptr::null();
                        break;
                    }
                    next = next.add(used);
                    left -= used;
                    count += 1;
                }
            }
        }
        if !place.is_null() {
            *source = next;
        }
        count
    }
}

/// `mbsnrtowcs` as libc++'s codecvt is written for: it goes through a text again, character by character, when this
/// returns an error with the source at the end. Only so does it tell the start of a character from a whole one, and
/// what is no character from either.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn bareflow_codecvt_mbsnrtowcs(
    place: *mut u32,
    source: *mut *const c_char,
    bytes: usize,
    size: usize,
    state: *mut State,
) -> usize {
    // SAFETY: the caller's promises are those of `mbsnrtowcs`, with a place and a state.
    unsafe {
        let (start, before) = (*source, *state);
        let count = mbsnrtowcs(place, source, bytes, size, state);
        if count != ILLEGAL && mbsinit(state) != 0 {
            return count;
        }
        *source = start.add(bytes);
        *state = before;
    }
    ILLEGAL
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mbsrtowcs(
    place: *mut u32,
    source: *mut *const c_char,
    size: usize,
    state: *mut State,
) -> usize {
    static OWN: OwnState = OwnState::new();
    // SAFETY: the caller's text ends with a zero.
    unsafe { mbsnrtowcs(place, source, usize::MAX, size, OWN.or(state)) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mbstowcs(place: *mut u32, text: *const c_char, size: usize) -> usize {
    let mut state = State::default();
    let mut source = text;
    // SAFETY: the caller's text ends with a zero.
    unsafe { mbsnrtowcs(place, &raw mut source, usize::MAX, size, &raw mut state) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn wcsnrtombs(
    place: *mut c_char,
    source: *mut *const u32,
    characters: usize,
    size: usize,
    _state: *mut State,
) -> usize {
    // SAFETY: the caller passes a text that ends with a zero or has this many characters, and room for `size` bytes
    // if there is a place.
    unsafe {
        let mut next = *source;
        let mut count = 0;
        for _ in 0..characters {
            let mut buffer = [0; ENCODED_BYTES];
            let Some(bytes) = encode(*next, &mut buffer) else {
                if !place.is_null() {
                    *source = next;
                }
                return illegal();
            };
            if !place.is_null() {
                if count + bytes.len() > size {
                    break;
                }
                core::ptr::copy_nonoverlapping(
                    bytes.as_ptr(),
                    place.add(count).cast(),
                    bytes.len(),
                );
            }
            if *next == 0 {
                next = core::ptr::null();
                break;
            }
            count += bytes.len();
            next = next.add(1);
        }
        if !place.is_null() {
            *source = next;
        }
        count
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn wcsrtombs(
    place: *mut c_char,
    source: *mut *const u32,
    size: usize,
    state: *mut State,
) -> usize {
    // SAFETY: the caller's text ends with a zero.
    unsafe { wcsnrtombs(place, source, usize::MAX, size, state) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn wcstombs(place: *mut c_char, text: *const u32, size: usize) -> usize {
    let mut source = text;
    // SAFETY: the caller's text ends with a zero.
    unsafe {
        wcsnrtombs(
            place,
            &raw mut source,
            usize::MAX,
            size,
            core::ptr::null_mut(),
        )
    }
}

/// Only the characters of ASCII are single bytes.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn btowc(byte: c_int) -> u32 {
    u8::try_from(byte)
        .ok()
        .filter(u8::is_ascii)
        .map_or(WEOF, u32::from)
}

/// The byte of a wide character, or EOF.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn wctob(unit: u32) -> c_int {
    u8::try_from(unit)
        .ok()
        .filter(u8::is_ascii)
        .map_or(-1, c_int::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_may_come_byte_by_byte() {
        let mut state = State::default();
        let mut unit = 0;
        let bytes = "€".as_bytes();
        // SAFETY: one byte is given at a time.
        unsafe {
            let mut give =
                |byte: &u8| mbrtowc(&raw mut unit, (&raw const *byte).cast(), 1, &raw mut state);
            assert_eq!(give(&bytes[0]), INCOMPLETE);
            assert_eq!(give(&bytes[1]), INCOMPLETE);
            assert_eq!(give(&bytes[2]), 1);
            assert_eq!(mbsinit(&raw const state), 1);
            assert_eq!(mblen(c"é".as_ptr(), 1), -1);
            assert_eq!(mblen(c"é".as_ptr(), 2), 2);
            assert_eq!(mblen(c"".as_ptr(), 1), 0);
        }
        assert_eq!(unit, 0x20ac);
        assert_eq!((wctob(0x41), wctob(0x80), btowc(0x80)), (0x41, -1, WEOF));
    }

    #[test]
    fn a_codecvt_hears_of_what_is_no_whole_character() {
        for (text, expected) in [
            ("a€".as_bytes(), 2),
            (b"a\xe2\x82", ILLEGAL),
            (b"a\xff", ILLEGAL),
        ] {
            let mut source = text.as_ptr().cast::<c_char>();
            let (mut units, mut state) = ([0; 4], State::default());
            // SAFETY: the text has this many bytes, and there is room for four characters.
            let count = unsafe {
                let place = units.as_mut_ptr();
                bareflow_codecvt_mbsnrtowcs(place, &raw mut source, text.len(), 4, &raw mut state)
            };
            assert_eq!(count, expected);
            assert_eq!(source, text.as_ptr_range().end.cast());
            assert_eq!(state, State::default());
        }
    }

    #[test]
    fn texts_are_converted_as_far_as_they_fit() {
        let mut wide = [9_u32; 4];
        let mut bytes = [9 as c_char; 8];
        // SAFETY: the sizes are those of the arrays.
        unsafe {
            assert_eq!(mbstowcs(wide.as_mut_ptr(), c"aé€".as_ptr(), 4), 3);
            assert_eq!(wide, [0x61, 0xe9, 0x20ac, 0]);
            assert_eq!(mbstowcs(core::ptr::null_mut(), c"aé€".as_ptr(), 0), 3);
            assert_eq!(mbstowcs(wide.as_mut_ptr(), c"\xff".as_ptr(), 4), ILLEGAL);
            wide = [0x61, 0xe9, 0x20ac, 0];
            assert_eq!(wcstombs(bytes.as_mut_ptr(), wide.as_ptr(), 5), 3);
            assert_eq!(wcstombs(bytes.as_mut_ptr(), wide.as_ptr(), 8), 6);
            assert_eq!(crate::cstr::bytes(bytes.as_ptr()), "aé€".as_bytes());
            assert_eq!(multibyte_length(c"aé€b".as_ptr().cast(), 3), 6);
        }
    }
}
