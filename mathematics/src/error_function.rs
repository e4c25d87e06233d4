//! The error function and its complement.

use crate::constants::TWO_OVER_SQRT_PI;
use crate::exponential::exp_of;
use crate::{Number, Wide};

/// Of magnitudes up to it the complement is had by subtraction: fewer than 40 of the bits are lost.
const LARGEST_OF_SERIES: Wide = Wide::integer(5);
/// Steps of the continued fraction from there on: more bits than the widest format has, with room.
const FRACTION_STEPS: i64 = 40;

/// The error function of a magnitude: all terms of the series are positive.
fn series(x: Wide) -> Wide {
    let twice_square = x.square().scale(1);
    let (mut sum, mut term) = (Wide::ONE, Wide::ONE);
    let mut divisor = 1;
    while term.exponent > sum.exponent - 130 && !term.is_zero() {
        divisor += 2;
        term = term * twice_square / Wide::integer(divisor);
        sum = sum + term;
    }
    x * sum * exp_of(-x.square()) * TWO_OVER_SQRT_PI
}

/// The complement for magnitudes above [`LARGEST_OF_SERIES`] (DLMF, 7.9.2).
fn continued_fraction(x: Wide) -> Wide {
    let twice_square = x.square().scale(1);
    let mut tail = twice_square + Wide::integer(4 * FRACTION_STEPS + 1);
    for step in (1..=FRACTION_STEPS).rev() {
        let numerator = Wide::integer((2 * step - 1) * (2 * step));
        tail = twice_square + Wide::integer(4 * step - 3) - numerator / tail;
    }
    exp_of(-x.square()) * x * TWO_OVER_SQRT_PI / tail
}

/// The error function.
#[must_use]
pub fn erf(x: Number) -> Number {
    x.map(
        |negative| Number::ONE.with_sign(negative),
        |x| {
            let magnitude = x.abs();
            let result = if magnitude <= LARGEST_OF_SERIES {
                series(magnitude)
            } else {
                Wide::ONE - continued_fraction(magnitude)
            };
            result.with_sign(x.negative).into()
        },
    )
}

/// One minus the error function.
#[must_use]
pub fn erfc(x: Number) -> Number {
    x.map(
        |negative| {
            if negative {
                Wide::TWO.into()
            } else {
                Number::ZERO
            }
        },
        |x| {
            let magnitude = x.abs();
            let result = if magnitude <= LARGEST_OF_SERIES {
                Wide::ONE - series(magnitude).with_sign(x.negative)
            } else if x.negative {
                Wide::TWO - continued_fraction(magnitude)
            } else {
                continued_fraction(magnitude)
            };
            result.into()
        },
    )
}
