//! Numbers with infinities and NaN, and the formats that they are read from and rounded to.

use crate::Wide;
use crate::wide::HUGE_EXPONENT;

/// What a function takes and returns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Not a number.
    Nan,
    /// An infinity.
    Infinite {
        /// Whether it is the negative one.
        negative: bool,
    },
    /// Zero, with its sign, or any other finite number.
    Finite(Wide),
}

impl Number {
    pub(crate) const INFINITY: Self = Self::Infinite { negative: false };
    pub(crate) const ZERO: Self = Self::Finite(Wide::ZERO);
    pub(crate) const ONE: Self = Self::Finite(Wide::ONE);

    pub(crate) const fn zero(negative: bool) -> Self {
        Self::Finite(Wide::ZERO.with_sign(negative))
    }

    pub(crate) const fn infinity(negative: bool) -> Self {
        Self::Infinite { negative }
    }

    /// Whether it is not a number.
    #[must_use]
    pub const fn is_nan(self) -> bool {
        matches!(self, Self::Nan)
    }

    /// Whether it is an infinity.
    #[must_use]
    pub const fn is_infinite(self) -> bool {
        matches!(self, Self::Infinite { .. })
    }

    /// Whether it is neither an infinity nor NaN.
    #[must_use]
    pub const fn is_finite(self) -> bool {
        matches!(self, Self::Finite(_))
    }

    /// Whether it is a zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        matches!(self, Self::Finite(value) if value.is_zero())
    }

    /// Whether its sign is set; NaN has none.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        match self {
            Self::Nan => false,
            Self::Infinite { negative } => negative,
            Self::Finite(value) => value.negative,
        }
    }

    pub(crate) const fn with_sign(self, negative: bool) -> Self {
        match self {
            Self::Nan => Self::Nan,
            Self::Infinite { .. } => Self::Infinite { negative },
            Self::Finite(value) => Self::Finite(value.with_sign(negative)),
        }
    }

    pub(crate) const fn abs(self) -> Self {
        self.with_sign(false)
    }

    pub(crate) const fn negated(self) -> Self {
        self.with_sign(!self.is_negative())
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nan, _) | (_, Self::Nan) => Self::Nan,
            (Self::Finite(a), Self::Finite(b)) => (a + b).into(),
            (Self::Finite(_), infinity) | (infinity, Self::Finite(_)) => infinity,
            (a, b) if a == b => a,
            _ => Self::Nan,
        }
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        self.plus(other.negated())
    }

    pub(crate) fn times(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nan, _) | (_, Self::Nan) => Self::Nan,
            (Self::Finite(a), Self::Finite(b)) => (a * b).into(),
            _ if self.is_zero() || other.is_zero() => Self::Nan,
            _ => Self::infinity(self.is_negative() != other.is_negative()),
        }
    }

    /// The function's value for a finite number, and `at_infinity` for an infinity, given its sign.
    pub(crate) fn map(
        self,
        at_infinity: impl FnOnce(bool) -> Self,
        function: impl FnOnce(Wide) -> Self,
    ) -> Self {
        match self {
            Self::Nan => Self::Nan,
            Self::Infinite { negative } => at_infinity(negative),
            Self::Finite(value) => function(value),
        }
    }
}

impl From<Wide> for Number {
    fn from(value: Wide) -> Self {
        Self::Finite(value)
    }
}

/// Where a result between two numbers of a format goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest; to the even one of two.
    Nearest,
    /// Towards negative infinity.
    Down,
    /// Towards positive infinity.
    Up,
    /// Towards zero.
    TowardZero,
}

/// What rounding did to a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// It is too large for the format.
    pub overflow: bool,
    /// It is below the format's normal numbers, and not exact.
    pub underflow: bool,
}

/// A rounded magnitude: zero, or `significand * 2^exponent` with the significand's highest bit at the
/// format's precision or, in subnormal numbers, below.
struct Rounded {
    significand: u64,
    exponent: i32,
    loss: Loss,
}

