//! Powers: x^y = e^(y ln x), with more bits of y ln x than a double has.

use super::exponential::{LARGEST, exp_of_sum, fine_exp2};
use super::logarithm::{fine_log2, log_in_two};
use super::products::Products;

/// Beyond this exponent of 2, 128 times as fine, the power of a float may overflow or be denormal.
const LARGEST_OF_FLOAT: f64 = 125.0 * 128.0;

/// The bits of the least normal numbers.
const LEAST_NORMAL: u64 = f64::MIN_POSITIVE.to_bits();
const LEAST_NORMAL_OF_FLOAT: u32 = f32::MIN_POSITIVE.to_bits();

/// x^y of a positive normal number, if that is neither very large nor very small.
///
/// # Safety
/// The processor must have the instructions of `P`.
#[inline(always)]
pub(in crate::math) unsafe fn pow<P: Products>(x: f64, y: f64) -> Option<f64> {
    // Others are beyond these, as are those with a sign.
    if x.to_bits().wrapping_sub(LEAST_NORMAL) >= f64::INFINITY.to_bits() - LEAST_NORMAL {
        return None;
    }
    // SAFETY: the caller's promise.
    let (product, rest) = unsafe {
        let (high, low) = log_in_two::<P>(x);
        let (product, lost) = P::exact(y, high);
        (product, lost + y * low)
    };
    // Not so for a NaN, nor if a factor is infinite.
    (product.abs() <= LARGEST).then(|| exp_of_sum(product, rest))
}

/// The same of floats.
#[inline(always)]
pub(in crate::math) fn powf(x: f32, y: f32) -> Option<f32> {
    if x.to_bits().wrapping_sub(LEAST_NORMAL_OF_FLOAT)
        >= f32::INFINITY.to_bits() - LEAST_NORMAL_OF_FLOAT
    {
        return None;
    }
    let exponent = f64::from(y) * fine_log2(x);
    // Not so for a NaN.
    (exponent.abs() <= LARGEST_OF_FLOAT).then(|| fine_exp2(exponent) as f32)
}
