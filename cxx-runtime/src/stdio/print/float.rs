//! The text of a floating-point number.

use alloc::vec::Vec;

use bareflow_decimal::{Decimal, Format, Rounding, Value};

use super::specification::Flags;

/// A number in one of its formats.
#[derive(Clone, Copy)]
pub(super) struct Number {
    pub(super) is_negative: bool,
    pub(super) value: Value,
    pub(super) format: Format,
}

impl Number {
    pub(super) fn of_double(number: f64) -> Self {
        let (is_negative, value) = Format::of_double(number);
        Self {
            is_negative,
            value,
            format: Format::DOUBLE,
        }
    }

    /// Of an extended double's bits. A number whose leading bit is wrong is none.
    pub(super) fn of_extended((mantissa, sign_and_exponent): (u64, u16)) -> Self {
        let biased = u32::from(sign_and_exponent & 0x7fff);
        let value = if biased != 0 && mantissa >> 63 == 0 {
            Value::NotANumber(0)
        } else {
            Format::EXTENDED.unpack(biased, mantissa)
        };
        Self {
            is_negative: sign_and_exponent >> 15 != 0,
            value,
            format: Format::EXTENDED,
        }
    }
}

/// A text in parts: zeros that are asked for by a precision are not written out.
#[derive(Default)]
pub(super) struct Text {
    pub(super) start: Vec<u8>,
    /// Zeros between the two.
    pub(super) zeros: usize,
    pub(super) end: Vec<u8>,
}

impl Text {
    pub(super) fn of(start: &[u8]) -> Self {
        Self {
            start: Vec::from(start),
            ..Self::default()
        }
    }

    pub(super) fn len(&self) -> usize {
        self.start.len() + self.zeros + self.end.len()
    }
}

/// What is asked for.
pub(super) struct Request {
    pub(super) flags: Flags,
    pub(super) precision: Option<usize>,
    /// In lower case.
    pub(super) conversion: u8,
    pub(super) rounding: Rounding,
}

/// The exponent of a decimal number, with at least two digits.
fn exponent_text(mark: u8, exponent: i32, least_digits: usize) -> Vec<u8> {
    let mut text = alloc::vec![mark, if exponent < 0 { b'-' } else { b'+' }];
    let mut place = 10_u32.pow(least_digits as u32 - 1);
    let magnitude = exponent.unsigned_abs();
    while magnitude / 10 >= place {
        place *= 10;
    }
    while place != 0 {
        text.push(b'0' + (magnitude / place % 10) as u8);
        place /= 10;
    }
    text
}

impl Request {
    /// The text without its sign, in lower case; the prefix of a hexadecimal number is left to the caller.
    pub(super) fn text(&self, number: Number) -> Text {
        let (mantissa, exponent) = match number.value {
            Value::Infinite => return Text::of(b"inf"),
            Value::NotANumber(_) => return Text::of(b"nan"),
            Value::Finite { mantissa, exponent } => (mantissa, exponent),
        };
        if self.conversion == b'a' {
            return self.hexadecimal(number, mantissa, exponent);
        }
        let precision = self.precision.unwrap_or(6);
        let mut decimal = Decimal::exact(mantissa, exponent);
        let round = |decimal: &mut Decimal, count: i64| {
            decimal.round(count, number.is_negative, self.rounding);
        };
        let asked = i64::try_from(precision).unwrap_or(i64::MAX >> 1);
        match self.conversion {
            b'f' => {
                let count = asked + i64::from(decimal.point);
                round(&mut decimal, count);
                self.fixed(&decimal, precision)
            }
            b'e' => {
                round(&mut decimal, asked + 1);
                self.scientific(&decimal, precision)
            }
            _ => {
                let digits = precision.max(1);
                round(&mut decimal, asked.max(1));
                let exponent = if decimal.digits.is_empty() {
                    0
                } else {
                    i64::from(decimal.point) - 1
                };
                let is_fixed = exponent >= -4 && exponent < asked.max(1);
                // Behind the last digit that is not zero there is nothing, without `#`.
                let all = if self.flags.alternative {
                    digits
                } else {
                    digits.min(decimal.digits.len().max(1))
                };
                if is_fixed {
                    let places = all as i64 - 1 - exponent;
                    self.fixed(&decimal, usize::try_from(places).unwrap_or(0))
                } else {
                    self.scientific(&decimal, all - 1)
                }
            }
        }
    }

