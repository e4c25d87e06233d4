//! Natural numbers of any size, in limbs of 32 bits; the lowest limb comes first.

use alloc::vec::Vec;

/// A natural number without leading zero limbs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Natural(Vec<u32>);

const FIVES_AT_ONCE: u32 = 13;

impl Natural {
    pub(crate) fn new(value: u64) -> Self {
        let mut number = Self(alloc::vec![value as u32, (value >> 32) as u32]);
        number.trim();
        number
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn bits(&self) -> u32 {
        match self.0.last() {
            None => 0,
            Some(top) => self.0.len() as u32 * 32 - top.leading_zeros(),
        }
    }

    /// Multiplies and adds.
    pub(crate) fn multiply_add(&mut self, factor: u32, summand: u32) {
        let mut carry = u64::from(summand);
        for limb in &mut self.0 {
            carry += u64::from(*limb) * u64::from(factor);
            *limb = carry as u32;
            carry >>= 32;
        }
        if carry != 0 {
            self.0.push(carry as u32);
        }
    }

    pub(crate) fn multiply_by_power_of_five(&mut self, power: u32) {
        for _ in 0..power / FIVES_AT_ONCE {
            self.multiply_add(5_u32.pow(FIVES_AT_ONCE), 0);
        }
        self.multiply_add(5_u32.pow(power % FIVES_AT_ONCE), 0);
    }

    pub(crate) fn shift_left(&mut self, count: u32) {
        if self.is_zero() {
            return;
        }
        let bits = count % 32;
        if bits != 0 {
            let mut carry = 0;
            for limb in &mut self.0 {
                let next = *limb >> (32 - bits);
                *limb = *limb << bits | carry;
                carry = next;
            }
            if carry != 0 {
                self.0.push(carry);
            }
        }
        let limbs = (count / 32) as usize;
        self.0.splice(0..0, core::iter::repeat_n(0, limbs));
    }

    /// The 64 bits from `low` on.
    fn window(&self, low: u32) -> u64 {
        let limb = |index: usize| u128::from(self.0.get(index).copied().unwrap_or(0));
        let index = (low / 32) as usize;
        ((limb(index) | limb(index + 1) << 32 | limb(index + 2) << 64) >> (low % 32)) as u64
    }

    /// The leading bits, at least 65 if there are as many, the place of their lowest, and whether one below is set.
    pub(crate) fn leading_bits(&self) -> (u128, u32, bool) {
        let below = self.0.len().saturating_sub(4);
        let leading = self.0[below..]
            .iter()
            .rev()
            .fold(0, |sum, limb| sum << 32 | u128::from(*limb));
        let is_inexact = self.0[..below].iter().any(|limb| *limb != 0);
        (leading, below as u32 * 32, is_inexact)
    }

    fn is_less_than(&self, other: &Self) -> bool {
        let lengths = self.0.len().cmp(&other.0.len());
        lengths
            .then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
            .is_lt()
    }

    /// Takes `factor` times `divisor` away, which is not more than there is.
    fn subtract_multiple(&mut self, divisor: &Self, factor: u32) {
        let (mut carry, mut borrow) = (0_u64, false);
        for (index, limb) in self.0.iter_mut().enumerate() {
            carry += u64::from(divisor.0.get(index).copied().unwrap_or(0)) * u64::from(factor);
            let (difference, first) = limb.overflowing_sub(carry as u32);
            let (difference, second) = difference.overflowing_sub(u32::from(borrow));
            *limb = difference;
            borrow = first || second;
            carry >>= 32;
        }
        self.trim();
    }

    /// The quotient, which must fit in 128 bits, and whether something is left.
    ///
    /// It is found about 29 bits at a time, by estimates from leading bits that are never too great.
    pub(crate) fn divide(mut self, divisor: &Self) -> (u128, bool) {
        let low = divisor.bits().saturating_sub(32);
        let top = divisor.window(low);
        let mut quotient = 0_u128;
        while !self.is_less_than(divisor) {
            let shift = (self.bits() - divisor.bits()).saturating_sub(29);
            // Not zero but where nothing is shifted, and there the divisor goes in at least once.
            let estimate = (self.window(low + shift) / (top + 1)).max(1) as u32;
            let mut shifted = divisor.clone();
            shifted.shift_left(shift);
            self.subtract_multiple(&shifted, estimate);
            quotient += u128::from(estimate) << shift;
        }
        (quotient, !self.is_zero())
    }
}
