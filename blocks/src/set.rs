//! Spans of bytes that are in a set, or not.

use crate::find::find_any_or_end;
use crate::vector::Vector;

/// As many bytes are looked for at once.
const FEW: usize = 4;

/// A set of bytes.
struct Set([bool; 256]);

impl Set {
    #[inline(always)]
    unsafe fn of(bytes: *const u8) -> Self {
        let mut set = Self([false; 256]);
        let mut next = bytes;
        // SAFETY: the caller's promise: a zero ends the bytes.
        unsafe {
            while *next != 0 {
                set.0[usize::from(*next)] = true;
                next = next.add(1);
            }
        }
        set
    }
}

/// Bytes from the start on for which `goes_on` holds. It must not hold for the zero at the end.
#[inline(always)]
unsafe fn span_of(text: *const u8, goes_on: impl Fn(u8) -> bool) -> usize {
    let mut length = 0;
    // SAFETY: the caller's promise: a zero ends the text.
    while goes_on(unsafe { *text.add(length) }) {
        length += 1;
    }
    length
}

/// `strcspn`.
#[inline(always)]
pub(crate) unsafe fn span_without<V: Vector>(text: *const u8, bytes: *const u8) -> usize {
    // SAFETY: the caller's promise: a zero ends both.
    unsafe {
        let mut few = [0; FEW];
        for place in 0..=FEW {
            let byte = *bytes.add(place);
            if byte == 0 {
                return find_any_or_end::<V>(text, few).addr() - text.addr();
            }
            if place < FEW {
                few[place] = byte;
            }
        }
        let mut set = Set::of(bytes);
        set.0[0] = true;
        span_of(text, |byte| !set.0[usize::from(byte)])
    }
}

/// `strspn`.
#[inline(always)]
pub(crate) unsafe fn span_with(text: *const u8, bytes: *const u8) -> usize {
    // SAFETY: the caller's promise: a zero ends both.
    unsafe {
        let first = *bytes;
        if first == 0 {
            return 0;
        }
        let second = *bytes.add(1);
        if second == 0 || *bytes.add(2) == 0 {
            let other = if second == 0 { first } else { second };
            return span_of(text, |byte| byte == first || byte == other);
        }
        let set = Set::of(bytes);
        span_of(text, |byte| set.0[usize::from(byte)])
    }
}
