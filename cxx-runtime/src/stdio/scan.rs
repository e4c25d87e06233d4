//! Formatted input (C11 7.21.6.2 and 7.29.2.2), of bytes or of wide characters: both are units here.
//!
//! One unit of look-ahead is enough, as a stream allows.

use core::ffi::{c_char, c_int, c_ulong, c_void};

use alloc::vec::Vec;

use bareflow_decimal::{Format, parse as parse_number};

use crate::arch::{LONG_DOUBLE_IS_DOUBLE, VaList};
use crate::errno;
use crate::heap;
use crate::number::{self, Unit};
use crate::wide;

/// Where the input comes from.
pub(super) trait Source {
    /// The next unit; `None` at the end.
    fn next(&mut self) -> Option<u32>;
    /// Gives back the unit that was read last.
    fn push_back(&mut self, unit: u32);
}

/// The input of `sscanf` and `swscanf`: a text that ends with a zero, which is read as far as it is needed.
pub(super) struct Text<T> {
    /// The next unit.
    pub(super) next: *const T,
}

impl<T: Copy + Into<u32>> Source for Text<T> {
    fn next(&mut self) -> Option<u32> {
        // SAFETY: who makes a text says that it ends with a zero, and nothing behind that is read.
        unsafe {
            let unit = (*self.next).into();
            if unit == 0 {
                return None;
            }
            self.next = self.next.add(1);
            Some(unit)
        }
    }

    fn push_back(&mut self, _unit: u32) {
        // SAFETY: a unit was read before.
        self.next = unsafe { self.next.sub(1) };
    }
}

/// What a unit of the input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Units {
    Bytes,
    WideCharacters,
}

/// Why scanning stopped before the end of the format.
enum Stop {
    /// The input ended, or is no text.
    End,
    /// The input does not match.
    Mismatch,
}

/// A conversion specification without its `%`.
#[derive(Clone, Copy)]
struct Conversion<'a> {
    /// The number of its argument, if it has one.
    number: Option<usize>,
    is_stored: bool,
    /// `m`: the place is that of a pointer to memory that is allocated.
    is_allocated: bool,
    width: usize,
    length: &'a [u32],
    specifier: u8,
    /// The members of `%[...]`, and whether they are the ones that do not match.
    set: &'a [u32],
    set_is_inverted: bool,
}

fn is_one_of(unit: u32, bytes: &[u8]) -> bool {
    u8::try_from(unit).is_ok_and(|byte| bytes.contains(&byte))
}

fn starts_with(units: &[u32], byte: u8) -> bool {
    units.first() == Some(&u32::from(byte))
}

/// The digits at the start, as a number, and what follows.
fn digits(units: &[u32]) -> (usize, &[u32]) {
    let count = units
        .iter()
        .take_while(|unit| is_one_of(**unit, b"0123456789"))
        .count();
    let value = units[..count].iter().fold(0_usize, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add((digit - u32::from(b'0')) as usize)
    });
    (value, &units[count..])
}

/// Splits a conversion off the format, which starts behind the `%`.
fn parse(format: &[u32]) -> Option<(Conversion<'_>, &[u32])> {
    let (number, after_number) = digits(format);
    let (number, rest) = if number != 0 && starts_with(after_number, b'$') {
        (Some(number), &after_number[1..])
    } else {
        (None, format)
    };
    let is_stored = !starts_with(rest, b'*');
    let (width, mut rest) = digits(&rest[usize::from(!is_stored)..]);
    let is_allocated = starts_with(rest, b'm');
    rest = &rest[usize::from(is_allocated)..];
    let modifiers = rest
        .iter()
        .take_while(|unit| is_one_of(**unit, b"hljztLq"))
        .count();
    let (length, after) = rest.split_at(modifiers);
    let (specifier, mut rest) = after.split_first()?;
    // `C` and `S` are `lc` and `ls`.
    const LONG: &[u32] = &[b'l' as u32];
    let (specifier, length) = match specifier.ascii() {
        b'C' => (b'c', LONG),
        b'S' => (b's', LONG),
        specifier => (specifier, length),
    };
    let mut conversion = Conversion {
        number,
        is_stored,
        is_allocated,
        width: if width == 0 { usize::MAX } else { width },
        length,
        specifier,
        set: &[],
        set_is_inverted: false,
    };
    if specifier == b'[' {
        conversion.set_is_inverted = starts_with(rest, b'^');
        rest = &rest[usize::from(conversion.set_is_inverted)..];
        // A bracket that stands first is a member.
        let end = 1 + rest
            .get(1..)?
            .iter()
            .position(|unit| unit.ascii() == b']')?;
        (conversion.set, rest) = (&rest[..end], &rest[end + 1..]);
    }
    Some((conversion, rest))
}

