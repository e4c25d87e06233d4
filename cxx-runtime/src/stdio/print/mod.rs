//! Formatted output (C11 7.21.6.1 and 7.29.2.1) to whatever takes bytes.
//!
//! Wide output goes the same way: the format is given as multibyte characters, and what comes out is decoded by
//! the taker. Only what counts is different, bytes or characters: see [`Characters`].

mod float;
mod specification;

use core::ffi::{c_char, c_long, c_longlong, c_ulong, c_ulonglong, c_void};

use alloc::vec::Vec;

use bareflow_decimal::Value;

use crate::arch::VaList;
use crate::errno;
use crate::number;
use crate::wide::{self, Decoder};
use float::{Number, Request, Text};
use specification::{Amount, Flags, Kind, Length, Specification};

/// Takes what is printed.
pub(super) trait Sink {
    /// Takes bytes.
    fn write(&mut self, bytes: &[u8]);

    /// Takes a byte many times.
    fn fill(&mut self, byte: u8, mut count: usize) {
        let chunk = [byte; 64];
        while count != 0 {
            let now = count.min(chunk.len());
            self.write(&chunk[..now]);
            count -= now;
        }
    }
}

/// What widths, precisions and results count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Characters {
    /// Bytes, as `printf` does.
    Bytes,
    /// Wide characters, as `wprintf` does; they go to the sink as multibyte characters.
    Wide,
}

/// The greatest result.
const LIMIT: usize = i32::MAX as usize;

#[derive(Clone, Copy)]
enum Argument {
    Integer(u64),
    Double(f64),
    Extended((u64, u16)),
}

/// The arguments, in their order or by their numbers.
enum Arguments<'a> {
    InOrder(&'a mut VaList),
    Numbered(Vec<Argument>),
}

/// # Safety
/// There must be an argument of this kind.
unsafe fn fetch(list: &mut VaList, kind: Kind) -> Argument {
    // SAFETY: the caller's promise.
    unsafe {
        match kind {
            Kind::Integer => Argument::Integer(list.next_integer()),
            Kind::LongLong => Argument::Integer(list.next_long_long()),
            Kind::Double => Argument::Double(list.next_double()),
            Kind::Extended => Argument::Extended(list.next_extended()),
        }
    }
}

impl<'a> Arguments<'a> {
    /// # Safety
    /// The arguments must match the format.
    unsafe fn new(format: &[u8], list: &'a mut VaList) -> Self {
        let mut kinds = Vec::new();
        let mut note = |number: usize, kind: Kind| {
            if kinds.len() < number {
                kinds.resize(number, Kind::Integer);
            }
            kinds[number - 1] = kind;
        };
        let mut rest = format;
        while let Some(position) = rest.iter().position(|byte| *byte == b'%') {
            rest = &rest[position + 1..];
            let Some(specification) = Specification::take(&mut rest) else {
                break;
            };
            match (specification.number, specification.kind()) {
                (Some(number), Some(kind)) => note(number, kind),
                (None, Some(_)) => return Self::InOrder(list),
                _ => {}
            }
            for amount in [specification.width, specification.precision] {
                if let Amount::Numbered(number) = amount {
                    note(number, Kind::Integer);
                }
            }
        }
        // SAFETY: the caller's promise: every number up to the greatest has an argument.
        let all = kinds.into_iter().map(|kind| unsafe { fetch(list, kind) });
        Self::Numbered(all.collect())
    }

    /// # Safety
    /// There must be such an argument.
    unsafe fn take(&mut self, number: Option<usize>, kind: Kind) -> Argument {
        match self {
            // SAFETY: the caller's promise.
            Self::InOrder(list) => unsafe { fetch(list, kind) },
            Self::Numbered(all) => number
                .and_then(|number| all.get(number - 1).copied())
                .unwrap_or(Argument::Integer(0)),
        }
    }

    /// # Safety
    /// There must be such an argument.
    unsafe fn integer(&mut self, number: Option<usize>, kind: Kind) -> u64 {
        // SAFETY: the caller's promise.
        match unsafe { self.take(number, kind) } {
            Argument::Integer(value) => value,
            Argument::Double(_) | Argument::Extended(_) => 0,
        }
    }

    /// # Safety
    /// There must be such an argument.
    unsafe fn amount(&mut self, amount: Amount) -> Option<i64> {
        let number = match amount {
            Amount::Absent => return None,
            Amount::Value(value) => return i64::try_from(value).ok(),
            Amount::Next => None,
            Amount::Numbered(number) => Some(number),
        };
        // SAFETY: the caller's promise.
        Some(i64::from(
            unsafe { self.integer(number, Kind::Integer) } as i32
        ))
    }
}

struct Printer<'a, S: Sink> {
    sink: &'a mut S,
    characters: Characters,
    count: usize,
}

