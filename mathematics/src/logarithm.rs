//! Logarithms and the inverse hyperbolic functions.

use crate::constants::{LN_2, LOG2_E, LOG10_E, SQRT_HALF};
use crate::{Number, Wide};

const TERMS: usize = 27;

/// 1 / (2 n + 1).
static INVERSE_ODD: [Wide; TERMS] = inverse_odd();

const fn inverse_odd() -> [Wide; TERMS] {
    let mut table = [Wide::ONE; TERMS];
    let mut n = 0;
    while n < TERMS {
        table[n] = Wide::ratio(1, 2 * n as i64 + 1);
        n += 1;
    }
    table
}

/// Twice the inverse hyperbolic tangent of a number below 0.18, right to its own size.
fn twice_atanh_of(x: Wide) -> Wide {
    let square = x.square();
    // Each term is smaller than the last by the square.
    let count = (130 / (-square.exponent).clamp(1, 130)) as usize + 1;
    let mut sum = Wide::ZERO;
    for coefficient in INVERSE_ODD[..count.min(TERMS)].iter().rev() {
        sum = sum * square + *coefficient;
    }
    (sum * x).scale(1)
}

/// The exponent of a positive number and what is left: from `sqrt(1/2)` to `sqrt(2)`.
fn split(x: Wide) -> (i32, Wide) {
    let fraction = x.scale(-x.exponent - 1);
    if fraction < SQRT_HALF {
        (x.exponent, fraction.scale(1))
    } else {
        (x.exponent + 1, fraction)
    }
}

fn log_of_fraction(fraction: Wide) -> Wide {
    twice_atanh_of((fraction - Wide::ONE) / (fraction + Wide::ONE))
}

/// The natural logarithm of a positive number.
pub(crate) fn log_of(x: Wide) -> Wide {
    let (exponent, fraction) = split(x);
    Wide::integer(i64::from(exponent)) * LN_2 + log_of_fraction(fraction)
}

/// The natural logarithm of `1 + x`, of `x` above -1.
pub(crate) fn log1p_of(x: Wide) -> Wide {
    if x.exponent < -2 {
        twice_atanh_of(x / (x + Wide::TWO))
    } else {
        log_of(x + Wide::ONE)
    }
}

/// A logarithm: its value where it is defined.
fn logarithm(x: Number, function: impl FnOnce(Wide) -> Wide) -> Number {
    if x.is_zero() {
        return Number::infinity(true);
    }
    if x.is_negative() {
        return Number::Nan;
    }
    x.map(Number::infinity, |x| function(x).into())
}

/// The natural logarithm.
#[must_use]
pub fn log(x: Number) -> Number {
    logarithm(x, log_of)
}

/// The decimal logarithm of a positive number.
pub(crate) fn log10_of(x: Wide) -> Wide {
    log_of(x) * LOG10_E
}

/// The decimal logarithm.
#[must_use]
pub fn log10(x: Number) -> Number {
    logarithm(x, log10_of)
}

/// The binary logarithm.
#[must_use]
pub fn log2(x: Number) -> Number {
    logarithm(x, |x| {
        let (exponent, fraction) = split(x);
        Wide::integer(i64::from(exponent)) + log_of_fraction(fraction) * LOG2_E
    })
}

/// The natural logarithm of `1 + x`.
#[must_use]
pub fn log1p(x: Number) -> Number {
    x.map(
        |negative| {
            if negative {
                Number::Nan
            } else {
                Number::INFINITY
            }
        },
        |x| {
            let sum = x + Wide::ONE;
            if x.is_zero() {
                x.into()
            } else if sum.is_zero() {
                Number::infinity(true)
            } else if sum.negative {
                Number::Nan
            } else {
                log1p_of(x).into()
            }
        },
    )
}

/// The inverse hyperbolic sine of a finite number.
pub(crate) fn asinh_of(x: Wide) -> Wide {
    let magnitude = x.abs();
    let square = magnitude.square();
    let root = (square + Wide::ONE).sqrt();
    log1p_of(magnitude + square / (root + Wide::ONE)).with_sign(x.negative)
}

/// The inverse hyperbolic sine.
#[must_use]
pub fn asinh(x: Number) -> Number {
    x.map(Number::infinity, |x| asinh_of(x).into())
}

/// The inverse hyperbolic cosine.
#[must_use]
pub fn acosh(x: Number) -> Number {
    x.map(
        |negative| {
            if negative {
                Number::Nan
            } else {
                Number::INFINITY
            }
        },
        |x| {
            let excess = x - Wide::ONE;
            if excess.is_zero() {
                Number::ZERO
            } else if excess.negative {
                Number::Nan
            } else {
                log1p_of(excess + (excess * (excess + Wide::TWO)).sqrt()).into()
            }
        },
    )
}

/// The inverse hyperbolic tangent.
#[must_use]
pub fn atanh(x: Number) -> Number {
    x.map(
        |_| Number::Nan,
        |x| {
            let magnitude = x.abs();
            let gap = Wide::ONE - magnitude;
            if gap.is_zero() {
                return Number::infinity(x.negative);
            }
            if gap.negative {
                return Number::Nan;
            }
            let result = log1p_of(magnitude.scale(1) / gap).scale(-1);
            result.with_sign(x.negative).into()
        },
    )
}
