//! Numbers from text (C11 7.22.1.3).

use core::cmp::Ordering;

use crate::format::{Format, Rounding, Value};
use crate::integer::Natural;

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// Whether a minus sign was there.
    pub is_negative: bool,
    /// The nearest value of the format, or that in the direction of rounding.
    pub value: Value,
    /// How many bytes belong to the number, its sign included.
    pub length: usize,
    /// Whether the result overflowed, or is subnormal or zero and inexact.
    pub is_out_of_range: bool,
}

/// No format has a number with more digits than this, nor one half way between two.
const DIGIT_LIMIT: usize = 11_600;

/// Beyond these decimal exponents every format overflows or underflows.
const POINT_LIMIT: i64 = 5_100;

/// A magnitude: at least `leading * 2^exponent`, and more if bits below are set.
struct Magnitude {
    leading: u128,
    exponent: i32,
    is_cut: bool,
}

impl Magnitude {
    const HUGE: Self = Self {
        leading: 1,
        exponent: 1 << 20,
        is_cut: false,
    };
    const TINY: Self = Self {
        leading: 1,
        exponent: -(1 << 20),
        is_cut: true,
    };

    /// The mantissa at `lowest`, rounded, and whether bits were cut off.
    fn rounded_at(&self, lowest: i32, is_negative: bool, rounding: Rounding) -> (u128, bool) {
        let shift = lowest - self.exponent;
        if shift <= 0 {
            return (self.leading << shift.unsigned_abs(), false);
        }
        let shift = shift.unsigned_abs();
        let kept = self.leading.checked_shr(shift).unwrap_or(0);
        let unit = 1_u128.checked_shl(shift).unwrap_or(0);
        let rest = self.leading & unit.wrapping_sub(1);
        // A unit beyond all bits is more than twice the rest.
        let order = if shift > 128 {
            Ordering::Less
        } else {
            rest.cmp(&(1 << (shift - 1)))
        };
        let half = if order.is_eq() && self.is_cut {
            Ordering::Greater
        } else {
            order
        };
        let is_exact = rest == 0 && !self.is_cut;
        let is_up = rounding.is_up(is_negative, kept & 1 != 0, half, is_exact);
        (kept + u128::from(is_up), !is_exact)
    }

    /// The value in a format, and whether it is out of range.
    fn rounded(&self, format: Format, is_negative: bool, rounding: Rounding) -> (Value, bool) {
        let bits = 128 - self.leading.leading_zeros() as i32;
        let unbounded = self.exponent + bits - format.precision as i32;
        let mut exponent = unbounded.max(format.lowest);
        let (mut mantissa, is_inexact) = self.rounded_at(exponent, is_negative, rounding);
        if mantissa >> format.precision != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
        if exponent > format.highest {
            let away = match rounding {
                Rounding::Nearest => true,
                Rounding::TowardZero => false,
                Rounding::Downward => is_negative,
                Rounding::Upward => !is_negative,
            };
            let value = if away {
                Value::Infinite
            } else {
                Value::Finite {
                    mantissa: u64::MAX >> (64 - format.precision),
                    exponent: format.highest,
                }
            };
            return (value, true);
        }
        // Tiny is what is below the least normal number after rounding as if exponents had no bound.
        let is_tiny = unbounded < format.lowest
            && (unbounded + 1 < format.lowest
                || self.rounded_at(unbounded, is_negative, rounding).0 >> format.precision == 0);
        let value = Value::Finite {
            mantissa: mantissa as u64,
            exponent: if mantissa == 0 { 0 } else { exponent },
        };
        (value, is_inexact && is_tiny)
    }
}

/// Digits with a point and perhaps an exponent.
struct Scan<'a> {
    /// The bytes of the digits, the point among them.
    body: &'a [u8],
    exponent: i64,
    length: usize,
}

