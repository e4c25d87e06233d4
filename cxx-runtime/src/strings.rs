//! Functions of strings that llvm-libc 18 lacks, or has wrong or slow.

use core::cell::UnsafeCell;
use core::ffi::{c_char, c_int, c_long, c_longlong, c_void};

use crate::blocks::strnlen;
use crate::cstr;

/// No byte behind the terminating zero is written.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn strlcpy(target: *mut c_char, source: *const c_char, size: usize) -> usize {
    // SAFETY: the caller passes a C string, and `size` bytes.
    unsafe {
        let bytes = cstr::bytes(source);
        cstr::store(bytes, target, size);
        bytes.len()
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn strlcat(target: *mut c_char, source: *const c_char, size: usize) -> usize {
    // SAFETY: the caller passes a C string, and `size` bytes.
    unsafe {
        let used = strnlen(target, size);
        used + strlcpy(target.wrapping_add(used), source, size - used)
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn strstr(text: *const c_char, wanted: *const c_char) -> *const c_char {
    // SAFETY: the caller passes C strings.
    unsafe {
        memchr::memmem::find(cstr::bytes(text), cstr::bytes(wanted))
            .map_or(core::ptr::null(), |index| text.add(index))
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn strnstr(
    text: *const c_char,
    wanted: *const c_char,
    size: usize,
) -> *const c_char {
    // SAFETY: the caller passes C strings, of which the first may end after `size` bytes.
    unsafe {
        let length = strnlen(text, size);
        let bytes = core::slice::from_raw_parts(text.cast::<u8>(), length);
        memchr::memmem::find(bytes, cstr::bytes(wanted))
            .map_or(core::ptr::null(), |index| text.add(index))
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn memmem(
    block: *const c_void,
    size: usize,
    wanted: *const c_void,
    wanted_size: usize,
) -> *const c_void {
    if wanted_size == 0 {
        return block;
    }
    if size < wanted_size {
        return core::ptr::null();
    }
    // SAFETY: the caller gives both sizes, and neither is zero here.
    unsafe {
        let bytes = core::slice::from_raw_parts(block.cast::<u8>(), size);
        let wanted = core::slice::from_raw_parts(wanted.cast::<u8>(), wanted_size);
        memchr::memmem::find(bytes, wanted).map_or(core::ptr::null(), |index| {
            block.cast::<u8>().add(index).cast()
        })
    }
}

/// Memory that is overwritten although nobody may read it again.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn explicit_bzero(block: *mut c_void, size: usize) {
    // SAFETY: the caller gives `size` bytes.
    unsafe {
        core::ptr::write_bytes(block.cast::<u8>(), 0, size);
        core::arch::asm!("/* {} is read */", in(reg) block, options(nostack, preserves_flags));
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn memset_explicit(block: *mut c_void, byte: c_int, size: usize) -> *mut c_void {
    // SAFETY: the caller gives `size` bytes.
    unsafe {
        core::ptr::write_bytes(block.cast::<u8>(), byte as u8, size);
        core::arch::asm!("/* {} is read */", in(reg) block, options(nostack, preserves_flags));
    }
    block
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn memfrob(block: *mut c_void, size: usize) -> *mut c_void {
    for index in 0..size {
        // SAFETY: the caller gives `size` bytes.
        unsafe { *block.cast::<u8>().add(index) ^= 42 };
    }
    block
}

/// Swaps neighbouring bytes; an odd last byte is left out.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn swab(source: *const c_void, target: *mut c_void, size: isize) {
    for index in (0..size.max(0) as usize & !1).step_by(2) {
        // SAFETY: the caller gives `size` bytes of both.
        unsafe {
            let source = source.cast::<u8>().add(index);
            let target = target.cast::<u8>().add(index);
            let pair = (*source, *source.add(1));
            (*target.add(1), *target) = pair;
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn ffs(number: c_int) -> c_int {
    ffsll(i64::from(number))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn ffsl(number: c_long) -> c_int {
    ffsll(number as c_longlong)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn ffsll(number: c_longlong) -> c_int {
    if number == 0 {
        0
    } else {
        number.trailing_zeros() as c_int + 1
    }
}

/// Compares as `ls -v` sorts: digits as numbers, those with leading zeros before.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) unsafe extern "C" fn strverscmp(first: *const c_char, second: *const c_char) -> c_int {
    // SAFETY: the caller passes C strings.
    let (first, second) = unsafe { (cstr::bytes(first), cstr::bytes(second)) };
    let at = |text: &[u8], index: usize| text.get(index).copied().unwrap_or(0);
    let mut same = 0;
    while same < first.len() && at(first, same) == at(second, same) {
        same += 1;
    }
    // Where the digits begin within which they differ, and whether those before are all zeros.
    let digits = first[..same]
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let start = same - digits;
    let zeros_only = first[start..same].iter().all(|byte| *byte == b'0');
    let (left, right) = (at(first, same), at(second, same));
    let is_number = |byte: u8| byte.is_ascii_digit();
    if at(first, start) != b'0' && at(second, start) != b'0' || digits == 0 {
        // Neither is a fraction: the longer run of digits is greater.
        if digits != 0 || (is_number(left) && is_number(right) && left != b'0' && right != b'0') {
            let run = |text: &[u8]| {
                text[same.min(text.len())..]
                    .iter()
                    .take_while(|byte| byte.is_ascii_digit())
                    .count()
            };
            let order = run(first).cmp(&run(second));
            if order.is_ne() {
                return order as c_int;
            }
        }
    } else if zeros_only && digits != 0 && (is_number(left) || is_number(right)) {
        // Both are fractions as far as they agree; what goes on with a digit is less.
        let fraction = |byte: u8| {
            if is_number(byte) {
                i32::from(byte)
            } else {
                i32::from(b'9') + 1
            }
        };
        if is_number(left) != is_number(right) {
            return fraction(left) - fraction(right);
        }
    }
    c_int::from(left) - c_int::from(right)
}

#[repr(transparent)]
struct ConversionBuffer(UnsafeCell<[c_char; 352]>);

// SAFETY: there is one thread.
unsafe impl Sync for ConversionBuffer {}

static CONVERSION: ConversionBuffer = ConversionBuffer(UnsafeCell::new([0; 352]));

/// The digits of a number, at most 17 of them with value, rounded at `count` digits or `places` behind the point.
///
/// # Safety
/// The places and the buffer must be writable, the latter for `size` bytes.
unsafe fn digits_of(
    number: f64,
    kept: impl FnOnce(i32) -> i64,
    point: *mut c_int,
    sign: *mut c_int,
    buffer: *mut c_char,
    size: usize,
) -> c_int {
    use bareflow_decimal::{Decimal, Format, Rounding, Value};
    let (is_negative, value) = Format::of_double(number);
    // SAFETY: the caller's promise.
    unsafe {
        *sign = c_int::from(is_negative);
        let (mantissa, exponent) = match value {
            Value::Finite { mantissa, exponent } => (mantissa, exponent),
            other => {
                *point = 0;
                let text: &[u8] = if other == Value::Infinite {
                    b"inf"
                } else {
                    b"nan"
                };
                return if cstr::store(text, buffer, size) {
                    0
                } else {
                    -1
                };
            }
        };
        let mut decimal = Decimal::exact(mantissa, exponent);
        let shown = kept(decimal.point);
        decimal.round(shown, is_negative, Rounding::Nearest);
        let mut text: alloc::vec::Vec<u8> =
            decimal.digits.iter().map(|digit| b'0' + digit).collect();
        // A carry may have made one digit more.
        let wanted = usize::try_from(kept_after_carry(shown, &decimal)).unwrap_or(0);
        text.resize(wanted.max(text.len()).min(size.saturating_sub(1)), b'0');
        *point = if mantissa == 0 { 1 } else { decimal.point };
        if cstr::store(&text, buffer, size) {
            0
        } else {
            -1
        }
    }
}

fn kept_after_carry(shown: i64, decimal: &bareflow_decimal::Decimal) -> i64 {
    if decimal.digits.is_empty() {
        shown.max(0)
    } else {
        shown
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn ecvt_r(
    number: f64,
    count: c_int,
    point: *mut c_int,
    sign: *mut c_int,
    buffer: *mut c_char,
    size: usize,
) -> c_int {
    // SAFETY: the caller gives the places.
    unsafe {
        digits_of(
            number,
            |_| i64::from(count.clamp(0, 17)),
            point,
            sign,
            buffer,
            size,
        )
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fcvt_r(
    number: f64,
    places: c_int,
    point: *mut c_int,
    sign: *mut c_int,
    buffer: *mut c_char,
    size: usize,
) -> c_int {
    // SAFETY: the caller gives the places.
    unsafe {
        digits_of(
            number,
            |before| i64::from(places.min(300)) + i64::from(before),
            point,
            sign,
            buffer,
            size,
        )
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn ecvt(
    number: f64,
    count: c_int,
    point: *mut c_int,
    sign: *mut c_int,
) -> *mut c_char {
    let buffer = CONVERSION.0.get().cast();
    // SAFETY: the buffer has this size, and is the one that the next call uses again.
    unsafe { ecvt_r(number, count, point, sign, buffer, 352) };
    buffer
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn fcvt(
    number: f64,
    places: c_int,
    point: *mut c_int,
    sign: *mut c_int,
) -> *mut c_char {
    let buffer = CONVERSION.0.get().cast();
    // SAFETY: the buffer has this size, and is the one that the next call uses again.
    unsafe { fcvt_r(number, places, point, sign, buffer, 352) };
    buffer
}

/// What `%.*g` prints.
#[cfg(not(test))]
#[unsafe(no_mangle)]
unsafe extern "C" fn gcvt(number: f64, count: c_int, buffer: *mut c_char) -> *mut c_char {
    unsafe extern "C" {
        fn sprintf(buffer: *mut c_char, format: *const c_char, ...) -> c_int;
    }
    // SAFETY: the caller gives room for the digits, a sign, a point and an exponent.
    unsafe { sprintf(buffer, c"%.*g".as_ptr(), count.min(17), number) };
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ffi::CStr;

    #[test]
    fn copies_are_cut_and_nothing_else_is_written() {
        let mut buffer = *b"xxxxxxxx";
        let target = buffer.as_mut_ptr().cast();
        // SAFETY: the sizes are within the buffer.
        unsafe {
            assert_eq!(strlcpy(target, c"ab".as_ptr(), 6), 2);
            assert_eq!(strlcat(target, c"cdefgh".as_ptr(), 6), 8);
            assert_eq!(strlcat(target, c"z".as_ptr(), 2), 3);
        }
        assert_eq!(&buffer, b"abcde\0xx");
    }

    fn versions(first: &CStr, second: &CStr) -> c_int {
        // SAFETY: both are C strings.
        unsafe { strverscmp(first.as_ptr(), second.as_ptr()).signum() }
    }

    #[test]
    fn versions_are_compared_as_the_manual_says() {
        let ordered = [c"000", c"00", c"01", c"010", c"09", c"0", c"1", c"9", c"10"];
        for (index, first) in ordered.iter().enumerate() {
            for (other, second) in ordered.iter().enumerate() {
                assert_eq!(
                    versions(first, second),
                    index.cmp(&other) as c_int,
                    "{first:?} {second:?}"
                );
            }
        }
        assert_eq!(versions(c"item#99", c"item#100"), -1);
        assert_eq!(versions(c"alpha1", c"alpha001"), 1);
        assert_eq!(versions(c"jan.9", c"jan.10"), -1);
    }

    #[test]
    fn bits_are_found() {
        assert_eq!((ffs(0), ffs(8), ffsll(i64::MIN)), (0, 4, 64));
    }

    #[test]
    fn digits_without_a_point() {
        let (mut point, mut sign) = (0, 0);
        // SAFETY: the places are writable, and the result is a C string.
        let mut digits = |number: f64,
                          count: c_int,
                          function: unsafe extern "C" fn(
            f64,
            c_int,
            *mut c_int,
            *mut c_int,
        ) -> *mut c_char| unsafe {
            let text = function(number, count, &raw mut point, &raw mut sign);
            (
                String::from_utf8(cstr::bytes(text).to_vec()).unwrap(),
                point,
                sign,
            )
        };
        assert_eq!(digits(-123.456, 5, ecvt), ("12346".into(), 3, 1));
        assert_eq!(digits(123.456, 1, fcvt), ("1235".into(), 3, 0));
        assert_eq!(digits(0.0001, 6, fcvt), ("100".into(), -3, 0));
        assert_eq!(digits(9.99, 1, ecvt), ("1".into(), 2, 0));
    }
}
