//! The formats of binary floating point, and numbers of them.

/// The direction of rounding (C11 5.2.4.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest, ties to even.
    Nearest,
    /// Toward negative infinity.
    Downward,
    /// Toward positive infinity.
    Upward,
    /// Toward zero.
    TowardZero,
}

impl Rounding {
    /// Whether a magnitude is rounded up: `half` compares what is cut off with half a unit, and `is_exact` says
    /// that nothing is cut off.
    pub(crate) fn is_up(
        self,
        is_negative: bool,
        is_odd: bool,
        half: core::cmp::Ordering,
        is_exact: bool,
    ) -> bool {
        match self {
            _ if is_exact => false,
            Self::Nearest => half.is_gt() || (half.is_eq() && is_odd),
            Self::Downward => is_negative,
            Self::Upward => !is_negative,
            Self::TowardZero => false,
        }
    }
}

/// A number, or what is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// `mantissa * 2^exponent`; zero has the mantissa 0.
    Finite {
        /// The magnitude's bits.
        mantissa: u64,
        /// The exponent of two of the lowest bit.
        exponent: i32,
    },
    /// Beyond all numbers.
    Infinite,
    /// Not a number; the payload under the quiet bit.
    NotANumber(u64),
}

/// A binary format: its precision in bits, and the exponents of its lowest bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Bits of the mantissa, the leading one included.
    pub precision: u32,
    /// The exponent of two of the lowest bit of subnormal numbers.
    pub lowest: i32,
    /// The exponent of two of the lowest bit of the greatest number.
    pub highest: i32,
}

impl Format {
    /// `float`, binary32.
    pub const FLOAT: Self = Self {
        precision: 24,
        lowest: -149,
        highest: 104,
    };
    /// `double`, binary64.
    pub const DOUBLE: Self = Self {
        precision: 53,
        lowest: -1074,
        highest: 971,
    };
    /// `long double`, the x87's extended double.
    pub const EXTENDED: Self = Self {
        precision: 64,
        lowest: -16445,
        highest: 16320,
    };

    /// Takes a number apart whose bits are `fraction` and `biased`, its biased exponent.
    /// The fraction of the extended double has its leading bit.
    #[must_use]
    pub fn unpack(self, biased: u32, fraction: u64) -> Value {
        let has_leading_bit = self.precision == 64;
        let top = u32::try_from(self.highest - self.lowest + 2).unwrap_or(u32::MAX);
        let leading = 1 << (self.precision - 1);
        if biased == top {
            return match fraction & (leading - 1) {
                0 => Value::Infinite,
                payload => Value::NotANumber(payload & ((leading >> 1) - 1)),
            };
        }
        let exponent = self.lowest + i32::try_from(biased.max(1) - 1).unwrap_or(0);
        let mantissa = if biased == 0 || has_leading_bit {
            fraction
        } else {
            fraction | leading
        };
        Value::Finite { mantissa, exponent }
    }

    /// The biased exponent and the fraction of a value that is in this format.
    #[must_use]
    pub fn pack(self, value: Value) -> (u32, u64) {
        let top = u32::try_from(self.highest - self.lowest + 2).unwrap_or(u32::MAX);
        let leading = 1_u64 << (self.precision - 1);
        let has_leading_bit = self.precision == 64;
        let mask = if has_leading_bit {
            u64::MAX
        } else {
            leading - 1
        };
        match value {
            Value::Infinite => (top, leading & mask),
            Value::NotANumber(payload) => {
                let payload = payload & ((leading >> 1) - 1);
                (top, (leading | (leading >> 1) | payload) & mask)
            }
            Value::Finite { mantissa, exponent } => {
                let biased = if mantissa & leading == 0 {
                    0
                } else {
                    u32::try_from(exponent - self.lowest + 1).unwrap_or(0)
                };
                (biased, mantissa & mask)
            }
        }
    }

    /// Takes a double apart: whether it is negative, and its value.
    #[must_use]
    pub fn of_double(number: f64) -> (bool, Value) {
        let bits = number.to_bits();
        let biased = (bits >> 52) as u32 & 0x7ff;
        (
            bits >> 63 != 0,
            Self::DOUBLE.unpack(biased, bits & ((1 << 52) - 1)),
        )
    }
}
