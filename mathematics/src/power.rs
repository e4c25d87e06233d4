//! Powers, roots and scaling.

use crate::exponential::exp_of;
use crate::logarithm::log_of;
use crate::{Number, Wide};

/// `x` to the power of `y`.
#[must_use]
pub fn pow(x: Number, y: Number) -> Number {
    if y.is_zero() || x == Number::ONE {
        return Number::ONE;
    }
    let (is_integer, is_odd) = match y {
        Number::Nan => return Number::Nan,
        Number::Infinite { .. } => (true, false),
        Number::Finite(y) => (y.is_integer(), y.is_odd_integer()),
    };
    let negative = x.is_negative() && is_odd;
    // Whether the magnitude of `x` is zero, below, at or above 1, or infinite.
    let magnitude = match x {
        Number::Nan => return Number::Nan,
        Number::Infinite { .. } => {
            return if y.is_negative() {
                Number::zero(negative)
            } else {
                Number::infinity(negative)
            };
        }
        Number::Finite(x) if x.is_zero() => {
            return if y.is_negative() {
                Number::infinity(negative)
            } else {
                Number::zero(negative)
            };
        }
        Number::Finite(x) => x.abs(),
    };
    match y {
        Number::Nan => Number::Nan,
        Number::Infinite { negative } => {
            if magnitude == Wide::ONE {
                Number::ONE
            } else if (magnitude < Wide::ONE) == negative {
                Number::INFINITY
            } else {
                Number::ZERO
            }
        }
        Number::Finite(_) if x.is_negative() && !is_integer => Number::Nan,
        Number::Finite(y) => power_of(magnitude, y).with_sign(negative).into(),
    }
}

/// The largest exponent whose powers are computed by multiplication.
const SMALL_POWER: i32 = 6;

fn power_of(x: Wide, y: Wide) -> Wide {
    if y.is_integer() && y.exponent < SMALL_POWER {
        // Products keep exact powers exact.
        let mut rest = y.abs().to_nearest_i32();
        let (mut result, mut factor) = (Wide::ONE, x);
        while rest != 0 {
            if rest & 1 == 1 {
                result = result * factor;
            }
            factor = factor.square();
            rest >>= 1;
        }
        return if y.negative {
            Wide::ONE / result
        } else {
            result
        };
    }
    exp_of(log_of(x) * y)
}

/// The cube root.
#[must_use]
pub fn cbrt(x: Number) -> Number {
    x.map(Number::infinity, |x| {
        if x.is_zero() {
            return x.into();
        }
        let third = x.exponent.div_euclid(3);
        let reduced = x.abs().scale(-3 * third);
        // Newton's second step has more bits right than a number.
        let mut root = Wide::from_f64(libm::cbrt(reduced.to_f64()));
        for _ in 0..2 {
            root = root - (root - reduced / root.square()) * Wide::ratio(1, 3);
        }
        root.scale(third).with_sign(x.negative).into()
    })
}

/// The length of the vector `(x, y)`.
pub(crate) fn hypot_of(x: Wide, y: Wide) -> Wide {
    (x.square() + y.square()).sqrt()
}

/// The length of the vector `(x, y)`.
#[must_use]
pub fn hypot(x: Number, y: Number) -> Number {
    match (x, y) {
        (Number::Infinite { .. }, _) | (_, Number::Infinite { .. }) => Number::INFINITY,
        (Number::Nan, _) | (_, Number::Nan) => Number::Nan,
        (Number::Finite(x), Number::Finite(y)) => hypot_of(x, y).abs().into(),
    }
}

/// `x * 2^exponent`.
#[must_use]
pub fn scale(x: Number, exponent: i64) -> Number {
    // Beyond this range the result is zero or infinite anyway.
    let exponent = exponent.clamp(-100_000, 100_000) as i32;
    x.map(Number::infinity, |x| x.scale(exponent).into())
}

/// `x` scaled by a power of two to 1 or above, below 2.
#[must_use]
pub fn significand(x: Number) -> Number {
    x.map(Number::infinity, |x| {
        if x.is_zero() {
            x.into()
        } else {
            x.scale(-x.exponent).into()
        }
    })
}

/// `x * 2^exponent`, of an exponent that must be an integer.
#[must_use]
pub fn scalb(x: Number, exponent: Number) -> Number {
    match exponent {
        Number::Nan => Number::Nan,
        Number::Finite(exponent) if !exponent.is_integer() => Number::Nan,
        Number::Finite(exponent) => scale(x, i64::from(exponent.to_nearest_i32())),
        // Zero times infinity is not defined.
        Number::Infinite { negative: false } if x.is_zero() => Number::Nan,
        Number::Infinite { negative: true } if x.is_infinite() => Number::Nan,
        Number::Infinite { negative: true } => x.map(|_| Number::Nan, |x| Number::zero(x.negative)),
        Number::Infinite { negative: false } => {
            x.map(Number::infinity, |x| Number::infinity(x.negative))
        }
    }
}
