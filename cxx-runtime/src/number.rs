//! Numbers from text: the `strtol` and `strtod` families (C11 7.22.1), for bytes and for wide characters.

use core::ffi::{c_char, c_double, c_float, c_int, c_long, c_longlong, c_ulong, c_ulonglong};
use core::ops::RangeInclusive;

use alloc::vec::Vec;

use bareflow_decimal::{Format, Parsed, Rounding, parse};

#[cfg(not(test))]
use crate::arch::parsing_long_double;
use crate::arch::{Direction, rounding_direction};
use crate::errno;

/// A character of either kind.
pub(crate) trait Unit: Copy {
    /// The character if it is one of ASCII, else zero.
    fn ascii(self) -> u8;
    /// Whether `isspace` or `iswspace` holds.
    fn is_space(self) -> bool;
}

impl Unit for c_char {
    fn ascii(self) -> u8 {
        self as u8
    }

    fn is_space(self) -> bool {
        matches!(self as u8, b' ' | b'\t'..=b'\r')
    }
}

impl Unit for u32 {
    fn ascii(self) -> u8 {
        u8::try_from(self).ok().filter(u8::is_ascii).unwrap_or(0)
    }

    fn is_space(self) -> bool {
        crate::wide::is_space(self)
    }
}

/// The direction of rounding that `fesetround` chose.
pub(crate) fn rounding() -> Rounding {
    match rounding_direction() {
        Direction::Nearest => Rounding::Nearest,
        Direction::Down => Rounding::Downward,
        Direction::Up => Rounding::Upward,
        Direction::TowardZero => Rounding::TowardZero,
    }
}

/// How many characters of white space a text starts with.
///
/// # Safety
/// The text must end with a zero.
unsafe fn leading_space<U: Unit>(text: *const U) -> usize {
    let mut count = 0;
    // SAFETY: the zero at the end is no space.
    while unsafe { *text.add(count) }.is_space() {
        count += 1;
    }
    count
}

/// Reads a floating-point number; the range is reported in `errno`.
///
/// # Safety
/// The text must end with a zero, and `end` be null or writable.
unsafe fn floating<U: Unit>(text: *const U, end: *mut *const U, format: Format) -> Option<Parsed> {
    // SAFETY: nothing behind the zero is read: no character that can belong to a number is zero.
    unsafe {
        let start = text.add(leading_space(text));
        let belongs = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'(' | b')' | b'_')
        };
        let mut characters = Vec::new();
        loop {
            let byte = (*start.add(characters.len())).ascii();
            if !belongs(byte) {
                break;
            }
            characters.push(byte);
        }
        let parsed = parse(&characters, format, rounding());
        if !end.is_null() {
            *end = parsed.map_or(text, |parsed| start.add(parsed.length));
        }
        if parsed.is_some_and(|parsed| parsed.is_out_of_range) {
            errno::set(errno::ERANGE);
        }
        parsed
    }
}

/// The bits of what was parsed in a format of 32 or 64 bits; zero if nothing was.
pub(crate) fn bits(parsed: Option<Parsed>, format: Format) -> u64 {
    parsed.map_or(0, |parsed| {
        let (biased, fraction) = format.pack(parsed.value);
        let width = if format == Format::FLOAT { 32 } else { 64 };
        u64::from(parsed.is_negative) << (width - 1)
            | u64::from(biased) << (format.precision - 1)
            | fraction
    })
}

/// The ten bytes of an extended double: its mantissa, and its sign with the exponent.
pub(crate) fn extended(parsed: Option<Parsed>) -> (u64, u16) {
    parsed.map_or((0, 0), |parsed| {
        let (biased, fraction) = Format::EXTENDED.pack(parsed.value);
        (
            fraction,
            u16::from(parsed.is_negative) << 15 | biased as u16,
        )
    })
}

/// The memory of an extended double.
#[repr(C)]
pub(crate) struct Extended {
    pub(crate) mantissa: u64,
    pub(crate) sign_and_exponent: u16,
}

unsafe fn store_extended<U: Unit>(result: *mut Extended, text: *const U, end: *mut *const U) {
    // SAFETY: the entry points give a place of 16 bytes; the rest is the caller's promise.
    unsafe {
        let (mantissa, sign_and_exponent) = extended(floating(text, end, Format::EXTENDED));
        result.write(Extended {
            mantissa,
            sign_and_exponent,
        });
    }
}

