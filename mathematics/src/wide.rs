//! A number with a significand of 128 bits.

use core::cmp::Ordering;
use core::ops::{Add, Div, Mul, Neg, Sub};

/// A finite number: `significand / 2^127 * 2^exponent`, with its sign.
///
/// The highest bit of the significand is set, but for zero, whose significand is 0. Results are cut off after
/// 128 bits: each operation is wrong by less than `2^-126` of its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wide {
    pub(crate) negative: bool,
    pub(crate) exponent: i32,
    pub(crate) significand: u128,
}

/// The exponent of zero, below all others, and of what is too small or large for any format.
const ZERO_EXPONENT: i32 = -(1 << 28);
/// The exponent of what is too large for any format.
pub(crate) const HUGE_EXPONENT: i32 = 1 << 24;

const HIGHEST_BIT: u128 = 1 << 127;

impl Wide {
    pub(crate) const ZERO: Self = Self {
        negative: false,
        exponent: ZERO_EXPONENT,
        significand: 0,
    };
    pub(crate) const ONE: Self = Self::power_of_two(0);
    pub(crate) const TWO: Self = Self::power_of_two(1);
    pub(crate) const HALF: Self = Self::power_of_two(-1);

    pub(crate) const fn power_of_two(exponent: i32) -> Self {
        Self {
            negative: false,
            exponent,
            significand: HIGHEST_BIT,
        }
    }

    /// Of a positive constant's significand and exponent.
    pub(crate) const fn constant(exponent: i32, significand: u128) -> Self {
        Self {
            negative: false,
            exponent,
            significand,
        }
    }

    /// `magnitude * 2^exponent`, exactly.
    pub(crate) const fn scaled(negative: bool, magnitude: u128, exponent: i32) -> Self {
        if magnitude == 0 {
            return Self {
                negative,
                ..Self::ZERO
            };
        }
        let zeros = magnitude.leading_zeros();
        Self {
            negative,
            exponent: exponent + 127 - zeros as i32,
            significand: magnitude << zeros,
        }
    }

    pub(crate) const fn integer(value: i64) -> Self {
        Self::scaled(value < 0, value.unsigned_abs() as u128, 0)
    }

    pub(crate) const fn ratio(numerator: i64, denominator: i64) -> Self {
        Self::integer(numerator).over(Self::integer(denominator))
    }

    /// Of a finite double.
    pub(crate) fn from_f64(value: f64) -> Self {
        let bits = value.to_bits();
        let fraction = bits & ((1 << 52) - 1);
        let biased = (bits >> 52 & 0x7ff) as i32;
        let (significand, exponent) = match biased {
            0 => (fraction, -1074),
            _ => (fraction | 1 << 52, biased - 1075),
        };
        Self::scaled(value.is_sign_negative(), u128::from(significand), exponent)
    }

    /// The nearest double or the one beside it, of a number in the range of doubles.
    pub(crate) fn to_f64(self) -> f64 {
        let magnitude = libm::scalbn(
            (self.significand >> 64) as f64,
            self.exponent.max(-2000) - 63,
        );
        if self.negative { -magnitude } else { magnitude }
    }

    pub(crate) const fn is_zero(self) -> bool {
        self.significand == 0
    }

    pub(crate) const fn abs(self) -> Self {
        Self {
            negative: false,
            ..self
        }
    }

    pub(crate) const fn negated(self) -> Self {
        Self {
            negative: !self.negative,
            ..self
        }
    }

    pub(crate) const fn with_sign(self, negative: bool) -> Self {
        Self { negative, ..self }
    }

    /// Times a power of two.
    pub(crate) const fn scale(self, exponent: i32) -> Self {
        if self.is_zero() {
            return self;
        }
        Self {
            exponent: self.exponent + exponent,
            ..self
        }
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        let (large, small) = if self.is_larger_than(other) {
            (self, other)
        } else {
            (other, self)
        };
        if large.is_zero() {
            // Only two negative zeros make a negative zero.
            return large.with_sign(self.negative && other.negative);
        }
        let distance = large.exponent - small.exponent;
        if distance >= 128 || small.is_zero() {
            return large;
        }
        let aligned = small.significand >> distance;
        if large.negative == small.negative {
            let (sum, has_carry) = large.significand.overflowing_add(aligned);
            if has_carry {
                return Self {
                    exponent: large.exponent + 1,
                    significand: sum >> 1 | HIGHEST_BIT,
                    ..large
                };
            }
            return Self {
                significand: sum,
                ..large
            };
        }
        let difference = large.significand - aligned;
        if difference == 0 {
            return Self::ZERO;
        }
        Self::scaled(large.negative, difference, large.exponent - 127)
    }

    const fn is_larger_than(self, other: Self) -> bool {
        self.exponent > other.exponent
            || (self.exponent == other.exponent && self.significand > other.significand)
    }

    pub(crate) const fn minus(self, other: Self) -> Self {
        self.plus(other.negated())
    }

    pub(crate) const fn times(self, other: Self) -> Self {
        let negative = self.negative != other.negative;
        if self.is_zero() || other.is_zero() {
            return Self::ZERO.with_sign(negative);
        }
        let (high, low) = full_product(self.significand, other.significand);
        let exponent = self.exponent + other.exponent;
        if high & HIGHEST_BIT == 0 {
            Self {
                negative,
                exponent,
                significand: high << 1 | low >> 127,
            }
        } else {
            Self {
                negative,
                exponent: exponent + 1,
                significand: high,
            }
        }
    }

