//! The decimal digits of a number.

use alloc::vec::Vec;

use crate::format::Rounding;

/// Nine digits to a limb.
const LIMB: u64 = 1_000_000_000;
const LIMB_DIGITS: usize = 9;

/// The digits of a magnitude: `0.d1 d2 d3 ... * 10^point`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// Values 0 to 9, the first of them not zero; what follows the last is zero. Empty for zero.
    pub digits: Vec<u8>,
    /// How many digits stand before the decimal point.
    pub point: i32,
}

/// Multiplies a number in limbs of nine digits, the lowest first.
fn multiply(limbs: &mut Vec<u32>, factor: u32) {
    let mut carry = 0;
    for limb in limbs.iter_mut() {
        carry += u64::from(*limb) * u64::from(factor);
        *limb = (carry % LIMB) as u32;
        carry /= LIMB;
    }
    while carry != 0 {
        limbs.push((carry % LIMB) as u32);
        carry /= LIMB;
    }
}

fn multiply_by_power(limbs: &mut Vec<u32>, base: u32, at_once: u32, power: u32) {
    for _ in 0..power / at_once {
        multiply(limbs, base.pow(at_once));
    }
    multiply(limbs, base.pow(power % at_once));
}

impl Decimal {
    /// All digits of `mantissa * 2^exponent`.
    #[must_use]
    pub fn exact(mantissa: u64, exponent: i32) -> Self {
        if mantissa == 0 {
            return Self {
                digits: Vec::new(),
                point: 0,
            };
        }
        let zeros = mantissa.trailing_zeros();
        let (mantissa, exponent) = (mantissa >> zeros, exponent + zeros as i32);
        let mut limbs = Vec::with_capacity(8);
        let mut rest = mantissa;
        while rest != 0 {
            limbs.push((rest % LIMB) as u32);
            rest /= LIMB;
        }
        // m * 2^-k = m * 5^k * 10^-k.
        let fraction_digits = exponent.min(0).unsigned_abs();
        if exponent > 0 {
            multiply_by_power(&mut limbs, 2, 29, exponent.unsigned_abs());
        } else {
            multiply_by_power(&mut limbs, 5, 13, fraction_digits);
        }
        let mut digits = Vec::with_capacity(limbs.len() * LIMB_DIGITS);
        for limb in limbs.iter().rev() {
            let mut place = LIMB as u32 / 10;
            for _ in 0..LIMB_DIGITS {
                digits.push((limb / place % 10) as u8);
                place = (place / 10).max(1);
            }
        }
        let leading = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..leading);
        let point = digits.len() as i32 - fraction_digits as i32;
        let mut decimal = Self { digits, point };
        decimal.trim();
        decimal
    }

    fn trim(&mut self) {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
    }

    /// Keeps `count` digits, which may be none or fewer than none (a place before the first digit), and rounds.
    pub fn round(&mut self, count: i64, is_negative: bool, rounding: Rounding) {
        let kept = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
        if kept >= self.digits.len() {
            return;
        }
        let half = if count < 0 {
            core::cmp::Ordering::Less
        } else {
            match self.digits[kept].cmp(&5) {
                core::cmp::Ordering::Equal if self.digits.len() > kept + 1 => {
                    core::cmp::Ordering::Greater
                }
                order => order,
            }
        };
        let is_odd = kept > 0 && self.digits[kept - 1] & 1 != 0;
        let is_up = rounding.is_up(is_negative, is_odd, half, false);
        let place = self.point - count as i32;
        self.digits.truncate(kept);
        if is_up {
            while let Some(digit) = self.digits.last_mut() {
                if *digit < 9 {
                    *digit += 1;
                    return;
                }
                self.digits.pop();
            }
            // One unit of the last place that is kept.
            self.digits.push(1);
            self.point = place.max(self.point) + 1;
        }
        self.trim();
        if self.digits.is_empty() {
            self.point = 0;
        }
    }
}