/// Scans digits of `radix` and an exponent behind `mark`.
fn scan(text: &[u8], radix: u32, mark: u8) -> Option<Scan<'_>> {
    let mut seen_point = false;
    let mut digits = 0;
    let body = text
        .iter()
        .take_while(|byte| match **byte {
            b'.' => !core::mem::replace(&mut seen_point, true),
            byte => {
                let is_digit = char::from(byte).is_digit(radix);
                digits += usize::from(is_digit);
                is_digit
            }
        })
        .count();
    if digits == 0 {
        return None;
    }
    let (mut exponent, mut length) = (0, body);
    if text.get(body).map(u8::to_ascii_lowercase) == Some(mark) {
        let sign = text.get(body + 1).copied();
        let start = body + 1 + usize::from(matches!(sign, Some(b'+' | b'-')));
        let end = start
            + text[start.min(text.len())..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
        if end > start {
            for digit in &text[start..end] {
                // Beyond what any number of digits before it can make up for.
                exponent = (exponent * 10 + i64::from(digit - b'0')).min(1 << 48);
            }
            if sign == Some(b'-') {
                exponent = -exponent;
            }
            length = end;
        }
    }
    Some(Scan {
        body: &text[..body],
        exponent,
        length,
    })
}

/// The significant digits of a body, and how many digits of weight stand before the point.
fn significant(body: &[u8]) -> (impl Iterator<Item = u8> + Clone, i64) {
    let point = body
        .iter()
        .position(|byte| *byte == b'.')
        .unwrap_or(body.len());
    let is_leading = |byte: &&u8| matches!(**byte, b'0' | b'.');
    let start = body.iter().take_while(is_leading).count();
    let weight = if start <= point {
        (point - start) as i64
    } else {
        -((start - point - 1) as i64)
    };
    let digits = body[start..]
        .iter()
        .copied()
        .filter(|byte| *byte != b'.')
        .map(|byte| char::from(byte).to_digit(16).unwrap_or(0) as u8);
    (digits, weight)
}

fn hexadecimal(scan: &Scan) -> Option<Magnitude> {
    let (digits, weight) = significant(scan.body);
    let (mut leading, mut used, mut is_cut) = (0_u128, 0, false);
    for digit in digits {
        if used < 30 {
            leading = leading << 4 | u128::from(digit);
            used += 1;
        } else {
            is_cut |= digit != 0;
        }
    }
    if leading == 0 {
        return None;
    }
    let exponent = scan.exponent + 4 * (weight - used);
    Some(Magnitude {
        leading,
        exponent: exponent.clamp(-(1 << 20), 1 << 20) as i32,
        is_cut,
    })
}

fn decimal(scan: &Scan) -> Option<Magnitude> {
    let (digits, weight) = significant(scan.body);
    // Trailing zeros would only make the numbers longer.
    let count = digits
        .clone()
        .enumerate()
        .filter(|(_, digit)| *digit != 0)
        .map(|(index, _)| index + 1)
        .last()?;
    let point = scan.exponent + weight;
    if point > POINT_LIMIT {
        return Some(Magnitude::HUGE);
    }
    if point < -POINT_LIMIT {
        return Some(Magnitude::TINY);
    }
    let used = count.min(DIGIT_LIMIT);
    let mut number = Natural::default();
    let (mut chunk, mut factor) = (0, 1);
    for digit in digits.take(used) {
        chunk = chunk * 10 + u32::from(digit);
        factor *= 10;
        if factor == 1_000_000_000 {
            number.multiply_add(factor, chunk);
            (chunk, factor) = (0, 1);
        }
    }
    number.multiply_add(factor, chunk);
    let is_cut = count > used;
    let power = (point - used as i64) as i32;
    if power >= 0 {
        number.multiply_by_power_of_five(power.unsigned_abs());
        let (leading, place, below) = number.leading_bits();
        return Some(Magnitude {
            leading,
            exponent: place as i32 + power,
            is_cut: is_cut || below,
        });
    }
    let mut divisor = Natural::new(1);
    divisor.multiply_by_power_of_five(power.unsigned_abs());
    // The quotient gets 67 or 68 bits.
    let shift = 67 + divisor.bits() as i32 - number.bits() as i32;
    if shift >= 0 {
        number.shift_left(shift.unsigned_abs());
    } else {
        divisor.shift_left(shift.unsigned_abs());
    }
    let (leading, is_left) = number.divide(&divisor);
    Some(Magnitude {
        leading,
        exponent: power - shift,
        is_cut: is_cut || is_left,
    })
}