    /// The quotient; the divisor is not zero.
    pub(crate) const fn over(self, divisor: Self) -> Self {
        let negative = self.negative != divisor.negative;
        if self.is_zero() {
            return Self::ZERO.with_sign(negative);
        }
        let exponent = self.exponent - divisor.exponent;
        if self.significand >= divisor.significand {
            // One digit of the quotient is known: 1.
            let rest = self.significand - divisor.significand;
            Self {
                negative,
                exponent,
                significand: HIGHEST_BIT | quotient(rest, divisor.significand) >> 1,
            }
        } else {
            // Half the divisor is at most the dividend, so that the highest bit is set.
            Self {
                negative,
                exponent: exponent - 1,
                significand: quotient(self.significand, divisor.significand),
            }
        }
    }

    /// The square root of a number that is not negative.
    pub(crate) fn sqrt(self) -> Self {
        if self.is_zero() {
            return self;
        }
        let half_exponent = self.exponent.div_euclid(2);
        let reduced = self.scale(-2 * half_exponent);
        // Each step of Newton doubles the 52 right bits of the reciprocal root.
        let seed = Self::from_f64(1.0 / libm::sqrt(reduced.to_f64()));
        let correction = Self::ONE - reduced * seed * seed;
        let reciprocal = seed + (seed * correction).scale(-1);
        let root = reduced * reciprocal;
        let rest = reduced - root * root;
        (root + (rest * reciprocal).scale(-1)).scale(half_exponent)
    }

    pub(crate) fn square(self) -> Self {
        self * self
    }

    /// The nearest integer, as far as it fits.
    pub(crate) fn to_nearest_i32(self) -> i32 {
        if self.exponent < -1 {
            return 0;
        }
        if self.exponent > 29 {
            return if self.negative { -(1 << 30) } else { 1 << 30 };
        }
        let doubled = (self.significand >> (126 - self.exponent)) as i64;
        let magnitude = ((doubled + 1) >> 1) as i32;
        if self.negative { -magnitude } else { magnitude }
    }

    /// Whether it is an integer.
    pub(crate) fn is_integer(self) -> bool {
        self.is_zero() || (self.exponent >= 0 && self.fraction_bits() == 0)
    }

    /// Whether it is an odd integer.
    pub(crate) fn is_odd_integer(self) -> bool {
        self.is_integer()
            && (0..128).contains(&self.exponent)
            && self.significand >> (127 - self.exponent) & 1 == 1
    }

    fn fraction_bits(self) -> u128 {
        match self.exponent {
            127.. => 0,
            exponent => self.significand << (exponent + 1),
        }
    }

    /// The nearest integer (whether it is odd), and what is left: at most a half.
    pub(crate) fn split_nearest(self) -> (bool, Self) {
        if self.exponent < -1 {
            return (false, self);
        }
        if self.exponent >= 127 {
            return (self.is_odd_integer(), Self::ZERO.with_sign(self.negative));
        }
        let integer = match self.exponent {
            -1 => 0,
            exponent => self.significand >> (127 - exponent),
        };
        let fraction = self.abs() - Self::scaled(false, integer, 0);
        let (integer, fraction) = if fraction > Self::HALF {
            (integer + 1, fraction - Self::ONE)
        } else {
            (integer, fraction)
        };
        (
            integer & 1 == 1,
            fraction.with_sign(fraction.negative != self.negative),
        )
    }
}

/// All 256 bits of a product: the upper and the lower half.
pub(crate) const fn full_product(a: u128, b: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a_high, a_low) = (a >> 64, a & LOW);
    let (b_high, b_low) = (b >> 64, b & LOW);
    let low = a_low * b_low;
    let (cross, other_cross) = (a_low * b_high, a_high * b_low);
    let middle = (low >> 64) + (cross & LOW) + (other_cross & LOW);
    let high = a_high * b_high + (cross >> 64) + (other_cross >> 64) + (middle >> 64);
    (high, middle << 64 | low & LOW)
}

/// `dividend * 2^128 / divisor`, cut off; the dividend is less than the divisor, whose highest bit is set.
const fn quotient(dividend: u128, divisor: u128) -> u128 {
    let (high, rest) = quotient_digit(dividend, divisor);
    let (low, _) = quotient_digit(rest, divisor);
    (high as u128) << 64 | low as u128
}

/// `rest * 2^64 / divisor` and what is left (Knuth, The Art of Computer Programming, 4.3.1, algorithm D).
const fn quotient_digit(rest: u128, divisor: u128) -> (u64, u128) {
    let (divisor_high, divisor_low) = (divisor >> 64, divisor & u64::MAX as u128);
    let mut digit = rest / divisor_high;
    if digit > u64::MAX as u128 {
        digit = u64::MAX as u128;
    }
    let mut left = rest - digit * divisor_high;
    while left >> 64 == 0 && digit * divisor_low > left << 64 {
        digit -= 1;
        left += divisor_high;
    }
    let rest = (left << 64).wrapping_sub(digit * divisor_low);
    (digit as u64, rest)
}

impl Add for Wide {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.plus(other)
    }
}

impl Sub for Wide {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.minus(other)
    }
}

impl Mul for Wide {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        self.times(other)
    }
}

impl Div for Wide {
    type Output = Self;

    fn div(self, divisor: Self) -> Self {
        self.over(divisor)
    }
}

impl Neg for Wide {
    type Output = Self;

    fn neg(self) -> Self {
        self.negated()
    }
}

impl PartialOrd for Wide {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The order of values; the two zeros, which are equal in value, are told apart.
impl Ord for Wide {
    fn cmp(&self, other: &Self) -> Ordering {
        let magnitudes =
            (self.exponent, self.significand).cmp(&(other.exponent, other.significand));
        match (self.negative, other.negative) {
            (false, false) => magnitudes,
            (true, true) => magnitudes.reverse(),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }
}
