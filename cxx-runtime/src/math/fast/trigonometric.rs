//! Sine and cosine: x = n pi / 2 + r, and the series of both for r.

use core::f64::consts::{FRAC_2_PI, FRAC_PI_4};

use super::exponential::TO_INTEGER;

/// Up to here the products of n with the parts of pi / 2 are exact.
const LARGEST: f64 = 1_048_576.0;
/// Smaller remainders may have lost too many bits; larger ones than a quarter of pi, and a little more, come from other
/// directions of rounding, and the series are not for them.
const REMAINDERS: core::ops::Range<f64> = 1e-9..0.79;

/// pi / 2 in parts of 33 bits and the rest.
const FIRST: f64 = 1.570_796_326_734_125_6;
const SECOND: f64 = 6.077_100_506_303_966e-11;
const REST: f64 = 2.022_266_248_795_950_6e-21;

/// Below it the sine is the angle, also of a zero with a sign.
const SMALL: f64 = 1.0 / 134_217_728.0;

/// An angle less a multiple of a right angle: as the sum of two doubles, and the multiple's last two bits.
struct Reduced {
    high: f64,
    low: f64,
    quadrant: u64,
}

#[inline(always)]
fn reduced(x: f64) -> Option<Reduced> {
    let size = x.abs();
    if size <= FRAC_PI_4 {
        return Some(Reduced {
            high: x,
            low: 0.0,
            quadrant: 0,
        });
    }
    if size > LARGEST || size.is_nan() {
        return None;
    }
    let count = x * FRAC_2_PI + TO_INTEGER;
    let whole = count - TO_INTEGER;
    let first = x - whole * FIRST;
    let second = whole * SECOND;
    let difference = first - second;
    let lost = first - difference - second;
    let rest = lost - whole * REST;
    let high = difference + rest;
    REMAINDERS.contains(&high.abs()).then_some(Reduced {
        high,
        low: difference - high + rest,
        quadrant: count.to_bits() % 4,
    })
}

/// Of at most a little more than pi / 4.
#[inline(always)]
fn sine(Reduced { high, low, .. }: &Reduced) -> f64 {
    let square = high * high;
    let fourth = square * square;
    let cube = square * high;
    let series = (1.0 / 120.0 - square * (1.0 / 5040.0))
        + fourth
            * ((1.0 / 362_880.0 - square * (1.0 / 39_916_800.0))
                + fourth
                    * ((1.0 / 6_227_020_800.0 - square * (1.0 / 1_307_674_368_000.0))
                        + fourth * (1.0 / 355_687_428_096_000.0)));
    // The derivative is the cosine: 1 - square / 2.
    high + (low + (cube * (square * series - 1.0 / 6.0) - 0.5 * square * low))
}

#[inline(always)]
fn cosine(Reduced { high, low, .. }: &Reduced) -> f64 {
    let square = high * high;
    let fourth = square * square;
    let series = (1.0 / 24.0 - square * (1.0 / 720.0))
        + fourth
            * ((1.0 / 40_320.0 - square * (1.0 / 3_628_800.0))
                + fourth
                    * ((1.0 / 479_001_600.0 - square * (1.0 / 87_178_291_200.0))
                        + fourth * (1.0 / 20_922_789_888_000.0)));
    let half = 0.5 * square;
    let first = 1.0 - half;
    // What the difference has lost, and minus the sine times the rest.
    first + ((1.0 - first - half) + (fourth * series - high * low))
}

/// The sine of an angle in a quadrant, from functions for the sine and the cosine of the rest.
#[inline(always)]
fn sine_in(quadrant: u64, sine: impl FnOnce() -> f64, cosine: impl FnOnce() -> f64) -> f64 {
    let size = if quadrant.is_multiple_of(2) {
        sine()
    } else {
        cosine()
    };
    if quadrant < 2 { size } else { -size }
}

/// The cosine: the sine one quadrant further.
#[inline(always)]
fn cosine_in(quadrant: u64, sine: impl FnOnce() -> f64, cosine: impl FnOnce() -> f64) -> f64 {
    sine_in((quadrant + 1) % 4, sine, cosine)
}

/// The sine, if the angle is not large or near a multiple of a right angle.
#[inline(always)]
pub(in crate::math) fn sin(x: f64) -> Option<f64> {
    if x.abs() < SMALL {
        return Some(x);
    }
    let angle = reduced(x)?;
    Some(sine_in(angle.quadrant, || sine(&angle), || cosine(&angle)))
}

/// The cosine, of the same.
#[inline(always)]
pub(in crate::math) fn cos(x: f64) -> Option<f64> {
    let angle = reduced(x)?;
    Some(cosine_in(
        angle.quadrant,
        || sine(&angle),
        || cosine(&angle),
    ))
}

/// Both.
#[inline(always)]
pub(in crate::math) fn sincos(x: f64) -> Option<(f64, f64)> {
    if x.abs() < SMALL {
        return Some((x, 1.0));
    }
    let angle = reduced(x)?;
    let (sine, cosine) = (sine(&angle), cosine(&angle));
    Some((
        sine_in(angle.quadrant, || sine, || cosine),
        cosine_in(angle.quadrant, || sine, || cosine),
    ))
}

/// A float less a multiple of a right angle, and the multiple's last two bits.
#[inline(always)]
fn reduced_float(x: f64) -> Option<(f64, u64)> {
    if x.abs() <= FRAC_PI_4 {
        return Some((x, 0));
    }
    if x.abs() > LARGEST || x.is_nan() {
        return None;
    }
    let count = x * FRAC_2_PI + TO_INTEGER;
    let whole = count - TO_INTEGER;
    let rest = x - whole * FIRST - (whole * SECOND + whole * REST);
    (rest.abs() < REMAINDERS.end).then(|| (rest, count.to_bits() % 4))
}

/// Not wrong by more than 2^-36 of it.
#[inline(always)]
fn sine_for_float(x: f64) -> f64 {
    let square = x * x;
    let fourth = square * square;
    let low = 1.0 / 6.0 - square * (1.0 / 120.0);
    let high = (1.0 / 5040.0 - square * (1.0 / 362_880.0)) + fourth * (1.0 / 39_916_800.0);
    x - x * square * (low + fourth * high)
}

/// Not wrong by more than 2^-36.
#[inline(always)]
fn cosine_for_float(x: f64) -> f64 {
    let square = x * x;
    let fourth = square * square;
    let low = 1.0 / 24.0 - square * (1.0 / 720.0);
    let high = (1.0 / 40_320.0 - square * (1.0 / 3_628_800.0)) + fourth * (1.0 / 479_001_600.0);
    (1.0 - 0.5 * square) + fourth * (low + fourth * high)
}

/// The sine of a float, if the angle is not large.
#[inline(always)]
pub(in crate::math) fn sinf(x: f32) -> Option<f32> {
    if x.abs() < SMALL as f32 {
        return Some(x);
    }
    let (rest, quadrant) = reduced_float(f64::from(x))?;
    Some(sine_in(quadrant, || sine_for_float(rest), || cosine_for_float(rest)) as f32)
}

/// The cosine, of the same.
#[inline(always)]
pub(in crate::math) fn cosf(x: f32) -> Option<f32> {
    let (rest, quadrant) = reduced_float(f64::from(x))?;
    Some(cosine_in(quadrant, || sine_for_float(rest), || cosine_for_float(rest)) as f32)
}
