//! Exponential and hyperbolic functions.

use crate::constants::{LN_2, LN_10, LOG2_10, LOG2_E};
use crate::number::{too_large, too_small};
use crate::wide::HUGE_EXPONENT;
use crate::{Number, Wide};

/// How many coefficients of power series of factorials are at hand.
const FACTORIAL_COUNT: usize = 40;

/// 1 / n! for n = 0, 1, ...
pub(crate) static INVERSE_FACTORIALS: [Wide; FACTORIAL_COUNT] = inverse_factorials();

const fn inverse_factorials() -> [Wide; FACTORIAL_COUNT] {
    let mut table = [Wide::ONE; FACTORIAL_COUNT];
    let mut factorial = Wide::ONE;
    let mut n = 1;
    while n < FACTORIAL_COUNT {
        factorial = factorial.times(Wide::integer(n as i64));
        table[n] = Wide::ONE.over(factorial);
        n += 1;
    }
    table
}

/// The argument is halved that often before the power series, which is then short.
const HALVINGS: i32 = 6;
const TERMS: usize = 13;

/// `e^x - 1` for `|x| <= 0.36`, right to its own size.
fn expm1_reduced(x: Wide) -> Wide {
    let reduced = x.scale(-HALVINGS);
    let mut sum = INVERSE_FACTORIALS[TERMS];
    for coefficient in INVERSE_FACTORIALS[1..TERMS].iter().rev() {
        sum = sum * reduced + *coefficient;
    }
    sum = sum * reduced;
    for _ in 0..HALVINGS {
        sum = sum * (sum + Wide::TWO);
    }
    sum
}

/// The power of two and the rest: `e^x = 2^k * e^rest`.
fn reduce(x: Wide) -> (i32, Wide) {
    let k = (x * LOG2_E).to_nearest_i32();
    (k, x - Wide::integer(i64::from(k)) * LN_2)
}

/// Exponents from here on make results that no format has.
const LARGEST_EXPONENT: i32 = 20;

/// `e^x`; far outside of all formats it is some number that still is.
pub(crate) fn exp_of(x: Wide) -> Wide {
    if x.exponent > LARGEST_EXPONENT {
        let exponent = if x.negative {
            -HUGE_EXPONENT
        } else {
            HUGE_EXPONENT
        };
        return Wide::power_of_two(exponent);
    }
    let (k, rest) = reduce(x);
    (expm1_reduced(rest) + Wide::ONE).scale(k)
}

/// `e^x - 1`.
pub(crate) fn expm1_of(x: Wide) -> Wide {
    if x.exponent < -130 {
        return x;
    }
    if x.exponent > LARGEST_EXPONENT {
        return exp_of(x) - Wide::ONE;
    }
    let (k, rest) = reduce(x);
    let reduced = expm1_reduced(rest);
    if k == 0 {
        reduced
    } else {
        (reduced + Wide::ONE).scale(k) - Wide::ONE
    }
}

/// `e^(x * factor)` from the integer part of `x * log2_of_base`, so that powers of the base are exact.
fn exp_with_base(x: Wide, log_of_base: Wide, log2_of_base: Wide) -> Number {
    if x.exponent > LARGEST_EXPONENT {
        return if x.negative {
            too_small(false)
        } else {
            too_large(false)
        };
    }
    let k = (x * log2_of_base).to_nearest_i32();
    let rest = x * log_of_base - Wide::integer(i64::from(k)) * LN_2;
    (expm1_reduced(rest) + Wide::ONE).scale(k).into()
}

/// The exponential function at an infinity.
fn exp_at_infinity(negative: bool) -> Number {
    if negative {
        Number::ZERO
    } else {
        Number::INFINITY
    }
}

/// `e^x`.
#[must_use]
pub fn exp(x: Number) -> Number {
    x.map(exp_at_infinity, |x| exp_of(x).into())
}

/// `2^x`.
#[must_use]
pub fn exp2(x: Number) -> Number {
    x.map(exp_at_infinity, |x| {
        if x.exponent > LARGEST_EXPONENT {
            return exp_with_base(x, LN_2, Wide::ONE);
        }
        let k = x.to_nearest_i32();
        let rest = (x - Wide::integer(i64::from(k))) * LN_2;
        (expm1_reduced(rest) + Wide::ONE).scale(k).into()
    })
}

/// `10^x`.
#[must_use]
pub fn exp10(x: Number) -> Number {
    x.map(exp_at_infinity, |x| exp_with_base(x, LN_10, LOG2_10))
}

/// `e^x - 1`.
#[must_use]
pub fn expm1(x: Number) -> Number {
    x.map(
        |negative| {
            if negative {
                Number::ONE.negated()
            } else {
                Number::INFINITY
            }
        },
        |x| {
            if x.is_zero() {
                x.into()
            } else {
                expm1_of(x).into()
            }
        },
    )
}

/// The hyperbolic sine and cosine.
pub(crate) fn sinh_cosh_of(x: Wide) -> (Wide, Wide) {
    let less_one = expm1_of(x.abs());
    let power = less_one + Wide::ONE;
    let sine = (less_one + less_one / power).scale(-1);
    let cosine = (power + Wide::ONE / power).scale(-1);
    (sine.with_sign(x.negative), cosine)
}

/// The hyperbolic sine.
#[must_use]
pub fn sinh(x: Number) -> Number {
    x.map(Number::infinity, |x| sinh_cosh_of(x).0.into())
}

/// The hyperbolic cosine.
#[must_use]
pub fn cosh(x: Number) -> Number {
    x.map(|_| Number::INFINITY, |x| sinh_cosh_of(x).1.into())
}

/// The hyperbolic tangent.
#[must_use]
pub fn tanh(x: Number) -> Number {
    x.map(
        |negative| Number::ONE.with_sign(negative),
        |x| {
            let less_one = expm1_of(x.abs().scale(1));
            (less_one / (less_one + Wide::TWO))
                .with_sign(x.negative)
                .into()
        },
    )
}
