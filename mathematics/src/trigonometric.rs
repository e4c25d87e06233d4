//! Trigonometric functions and their inverses.

use crate::constants::{PI, PI_OVER_2, PI_OVER_4};
use crate::exponential::INVERSE_FACTORIALS;
use crate::reduction::reduce;
use crate::{Number, Wide};

/// Sine and cosine of an angle up to an eighth of a turn.
fn sin_cos_reduced(x: Wide) -> (Wide, Wide) {
    let square = x.square();
    // Each pair of terms is smaller than the last by the square, and by the factorials.
    let count = (130 / (-square.exponent).clamp(1, 130) + 1).min(17) as usize;
    let (mut sine, mut cosine) = (Wide::ZERO, Wide::ZERO);
    for n in (0..=count).rev() {
        cosine = INVERSE_FACTORIALS[2 * n] - square * cosine;
        sine = INVERSE_FACTORIALS[2 * n + 1] - square * sine;
    }
    (sine * x, cosine)
}

/// Sine and cosine of a finite number.
pub(crate) fn sin_cos_of(x: Wide) -> (Wide, Wide) {
    let (quarters, rest) = reduce(x);
    let (sine, cosine) = sin_cos_reduced(rest);
    match quarters {
        0 => (sine, cosine),
        1 => (cosine, -sine),
        2 => (-sine, -cosine),
        _ => (-cosine, sine),
    }
}

/// Sine and cosine of pi times a finite number.
pub(crate) fn sin_cos_pi_of(x: Wide) -> (Wide, Wide) {
    let (is_odd, fraction) = x.split_nearest();
    let (sine, cosine) = sin_cos_of(fraction * PI);
    if is_odd {
        (-sine, -cosine)
    } else {
        (sine, cosine)
    }
}

/// The sine.
#[must_use]
pub fn sin(x: Number) -> Number {
    x.map(
        |_| Number::Nan,
        |x| {
            if x.is_zero() {
                x.into()
            } else {
                sin_cos_of(x).0.into()
            }
        },
    )
}

/// The cosine.
#[must_use]
pub fn cos(x: Number) -> Number {
    x.map(|_| Number::Nan, |x| sin_cos_of(x).1.into())
}

/// The tangent.
#[must_use]
pub fn tan(x: Number) -> Number {
    x.map(
        |_| Number::Nan,
        |x| {
            if x.is_zero() {
                return x.into();
            }
            let (sine, cosine) = sin_cos_of(x);
            (sine / cosine).into()
        },
    )
}

/// The arc tangent of a finite number.
pub(crate) fn atan_of(x: Wide) -> Wide {
    if x.is_zero() {
        return x;
    }
    if x.exponent > 130 {
        return PI_OVER_2.with_sign(x.negative);
    }
    if x.exponent < -70 {
        return x;
    }
    // The angle is the double's, and a small one between.
    let guess = Wide::from_f64(libm::atan(x.to_f64()));
    let (sine, cosine) = sin_cos_of(guess);
    let rest = (x * cosine - sine) / (cosine + x * sine);
    guess + rest - rest * rest * rest * Wide::ratio(1, 3)
}

/// The angle of the point `(x, y)`, which are not both zero.
pub(crate) fn atan2_of(y: Wide, x: Wide) -> Wide {
    let angle = if x.is_zero() {
        PI_OVER_2
    } else {
        let angle = atan_of(y.abs() / x.abs());
        if x.negative { PI - angle } else { angle }
    };
    angle.with_sign(y.negative)
}

/// The arc tangent.
#[must_use]
pub fn atan(x: Number) -> Number {
    x.map(
        |negative| PI_OVER_2.with_sign(negative).into(),
        |x| atan_of(x).into(),
    )
}

/// The angle of the point `(x, y)`.
#[must_use]
pub fn atan2(y: Number, x: Number) -> Number {
    let negative = y.is_negative();
    let angle = match (y, x) {
        (Number::Nan, _) | (_, Number::Nan) => return Number::Nan,
        (Number::Infinite { .. }, Number::Infinite { negative: false }) => PI_OVER_4,
        (Number::Infinite { .. }, Number::Infinite { negative: true }) => PI - PI_OVER_4,
        (Number::Infinite { .. }, Number::Finite(_)) => PI_OVER_2,
        (Number::Finite(_), Number::Infinite { negative: false }) => Wide::ZERO,
        (Number::Finite(_), Number::Infinite { negative: true }) => PI,
        (Number::Finite(y), Number::Finite(x)) => match (y.is_zero(), x.negative) {
            (true, true) => PI,
            (true, false) => Wide::ZERO,
            (false, _) => atan2_of(y, x),
        },
    };
    angle.with_sign(negative).into()
}

/// `sqrt(1 - x^2)`, or nothing outside of the unit interval.
fn other_side(x: Wide) -> Option<Wide> {
    let product = (Wide::ONE - x) * (Wide::ONE + x);
    if product.negative && !product.is_zero() {
        None
    } else {
        Some(product.sqrt())
    }
}

/// The arc sine.
#[must_use]
pub fn asin(x: Number) -> Number {
    x.map(
        |_| Number::Nan,
        |x| match other_side(x) {
            None => Number::Nan,
            Some(side) => atan2_of(x, side.abs()).into(),
        },
    )
}

/// The arc cosine.
#[must_use]
pub fn acos(x: Number) -> Number {
    x.map(
        |_| Number::Nan,
        |x| match other_side(x) {
            None => Number::Nan,
            Some(side) if side.is_zero() && !x.negative => Number::ZERO,
            Some(side) => atan2_of(side.abs(), x).into(),
        },
    )
}