fn starts_with(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// `inf`, `infinity`, `nan` and `nan(characters)`: the value and the bytes.
fn word(text: &[u8]) -> Option<(Value, usize)> {
    if starts_with(text, b"inf") {
        let length = if starts_with(text, b"infinity") { 8 } else { 3 };
        return Some((Value::Infinite, length));
    }
    if !starts_with(text, b"nan") {
        return None;
    }
    let characters = text.get(4..).filter(|_| text[3] == b'(').and_then(|rest| {
        let length = rest
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
            .count();
        (rest.get(length) == Some(&b')')).then(|| &rest[..length])
    });
    Some(match characters {
        None => (Value::NotANumber(0), 3),
        Some(characters) => (Value::NotANumber(payload(characters)), characters.len() + 5),
    })
}

/// The payload of a NaN as `strtoull` with base 0 reads it; 0 if it is no number as a whole.
fn payload(characters: &[u8]) -> u64 {
    let (radix, digits) = match characters {
        [b'0', b'x' | b'X', digits @ ..] if !digits.is_empty() => (16, digits),
        [b'0', ..] => (8, characters),
        _ => (10, characters),
    };
    digits
        .iter()
        .try_fold(0_u64, |sum, byte| {
            let digit = char::from(*byte).to_digit(radix)?;
            Some(
                sum.saturating_mul(u64::from(radix))
                    .saturating_add(u64::from(digit)),
            )
        })
        .unwrap_or(0)
}

/// A number that is normal in its format and rounded to nearest, which Rust's own conversion finds faster.
fn ordinary(text: &[u8], format: Format, rounding: Rounding) -> Option<Value> {
    if rounding != Rounding::Nearest {
        return None;
    }
    let text = core::str::from_utf8(text).ok()?;
    let (number, least) = match format {
        Format::DOUBLE => (text.parse::<f64>().ok()?, f64::MIN_POSITIVE),
        Format::FLOAT => (
            f64::from(text.parse::<f32>().ok()?),
            f64::from(f32::MIN_POSITIVE),
        ),
        _ => return None,
    };
    let is_ordinary = number > least && number < f64::INFINITY;
    let (_, value) = Format::of_double(number);
    let Value::Finite { mantissa, exponent } = value else {
        return None;
    };
    let shift = Format::DOUBLE.precision - format.precision;
    is_ordinary.then_some(Value::Finite {
        mantissa: mantissa >> shift,
        exponent: exponent + shift as i32,
    })
}

/// Reads a number that starts with its sign or first character; `None` if there is none.
#[must_use]
pub fn parse(text: &[u8], format: Format, rounding: Rounding) -> Option<Parsed> {
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let is_negative = text.first() == Some(&b'-');
    let rest = &text[sign..];
    if let Some((value, length)) = word(rest) {
        return Some(Parsed {
            is_negative,
            value,
            length: sign + length,
            is_out_of_range: false,
        });
    }
    let is_hexadecimal = matches!(rest, [b'0', b'x' | b'X', ..]);
    let in_hexadecimal = is_hexadecimal.then(|| scan(&rest[2..], 16, b'p')).flatten();
    let (magnitude, length) = match in_hexadecimal {
        Some(scan) => (hexadecimal(&scan), scan.length + 2),
        None => {
            let scan = scan(rest, 10, b'e')?;
            if let Some(value) = ordinary(&rest[..scan.length], format, rounding) {
                return Some(Parsed {
                    is_negative,
                    value,
                    length: sign + scan.length,
                    is_out_of_range: false,
                });
            }
            (decimal(&scan), scan.length)
        }
    };
    let (value, is_out_of_range) = match magnitude {
        Some(magnitude) => magnitude.rounded(format, is_negative, rounding),
        None => (
            Value::Finite {
                mantissa: 0,
                exponent: 0,
            },
            false,
        ),
    };
    Some(Parsed {
        is_negative,
        value,
        length: sign + length,
        is_out_of_range,
    })
}