fn in_set(set: &[u32], unit: u32) -> bool {
    const RANGE: u32 = b'-' as u32;
    let mut rest = set;
    loop {
        match *rest {
            [] => return false,
            [low, RANGE, high, ref after @ ..] if low <= high => {
                if (low..=high).contains(&unit) {
                    return true;
                }
                rest = after;
            }
            [member, ref after @ ..] => {
                if member == unit {
                    return true;
                }
                rest = after;
            }
        }
    }
}

/// What `%p` prints of a null pointer.
const NULL_TEXT: &[u8] = b"(nil)";

/// Whether `token` can be continued with `byte` and still be the start of an integer of the conversion.
fn continues_integer(token: &[u8], specifier: u8, byte: u8) -> bool {
    if specifier == b'p'
        && NULL_TEXT.starts_with(token)
        && NULL_TEXT.get(token.len()) == Some(&byte)
    {
        return true;
    }
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
    // `nan(...)` with letters, digits and underlines.
    if digits.len() >= 3 && digits[..3].eq_ignore_ascii_case(b"nan") {
        return match digits.get(3) {
            None => byte == b'(',
            Some(_) if digits.ends_with(b")") => false,
            Some(_) => byte == b')' || byte == b'_' || byte.is_ascii_alphanumeric(),
        };
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

/// The pointers to store through, in their order or by their numbers.
struct Places<'a> {
    list: &'a mut VaList,
    start: VaList,
}

impl Places<'_> {
    /// # Safety
    /// There must be such an argument.
    unsafe fn take(&mut self, number: Option<usize>) -> *mut c_void {
        // SAFETY: the caller's promise; all arguments are pointers.
        unsafe {
            match number {
                None => self.list.next_pointer(),
                Some(number) => {
                    let mut list = self.start;
                    for _ in 1..number {
                        list.next_pointer();
                    }
                    list.next_pointer()
                }
            }
        }
    }
}

/// The scanner of one call.
struct Scanner<'a, S: Source> {
    source: &'a mut S,
    units: Units,
    read: usize,
    stored: c_int,
}

