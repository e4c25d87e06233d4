//! The float functions that llvm-libc 18 lacks: the double ones, rounded.

use core::ffi::c_int;

use super::report::narrow;
use super::{double, gamma};

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

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn atan2f(y: f32, x: f32) -> f32 {
    narrow(double::atan2(f64::from(y), f64::from(x)))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn lgammaf_r(x: f32, sign: &mut c_int) -> f32 {
    narrow(gamma::lgamma_r(f64::from(x), sign))
}
