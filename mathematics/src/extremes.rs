//! C23's maximum and minimum, for which negative zero is below zero, and the nearest integer.

use crate::{Number, Wide};

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

/// The nearest integer, the even one of two.
#[must_use]
pub fn roundeven(x: Number) -> Number {
    x.map(Number::infinity, |x| {
        let (is_odd, fraction) = x.split_nearest();
        let integer = (x - fraction).with_sign(x.negative);
        // A half was left at the integer below.
        if is_odd && fraction.abs() == Wide::HALF {
            (integer + Wide::ONE.with_sign(x.negative)).into()
        } else {
            integer.into()
        }
    })
}