impl<S: Source> Scanner<'_, S> {
    fn next(&mut self) -> Option<u32> {
        let unit = self.source.next();
        self.read += usize::from(unit.is_some());
        unit
    }

    fn push_back(&mut self, unit: u32) {
        self.source.push_back(unit);
        self.read -= 1;
    }

    fn is_space(&self, unit: u32) -> bool {
        match self.units {
            Units::Bytes => (unit as c_char).is_space(),
            Units::WideCharacters => unit.is_space(),
        }
    }

    fn skip_space(&mut self) {
        while let Some(unit) = self.next() {
            if !self.is_space(unit) {
                self.push_back(unit);
                return;
            }
        }
    }

    fn expect(&mut self, wanted: u32) -> Result<(), Stop> {
        match self.next() {
            Some(unit) if unit == wanted => Ok(()),
            Some(unit) => {
                self.push_back(unit);
                Err(Stop::Mismatch)
            }
            None => Err(Stop::End),
        }
    }

    /// What `take` makes of the units that `belongs` accepts, at most `width` of them; at least one.
    fn gather<T>(
        &mut self,
        width: usize,
        belongs: impl Fn(&Self, &[T], u32) -> bool,
        take: impl Fn(&mut Self, u32) -> Result<T, Stop>,
    ) -> Result<Vec<T>, Stop> {
        let mut token = Vec::new();
        while token.len() < width {
            let Some(unit) = self.next() else {
                if token.is_empty() {
                    return Err(Stop::End);
                }
                break;
            };
            if !belongs(self, &token, unit) {
                self.push_back(unit);
                break;
            }
            token.push(take(self, unit)?);
        }
        if token.is_empty() {
            Err(Stop::Mismatch)
        } else {
            Ok(token)
        }
    }

    /// The ASCII characters that `continues` accepts.
    fn gather_number(
        &mut self,
        width: usize,
        continues: impl Fn(&[u8], u8) -> bool,
    ) -> Result<Vec<u8>, Stop> {
        self.gather(
            width,
            |_, token, unit| continues(token, unit.ascii()),
            |_, unit| Ok(unit.ascii()),
        )
    }

    /// The wide character that starts with this byte.
    fn multibyte(&mut self, first: u32) -> Result<u32, Stop> {
        let mut state = wide::State::default();
        let mut unit = first;
        loop {
            match state.push(unit as u8) {
                Ok(Some(character)) => return Ok(character),
                Ok(None) => unit = self.next().ok_or(Stop::End)?,
                Err(()) => {
                    errno::set(errno::EILSEQ);
                    return Err(Stop::End);
                }
            }
        }
    }

    /// # Safety
    /// An argument must be left that the conversion stores through.
    unsafe fn convert(&mut self, conversion: &Conversion, places: &mut Places) -> Result<(), Stop> {
        if !matches!(conversion.specifier, b'c' | b'[' | b'n') {
            self.skip_space();
        }
        let width = conversion.width;
        match conversion.specifier {
            b'%' => return self.expect(u32::from(b'%')),
            b'n' => {
                if conversion.is_stored {
                    // SAFETY: the caller's promise.
                    unsafe {
                        let place = places.take(conversion.number);
                        store_integer(self.read as u64, conversion.length, place);
                    }
                }
                return Ok(());
            }
            b'c' | b's' | b'[' => {
                let token = self.text(conversion)?;
                if conversion.is_stored {
                    // SAFETY: the caller's promise: the place has room for the text, or is that of a pointer.
                    unsafe { self.store_text(conversion, &token, places.take(conversion.number))? };
                }
            }
            b'd' | b'i' | b'u' | b'o' | b'x' | b'X' | b'p' => {
                let specifier = conversion.specifier;
                let mut token = self.gather_number(width, |token, byte| {
                    continues_integer(token, specifier, byte)
                })?;
                if specifier == b'p' && token == NULL_TEXT {
                    token = Vec::from(b"0");
                }
                let length = token.len();
                token.push(0);
                let base = match specifier {
                    b'd' | b'u' => 10,
                    b'i' => 0,
                    b'o' => 8,
                    _ => 16,
                };
                let mut end = core::ptr::null();
                let text = token.as_ptr().cast::<c_char>();
                // SAFETY: the token ends with a zero; the end lies in it.
                let (value, used) = unsafe {
                    let value = if matches!(specifier, b'd' | b'i') {
                        number::strtoll(text, &raw mut end, base) as u64
                    } else {
                        number::strtoull(text, &raw mut end, base)
                    };
                    (value, end.offset_from(text) as usize)
                };
                // Only a whole number counts: "-" or "0x" alone is a mismatch.
                if used != length {
                    return Err(Stop::Mismatch);
                }
                if conversion.is_stored {
                    const LONG: &[u32] = &[b'l' as u32];
                    let length = if specifier == b'p' {
                        LONG
                    } else {
                        conversion.length
                    };
                    // SAFETY: the caller's promise.
                    unsafe { store_integer(value, length, places.take(conversion.number)) };
                }
            }
            b'a' | b'A' | b'e' | b'E' | b'f' | b'F' | b'g' | b'G' => {
                let token = self.gather_number(width, continues_float)?;
                // SAFETY: the caller's promise.
                unsafe { store_float(conversion, &token, places)? };
            }
            _ => return Err(Stop::Mismatch),
        }
        self.stored += c_int::from(conversion.is_stored);
        Ok(())
    }

    /// The units of a `c`, `s` or `[`: decoded if bytes are to be stored as wide characters.
    fn text(&mut self, conversion: &Conversion) -> Result<Vec<u32>, Stop> {
        let is_decoded = self.units == Units::Bytes && is_long(conversion.length);
        let exactly = match conversion.specifier {
            b'c' if conversion.width == usize::MAX => Some(1),
            b'c' => Some(conversion.width),
            _ => None,
        };
        let belongs = |scanner: &Self, unit: u32| match conversion.specifier {
            b'c' => true,
            b's' => !scanner.is_space(unit),
            _ => in_set(conversion.set, unit) != conversion.set_is_inverted,
        };
        let width = exactly.unwrap_or(conversion.width);
        let token = self.gather(
            width,
            |scanner, _, unit| belongs(scanner, unit),
            |scanner, unit| {
                if is_decoded {
                    scanner.multibyte(unit)
                } else {
                    Ok(unit)
                }
            },
        )?;
        if exactly.is_some_and(|wanted| token.len() < wanted) {
            return Err(Stop::Mismatch);
        }
        Ok(token)
    }

    /// # Safety
    /// The place must have room for the text, or be that of a pointer if memory is allocated.
    unsafe fn store_text(
        &self,
        conversion: &Conversion,
        token: &[u32],
        place: *mut c_void,
    ) -> Result<(), Stop> {
        let is_terminated = conversion.specifier != b'c';
        if is_long(conversion.length) {
            let mut units = Vec::from(token);
            units.extend(is_terminated.then_some(0));
            // SAFETY: the caller's promise.
            return unsafe { store_units(&units, conversion, place) };
        }
        let mut bytes: Vec<u8> = match self.units {
            Units::Bytes => token.iter().map(|unit| *unit as u8).collect(),
            Units::WideCharacters => {
                let mut bytes = Vec::new();
                for unit in token {
                    let mut buffer = [0; wide::ENCODED_BYTES];
                    bytes.extend_from_slice(wide::encode(*unit, &mut buffer).ok_or(Stop::End)?);
                }
                bytes
            }
        };
        bytes.extend(is_terminated.then_some(0));
        // SAFETY: the caller's promise.
        unsafe { store_units(&bytes, conversion, place) }
    }
}

