//! `iconv` between the encodings of Unicode, Latin-1 and ASCII.

use alloc::boxed::Box;
use alloc::string::String;
use core::ffi::{c_char, c_int};

use crate::cstr;
use crate::errno::{self, fail};

/// How characters are bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Ascii,
    Latin1,
    /// Each unit has this order.
    Utf16(Order),
    Utf32(Order),
}

/// The order of the bytes in a unit; that of the machine may be told by a mark at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Little,
    Big,
    Marked,
}

/// What happens to characters that the target does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unknown {
    Fails,
    IsReplaced,
    IsLeftOut,
}

/// Why no character can be read.
enum Problem {
    /// It is cut off.
    Incomplete,
    Invalid,
}

const MARK: u32 = 0xfeff;

fn encoding(name: &[u8]) -> Option<Encoding> {
    let name: String = String::from_utf8_lossy(name)
        .chars()
        .filter(|character| !matches!(character, '-' | '_'))
        .map(|character| character.to_ascii_uppercase())
        .collect();
    Some(match name.as_str() {
        "" | "UTF8" => Encoding::Utf8,
        "ASCII" | "USASCII" | "ANSIX3.41968" | "ISO646US" | "646" | "C" | "POSIX" => {
            Encoding::Ascii
        }
        "ISO88591" | "LATIN1" | "L1" | "8859_1" | "88591" => Encoding::Latin1,
        "UTF16" | "UCS2" => Encoding::Utf16(Order::Marked),
        "UTF16LE" | "UCS2LE" => Encoding::Utf16(Order::Little),
        "UTF16BE" | "UCS2BE" => Encoding::Utf16(Order::Big),
        "UTF32" => Encoding::Utf32(Order::Marked),
        "UTF32LE" | "UCS4LE" | "WCHART" | "UCS4INTERNAL" => Encoding::Utf32(Order::Little),
        "UTF32BE" | "UCS4BE" | "UCS4" => Encoding::Utf32(Order::Big),
        _ => return None,
    })
}

fn unit<const SIZE: usize>(input: &[u8], order: Order) -> Result<u32, Problem> {
    let bytes: [u8; SIZE] = input
        .get(..SIZE)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(Problem::Incomplete)?;
    let fold = |number: u32, byte: &u8| number << 8 | u32::from(*byte);
    Ok(if order == Order::Big {
        bytes.iter().fold(0, fold)
    } else {
        bytes.iter().rev().fold(0, fold)
    })
}

impl Encoding {
    /// The first character of the input, which is not empty, and how many bytes it is.
    fn read(self, input: &[u8]) -> Result<(u32, usize), Problem> {
        match self {
            Self::Ascii if input[0] < 0x80 => Ok((u32::from(input[0]), 1)),
            Self::Ascii => Err(Problem::Invalid),
            Self::Latin1 => Ok((u32::from(input[0]), 1)),
            Self::Utf8 => {
                let start = &input[..input.len().min(4)];
                let text = match core::str::from_utf8(start) {
                    Ok(text) => text,
                    Err(error) if error.valid_up_to() > 0 => {
                        core::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default()
                    }
                    Err(error) if error.error_len().is_none() => return Err(Problem::Incomplete),
                    Err(_) => return Err(Problem::Invalid),
                };
                let first = text.chars().next().ok_or(Problem::Invalid)?;
                Ok((u32::from(first), first.len_utf8()))
            }
            Self::Utf16(order) => match unit::<2>(input, order)? {
                high @ 0xd800..0xdc00 => match unit::<2>(&input[2..], order)? {
                    low @ 0xdc00..0xe000 => {
                        Ok((0x1_0000 + ((high - 0xd800) << 10 | (low - 0xdc00)), 4))
                    }
                    _ => Err(Problem::Invalid),
                },
                0xdc00..0xe000 => Err(Problem::Invalid),
                other => Ok((other, 2)),
            },
            Self::Utf32(order) => {
                let number = unit::<4>(input, order)?;
                char::from_u32(number)
                    .map(|_| (number, 4))
                    .ok_or(Problem::Invalid)
            }
        }
    }