/// A conversion with its amounts known.
struct Conversion {
    flags: Flags,
    width: usize,
    precision: Option<usize>,
    length: Length,
    conversion: u8,
}

/// Prints; returns what was printed, or the error number.
///
/// # Safety
/// The arguments must match the format.
pub(super) unsafe fn print(
    sink: &mut impl Sink,
    format: &[u8],
    list: &mut VaList,
    characters: Characters,
) -> Result<usize, i32> {
    let mut printer = Printer {
        sink,
        characters,
        count: 0,
    };
    // SAFETY: the caller's promise.
    let mut arguments = unsafe { Arguments::new(format, list) };
    let mut rest = format;
    while !rest.is_empty() {
        let literal = rest
            .iter()
            .position(|byte| *byte == b'%')
            .unwrap_or(rest.len());
        printer.write(&rest[..literal])?;
        rest = &rest[literal..];
        let start = rest;
        if rest.is_empty() {
            break;
        }
        rest = &rest[1..];
        let specification = Specification::take(&mut rest).ok_or(errno::EINVAL)?;
        let text = &start[..start.len() - rest.len()];
        // SAFETY: the caller's promise.
        unsafe { printer.convert(&specification, text, &mut arguments)? };
    }
    Ok(printer.count)
}

impl<S: Sink> Printer<'_, S> {
    /// Counts what is to be written; a result beyond all is an error.
    fn add(&mut self, count: usize) -> Result<(), i32> {
        self.count = self.count.saturating_add(count);
        if self.count > LIMIT {
            Err(errno::EOVERFLOW)
        } else {
            Ok(())
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), i32> {
        self.add(match self.characters {
            Characters::Bytes => bytes.len(),
            Characters::Wide => wide::character_count(bytes),
        })?;
        self.sink.write(bytes);
        Ok(())
    }

    fn fill(&mut self, byte: u8, count: usize) -> Result<(), i32> {
        self.add(count)?;
        self.sink.fill(byte, count);
        Ok(())
    }

    /// Writes a body of `length` characters in its width.
    fn pad(
        &mut self,
        conversion: &Conversion,
        length: usize,
        body: impl FnOnce(&mut Self) -> Result<(), i32>,
    ) -> Result<(), i32> {
        let padding = conversion.width.saturating_sub(length);
        if !conversion.flags.left {
            self.fill(b' ', padding)?;
        }
        body(self)?;
        if conversion.flags.left {
            self.fill(b' ', padding)?;
        }
        Ok(())
    }

    /// Writes a number: zeros stand between its prefix and its text.
    fn number(
        &mut self,
        conversion: &Conversion,
        prefix: &[u8],
        zeros: usize,
        text: &Text,
    ) -> Result<(), i32> {
        let length = prefix
            .len()
            .saturating_add(zeros)
            .saturating_add(text.len());
        self.pad(conversion, length, |printer| {
            printer.write(prefix)?;
            printer.fill(b'0', zeros)?;
            printer.write(&text.start)?;
            printer.fill(b'0', text.zeros)?;
            printer.write(&text.end)
        })
    }

    /// # Safety
    /// The arguments must match the format.
    unsafe fn convert(
        &mut self,
        specification: &Specification,
        text: &[u8],
        arguments: &mut Arguments,
    ) -> Result<(), i32> {
        // SAFETY: the caller's promise, here and below.
        let (width, precision) = unsafe {
            (
                arguments.amount(specification.width).unwrap_or(0),
                arguments.amount(specification.precision),
            )
        };
        let mut flags = specification.flags;
        flags.left |= width < 0;
        let conversion = Conversion {
            flags,
            width: usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX),
            precision: precision.and_then(|precision| usize::try_from(precision).ok()),
            length: specification.length,
            conversion: specification.conversion,
        };
        if conversion.width > LIMIT || conversion.precision.is_some_and(|count| count > LIMIT) {
            return Err(errno::EOVERFLOW);
        }
        let number = specification.number;
        let kind = specification.kind().unwrap_or(Kind::Integer);
        match specification.conversion {
            b'%' => self.write(b"%"),
            b'm' => self.string(&conversion, errno::text(errno::get())),
            b'd' | b'i' => {
                // SAFETY: as above.
                let value = unsafe { arguments.integer(number, kind) };
                self.signed(&conversion, value)
            }
            b'u' | b'o' | b'x' | b'X' | b'b' | b'B' => {
                // SAFETY: as above.
                let value = unsafe { arguments.integer(number, kind) };
                self.unsigned(&conversion, value)
            }
            b'p' => {
                // SAFETY: as above.
                let value = unsafe { arguments.integer(number, kind) };
                self.pointer(&conversion, value)
            }
            b'c' => {
                // SAFETY: as above.
                let value = unsafe { arguments.integer(number, kind) };
                self.character(&conversion, value as u32)
            }
            // SAFETY: as above: the argument is a string of the kind that the length says.
            b's' => unsafe {
                let place = arguments.integer(number, kind) as usize;
                self.string_at(&conversion, place)
            },
            b'n' => {
                // SAFETY: as above: the argument points to an integer of the length.
                unsafe {
                    let place = arguments.integer(number, kind) as usize as *mut c_void;
                    store_count(self.count, conversion.length, place);
                }
                Ok(())
            }
            b'a' | b'A' | b'e' | b'E' | b'f' | b'F' | b'g' | b'G' => {
                // SAFETY: as above.
                let value = match unsafe { arguments.take(number, kind) } {
                    Argument::Double(value) => Number::of_double(value),
                    Argument::Extended(value) => Number::of_extended(value),
                    Argument::Integer(_) => Number::of_double(0.0),
                };
                self.float(&conversion, value)
            }
            // What is no conversion is printed as it stands, as glibc does.
            _ => self.write(text),
        }
    }

    fn signed(&mut self, conversion: &Conversion, value: u64) -> Result<(), i32> {
        let value = match conversion.length {
            Length::Char => i64::from(value as i8),
            Length::Short => i64::from(value as i16),
            Length::Int => i64::from(value as i32),
            Length::Long => value as c_long as c_longlong,
            Length::LongLong | Length::Extended => value as i64,
        };
        let sign = sign(conversion.flags, value < 0);
        self.integer(conversion, sign, value.unsigned_abs(), 10)
    }

    fn unsigned(&mut self, conversion: &Conversion, value: u64) -> Result<(), i32> {
        let value = match conversion.length {
            Length::Char => u64::from(value as u8),
            Length::Short => u64::from(value as u16),
            Length::Int => u64::from(value as u32),
            Length::Long => value as c_ulong as c_ulonglong,
            Length::LongLong | Length::Extended => value,
        };
        let (radix, prefix): (_, &[u8]) = match conversion.conversion {
            b'o' => (8, b""),
            b'x' => (16, b"0x"),
            b'X' => (16, b"0X"),
            b'b' => (2, b"0b"),
            b'B' => (2, b"0B"),
            _ => (10, b""),
        };
        let has_prefix = conversion.flags.alternative && value != 0;
        self.integer(
            conversion,
            if has_prefix { prefix } else { b"" },
            value,
            radix,
        )
    }

    fn pointer(&mut self, conversion: &Conversion, value: u64) -> Result<(), i32> {
        if value == 0 {
            let plain = Conversion {
                precision: None,
                ..*conversion
            };
            return self.string(&plain, b"(nil)");
        }
        self.integer(conversion, b"0x", value, 16)
    }

    fn integer(
        &mut self,
        conversion: &Conversion,
        prefix: &[u8],
        value: u64,
        radix: u64,
    ) -> Result<(), i32> {
        let digits: &[u8; 16] = if conversion.conversion == b'X' {
            b"0123456789ABCDEF"
        } else {
            b"0123456789abcdef"
        };
        let mut buffer = [0_u8; 64];
        let mut start = buffer.len();
        let mut rest = value;
        while rest != 0 {
            start -= 1;
            buffer[start] = digits[(rest % radix) as usize];
            rest /= radix;
        }
        let digits = &buffer[start..];
        let mut least = conversion.precision.unwrap_or(1);
        if conversion.conversion == b'o' && conversion.flags.alternative {
            least = least.max(digits.len() + 1);
        }
        let flags = conversion.flags;
        if flags.zero && !flags.left && conversion.precision.is_none() {
            least = least.max(conversion.width.saturating_sub(prefix.len()));
        }
        let zeros = least.saturating_sub(digits.len());
        let length = prefix.len() + zeros + digits.len();
        self.pad(conversion, length, |printer| {
            printer.write(prefix)?;
            printer.fill(b'0', zeros)?;
            printer.write(digits)
        })
    }

    fn float(&mut self, conversion: &Conversion, number: Number) -> Result<(), i32> {
        let is_upper = conversion.conversion.is_ascii_uppercase();
        let request = Request {
            flags: conversion.flags,
            precision: conversion.precision,
            conversion: conversion.conversion.to_ascii_lowercase(),
            rounding: number::rounding(),
        };
        let mut text = request.text(number);
        let is_finite = matches!(number.value, Value::Finite { .. });
        let mut prefix = Vec::from(sign(conversion.flags, number.is_negative));
        if is_finite && request.conversion == b'a' {
            prefix.extend_from_slice(b"0x");
        }
        if is_upper {
            for part in [&mut prefix, &mut text.start, &mut text.end] {
                part.make_ascii_uppercase();
            }
        }
        let flags = conversion.flags;
        let zeros = if flags.zero && !flags.left && is_finite {
            conversion.width.saturating_sub(prefix.len() + text.len())
        } else {
            0
        };
        self.number(conversion, &prefix, zeros, &text)
    }

    fn character(&mut self, conversion: &Conversion, value: u32) -> Result<(), i32> {
        let mut buffer = [0_u8; wide::ENCODED_BYTES];
        let is_wide = conversion.length == Length::Long;
        let bytes: &[u8] = match self.characters {
            Characters::Bytes if is_wide => {
                wide::encode(value, &mut buffer).ok_or(errno::EILSEQ)?
            }
            Characters::Bytes => &[value as u8],
            Characters::Wide if is_wide => wide::encode_any(value, &mut buffer),
            Characters::Wide => match value as u8 {
                byte if byte.is_ascii() => &[byte],
                _ => return Err(errno::EILSEQ),
            },
        };
        self.pad(conversion, 1.max(self.length_of(bytes)), |printer| {
            printer.write(bytes)
        })
    }

    fn length_of(&self, bytes: &[u8]) -> usize {
        match self.characters {
            Characters::Bytes => bytes.len(),
            Characters::Wide => wide::character_count(bytes),
        }
    }

    /// A string that is known, cut to the precision.
    fn string(&mut self, conversion: &Conversion, bytes: &[u8]) -> Result<(), i32> {
        let bytes = &bytes[..bytes.len().min(conversion.precision.unwrap_or(usize::MAX))];
        self.pad(conversion, bytes.len(), |printer| printer.write(bytes))
    }

    /// # Safety
    /// The place must be null, or a string of the conversion's length that ends with a zero or is as long as the
    /// precision says.
    unsafe fn string_at(&mut self, conversion: &Conversion, place: usize) -> Result<(), i32> {
        let limit = conversion.precision.unwrap_or(usize::MAX);
        if place == 0 {
            // As glibc: whole or not at all.
            let text: &[u8] = if limit < 6 { b"" } else { b"(null)" };
            return self.string(conversion, text);
        }
        if conversion.length == Length::Long {
            // SAFETY: the caller's promise.
            let text = unsafe { self.encoded(place as *const u32, limit)? };
            return self.pad(conversion, self.length_of(&text), |printer| {
                printer.write(&text)
            });
        }
        let text = place as *const c_char;
        // SAFETY: the caller's promise: no byte behind the zero or the limit is read.
        let bytes = unsafe {
            let length = match conversion.precision {
                None => core::ffi::CStr::from_ptr(text).count_bytes(),
                Some(_) if self.characters == Characters::Wide => {
                    wide::multibyte_length(text.cast(), limit)
                }
                Some(limit) => (0..limit)
                    .find(|index| *text.add(*index) == 0)
                    .unwrap_or(limit),
            };
            core::slice::from_raw_parts(text.cast::<u8>(), length)
        };
        if self.characters == Characters::Wide && Decoder::of(bytes).any(|unit| unit.is_err()) {
            return Err(errno::EILSEQ);
        }
        self.pad(conversion, self.length_of(bytes), |printer| {
            printer.write(bytes)
        })
    }

    /// The multibyte characters of a wide string; `limit` counts as the printer does, and no character is cut.
    ///
    /// # Safety
    /// The text must end with a zero, or have as many characters as the limit asks for.
    unsafe fn encoded(&self, text: *const u32, limit: usize) -> Result<Vec<u8>, i32> {
        let mut all = Vec::new();
        let (mut index, mut used) = (0, 0);
        while used < limit {
            // SAFETY: the caller's promise.
            let unit = unsafe { *text.add(index) };
            if unit == 0 {
                break;
            }
            let mut buffer = [0_u8; wide::ENCODED_BYTES];
            let bytes = match self.characters {
                Characters::Bytes => wide::encode(unit, &mut buffer).ok_or(errno::EILSEQ)?,
                Characters::Wide => wide::encode_any(unit, &mut buffer),
            };
            used += self.length_of(bytes);
            if used > limit {
                break;
            }
            all.extend_from_slice(bytes);
            index += 1;
        }
        Ok(all)
    }
}

fn sign(flags: Flags, is_negative: bool) -> &'static [u8] {
    if is_negative {
        b"-"
    } else if flags.plus {
        b"+"
    } else if flags.space {
        b" "
    } else {
        b""
    }
}

/// # Safety
/// The place must be an integer of the length.
unsafe fn store_count(count: usize, length: Length, place: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe {
        match length {
            Length::Char => *place.cast::<i8>() = count as i8,
            Length::Short => *place.cast::<i16>() = count as i16,
            Length::Int => *place.cast::<i32>() = count as i32,
            Length::Long => *place.cast::<c_long>() = count as c_long,
            Length::LongLong | Length::Extended => *place.cast::<i64>() = count as i64,
        }
    }
}