    fn has_point(&self, places: usize) -> bool {
        places != 0 || self.flags.alternative
    }

    fn fixed(&self, decimal: &Decimal, places: usize) -> Text {
        let mut start = Vec::new();
        let digit = |index: usize| b'0' + decimal.digits.get(index).copied().unwrap_or(0);
        let whole = usize::try_from(decimal.point).unwrap_or(0);
        if whole == 0 {
            start.push(b'0');
        }
        start.extend((0..whole).map(digit));
        if self.has_point(places) {
            start.push(b'.');
        }
        let leading = usize::try_from(-decimal.point).unwrap_or(0);
        let rest = decimal.digits.get(whole..).unwrap_or(&[]);
        let used = (leading + rest.len()).min(places);
        if !rest.is_empty() {
            start.extend(core::iter::repeat_n(b'0', leading));
            start.extend(rest.iter().map(|digit| b'0' + digit));
        }
        let zeros = if rest.is_empty() {
            places
        } else {
            places - used
        };
        Text {
            start,
            zeros,
            end: Vec::new(),
        }
    }

    fn scientific(&self, decimal: &Decimal, places: usize) -> Text {
        let mut digits = decimal.digits.iter().map(|digit| b'0' + digit);
        let mut start = alloc::vec![digits.next().unwrap_or(b'0')];
        if self.has_point(places) {
            start.push(b'.');
        }
        start.extend(digits);
        let exponent = if decimal.digits.is_empty() {
            0
        } else {
            decimal.point - 1
        };
        Text {
            start,
            zeros: places - decimal.digits.len().saturating_sub(1),
            end: exponent_text(b'e', exponent, 2),
        }
    }

    /// As glibc writes it: one bit before the point of a double, and four of an extended double.
    fn hexadecimal(&self, number: Number, mantissa: u64, exponent: i32) -> Text {
        let fraction_bits = (number.format.precision - 1) / 4 * 4;
        let places = (fraction_bits / 4) as usize;
        let mut shown = if mantissa == 0 {
            0
        } else {
            exponent + fraction_bits as i32
        };
        let mut kept = u128::from(mantissa);
        let mut kept_places = places;
        match self.precision {
            Some(precision) if precision < places => {
                // Rounding is that of a decimal number with as many digits: by what is cut off.
                let cut = (places - precision) as u32 * 4;
                let rest = kept & ((1 << cut) - 1);
                kept >>= cut;
                let half = rest.cmp(&(1 << (cut - 1)));
                let is_up = match self.rounding {
                    _ if rest == 0 => false,
                    Rounding::Nearest => half.is_gt() || (half.is_eq() && kept & 1 != 0),
                    Rounding::Downward => number.is_negative,
                    Rounding::Upward => !number.is_negative,
                    Rounding::TowardZero => false,
                };
                kept += u128::from(is_up);
                kept_places = precision;
            }
            Some(_) => {}
            None => {
                while kept_places != 0 && kept & 15 == 0 {
                    kept >>= 4;
                    kept_places -= 1;
                }
            }
        }
        if kept >> (4 * kept_places) > 15 {
            kept >>= 4;
            shown += 4;
        }
        let digit = |place: usize| {
            char::from_digit((kept >> (4 * place)) as u32 & 15, 16)
                .map_or(b'0', |digit| digit as u8)
        };
        let mut start = alloc::vec![digit(kept_places)];
        let wanted = self.precision.unwrap_or(kept_places);
        if self.has_point(wanted) {
            start.push(b'.');
        }
        start.extend((0..kept_places).rev().map(digit));
        Text {
            start,
            zeros: wanted - kept_places,
            end: exponent_text(b'p', shown, 1),
        }
    }
}