    /// Appends the character to the buffer; none if the encoding does not have it.
    fn write(self, character: u32, buffer: &mut [u8; 8]) -> Option<usize> {
        let mut put = |unit: u32, size: usize, order: Order, at: usize| {
            let bytes = unit.to_le_bytes();
            for index in 0..size {
                let from = if order == Order::Big {
                    size - 1 - index
                } else {
                    index
                };
                buffer[at + index] = bytes[from];
            }
        };
        match self {
            Self::Ascii if character < 0x80 => put(character, 1, Order::Little, 0),
            Self::Latin1 if character < 0x100 => put(character, 1, Order::Little, 0),
            Self::Ascii | Self::Latin1 => return None,
            Self::Utf8 => {
                let character = char::from_u32(character)?;
                let mut bytes = [0; 4];
                let length = character.encode_utf8(&mut bytes).len();
                buffer[..length].copy_from_slice(&bytes[..length]);
                return Some(length);
            }
            Self::Utf16(order) => {
                if character < 0x1_0000 {
                    put(character, 2, order, 0);
                    return Some(2);
                }
                let rest = character - 0x1_0000;
                put(0xd800 + (rest >> 10), 2, order, 0);
                put(0xdc00 + (rest & 0x3ff), 2, order, 2);
                return Some(4);
            }
            Self::Utf32(order) => {
                put(character, 4, order, 0);
                return Some(4);
            }
        }
        Some(1)
    }

    fn order(self) -> Option<Order> {
        match self {
            Self::Utf16(order) | Self::Utf32(order) => Some(order),
            _ => None,
        }
    }

    fn with_order(self, order: Order) -> Self {
        match self {
            Self::Utf16(_) => Self::Utf16(order),
            Self::Utf32(_) => Self::Utf32(order),
            other => other,
        }
    }
}

/// What `iconv_t` leads to.
struct Conversion {
    from: Encoding,
    to: Encoding,
    /// The source's encoding as it was found to be.
    reading: Encoding,
    /// Whether the mark has been written.
    is_marked: bool,
    unknown: Unknown,
}

/// How a conversion ended.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    read: usize,
    written: usize,
    replaced: usize,
    error: c_int,
}

impl Conversion {
    fn new(to: &[u8], from: &[u8]) -> Option<Self> {
        let split = |name: &[u8]| {
            let length = name
                .windows(2)
                .position(|pair| pair == b"//")
                .unwrap_or(name.len());
            (
                encoding(&name[..length]),
                name[length..].to_ascii_uppercase(),
            )
        };
        let (to, suffix) = split(to);
        let (from, _) = split(from);
        let (to, from) = (to?, from?);
        let has = |word: &[u8]| suffix.windows(word.len()).any(|part| part == word);
        let unknown = if has(b"IGNORE") {
            Unknown::IsLeftOut
        } else if has(b"TRANSLIT") {
            Unknown::IsReplaced
        } else {
            Unknown::Fails
        };
        Some(Self {
            from,
            to,
            reading: from,
            is_marked: false,
            unknown,
        })
    }

    fn reset(&mut self) {
        self.reading = self.from;
        self.is_marked = false;
    }

    fn convert(&mut self, input: &[u8], output: &mut [u8]) -> Outcome {
        let mut outcome = Outcome {
            read: 0,
            written: 0,
            replaced: 0,
            error: 0,
        };
        while outcome.read < input.len() {
            let rest = &input[outcome.read..];
            if self.reading.order() == Some(Order::Marked) {
                let little = self.reading.with_order(Order::Little);
                let big = self.reading.with_order(Order::Big);
                if let Ok((MARK, size)) = big.read(rest) {
                    self.reading = big;
                    outcome.read += size;
                    continue;
                }
                if let Ok((MARK, size)) = little.read(rest) {
                    self.reading = little;
                    outcome.read += size;
                    continue;
                }
                self.reading = little;
            }
            let (character, size) = match self.reading.read(rest) {
                Ok(found) => found,
                Err(problem) => {
                    outcome.error = match problem {
                        Problem::Incomplete => errno::EINVAL,
                        Problem::Invalid => errno::EILSEQ,
                    };
                    break;
                }
            };
            let mut buffer = [0; 8];
            let mut length = 0;
            if self.to.order() == Some(Order::Marked) && !self.is_marked {
                length = self.to.write(MARK, &mut buffer).unwrap_or(0);
            }
            let mut bytes = [0; 8];
            let added = match self.to.write(character, &mut bytes) {
                Some(added) => added,
                None => match self.unknown {
                    Unknown::Fails => {
                        outcome.error = errno::EILSEQ;
                        break;
                    }
                    Unknown::IsReplaced => {
                        outcome.replaced += 1;
                        self.to.write(u32::from(b'?'), &mut bytes).unwrap_or(0)
                    }
                    Unknown::IsLeftOut => {
                        outcome.replaced += 1;
                        0
                    }
                },
            };
            let whole = length + added;
            let Some(place) = output.get_mut(outcome.written..outcome.written + whole) else {
                outcome.error = errno::E2BIG;
                break;
            };
            place[..length].copy_from_slice(&buffer[..length]);
            place[length..].copy_from_slice(&bytes[..added]);
            self.is_marked = true;
            outcome.read += size;
            outcome.written += whole;
        }
        outcome
    }
}

