//! Formatted input (C11 7.21.6.2). Here the format is followed and the bytes of each item are gathered,
//! with one byte of look-ahead, as a stream allows; the value of a number is left to llvm-libc's `sscanf`.

use core::ffi::{c_char, c_int, c_void};

use alloc::vec::Vec;

use super::format::VaList;

/// Where the input comes from.
pub(super) trait Source {
    /// The next byte; `None` at the end.
    fn next(&mut self) -> Option<u8>;
    /// Gives back the byte that was read last.
    fn push_back(&mut self, byte: u8);
}

/// The input of `sscanf`.
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) position: usize,
}

impl Source for Text<'_> {
    fn next(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.position).copied();
        self.position += usize::from(byte.is_some());
        byte
    }

    fn push_back(&mut self, _byte: u8) {
        self.position -= 1;
    }
}

unsafe extern "C" {
    fn sscanf(text: *const c_char, format: *const c_char, ...) -> c_int;
}

/// Why scanning stopped before the end of the format.
enum Stop {
    /// The input ended.
    End,
    /// The input does not match.
    Mismatch,
}

/// A conversion specification without its `%`.
#[derive(Clone, Copy)]
struct Conversion<'a> {
    is_stored: bool,
    width: usize,
    length: &'a [u8],
    specifier: u8,
    /// The members of `%[...]`, and whether they are the ones that do not match.
    set: &'a [u8],
    set_is_inverted: bool,
}

/// Splits a conversion off the format, which starts behind the `%`.
fn parse(format: &[u8]) -> Option<(Conversion<'_>, &[u8])> {
    let (is_stored, mut rest) = match format.split_first()? {
        (b'*', rest) => (false, rest),
        _ => (true, format),
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let width = rest[..digits].iter().fold(0_usize, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add(usize::from(digit - b'0'))
    });
    rest = &rest[digits..];
    let modifiers = rest
        .iter()
        .take_while(|byte| b"hljztL".contains(byte))
        .count();
    let (length, after) = rest.split_at(modifiers);
    let (specifier, mut rest) = after.split_first()?;
    let mut conversion = Conversion {
        is_stored,
        width: if width == 0 { usize::MAX } else { width },
        length,
        specifier: *specifier,
        set: &[],
        set_is_inverted: false,
    };
    if *specifier == b'[' {
        if let Some((b'^', inner)) = rest.split_first() {
            conversion.set_is_inverted = true;
            rest = inner;
        }
        // A bracket that stands first is a member.
        let end = 1 + rest.get(1..)?.iter().position(|byte| *byte == b']')?;
        (conversion.set, rest) = (&rest[..end], &rest[end + 1..]);
    }
    Some((conversion, rest))
}

fn in_set(set: &[u8], byte: u8) -> bool {
    let mut rest = set;
    loop {
        match *rest {
            [] => return false,
            [low, b'-', high, ref after @ ..] => {
                if (low..=high).contains(&byte) {
                    return true;
                }
                rest = after;
            }
            [member, ref after @ ..] => {
                if member == byte {
                    return true;
                }
                rest = after;
            }
        }
    }
}

/// `isspace` in the "C" locale.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Whether `token` can be continued with `byte` and still be the start of an integer of the conversion.
fn continues_integer(token: &[u8], specifier: u8, byte: u8) -> bool {
    let digits = token
        .strip_prefix(b"-")
        .or_else(|| token.strip_prefix(b"+"))
        .unwrap_or(token);
    let takes_prefix = matches!(specifier, b'i' | b'x' | b'X' | b'p');
    let is_hexadecimal = matches!(specifier, b'x' | b'X' | b'p')
        || (takes_prefix && matches!(digits, [b'0', b'x' | b'X', ..]));
    match byte {
        b'+' | b'-' => token.is_empty(),
        b'x' | b'X' => takes_prefix && digits == b"0",
        b'8' | b'9' if specifier == b'o' => false,
        b'8' | b'9' if specifier == b'i' => is_hexadecimal || !digits.starts_with(b"0"),
        byte if byte.is_ascii_digit() => true,
        byte => is_hexadecimal && byte.is_ascii_hexdigit(),
    }
}