fn is_long(length: &[u32]) -> bool {
    starts_with(length, b'l')
}

/// # Safety
/// The place must have room for the units, or be that of a pointer if memory is allocated.
unsafe fn store_units<T>(
    units: &[T],
    conversion: &Conversion,
    place: *mut c_void,
) -> Result<(), Stop> {
    let target = if conversion.is_allocated {
        let block = heap::malloc(size_of_val(units));
        // SAFETY: the caller's promise.
        unsafe { *place.cast::<*mut c_void>() = block };
        if block.is_null() {
            return Err(Stop::End);
        }
        block
    } else {
        place
    };
    // SAFETY: the caller's promise, or the block was allocated with this size.
    unsafe { core::ptr::copy_nonoverlapping(units.as_ptr(), target.cast(), units.len()) };
    Ok(())
}

/// # Safety
/// An argument must be left that the conversion stores through.
unsafe fn store_float(
    conversion: &Conversion,
    token: &[u8],
    places: &mut Places,
) -> Result<(), Stop> {
    let format = match conversion.length.first().map(|unit| unit.ascii()) {
        Some(b'L') if !LONG_DOUBLE_IS_DOUBLE => Format::EXTENDED,
        Some(b'L' | b'l') => Format::DOUBLE,
        _ => Format::FLOAT,
    };
    let parsed = parse_number(token, format, number::rounding());
    if parsed.is_none_or(|parsed| parsed.length != token.len()) {
        return Err(Stop::Mismatch);
    }
    if parsed.is_some_and(|parsed| parsed.is_out_of_range) {
        errno::set(errno::ERANGE);
    }
    if conversion.is_stored {
        // SAFETY: the caller's promise: the place is a number of the format.
        unsafe {
            let place = places.take(conversion.number);
            match format {
                Format::EXTENDED => {
                    let (mantissa, sign_and_exponent) = number::extended(parsed);
                    place.cast::<number::Extended>().write(number::Extended {
                        mantissa,
                        sign_and_exponent,
                    });
                }
                Format::DOUBLE => place.cast::<u64>().write(number::bits(parsed, format)),
                _ => place
                    .cast::<u32>()
                    .write(number::bits(parsed, format) as u32),
            }
        }
    }
    Ok(())
}

