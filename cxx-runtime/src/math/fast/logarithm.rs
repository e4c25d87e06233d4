//! The logarithm of positive normal numbers: x = 2^k z, ln x = k ln 2 - ln c + ln(z c), with c near 1 / z from a table.

use core::f64::consts::LOG2_E;

use super::exponential::TO_INTEGER;
use super::products::Products;
use super::tables::LOGARITHMS;

/// Intervals of z begin here, and one of them has 1 in its middle, with c = 1.
const FIRST: u64 = 0x3fe6_9000_0000_0000;
const INTERVAL_SHIFT: u32 = 45;

/// ln 2 as a multiple of 2^-42, and the rest.
const LN_2: f64 = 0.693_147_180_559_890_3;
const LN_2_REST: f64 = 5.497_923_018_708_371e-14;

/// k, z, and the interval.
#[inline(always)]
fn split(x: f64) -> (f64, f64, usize) {
    let bits = x.to_bits();
    let offset = bits.wrapping_sub(FIRST);
    let interval = (offset >> INTERVAL_SHIFT) as usize % LOGARITHMS.len();
    let exponent = (offset.cast_signed() >> 52).cast_unsigned();
    let z = f64::from_bits(bits.wrapping_sub(exponent << 52));
    // The processor's own conversion waits for what was in the register before.
    let exponent = f64::from_bits(TO_INTEGER.to_bits().wrapping_add(exponent)) - TO_INTEGER;
    (exponent, z, interval)
}

/// ln x of a positive normal number as the sum of two doubles, not wrong by more than 2^-65 of it.
///
/// # Safety
/// The processor must have the instructions of `P`.
#[inline(always)]
pub(super) unsafe fn log_in_two<P: Products>(x: f64) -> (f64, f64) {
    let (exponent, z, interval) = split(x);
    let (reciprocal, logarithm, logarithm_rest) = LOGARITHMS[interval];
    // SAFETY: the caller's promise.
    let (product, product_rest) = unsafe { P::exact(z, reciprocal) };
    let near = product - 1.0;
    let r = near + product_rest;
    let r_rest = near - r + product_rest;

    // Multiples of 2^-42 without a rest, then sums whose errors are known.
    let whole = exponent * LN_2 + logarithm;
    let first = whole + r;
    let first_rest = (whole - first + r) + r_rest;
    // SAFETY: the caller's promise.
    let (half_square, half_square_lost) = unsafe { P::exact(-0.5 * r, r) };
    let half_square_rest = half_square_lost - r * r_rest;
    let sum = first + half_square;
    let sum_rest = first - sum + half_square;

    let square = r * r;
    let early = (1.0 / 3.0 - r * (1.0 / 4.0)) + square * (1.0 / 5.0 - r * (1.0 / 6.0));
    let late = (1.0 / 7.0 - r * (1.0 / 8.0)) + square * (1.0 / 9.0);
    let series = r * square * (early + square * square * late);
    let rest =
        (exponent * LN_2_REST + logarithm_rest) + first_rest + half_square_rest + sum_rest + series;
    let high = sum + rest;
    (high, sum - high + rest)
}

/// 128 / ln 2.
const OF_ONE: f64 = 128.0 * LOG2_E;

/// The table's logarithms of floats: to the base of the 128th root of 2.
const FINE_LOGARITHMS: [(f64, f64); 128] = {
    let mut table = [(0.0, 0.0); 128];
    let mut index = 0;
    while index < table.len() {
        let (reciprocal, logarithm, rest) = LOGARITHMS[index];
        table[index] = (reciprocal, (logarithm + rest) * OF_ONE);
        index += 1;
    }
    table
};

/// 128 times the logarithm to base 2 of a float that is positive and normal, not wrong by more than 2^-39 of it.
#[inline(always)]
pub(super) fn fine_log2(x: f32) -> f64 {
    let (exponent, z, interval) = split(f64::from(x));
    let (reciprocal, logarithm) = FINE_LOGARITHMS[interval];
    let r = z * reciprocal - 1.0;
    let square = r * r;
    let low = OF_ONE - r * (OF_ONE / 2.0);
    let high = (OF_ONE / 3.0 - r * (OF_ONE / 4.0)) + square * (OF_ONE / 5.0);
    (exponent * 128.0 + logarithm) + r * (low + square * high)
}
