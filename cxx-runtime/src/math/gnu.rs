//! Small functions that BSD and the GNU C library add to the standard, and C23's maximum and minimum.

use core::ffi::c_int;

use bareflow_mathematics::Format;

use super::report::evaluated;
use super::{double, exact, gamma};

#[cfg(not(test))]
unsafe extern "C" {
    safe fn exp10f(x: f32) -> f32;
}
#[cfg(test)]
use libm::exp10f;

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
    drem(x, y) = exact::remainder: f64;
    dremf(x, y) = exact::remainderf: f32;
    pow10(x) = double::exp10: f64;
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
    ($type:ty: $infinite:ident, $nan:ident, $finite:ident, $signaling:ident) => {
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
            c_int::from(x.is_signaling())
        }
    };
}

kinds! { f64: isinf, isnan, finite, __issignaling }
kinds! { f32: isinff, isnanf, finitef, __issignalingf }

macro_rules! scaling {
    ($type:ty: $significand:ident, $scalb:ident) => {
        #[cfg_attr(not(test), unsafe(no_mangle))]
        extern "C" fn $significand(x: $type) -> $type {
            evaluated(|[x]| bareflow_mathematics::significand(x), [x])
        }

        #[cfg_attr(not(test), unsafe(no_mangle))]
        extern "C" fn $scalb(x: $type, exponent: $type) -> $type {
            evaluated(
                |[x, exponent]| bareflow_mathematics::scalb(x, exponent),
                [x, exponent],
            )
        }
    };
}

scaling! { f64: significand, scalb }
scaling! { f32: significandf, scalbf }
