//! Small functions that BSD and the GNU C library add to the standard, and C23's maximum and minimum.

use core::ffi::{c_int, c_long};

use super::double::{self, scale};
use super::gamma;
use super::report::domain_error;

#[cfg(not(test))]
unsafe extern "C" {
    safe fn remainder(x: f64, y: f64) -> f64;
    safe fn remainderf(x: f32, y: f32) -> f32;
    safe fn exp10(x: f64) -> f64;
    safe fn exp10f(x: f32) -> f32;
}
#[cfg(test)]
use libm::{exp10, exp10f, remainder, remainderf};

/// Another name of a function.
macro_rules! alias {
    ($($name:ident($($argument:ident),*) = $function:path: $type:ty;)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $name($($argument: $type),*) -> $type {
                $function($($argument),*)
            }
        )*
    };
}

alias! {
    drem(x, y) = remainder: f64;
    dremf(x, y) = remainderf: f32;
    pow10(x) = exp10: f64;
    pow10f(x) = exp10f: f32;
    gamma(x) = gamma::lgamma: f64;
    fmaximum(x, y) = libm::fmaximum: f64;
    fmaximumf(x, y) = libm::fmaximumf: f32;
    fmaximum_num(x, y) = libm::fmaximum_num: f64;
    fmaximum_numf(x, y) = libm::fmaximum_numf: f32;
    fminimum(x, y) = libm::fminimum: f64;
    fminimumf(x, y) = libm::fminimumf: f32;
    fminimum_num(x, y) = libm::fminimum_num: f64;
    fminimum_numf(x, y) = libm::fminimum_numf: f32;
}

/// What can be asked of a number's kind: infinite with its sign, finite, a signaling NaN.
macro_rules! kinds {
    ($type:ty: $infinite:ident, $nan:ident, $finite:ident, $signaling:ident, $significand:ident) => {
        #[cfg_attr(not(test), unsafe(no_mangle))]
        extern "C" fn $infinite(x: $type) -> c_int {
            if x.is_infinite() {
                x.signum() as c_int
            } else {
                0
            }
        }

        #[cfg_attr(not(test), unsafe(no_mangle))]
        extern "C" fn $nan(x: $type) -> c_int {
            c_int::from(x.is_nan())
        }

        #[cfg_attr(not(test), unsafe(no_mangle))]
        extern "C" fn $finite(x: $type) -> c_int {
            c_int::from(x.is_finite())
        }

        #[cfg_attr(not(test), unsafe(no_mangle))]
        extern "C" fn $signaling(x: $type) -> c_int {
            let quiet = 1 << (<$type>::MANTISSA_DIGITS - 2);
            c_int::from(x.is_nan() && x.to_bits() & quiet == 0)
        }

        /// `x` scaled by a power of two to 1 or above, below 2.
        #[cfg_attr(not(test), unsafe(no_mangle))]
        extern "C" fn $significand(x: $type) -> $type {
            if x == 0.0 || !x.is_finite() {
                return x;
            }
            let wide = f64::from(x);
            scale(wide, -c_long::from(libm::ilogb(wide))) as $type
        }
    };
}

kinds! { f64: isinf, isnan, finite, __issignaling, significand }
kinds! { f32: isinff, isnanf, finitef, __issignalingf, significandf }

/// `x` times two to the `exponent`, which must be an integer.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn scalb(x: f64, exponent: f64) -> f64 {
    if x.is_nan() || exponent.is_nan() {
        return x + exponent;
    }
    let is_invalid = if exponent.is_infinite() {
        // Zero times infinity.
        if exponent > 0.0 {
            x == 0.0
        } else {
            x.is_infinite()
        }
    } else {
        double::roundeven(exponent) != exponent
    };
    if is_invalid {
        domain_error();
        return f64::NAN;
    }
    if exponent == f64::INFINITY {
        return x * f64::INFINITY;
    }
    if exponent == f64::NEG_INFINITY {
        return x * 0.0;
    }
    scale(x, exponent as c_long)
}