const FAILED: usize = usize::MAX;

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn iconv_open(to: *const c_char, from: *const c_char) -> *mut Conversion {
    // SAFETY: the caller passes C strings.
    match unsafe { Conversion::new(cstr::bytes(to), cstr::bytes(from)) } {
        Some(conversion) => Box::into_raw(Box::new(conversion)),
        None => {
            errno::set(errno::EINVAL);
            FAILED as *mut Conversion
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn iconv(
    conversion: *mut Conversion,
    input: *mut *const u8,
    input_left: *mut usize,
    output: *mut *mut u8,
    output_left: *mut usize,
) -> usize {
    // SAFETY: the caller passes what `iconv_open` has made, and null or where so many bytes are.
    unsafe {
        let conversion = &mut *conversion;
        if input.is_null() || (*input).is_null() {
            conversion.reset();
            return 0;
        }
        let source = core::slice::from_raw_parts(*input, *input_left);
        let target = core::slice::from_raw_parts_mut(*output, *output_left);
        let outcome = conversion.convert(source, target);
        *input = (*input).add(outcome.read);
        *input_left -= outcome.read;
        *output = (*output).add(outcome.written);
        *output_left -= outcome.written;
        if outcome.error == 0 {
            outcome.replaced
        } else {
            fail(outcome.error);
            FAILED
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn iconv_close(conversion: *mut Conversion) -> c_int {
    // SAFETY: the caller passes what `iconv_open` has made, and uses it no more.
    drop(unsafe { Box::from_raw(conversion) });
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(to: &str, from: &str, input: &[u8]) -> (Vec<u8>, c_int) {
        let mut conversion = Conversion::new(to.as_bytes(), from.as_bytes()).unwrap();
        let mut output = [0; 64];
        let outcome = conversion.convert(input, &mut output);
        (output[..outcome.written].to_vec(), outcome.error)
    }

    #[test]
    fn texts_go_there_and_back() {
        let text = "aä€😀";
        for name in [
            "UTF-16", "utf-16le", "UCS-4", "UTF-32LE", "UTF-32", "UTF16BE", "WCHAR_T",
        ] {
            let (there, error) = converted(name, "UTF-8", text.as_bytes());
            assert_eq!(error, 0, "{name}");
            assert_eq!(
                converted("utf8", name, &there),
                (text.as_bytes().to_vec(), 0),
                "{name}"
            );
        }
        assert_eq!(converted("UTF-16", "UTF-8", b"a").0, [0xff, 0xfe, b'a', 0]);
        assert_eq!(
            converted("latin1", "UTF-8", "aä".as_bytes()).0,
            [b'a', 0xe4]
        );
    }

    #[test]
    fn what_cannot_be_converted_is_told() {
        assert_eq!(
            converted("ASCII", "UTF-8", "aä".as_bytes()),
            (b"a".to_vec(), errno::EILSEQ)
        );
        assert_eq!(
            converted("ASCII//TRANSLIT", "UTF-8", "ä".as_bytes()),
            (b"?".to_vec(), 0)
        );
        assert_eq!(
            converted("ASCII//IGNORE", "UTF-8", "äb".as_bytes()),
            (b"b".to_vec(), 0)
        );
        assert_eq!(
            converted("UTF-16LE", "UTF-8", b"a\xe2\x82").1,
            errno::EINVAL
        );
        assert_eq!(converted("UTF-16LE", "UTF-8", b"\xff").1, errno::EILSEQ);
        assert_eq!(converted("UTF-8", "UTF-16LE", b"\x00\xdc").1, errno::EILSEQ);
        assert!(Conversion::new(b"EBCDIC", b"UTF-8").is_none());
        let mut conversion = Conversion::new(b"UTF-8", b"LATIN1").unwrap();
        let outcome = conversion.convert(b"\xe4", &mut [0]);
        assert_eq!((outcome.error, outcome.read), (errno::E2BIG, 0));
    }
}