/// # Safety
/// As for `strtod`.
unsafe extern "C" fn store_strtold(
    result: *mut Extended,
    text: *const c_char,
    end: *mut *const c_char,
) {
    // SAFETY: the caller's promise.
    unsafe { store_extended(result, text, end) }
}

/// # Safety
/// As for `strtod`.
unsafe extern "C" fn store_wcstold(result: *mut Extended, text: *const u32, end: *mut *const u32) {
    // SAFETY: the caller's promise.
    unsafe { store_extended(result, text, end) }
}

#[cfg(not(test))]
parsing_long_double! {
    strtold = store_strtold;
    strtold_l = store_strtold;
    wcstold = store_wcstold;
    wcstold_l = store_wcstold;
}

/// The magnitude of an integer, whether it is negative, and how long it is; `None` if there is none.
struct Integer {
    magnitude: u64,
    is_negative: bool,
    is_too_great: bool,
}

/// # Safety
/// The text must end with a zero, and `end` be null or writable.
unsafe fn integer<U: Unit>(text: *const U, end: *mut *const U, base: c_int) -> Integer {
    let mut result = Integer {
        magnitude: 0,
        is_negative: false,
        is_too_great: false,
    };
    let mut used = 0;
    if base == 0 || (2..=36).contains(&base) {
        // SAFETY: the zero at the end belongs to no number, and nothing behind it is read.
        unsafe {
            let at = |index: usize| (*text.add(index)).ascii();
            let digit = |index: usize, radix: u32| char::from(at(index)).to_digit(radix);
            let mut index = leading_space(text);
            if matches!(at(index), b'+' | b'-') {
                result.is_negative = at(index) == b'-';
                index += 1;
            }
            let has_prefix = matches!(base, 0 | 16)
                && at(index) == b'0'
                && at(index + 1) | 0x20 == b'x'
                && digit(index + 2, 16).is_some();
            let radix = match base {
                0 if has_prefix => 16,
                0 if at(index) == b'0' => 8,
                0 => 10,
                base => base.unsigned_abs(),
            };
            index += if has_prefix { 2 } else { 0 };
            while let Some(value) = digit(index, radix) {
                let next = result
                    .magnitude
                    .checked_mul(u64::from(radix))
                    .and_then(|sum| sum.checked_add(u64::from(value)));
                match next {
                    Some(next) if !result.is_too_great => result.magnitude = next,
                    _ => result.is_too_great = true,
                }
                index += 1;
                used = index;
            }
        }
    } else {
        errno::set(errno::EINVAL);
    }
    if !end.is_null() {
        // SAFETY: the caller gives a place; `used` characters were looked at.
        unsafe { *end = text.add(used) };
    }
    result
}

/// # Safety
/// As for `integer`.
unsafe fn signed<U: Unit>(
    text: *const U,
    end: *mut *const U,
    base: c_int,
    range: RangeInclusive<i64>,
) -> i64 {
    // SAFETY: the caller's promise.
    let integer = unsafe { integer(text, end, base) };
    let limit = if integer.is_negative {
        range.start().unsigned_abs()
    } else {
        range.end().unsigned_abs()
    };
    let magnitude = if integer.is_too_great || integer.magnitude > limit {
        errno::set(errno::ERANGE);
        limit
    } else {
        integer.magnitude
    };
    if integer.is_negative {
        magnitude.wrapping_neg() as i64
    } else {
        magnitude as i64
    }
}

/// # Safety
/// As for `integer`.
unsafe fn unsigned<U: Unit>(
    text: *const U,
    end: *mut *const U,
    base: c_int,
    range: RangeInclusive<u64>,
) -> u64 {
    // SAFETY: the caller's promise.
    let integer = unsafe { integer(text, end, base) };
    if integer.is_too_great || integer.magnitude > *range.end() {
        errno::set(errno::ERANGE);
        return *range.end();
    }
    if integer.is_negative {
        integer.magnitude.wrapping_neg()
    } else {
        integer.magnitude
    }
}

/// The entry points of integers: the `_l` forms ignore their locale, and those of glibc's C23 headers are the same.
macro_rules! integers {
    ($($unit:ty: $($name:ident)* => $implementation:ident -> $result:ty;)*) => {
        $($(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            pub(crate) unsafe extern "C" fn $name(text: *const $unit, end: *mut *const $unit, base: c_int) -> $result {
                // SAFETY: the caller passes a text that ends with a zero, and null or a place for its end.
                unsafe { $implementation(text, end, base, (<$result>::MIN).into()..=(<$result>::MAX).into()) as $result }
            }
        )*)*
    };
}

