//! C23's maximum and minimum, for which negative zero is below zero, and integers.

use crate::{Number, Rounding, Wide};

/// The larger one, and whether a NaN is passed on is up to the caller.
fn larger(x: Number, y: Number) -> Number {
    match (x, y) {
        (Number::Nan, _) | (_, Number::Nan) => Number::Nan,
        (Number::Infinite { negative: false }, _) | (_, Number::Infinite { negative: true }) => x,
        (Number::Infinite { negative: true }, _) | (_, Number::Infinite { negative: false }) => y,
        (Number::Finite(a), Number::Finite(b)) => a.max(b).into(),
    }
}

/// The larger number; NaN if one of them is.
#[must_use]
pub fn fmaximum(x: Number, y: Number) -> Number {
    larger(x, y)
}

/// The smaller number; NaN if one of them is.
#[must_use]
pub fn fminimum(x: Number, y: Number) -> Number {
    larger(x.negated(), y.negated()).negated()
}

/// The function, or the other operand where one is NaN.
fn of_numbers(x: Number, y: Number, function: fn(Number, Number) -> Number) -> Number {
    if x.is_nan() {
        y
    } else if y.is_nan() {
        x
    } else {
        function(x, y)
    }
}

/// The larger number; NaN if both are.
#[must_use]
pub fn fmaximum_num(x: Number, y: Number) -> Number {
    of_numbers(x, y, fmaximum)
}

/// The smaller number; NaN if both are.
#[must_use]
pub fn fminimum_num(x: Number, y: Number) -> Number {
    of_numbers(x, y, fminimum)
}

/// The nearest integer in this direction.
#[must_use]
pub fn to_integer(x: Number, rounding: Rounding) -> Number {
    x.map(Number::infinity, |x| {
        let (is_odd, rest) = x.split_nearest();
        let nearest = x - rest;
        let outwards = Wide::ONE.with_sign(x.negative);
        let is_beyond = !rest.is_zero() && rest.negative != x.negative;
        let is_short = !rest.is_zero() && !is_beyond;
        let is_away = match rounding {
            // A half was left at the integer that is nearer to zero.
            Rounding::Nearest => {
                let is_odd_half = is_odd && rest.abs() == Wide::HALF;
                return if is_odd_half {
                    nearest + outwards
                } else {
                    nearest
                }
                .with_sign(x.negative)
                .into();
            }
            Rounding::TowardZero => false,
            Rounding::Up => !x.negative,
            Rounding::Down => x.negative,
        };
        let integer = match (is_away, is_short, is_beyond) {
            (true, true, _) => nearest + outwards,
            (false, _, true) => nearest - outwards,
            _ => nearest,
        };
        integer.with_sign(x.negative).into()
    })
}