/// Whether `token` can be continued with `byte` and still be the start of a floating-point number.
fn continues_float(token: &[u8], byte: u8) -> bool {
    let lower = |byte: &u8| byte.to_ascii_lowercase();
    let digits = token
        .strip_prefix(b"-")
        .or_else(|| token.strip_prefix(b"+"))
        .unwrap_or(token);
    if matches!(byte, b'+' | b'-') && token.is_empty() {
        return true;
    }
    let word_continues = |word: &[u8]| {
        digits.len() < word.len()
            && digits
                .iter()
                .map(lower)
                .eq(word[..digits.len()].iter().copied())
            && lower(&byte) == word[digits.len()]
    };
    if word_continues(b"infinity") || word_continues(b"nan") {
        return true;
    }
    let is_hexadecimal = matches!(digits, [b'0', b'x' | b'X', ..]);
    let exponent_mark = if is_hexadecimal { b'p' } else { b'e' };
    let has_exponent = digits.iter().any(|digit| lower(digit) == exponent_mark);
    let has_digits = digits.iter().any(u8::is_ascii_digit);
    match byte {
        b'+' | b'-' => digits.last().map(lower) == Some(exponent_mark),
        b'.' => !has_exponent && !digits.contains(&b'.'),
        b'x' | b'X' => digits == b"0",
        byte if lower(&byte) == exponent_mark => has_digits && !has_exponent,
        byte if byte.is_ascii_digit() => true,
        byte => is_hexadecimal && !has_exponent && byte.is_ascii_hexdigit(),
    }
}

/// The scanner of one call.
struct Scanner<'a, S: Source> {
    source: &'a mut S,
    read: usize,
    stored: c_int,
}

impl<S: Source> Scanner<'_, S> {
    fn next(&mut self) -> Option<u8> {
        let byte = self.source.next();
        self.read += usize::from(byte.is_some());
        byte
    }

    fn push_back(&mut self, byte: u8) {
        self.source.push_back(byte);
        self.read -= 1;
    }

    fn skip_space(&mut self) {
        while let Some(byte) = self.next() {
            if !is_space(byte) {
                self.push_back(byte);
                return;
            }
        }
    }

    fn expect(&mut self, wanted: u8) -> Result<(), Stop> {
        match self.next() {
            Some(byte) if byte == wanted => Ok(()),
            Some(byte) => {
                self.push_back(byte);
                Err(Stop::Mismatch)
            }
            None => Err(Stop::End),
        }
    }

    /// The bytes that `belongs` accepts, at most `width`; at least one.
    fn gather(
        &mut self,
        width: usize,
        belongs: impl Fn(&[u8], u8) -> bool,
    ) -> Result<Vec<u8>, Stop> {
        let mut token = Vec::new();
        while token.len() < width {
            let Some(byte) = self.next() else {
                if token.is_empty() {
                    return Err(Stop::End);
                }
                break;
            };
            if !belongs(&token, byte) {
                self.push_back(byte);
                break;
            }
            token.push(byte);
        }
        if token.is_empty() {
            Err(Stop::Mismatch)
        } else {
            Ok(token)
        }
    }

    /// # Safety
    /// An argument must be left that the conversion stores through.
    unsafe fn convert(
        &mut self,
        conversion: &Conversion,
        arguments: &mut VaList,
    ) -> Result<(), Stop> {
        if !matches!(conversion.specifier, b'c' | b'[' | b'n') {
            self.skip_space();
        }
        let width = conversion.width;
        let token = match conversion.specifier {
            b'%' => return self.expect(b'%'),
            b'n' => {
                if conversion.is_stored {
                    // SAFETY: the caller's promise.
                    unsafe { store_count(self.read, conversion.length, arguments.next_pointer()) };
                }
                return Ok(());
            }
            b'c' => {
                let wanted = if width == usize::MAX { 1 } else { width };
                let token = self.gather(wanted, |_, _| true)?;
                if token.len() < wanted {
                    return Err(Stop::Mismatch);
                }
                token
            }
            b's' => self.gather(width, |_, byte| !is_space(byte))?,
            b'[' => self.gather(width, |_, byte| {
                in_set(conversion.set, byte) != conversion.set_is_inverted
            })?,
            b'd' | b'i' | b'u' | b'o' | b'x' | b'X' | b'p' => self
                .gather(width, |token, byte| {
                    continues_integer(token, conversion.specifier, byte)
                })?,
            b'a' | b'A' | b'e' | b'E' | b'f' | b'F' | b'g' | b'G' => {
                self.gather(width, continues_float)?
            }
            _ => return Err(Stop::Mismatch),
        };
        let target = if conversion.is_stored {
            // SAFETY: the caller's promise.
            unsafe { arguments.next_pointer() }
        } else {
            core::ptr::null_mut()
        };
        // SAFETY: the target is what the caller passed for this conversion.
        unsafe { store(conversion, token, target)? };
        self.stored += c_int::from(conversion.is_stored);
        Ok(())
    }
}

