//! Conversion specifications of formatted output (C11 7.21.6.1), with POSIX's numbered arguments.

use crate::arch::LONG_DOUBLE_IS_DOUBLE;

/// A width or a precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Amount {
    Absent,
    Value(usize),
    /// The next argument.
    Next,
    /// An argument by its number, from 1.
    Numbered(usize),
}

/// Length modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Char,
    Short,
    Int,
    /// `l`, and what is as long as an address: `z`, `t`.
    Long,
    /// `ll`, `j`, `q`.
    LongLong,
    /// `L`: a long double, or an integer of 64 bits as in glibc.
    Extended,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub(super) left: bool,
    pub(super) plus: bool,
    pub(super) space: bool,
    pub(super) alternative: bool,
    pub(super) zero: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Specification {
    /// The number of the argument, if it has one.
    pub(super) number: Option<usize>,
    pub(super) flags: Flags,
    pub(super) width: Amount,
    pub(super) precision: Amount,
    pub(super) length: Length,
    pub(super) conversion: u8,
}

/// What an argument is passed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    LongLong,
    Double,
    Extended,
}

/// Digits at the start: their value, the greatest there is if they are too many.
fn digits(rest: &mut &[u8]) -> Option<usize> {
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let value = rest[..count].iter().fold(0_usize, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add(usize::from(digit - b'0'))
    });
    *rest = &rest[count..];
    (count != 0).then_some(value)
}

/// A number that is followed by `$`.
fn numbered(rest: &mut &[u8]) -> Option<usize> {
    let mut after = *rest;
    let value = digits(&mut after)?;
    *rest = after.strip_prefix(b"$")?;
    (value != 0).then_some(value)
}

/// What follows a `*`.
fn from_argument(rest: &mut &[u8]) -> Amount {
    numbered(rest).map_or(Amount::Next, Amount::Numbered)
}

fn take(rest: &mut &[u8], byte: u8) -> bool {
    match rest.strip_prefix(&[byte]) {
        Some(after) => {
            *rest = after;
            true
        }
        None => false,
    }
}

impl Specification {
    /// Takes a specification, which starts behind its `%`, off the format; `None` if the format ends in it.
    pub(super) fn take(rest: &mut &[u8]) -> Option<Self> {
        let number = numbered(rest);
        let mut flags = Flags::default();
        loop {
            let flag = match rest.first()? {
                b'-' => &mut flags.left,
                b'+' => &mut flags.plus,
                b' ' => &mut flags.space,
                b'#' => &mut flags.alternative,
                b'0' => &mut flags.zero,
                // No locale has a grouping, nor other digits.
                b'\'' | b'I' => {
                    *rest = &rest[1..];
                    continue;
                }
                _ => break,
            };
            *flag = true;
            *rest = &rest[1..];
        }
        let width = if take(rest, b'*') {
            from_argument(rest)
        } else {
            digits(rest).map_or(Amount::Absent, Amount::Value)
        };
        let precision = if !take(rest, b'.') {
            Amount::Absent
        } else if take(rest, b'*') {
            from_argument(rest)
        } else {
            Amount::Value(digits(rest).unwrap_or(0))
        };
        let length = if take(rest, b'h') {
            if take(rest, b'h') {
                Length::Char
            } else {
                Length::Short
            }
        } else if take(rest, b'L') {
            Length::Extended
        } else {
            let count = rest
                .iter()
                .take_while(|byte| b"lqjzZt".contains(byte))
                .count();
            let (modifiers, after) = rest.split_at(count);
            *rest = after;
            match modifiers {
                [] => Length::Int,
                [b'q' | b'j', ..] | [b'l', b'l', ..] => Length::LongLong,
                _ => Length::Long,
            }
        };
        let (conversion, after) = rest.split_first()?;
        *rest = after;
        let (conversion, length) = match conversion {
            b'S' => (b's', Length::Long),
            b'C' => (b'c', Length::Long),
            conversion => (*conversion, length),
        };
        Some(Self {
            number,
            flags,
            width,
            precision,
            length,
            conversion,
        })
    }

    /// What the converted argument is passed as; `None` if there is none.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self.conversion {
            b'%' | b'm' => None,
            b'a' | b'A' | b'e' | b'E' | b'f' | b'F' | b'g' | b'G' => Some(
                if self.length == Length::Extended && !LONG_DOUBLE_IS_DOUBLE {
                    Kind::Extended
                } else {
                    Kind::Double
                },
            ),
            b'd' | b'i' | b'u' | b'o' | b'x' | b'X' | b'b' | b'B'
                if matches!(self.length, Length::LongLong | Length::Extended) =>
            {
                Some(Kind::LongLong)
            }
            _ => Some(Kind::Integer),
        }
    }
}
