//! The float functions that llvm-libc 18 lacks or has slow: the double ones, rounded.

use core::ffi::c_int;

use super::report::narrow;
use super::{double, fast, gamma};

macro_rules! unary {
    ($($name:ident: $wide:path;)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $name(x: f32) -> f32 {
                narrow($wide(f64::from(x)))
            }
        )*
    };
}

unary! {
    cbrtf: double::cbrt; erfcf: double::erfc; tgammaf: gamma::tgamma; lgammaf: gamma::lgamma;
    gammaf: gamma::lgamma;
}

/// What is not computed fast is the double function, rounded.
macro_rules! angles {
    ($($name:ident: $wide:path;)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $name(x: f32) -> f32 {
                fast::$name(x).unwrap_or_else(|| narrow($wide(f64::from(x))))
            }
        )*
    };
}

angles! { sinf: double::sin; cosf: double::cos; }

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sincosf(x: f32, sine: &mut f32, cosine: &mut f32) {
    (*sine, *cosine) = (sinf(x), cosf(x));
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn atan2f(y: f32, x: f32) -> f32 {
    narrow(double::atan2(f64::from(y), f64::from(x)))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn lgammaf_r(x: f32, sign: &mut c_int) -> f32 {
    narrow(gamma::lgamma_r(f64::from(x), sign))
}
