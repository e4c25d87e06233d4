//! Functions that are exact or rounded once, whatever the direction of rounding; with errors reported, as
//! llvm-libc's are not.

use core::ffi::{c_int, c_long};

use bareflow_mathematics::Rounding;

use super::report::{
    Infinite, checked, checked_with_underflow, domain_error, evaluated, narrow, rounding,
};
use super::{chosen, double, fast};

/// `x` times two to the `exponent`.
fn scale(x: f64, exponent: c_long) -> f64 {
    // Beyond this range the result is zero or infinite anyway.
    let result = libm::scalbn(x, exponent.clamp(-10_000, 10_000) as c_int);
    checked_with_underflow(result, &[x], Infinite::Overflow, || x != 0.0)
}

macro_rules! scaling {
    ($($double:ident, $float:ident: $exponent:ty;)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $double(x: f64, exponent: $exponent) -> f64 {
                scale(x, exponent.into())
            }

            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $float(x: f32, exponent: $exponent) -> f32 {
                narrow(scale(f64::from(x), exponent.into()))
            }
        )*
    };
}

scaling! {
    ldexp, ldexpf: c_int;
    scalbln, scalblnf: c_long;
    scalbn, scalbnf: c_int;
}

/// What is special the double function does: a float has too few bits for what it loses.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn powf(x: f32, y: f32) -> f32 {
    // SAFETY: what was chosen is what the processor has.
    unsafe { (chosen::functions().powf)(x, y) }
}

pub(super) unsafe extern "C" fn powf_of_any(x: f32, y: f32) -> f32 {
    fast::powf(x, y).unwrap_or_else(|| narrow(double::pow(f64::from(x), f64::from(y))))
}

/// The same with instructions of three operands.
#[target_feature(enable = "avx,fma")]
pub(super) unsafe extern "C" fn powf_of_avx(x: f32, y: f32) -> f32 {
    fast::powf(x, y).unwrap_or_else(|| narrow(double::pow(f64::from(x), f64::from(y))))
}

macro_rules! functions {
    (
        $type:ident: $sqrt:ident, $fmod:ident, $remainder:ident, $remquo:ident, $round:ident, $roundeven:ident,
        $nearbyint:ident, $trunc:ident
    ) => {
        #[cfg_attr(not(test), unsafe(no_mangle))]
        extern "C" fn $sqrt(x: $type) -> $type {
            if x < 0.0 {
                domain_error();
            }
            libm::$sqrt(x)
        }

        #[cfg_attr(not(test), unsafe(no_mangle))]
        extern "C" fn $fmod(x: $type, y: $type) -> $type {
            let result = libm::$fmod(x, y);
            checked(result.into(), &[x.into(), y.into()], Infinite::Pole);
            result
        }

        #[cfg_attr(not(test), unsafe(no_mangle))]
        pub(super) extern "C" fn $remainder(x: $type, y: $type) -> $type {
            let result = libm::$remainder(x, y);
            checked(result.into(), &[x.into(), y.into()], Infinite::Pole);
            result
        }

        #[cfg_attr(not(test), unsafe(no_mangle))]
        extern "C" fn $remquo(x: $type, y: $type, quotient: &mut c_int) -> $type {
            let (result, low_bits) = libm::$remquo(x, y);
            *quotient = low_bits;
            checked(result.into(), &[x.into(), y.into()], Infinite::Pole);
            result
        }

        #[cfg_attr(not(test), unsafe(no_mangle))]
        extern "C" fn $round(x: $type) -> $type {
            let integer = libm::$trunc(x);
            // The difference is exact.
            if (x - integer).abs() >= 0.5 {
                integer + (1.0 as $type).copysign(x)
            } else {
                integer
            }
        }

        #[cfg_attr(not(test), unsafe(no_mangle))]
        extern "C" fn $roundeven(x: $type) -> $type {
            evaluated(
                |[x]| bareflow_mathematics::to_integer(x, Rounding::Nearest),
                [x],
            )
        }

        #[cfg_attr(not(test), unsafe(no_mangle))]
        extern "C" fn $nearbyint(x: $type) -> $type {
            evaluated(|[x]| bareflow_mathematics::to_integer(x, rounding()), [x])
        }
    };
}

functions! { f64: sqrt, fmod, remainder, remquo, round, roundeven, nearbyint, trunc }
functions! { f32: sqrtf, fmodf, remainderf, remquof, roundf, roundevenf, nearbyintf, truncf }
