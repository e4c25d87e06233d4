//! The gamma function and its logarithm.

use crate::constants::{EULER_GAMMA, HALF_LN_2_PI, LN_PI, PI, ZETA};
use crate::exponential::exp_of;
use crate::logarithm::{log_of, log1p_of};
use crate::number::{too_large, too_small};
use crate::trigonometric::sin_cos_pi_of;
use crate::{Number, Wide};

/// From here on what Stirling's series leaves out is below 2^-127.
const STIRLING_START: Wide = Wide::integer(24);

/// `B(2 n) / (2 n (2 n - 1))` for n = 1, 2, ..., of Bernoulli's numbers.
static STIRLING: [Wide; 17] = [
    Wide::ratio(1, 12),
    Wide::ratio(-1, 360),
    Wide::ratio(1, 1260),
    Wide::ratio(-1, 1680),
    Wide::ratio(1, 1188),
    Wide::ratio(-691, 360_360),
    Wide::ratio(1, 156),
    Wide::ratio(-3617, 122_400),
    Wide::ratio(43_867, 244_188),
    Wide::ratio(-174_611, 125_400),
    Wide::ratio(77_683, 5796),
    Wide::ratio(-236_364_091, 1_506_960),
    Wide::ratio(657_931, 300),
    Wide::ratio(-3_392_780_147, 93_960),
    Wide::ratio(1_723_168_255_201, 2_492_028),
    Wide::ratio(-7_709_321_041_217, 505_920),
    Wide::ratio(151_628_697_551, 396),
];

/// The logarithm of the gamma function from [`STIRLING_START`] on.
fn stirling(x: Wide) -> Wide {
    let inverse = Wide::ONE / x;
    let square = inverse.square();
    let mut sum = Wide::ZERO;
    for coefficient in STIRLING.iter().rev() {
        sum = sum * square + *coefficient;
    }
    (x - Wide::HALF) * log_of(x) - x + HALF_LN_2_PI + sum * inverse
}

/// A number from [`STIRLING_START`] on, and the product that divides its gamma function to give that of `x`.
fn shift_up(x: Wide) -> (Wide, Wide) {
    let (mut shifted, mut product) = (x, Wide::ONE);
    while shifted < STIRLING_START {
        product = product * shifted;
        shifted = shifted + Wide::ONE;
    }
    (shifted, product)
}

/// Closer to 1 than this, the logarithm is had from its power series.
const SMALL_EXPONENT: i32 = -20;

/// The logarithm of the gamma function of `1 + x`, of small `x`.
fn series_at_one(x: Wide) -> Wide {
    let mut sum = Wide::ZERO;
    for (index, zeta) in ZETA.iter().enumerate().rev() {
        let order = index as i64 + 2;
        let coefficient = *zeta * Wide::ratio(1, order);
        sum = coefficient.with_sign(order % 2 != 0) + sum * x;
    }
    x * (sum * x - EULER_GAMMA)
}

/// The logarithm of the gamma function of a positive number.
fn log_gamma_of(x: Wide) -> Wide {
    let from_one = x - Wide::ONE;
    if from_one.is_zero() {
        return Wide::ZERO;
    }
    if from_one.exponent < SMALL_EXPONENT {
        return series_at_one(from_one);
    }
    let from_two = x - Wide::TWO;
    if from_two.is_zero() {
        return Wide::ZERO;
    }
    if from_two.exponent < SMALL_EXPONENT {
        return series_at_one(from_two) + log1p_of(from_two);
    }
    let (shifted, product) = shift_up(x);
    stirling(shifted) - log_of(product)
}

/// The logarithm of the magnitude of the gamma function.
#[must_use]
pub fn lgamma(x: Number) -> Number {
    x.map(
        |_| Number::INFINITY,
        |x| {
            if x.is_zero() {
                return Number::INFINITY;
            }
            if !x.negative {
                return log_gamma_of(x).into();
            }
            if x.is_integer() {
                return Number::INFINITY;
            }
            let sine = sin_cos_pi_of(x).0.abs();
            (LN_PI - log_of(sine) - log_gamma_of(Wide::ONE - x)).into()
        },
    )
}

/// Whether the gamma function is negative there.
#[must_use]
pub fn gamma_is_negative(x: Number) -> bool {
    match x {
        Number::Finite(x) if x.is_zero() => x.negative,
        Number::Finite(x) if x.negative && !x.is_integer() => {
            // From an odd integer down to the even one below it is positive.
            sin_cos_pi_of(x).0.negative
        }
        _ => false,
    }
}

/// No format holds the gamma function from here on, nor, of negative numbers, has it above zero.
const LARGEST_EXPONENT: i32 = 12;

/// The gamma function of a positive number.
fn gamma_of(x: Wide) -> Wide {
    let (shifted, product) = shift_up(x);
    exp_of(stirling(shifted)) / product
}

/// The gamma function of a small positive integer, exactly.
fn factorial_below(x: Wide) -> Wide {
    let (mut product, mut factor) = (Wide::ONE, Wide::ONE);
    while factor < x {
        product = product * factor;
        factor = factor + Wide::ONE;
    }
    product
}

/// The gamma function.
#[must_use]
pub fn tgamma(x: Number) -> Number {
    x.map(
        |negative| {
            if negative {
                Number::Nan
            } else {
                Number::INFINITY
            }
        },
        |x| {
            if x.is_zero() {
                return Number::infinity(x.negative);
            }
            if !x.negative {
                return if x.exponent > LARGEST_EXPONENT {
                    too_large(false)
                } else if x.is_integer() && x < STIRLING_START {
                    factorial_below(x).into()
                } else {
                    gamma_of(x).into()
                };
            }
            if x.is_integer() {
                return Number::Nan;
            }
            let sine = sin_cos_pi_of(x).0;
            if x.exponent > LARGEST_EXPONENT {
                return too_small(sine.negative);
            }
            (PI / (sine * gamma_of(Wide::ONE - x))).into()
        },
    )
}
