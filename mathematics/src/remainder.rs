//! What is exact but for one rounding: the remainder, and the fused multiplication and addition.

use crate::wide::full_product;
use crate::{Number, Wide};

/// `x` minus the multiple of `y` below it in magnitude; of numbers with at most 64 bits.
#[must_use]
pub fn fmod(x: Number, y: Number) -> Number {
    match (x, y) {
        (Number::Nan, _) | (_, Number::Nan) | (Number::Infinite { .. }, _) => Number::Nan,
        (Number::Finite(_), Number::Infinite { .. }) => x,
        (Number::Finite(_), Number::Finite(divisor)) if divisor.is_zero() => Number::Nan,
        (Number::Finite(x), Number::Finite(y)) => fmod_of(x, y).into(),
    }
}

fn fmod_of(x: Wide, y: Wide) -> Wide {
    if x.is_zero() || x.abs() < y.abs() {
        return x;
    }
    // Both are integers of 64 bits times a power of two.
    let divisor = y.significand >> 64;
    let mut rest = (x.significand >> 64) % divisor;
    let mut distance = (x.exponent - y.exponent) as u32;
    while distance > 0 && rest != 0 {
        let step = distance.min(64);
        rest = (rest << step) % divisor;
        distance -= step;
    }
    Wide::scaled(x.negative, rest, y.exponent - 63)
}

/// `x` minus the nearest multiple of `y`, the even one of two, and the lowest three bits of the quotient with its
/// sign; of numbers with at most 64 bits.
#[must_use]
pub fn remquo(x: Number, y: Number) -> (Number, i32) {
    match (x, y) {
        (Number::Finite(dividend), Number::Finite(divisor)) if !divisor.is_zero() => {
            let divisor_magnitude = divisor.abs();
            let mut rest = fmod_of(dividend.abs(), divisor_magnitude.scale(3));
            let mut quotient = 0;
            for bit in (0..3).rev() {
                let multiple = divisor_magnitude.scale(bit);
                if rest >= multiple {
                    rest = rest - multiple;
                    quotient += 1 << bit;
                }
            }
            let twice = rest.scale(1);
            let is_tie = twice == divisor_magnitude;
            if twice > divisor_magnitude || (is_tie && quotient & 1 == 1) {
                rest = rest - divisor_magnitude;
                quotient += 1;
            }
            let quotient = quotient & 0b111;
            let rest = rest.with_sign(rest.negative != dividend.negative);
            let is_negative = dividend.negative != divisor.negative;
            (rest.into(), if is_negative { -quotient } else { quotient })
        }
        (Number::Finite(_), Number::Infinite { .. }) => (x, 0),
        _ => (Number::Nan, 0),
    }
}

/// `x` minus the nearest multiple of `y`.
#[must_use]
pub fn remainder(x: Number, y: Number) -> Number {
    remquo(x, y).0
}

/// `x * y + z`, of numbers with at most 64 bits; rounding the result rounds once.
#[must_use]
pub fn fma(x: Number, y: Number, z: Number) -> Number {
    let negative = x.is_negative() != y.is_negative();
    match (x, y, z) {
        (Number::Nan, _, _) | (_, Number::Nan, _) => Number::Nan,
        (Number::Infinite { .. }, other, _) | (other, Number::Infinite { .. }, _)
            if other.is_zero() =>
        {
            Number::Nan
        }
        (_, _, Number::Nan) => Number::Nan,
        (Number::Infinite { .. }, _, _) | (_, Number::Infinite { .. }, _) => match z {
            Number::Infinite { negative: other } if other != negative => Number::Nan,
            _ => Number::infinity(negative),
        },
        (_, _, Number::Infinite { .. }) => z,
        (Number::Finite(x), Number::Finite(y), Number::Finite(z)) => sum_of(x * y, z).into(),
    }
}

/// A sum whose lowest bit is set if anything is below it: it rounds like the exact sum.
fn sum_of(product: Wide, addend: Wide) -> Wide {
    let (large, small) = if product.exponent >= addend.exponent {
        (product, addend)
    } else {
        (addend, product)
    };
    if small.is_zero() || large.is_zero() {
        return product + addend;
    }
    // The larger one in the upper half of 256 bits, below a bit for the carry; the smaller one aligned.
    let distance = (large.exponent - small.exponent).min(255) as u32;
    let (large_high, large_low) = (large.significand >> 1, large.significand << 127);
    let (small_high, small_low) = full_product(small.significand, 1 << 127);
    let (small_high, small_low, is_cut) = shift_right(small_high, small_low, distance);
    let (high, low, negative) = if large.negative == small.negative {
        let (low, carry) = large_low.overflowing_add(small_low);
        (
            large_high + small_high + u128::from(carry),
            low | u128::from(is_cut),
            large.negative,
        )
    } else {
        // What was cut off the smaller one is missing in the difference.
        let (low, borrow) = large_low.overflowing_sub(small_low);
        let high = large_high
            .wrapping_sub(small_high)
            .wrapping_sub(u128::from(borrow));
        if high >> 127 == 1 {
            // Equal exponents: nothing was cut.
            let (low, carry) = (!low).overflowing_add(1);
            ((!high).wrapping_add(u128::from(carry)), low, small.negative)
        } else if is_cut {
            let (low, borrow) = low.overflowing_sub(1);
            (high - u128::from(borrow), low | 1, large.negative)
        } else {
            (high, low, large.negative)
        }
    };
    if high == 0 && low == 0 {
        return Wide::ZERO;
    }
    let exponent = large.exponent + 1;
    if high == 0 {
        return Wide::scaled(negative, low, exponent - 255);
    }
    let zeros = high.leading_zeros();
    let (significand, rest) = if zeros == 0 {
        (high, low)
    } else {
        (high << zeros | low >> (128 - zeros), low << zeros)
    };
    Wide {
        negative,
        exponent: exponent - zeros as i32,
        significand: significand | u128::from(rest != 0),
    }
}

/// 256 bits shifted to the right by less than 256, and whether a bit was lost.
fn shift_right(high: u128, low: u128, distance: u32) -> (u128, u128, bool) {
    match distance {
        0 => (high, low, false),
        1..128 => (
            high >> distance,
            high << (128 - distance) | low >> distance,
            low << (128 - distance) != 0,
        ),
        128 => (0, high, low != 0),
        _ => (
            0,
            high >> (distance - 128),
            low != 0 || high << (256 - distance) != 0,
        ),
    }
}
