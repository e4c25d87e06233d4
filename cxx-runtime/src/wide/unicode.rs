//! `<uchar.h>`: UTF-16, UTF-32 and UTF-8 one code unit at a time (C11 7.28, C23 7.30).

use core::ffi::c_char;

use super::multibyte::{ILLEGAL, INCOMPLETE, OwnState, illegal, mbrtowc, read, wcrtomb};
use super::{ENCODED_BYTES, State, encode};

/// What the conversions to code units return when nothing was read and a pending unit was stored.
const STORED_PENDING: usize = usize::MAX - 2;

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mbrtoc32(
    place: *mut u32,
    text: *const c_char,
    size: usize,
    state: *mut State,
) -> usize {
    static OWN: OwnState = OwnState::new();
    // SAFETY: the caller's promises are those of `mbrtowc`.
    unsafe { mbrtowc(place, text, size, OWN.or(state)) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn c32rtomb(place: *mut c_char, unit: u32, state: *mut State) -> usize {
    // SAFETY: the caller's promises are those of `wcrtomb`.
    unsafe { wcrtomb(place, unit, state) }
}

/// Gives out a character that is several units: `units` says what comes first and what stays, the next of it lowest.
///
/// # Safety
/// The caller's promises are those of `mbrtowc`.
unsafe fn to_units<T>(
    place: *mut T,
    text: *const c_char,
    size: usize,
    state: *mut State,
    unit_bits: u32,
    units: impl Fn(u32) -> (u32, u32),
    convert: impl Fn(u32) -> T,
) -> usize {
    // SAFETY: the caller passes null, or a text of `size` bytes; the place is null or writable.
    unsafe {
        let store = |unit: u32| {
            if !place.is_null() {
                *place = convert(unit);
            }
        };
        if (*state).0 & State::PENDING != 0 {
            let pending = (*state).0 & !State::PENDING;
            store(pending & ((1 << unit_bits) - 1));
            let rest = pending >> unit_bits;
            (*state).0 = if rest == 0 { 0 } else { State::PENDING | rest };
            return STORED_PENDING;
        }
        let (text, size) = if text.is_null() {
            (c"".as_ptr(), 1)
        } else {
            (text, size)
        };
        match read(text, size, state) {
            Err(code) => code,
            Ok((unit, used)) => {
                let (first, rest) = units(unit);
                store(first);
                if rest != 0 {
                    (*state).0 = State::PENDING | rest;
                }
                if unit == 0 { 0 } else { used }
            }
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mbrtoc16(
    place: *mut u16,
    text: *const c_char,
    size: usize,
    state: *mut State,
) -> usize {
    static OWN: OwnState = OwnState::new();
    let units = |unit: u32| match unit.checked_sub(0x1_0000) {
        None => (unit, 0),
        Some(rest) => (0xd800 + (rest >> 10), 0xdc00 + (rest & 0x3ff)),
    };
    // SAFETY: the caller's promises are those of `mbrtowc`.
    unsafe {
        to_units(place, text, size, OWN.or(state), 16, units, |unit| {
            unit as u16
        })
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn mbrtoc8(
    place: *mut u8,
    text: *const c_char,
    size: usize,
    state: *mut State,
) -> usize {
    static OWN: OwnState = OwnState::new();
    let units = |unit: u32| {
        let mut buffer = [0; ENCODED_BYTES];
        let bytes = encode(unit, &mut buffer).unwrap_or(&[0]);
        let rest = bytes[1..].iter().rev();
        (
            u32::from(bytes[0]),
            rest.fold(0, |sum, byte| sum << 8 | u32::from(*byte)),
        )
    };
    // SAFETY: the caller's promises are those of `mbrtowc`.
    unsafe {
        to_units(place, text, size, OWN.or(state), 8, units, |unit| {
            unit as u8
        })
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn c16rtomb(place: *mut c_char, unit: u16, state: *mut State) -> usize {
    static OWN: OwnState = OwnState::new();
    let state = OWN.or(state);
    let unit = u32::from(unit);
    // SAFETY: the state is writable; the rest is the caller's promise as for `wcrtomb`.
    unsafe {
        let high = (*state).0 & !State::PENDING;
        (*state).0 = 0;
        match (high, unit) {
            (0, 0xd800..0xdc00) if !place.is_null() => {
                (*state).0 = State::PENDING | unit;
                0
            }
            (0, 0xdc00..0xe000) => illegal(),
            (0, _) => wcrtomb(place, unit, state),
            (_, 0xdc00..0xe000) => wcrtomb(
                place,
                0x1_0000 + ((high & 0x3ff) << 10 | (unit & 0x3ff)),
                state,
            ),
            _ => illegal(),
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn c8rtomb(place: *mut c_char, unit: u8, state: *mut State) -> usize {
    static OWN: OwnState = OwnState::new();
    let state = OWN.or(state);
    let mut character = 0;
    // SAFETY: the unit is one byte; the state is writable; the rest is the caller's promise as for `wcrtomb`.
    unsafe {
        if place.is_null() {
            (*state).0 = 0;
            return 1;
        }
        match mbrtowc(&raw mut character, (&raw const unit).cast(), 1, state) {
            ILLEGAL => ILLEGAL,
            INCOMPLETE => 0,
            _ => wcrtomb(place, character, state),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surrogates_come_in_pairs() {
        let mut state = State::default();
        let (mut unit, mut bytes) = (0_u16, [0 as c_char; 8]);
        let text = c"😀";
        // SAFETY: the text has its size, the places are writable.
        unsafe {
            assert_eq!(mbrtoc16(&raw mut unit, text.as_ptr(), 4, &raw mut state), 4);
            assert_eq!(unit, 0xd83d);
            assert_eq!(c16rtomb(bytes.as_mut_ptr(), unit, core::ptr::null_mut()), 0);
            assert_eq!(
                mbrtoc16(&raw mut unit, text.as_ptr().add(4), 1, &raw mut state),
                STORED_PENDING
            );
            assert_eq!(unit, 0xde00);
            assert_eq!(c16rtomb(bytes.as_mut_ptr(), unit, core::ptr::null_mut()), 4);
            assert_eq!(crate::cstr::bytes(bytes.as_ptr()), text.to_bytes());
            assert_eq!(
                c16rtomb(bytes.as_mut_ptr(), 0xdc00, core::ptr::null_mut()),
                ILLEGAL
            );
            assert!(state.is_initial());
        }
    }

    #[test]
    fn bytes_are_given_out_one_by_one() {
        let mut state = State::default();
        let text = c"€";
        let mut units = vec![];
        // SAFETY: the text has its size, the places are writable.
        unsafe {
            let mut unit = 0_u8;
            assert_eq!(mbrtoc8(&raw mut unit, text.as_ptr(), 3, &raw mut state), 3);
            units.push(unit);
            while !state.is_initial() {
                assert_eq!(
                    mbrtoc8(&raw mut unit, text.as_ptr(), 3, &raw mut state),
                    STORED_PENDING
                );
                units.push(unit);
            }
        }
        assert_eq!(units, text.to_bytes());
    }
}