/// A binary floating point format of at most 64 bits of significand.
pub trait Format: Copy {
    /// Bits of significand.
    const PRECISION: u32;
    /// The exponent of the smallest normal number, a power of two.
    const MIN_EXPONENT: i32;
    /// The exponent of the largest numbers.
    const MAX_EXPONENT: i32;

    /// The number.
    fn number(self) -> Number;

    /// The sign, and the bits from [`Format::PRECISION`]: a significand, and a biased exponent that is 0 for
    /// subnormal numbers and zero.
    fn from_parts(negative: bool, biased_exponent: u16, significand: u64) -> Self;

    /// The same, of a NaN a quiet one.
    fn quieted(self) -> Self;

    /// Whether it is a NaN that raises an exception.
    fn is_signaling(self) -> bool;

    /// A NaN that is quiet.
    fn nan() -> Self {
        let biased = (Self::MAX_EXPONENT + 1 + Self::MAX_EXPONENT) as u16;
        Self::from_parts(false, biased, 0b11 << (Self::PRECISION - 2))
    }

    /// An infinity.
    fn infinity(negative: bool) -> Self {
        let biased = (Self::MAX_EXPONENT + 1 + Self::MAX_EXPONENT) as u16;
        Self::from_parts(negative, biased, 1 << (Self::PRECISION - 1))
    }

    /// The nearest number of the format in the direction, and what was lost.
    fn round(number: Number, rounding: Rounding) -> (Self, Loss) {
        let value = match number {
            Number::Nan => return (Self::nan(), Loss::default()),
            Number::Infinite { negative } => return (Self::infinity(negative), Loss::default()),
            Number::Finite(value) => value,
        };
        let rounded = round::<Self>(value, rounding);
        if rounded.loss.overflow {
            let is_finite = match rounding {
                Rounding::Nearest => false,
                Rounding::TowardZero => true,
                Rounding::Down => !value.negative,
                Rounding::Up => value.negative,
            };
            let result = if is_finite {
                let biased = (2 * Self::MAX_EXPONENT) as u16;
                let significand = u64::MAX >> (64 - Self::PRECISION);
                Self::from_parts(value.negative, biased, significand)
            } else {
                Self::infinity(value.negative)
            };
            return (result, rounded.loss);
        }
        let is_normal = rounded.significand >> (Self::PRECISION - 1) != 0;
        let biased = if is_normal {
            (rounded.exponent + Self::PRECISION as i32 - 1 + Self::MAX_EXPONENT) as u16
        } else {
            0
        };
        (
            Self::from_parts(value.negative, biased, rounded.significand),
            rounded.loss,
        )
    }
}

fn round<F: Format>(value: Wide, rounding: Rounding) -> Rounded {
    let precision = F::PRECISION as i32;
    // The exponent of the last place.
    let place = value.exponent.max(F::MIN_EXPONENT) - (precision - 1);
    if value.is_zero() {
        return Rounded {
            significand: 0,
            exponent: place,
            loss: Loss::default(),
        };
    }
    // How many of the 128 bits are below it.
    let cut = place - (value.exponent - 127);
    let (kept, is_half_or_more, is_exact_half, is_exact) = match cut {
        129.. => (0, false, false, false),
        128 => (0, true, value.significand == 1 << 127, false),
        _ => {
            let half = 1_u128 << (cut - 1);
            let rest = value.significand & ((half << 1) - 1);
            (
                (value.significand >> cut) as u64,
                rest >= half,
                rest == half,
                rest == 0,
            )
        }
    };
    let is_up = match rounding {
        Rounding::Nearest => is_half_or_more && (!is_exact_half || kept & 1 == 1),
        Rounding::TowardZero => false,
        Rounding::Up => !is_exact && !value.negative,
        Rounding::Down => !is_exact && value.negative,
    };
    let mut significand = kept;
    let mut exponent = place;
    if is_up {
        match significand.checked_add(1) {
            Some(sum) if sum >> (precision - 1) <= 1 => significand = sum,
            _ => {
                significand = 1 << (precision - 1);
                exponent += 1;
            }
        }
    }
    let overflow =
        significand >> (precision - 1) != 0 && exponent + precision - 1 > F::MAX_EXPONENT;
    Rounded {
        significand,
        exponent,
        loss: Loss {
            overflow,
            underflow: value.exponent < F::MIN_EXPONENT && !is_exact,
        },
    }
}