/// # Safety
/// `place` must be an integer of the length that the modifier names.
unsafe fn store_integer(value: u64, length: &[u32], place: *mut c_void) {
    let is_short = starts_with(length, b'h');
    // SAFETY: the caller's promise.
    unsafe {
        match length.len() {
            0 => *place.cast::<u32>() = value as u32,
            1 if is_short => *place.cast::<u16>() = value as u16,
            _ if is_short => *place.cast::<u8>() = value as u8,
            1 if is_long(length) || starts_with(length, b'z') || starts_with(length, b't') => {
                *place.cast::<c_ulong>() = value as c_ulong;
            }
            _ => *place.cast::<u64>() = value,
        }
    }
}

/// Scans; returns the number of stored items, or -1 when the input ended before the first.
///
/// # Safety
/// The arguments must match the format.
pub(super) unsafe fn scan(
    source: &mut impl Source,
    units: Units,
    format: &[u32],
    arguments: &mut VaList,
) -> c_int {
    let mut scanner = Scanner {
        source,
        units,
        read: 0,
        stored: 0,
    };
    let mut places = Places {
        start: *arguments,
        list: arguments,
    };
    let mut rest = format;
    let mut converted = false;
    while let Some((unit, after)) = rest.split_first() {
        rest = after;
        let step = if scanner.is_space(*unit) {
            scanner.skip_space();
            Ok(())
        } else if *unit != u32::from(b'%') {
            scanner.expect(*unit)
        } else {
            let Some((conversion, after)) = parse(rest) else {
                break;
            };
            rest = after;
            // SAFETY: the caller's promise.
            let step = unsafe { scanner.convert(&conversion, &mut places) };
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
        let ended = alloc::format!("{text}\0");
        let mut source = Text {
            next: ended.as_ptr(),
        };
        let words: Vec<u64> = places.iter().map(|place| *place as u64).collect();
        let format: Vec<u32> = format.bytes().map(u32::from).collect();
        let mut list = VaList::on_the_stack(&words);
        // SAFETY: the tests pass places that match their formats; the source lies in the text.
        unsafe {
            let result = scan(&mut source, Units::Bytes, &format, &mut list);
            (
                result,
                &text[source.next.offset_from(ended.as_ptr()) as usize..],
            )
        }
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
    fn what_printf_prints_is_read() {
        let (mut pointer, mut double, mut set) = (1_usize, 0_f64, [0_u8; 8]);
        let places = [place(&mut pointer), place(&mut double), place(&mut set)];
        assert_eq!(
            scan_text("(nil) nan(0x5_a)z-", "%p%lf%[z-a]", &places),
            (3, "")
        );
        assert!(pointer == 0 && double.is_nan());
        assert_eq!(&set[..3], b"z-\0");
        assert_eq!(scan_text("(nip", "%p", &places).0, 0);
        errno::set(0);
        assert_eq!(scan_text("1e400", "%lf", &places[1..]).0, 1);
        assert_eq!((double, errno::get()), (f64::INFINITY, errno::ERANGE));
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

    #[test]
    fn numbered_places_and_allocated_text() {
        crate::platform::test_platform::install();
        let (mut a, mut b) = (0_i32, 0_i32);
        let places = [place(&mut a), place(&mut b)];
        assert_eq!(scan_text("1 2", "%2$d%1$d", &places), (2, ""));
        assert_eq!((a, b), (2, 1));
        let mut text = core::ptr::null_mut::<c_char>();
        assert_eq!(scan_text("word", "%ms", &[place(&mut text)]), (1, ""));
        // SAFETY: the block is a C string, and is freed once.
        unsafe {
            assert_eq!(crate::cstr::bytes(text), b"word");
            heap::free(text.cast());
        }
        let mut wide = [0_u32; 4];
        assert_eq!(scan_text("aé€", "%3ls", &[place(&mut wide)]), (1, ""));
        assert_eq!(wide, [0x61, 0xe9, 0x20ac, 0]);
    }
}