/// # Safety
/// `target` must be null or what C requires for the conversion.
unsafe fn store(
    conversion: &Conversion,
    mut token: Vec<u8>,
    target: *mut c_void,
) -> Result<(), Stop> {
    if matches!(conversion.specifier, b'c' | b's' | b'[') {
        if !target.is_null() {
            if conversion.specifier != b'c' {
                token.push(0);
            }
            // SAFETY: the caller gives room for the bytes and, for strings, the zero.
            unsafe {
                core::ptr::copy_nonoverlapping(token.as_ptr(), target.cast(), token.len());
            }
        }
        return Ok(());
    }
    token.push(0);
    let mut format = Vec::from(&b"%"[..]);
    if target.is_null() {
        format.push(b'*');
    }
    format.extend_from_slice(conversion.length);
    format.extend_from_slice(&[conversion.specifier, b'%', b'n', 0]);
    let mut used: c_int = -1;
    let used_place: *mut c_int = &raw mut used;
    // SAFETY: both strings end with a zero; the places are the caller's and ours, in the format's order.
    unsafe {
        let (text, format) = (token.as_ptr().cast(), format.as_ptr().cast());
        if target.is_null() {
            sscanf(text, format, used_place);
        } else {
            sscanf(text, format, target, used_place);
        }
    }
    // Only a whole number stores the count: "-" or "0x" alone is a mismatch.
    if used < 0 {
        Err(Stop::Mismatch)
    } else {
        Ok(())
    }
}

/// # Safety
/// `target` must be an integer of the length that the modifier names.
unsafe fn store_count(count: usize, length: &[u8], target: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe {
        match length {
            b"hh" => *target.cast::<i8>() = count as i8,
            b"h" => *target.cast::<i16>() = count as i16,
            b"" => *target.cast::<i32>() = count as i32,
            _ => *target.cast::<i64>() = count as i64,
        }
    }
}