integers! {
    c_char: strtol strtol_l => signed -> c_long;
    c_char: strtoll strtoimax strtoll_l strtoq => signed -> c_longlong;
    c_char: strtoul strtoul_l => unsigned -> c_ulong;
    c_char: strtoull strtoumax strtoull_l strtouq => unsigned -> c_ulonglong;
    u32: wcstol wcstol_l => signed -> c_long;
    u32: wcstoll wcstoimax wcstoll_l => signed -> c_longlong;
    u32: wcstoul wcstoul_l => unsigned -> c_ulong;
    u32: wcstoull wcstoumax wcstoull_l => unsigned -> c_ulonglong;
}

macro_rules! floats {
    ($($unit:ty: $($name:ident)* => $format:ident, $bits:ty, $result:ty;)*) => {
        $($(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            unsafe extern "C" fn $name(text: *const $unit, end: *mut *const $unit) -> $result {
                // SAFETY: the caller passes a text that ends with a zero, and null or a place for its end.
                let parsed = unsafe { floating(text, end, Format::$format) };
                <$result>::from_bits(bits(parsed, Format::$format) as $bits)
            }
        )*)*
    };
}

floats! {
    c_char: strtod strtod_l => DOUBLE, u64, c_double;
    c_char: strtof strtof_l => FLOAT, u32, c_float;
    u32: wcstod wcstod_l => DOUBLE, u64, c_double;
    u32: wcstof wcstof_l => FLOAT, u32, c_float;
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn atoi(text: *const c_char) -> c_int {
    // SAFETY: the caller passes a C string.
    unsafe { atol(text) as c_int }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn atol(text: *const c_char) -> c_long {
    // SAFETY: the caller passes a C string.
    unsafe { strtol(text, core::ptr::null_mut(), 10) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn atoll(text: *const c_char) -> c_longlong {
    // SAFETY: the caller passes a C string.
    unsafe { strtoll(text, core::ptr::null_mut(), 10) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn atof(text: *const c_char) -> c_double {
    // SAFETY: the caller passes a C string.
    unsafe { strtod(text, core::ptr::null_mut()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ffi::CStr;

    /// What `strtol` gives, and how much it used; errno.
    fn long(text: &CStr, base: c_int) -> (i64, usize, c_int) {
        let mut end = core::ptr::null();
        errno::set(0);
        // SAFETY: the text is a C string.
        unsafe {
            let value = strtol(text.as_ptr(), &raw mut end, base);
            (value, end.offset_from(text.as_ptr()) as usize, errno::get())
        }
    }

    #[test]
    fn integers_in_all_bases() {
        assert_eq!(long(c" \t-42x", 10), (-42, 5, 0));
        assert_eq!(long(c"0x1F", 0), (31, 4, 0));
        assert_eq!(long(c"0xg", 16), (0, 1, 0));
        assert_eq!(long(c"0789", 0), (7, 2, 0));
        assert_eq!(long(c"zz", 36), (1295, 2, 0));
        assert_eq!(long(c"+", 10), (0, 0, 0));
        assert_eq!(long(c"1", 1), (0, 0, errno::EINVAL));
        assert_eq!(
            long(c"9223372036854775808", 10),
            (i64::MAX, 19, errno::ERANGE)
        );
        assert_eq!(long(c"-9223372036854775808", 10), (i64::MIN, 20, 0));
        assert_eq!(
            long(c"-99999999999999999999", 10),
            (i64::MIN, 21, errno::ERANGE)
        );
    }

    #[test]
    fn floats_report_their_range_and_their_end() {
        errno::set(0);
        let mut end = core::ptr::null();
        let text = c"  1e400,";
        // SAFETY: the texts are C strings.
        unsafe {
            assert_eq!(strtod(text.as_ptr(), &raw mut end), f64::INFINITY);
            assert_eq!(*end as u8, b',');
            assert_eq!(errno::get(), errno::ERANGE);
            assert_eq!(strtof(c"-0x1.8p1".as_ptr(), core::ptr::null_mut()), -3.0);
            assert!(strtod(c"nan(7)".as_ptr(), core::ptr::null_mut()).is_nan());
        }
        let parsed = parse(b"1", Format::EXTENDED, Rounding::Nearest);
        assert_eq!(extended(parsed), (1 << 63, 0x3fff));
    }
}