/// The number of a format's fields.
fn number_of<F: Format>(negative: bool, biased_exponent: u16, significand: u64) -> Number {
    let place = 1 - F::MAX_EXPONENT - (F::PRECISION as i32 - 1);
    if i32::from(biased_exponent) == 2 * F::MAX_EXPONENT + 1 {
        let fraction = significand & ((1 << (F::PRECISION - 1)) - 1);
        return if fraction == 0 {
            Number::Infinite { negative }
        } else {
            Number::Nan
        };
    }
    let exponent = place + i32::from(biased_exponent.max(1)) - 1;
    Number::Finite(Wide::scaled(negative, u128::from(significand), exponent))
}

macro_rules! interchange_format {
    ($type:ident, $bits:ident) => {
        impl Format for $type {
            const PRECISION: u32 = $type::MANTISSA_DIGITS;
            const MIN_EXPONENT: i32 = $type::MIN_EXP - 1;
            const MAX_EXPONENT: i32 = $type::MAX_EXP - 1;

            fn number(self) -> Number {
                let bits = self.to_bits();
                let fraction_bits = Self::PRECISION - 1;
                let fraction = bits & ((1 << fraction_bits) - 1);
                let biased = bits << 1 >> (fraction_bits + 1);
                let implicit = if biased == 0 { 0 } else { 1 << fraction_bits };
                number_of::<Self>(
                    self.is_sign_negative(),
                    biased as u16,
                    u64::from(fraction | implicit),
                )
            }

            fn quieted(self) -> Self {
                if self.is_nan() {
                    Self::from_bits(self.to_bits() | 1 << (Self::PRECISION - 2))
                } else {
                    self
                }
            }

            fn is_signaling(self) -> bool {
                self.is_nan() && self.to_bits() & 1 << (Self::PRECISION - 2) == 0
            }

            fn from_parts(negative: bool, biased_exponent: u16, significand: u64) -> Self {
                let fraction_bits = Self::PRECISION - 1;
                let sign = $bits::from(negative) << ($bits::BITS - 1);
                let fraction = significand as $bits & ((1 << fraction_bits) - 1);
                Self::from_bits(sign | $bits::from(biased_exponent) << fraction_bits | fraction)
            }
        }
    };
}

interchange_format!(f32, u32);
interchange_format!(f64, u64);

/// The x87's extended format, as it lies in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(16))]
pub struct Extended {
    /// The significand, with its highest bit.
    pub significand: u64,
    /// The sign, and 15 bits of exponent.
    pub sign_and_exponent: u16,
}

impl Format for Extended {
    const PRECISION: u32 = 64;
    const MIN_EXPONENT: i32 = -16382;
    const MAX_EXPONENT: i32 = 16383;

    fn number(self) -> Number {
        number_of::<Self>(
            self.sign_and_exponent >> 15 != 0,
            self.sign_and_exponent & 0x7fff,
            self.significand,
        )
    }

    fn quieted(self) -> Self {
        if self.number().is_nan() {
            Self {
                significand: self.significand | 1 << 62,
                ..self
            }
        } else {
            self
        }
    }

    fn is_signaling(self) -> bool {
        self.number().is_nan() && self.significand >> 62 & 1 == 0
    }

    fn from_parts(negative: bool, biased_exponent: u16, significand: u64) -> Self {
        Self {
            significand,
            sign_and_exponent: u16::from(negative) << 15 | biased_exponent,
        }
    }
}

/// A number beyond every format, which rounds to an infinity.
pub(crate) const fn too_large(negative: bool) -> Number {
    Number::Finite(Wide::power_of_two(HUGE_EXPONENT).with_sign(negative))
}

/// A number below every format, which rounds to zero.
pub(crate) const fn too_small(negative: bool) -> Number {
    Number::Finite(Wide::power_of_two(-HUGE_EXPONENT).with_sign(negative))
}