/// Scans; returns the number of stored items, or -1 when the input ended before the first.
///
/// # Safety
/// The arguments must match the format.
pub(super) unsafe fn scan(
    source: &mut impl Source,
    format: &[u8],
    arguments: &mut VaList,
) -> c_int {
    let mut scanner = Scanner {
        source,
        read: 0,
        stored: 0,
    };
    let mut rest = format;
    let mut converted = false;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let step = if is_space(*byte) {
            scanner.skip_space();
            Ok(())
        } else if *byte != b'%' {
            scanner.expect(*byte)
        } else {
            let Some((conversion, after)) = parse(rest) else {
                break;
            };
            rest = after;
            // SAFETY: the caller's promise.
            let step = unsafe { scanner.convert(&conversion, arguments) };
            converted |= step.is_ok() && !matches!(conversion.specifier, b'%' | b'n');
            step
        };
        match step {
            Ok(()) => {}
            Err(Stop::End) if !converted => return -1,
            Err(_) => break,
        }
    }
    scanner.stored
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scans `text`; returns the result, and what was left.
    fn scan_text<'a>(text: &'a str, format: &str, places: &[*mut c_void]) -> (c_int, &'a str) {
        let mut source = Text {
            bytes: text.as_bytes(),
            position: 0,
        };
        let mut list = VaList::of_pointers(places);
        // SAFETY: the tests pass places that match their formats.
        let result = unsafe { scan(&mut source, format.as_bytes(), &mut list) };
        (result, &text[source.position..])
    }

    fn place<T>(value: &mut T) -> *mut c_void {
        core::ptr::from_mut(value).cast()
    }

    #[test]
    fn what_follows_an_item_is_left_for_the_next_call() {
        let mut number = 0_i32;
        assert_eq!(
            scan_text("12 34\n", "%d", &[place(&mut number)]),
            (1, " 34\n")
        );
        assert_eq!(number, 12);
        assert_eq!(scan_text("-7abc", "%i", &[place(&mut number)]), (1, "abc"));
        assert_eq!(number, -7);
        assert_eq!(scan_text("0x1fg", "%i", &[place(&mut number)]), (1, "g"));
        assert_eq!(number, 0x1f);
        assert_eq!(scan_text("0789", "%i", &[place(&mut number)]), (1, "89"));
        assert_eq!(number, 7);
    }

    #[test]
    fn widths_lengths_and_suppression() {
        let (mut a, mut b, mut c) = (0_i8, 0_i64, 0_u32);
        let places = [place(&mut a), place(&mut b), place(&mut c)];
        assert_eq!(
            scan_text("12345678 9 ff", "%2hhd%3lld%*d %*u%x", &places),
            (3, "")
        );
        assert_eq!((a, b, c), (12, 345, 0xff));
    }

    #[test]
    fn strings_sets_and_characters() {
        let (mut word, mut set, mut byte) = ([0_u8; 8], [0_u8; 8], 0_u8);
        let mut count = 0_i32;
        let places = [
            place(&mut word),
            place(&mut set),
            place(&mut byte),
            place(&mut count),
        ];
        assert_eq!(scan_text("  one]a-c]z!", "%s", &places), (1, ""));
        assert_eq!(
            scan_text(" abc:]x-y z", "%3s:%[]x-z-]%c%n", &places),
            (3, "z")
        );
        assert_eq!(
            (&word[..4], &set[..5], byte, count),
            (&b"abc\0"[..], &b"]x-y\0"[..], b' ', 10)
        );
        assert_eq!(scan_text("key=value", "%[^=]=%7s", &places[..2]), (2, ""));
        assert_eq!((&word[..4], &set[..6]), (&b"key\0"[..], &b"value\0"[..]));
    }

    #[test]
    fn floats() {
        let (mut double, mut single) = (0_f64, 0_f32);
        let places = [place(&mut double), place(&mut single)];
        assert_eq!(scan_text("-1.5e3,2.25.5", "%lf,%f", &places), (2, ".5"));
        assert_eq!((double, single), (-1500.0, 2.25));
        assert_eq!(scan_text("infinity nanx", "%lf%f", &places), (2, "x"));
        assert!(double == f64::INFINITY && single.is_nan());
        assert_eq!(scan_text("0x1.8p1z", "%lf", &places), (1, "z"));
        assert_eq!(double, 3.0);
    }

    #[test]
    fn the_end_and_a_mismatch_are_different() {
        let mut number = 5_i32;
        let places = [place(&mut number)];
        assert_eq!(scan_text("", "%d", &places).0, -1);
        assert_eq!(scan_text("   ", "%d", &places).0, -1);
        assert_eq!(scan_text("x", "%d", &places), (0, "x"));
        assert_eq!(scan_text("-", "%d", &places).0, 0);
        assert_eq!(scan_text("ab", "a%%%d", &places).0, 0);
        assert_eq!(scan_text("3%", "%d%%", &places), (1, ""));
        assert_eq!(number, 3);
    }
}
