//! The exponential function: e^x = 2^(n / 128) e^r, the former by a table, the latter by its series.

use core::f64::consts::LN_2;

use super::tables::POWERS;

/// Added to a number and subtracted again, it leaves the nearest integer, which in between is in the last bits.
pub(super) const TO_INTEGER: f64 = 6_755_399_441_055_744.0;

/// 128 / ln 2, and ln 2 / 128 in a part whose products with the integers here are exact, and the rest.
const COUNT_OF_ONE: f64 = 184.664_965_233_787_3;
const STEP: f64 = 0.005_415_212_346_633_78;
const STEP_REST: f64 = 1.490_792_913_492_646_6e-12;

/// Beyond it results may overflow or be denormal.
pub(super) const LARGEST: f64 = 700.0;

/// What e^x is made of: the power of two, what the table's entry lacks of it, and r.
#[inline(always)]
fn reduced(x: f64) -> (f64, f64, f64) {
    let count = x * COUNT_OF_ONE + TO_INTEGER;
    let whole = count - TO_INTEGER;
    let rest = (x - whole * STEP) - whole * STEP_REST;
    let (power, lost) = power_of(count);
    (power, lost, rest)
}

/// 2^(n / 128), and what the table's entry lacks of it, for n + [`TO_INTEGER`].
#[inline(always)]
fn power_of(count: f64) -> (f64, f64) {
    let count = count.to_bits();
    let (power, lost) = POWERS[(count % 128) as usize];
    let scaled = power.to_bits().wrapping_add((count / 128) << 52);
    (f64::from_bits(scaled), lost)
}

/// e^(x + tail), where x is at most [`LARGEST`] away from zero, and the tail small beside it.
#[inline(always)]
pub(super) fn exp_of_sum(x: f64, tail: f64) -> f64 {
    let (power, lost, rest) = reduced(x);
    let r = rest + tail;
    let square = r * r;
    let low = square * (1.0 / 2.0 + r * (1.0 / 6.0));
    let high = square * square * (1.0 / 24.0 + r * (1.0 / 120.0));
    power + power * (r + (lost + low + high))
}

/// 2^(x / 128), not wrong by more than 2^-37 of it, where x is at most 128 [`LARGEST`] away from zero.
#[inline(always)]
pub(super) fn fine_exp2(x: f64) -> f64 {
    const STEP: f64 = LN_2 / 128.0;
    let count = x + TO_INTEGER;
    let r = x - (count - TO_INTEGER);
    let (power, _) = power_of(count);
    let first = 1.0 + r * STEP;
    let others = STEP * STEP / 2.0 + r * (STEP * STEP * STEP / 6.0);
    power * (first + r * r * others)
}

/// e^x, if that is neither very large nor very small.
#[inline(always)]
pub(in crate::math) fn exp(x: f64) -> Option<f64> {
    (x.abs() <= LARGEST).then(|| exp_of_sum(x, 0.0))
}
