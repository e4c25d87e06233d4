//! Elementary and special functions, real and complex, in software floating point of 128 bits.
//!
//! 1. A function computes with [`Wide`] numbers, whose 128 bits leave room for what single operations lose, and
//!    is rounded once to the format that is asked for: float, double or the x87's extended double. Results are
//!    the nearest numbers but for ties that more than 100 bits cannot tell apart, in every rounding direction.
//! 2. Special values are those of ISO C17, Annexes F and G, in one place for all formats.
//! 3. What is to be reported (errno, exceptions) follows from operands and results alone: see [`Exceptions`].
//!
//! It uses no floating point operations but for first approximations, allocates nothing and never panics.
#![no_std]
#![forbid(unsafe_code)]

mod bessel;
mod complex;
mod constants;
mod error_function;
mod evaluate;
mod exponential;
mod extremes;
mod gamma;
mod logarithm;
mod number;
mod power;
mod reduction;
mod remainder;
mod trigonometric;
mod two_over_pi;
mod wide;

pub use bessel::{j0, j1, jn, y0, y1, yn};
pub use complex::{
    Complex, cacos, cacosh, casin, casinh, catan, catanh, ccos, ccosh, cdiv, cexp, clog, clog10,
    cmul, cpow, csin, csinh, csqrt, ctan, ctanh,
};
pub use error_function::{erf, erfc};
pub use evaluate::{Exceptions, evaluate, evaluate_complex};
pub use exponential::{cosh, exp, exp2, exp10, expm1, sinh, tanh};
pub use extremes::{fmaximum, fmaximum_num, fminimum, fminimum_num, to_integer};
pub use gamma::{gamma_is_negative, lgamma, tgamma};
pub use logarithm::{acosh, asinh, atanh, log, log1p, log2, log10};
pub use number::{Extended, Format, Loss, Number, Rounding};
pub use power::{cbrt, hypot, pow, scalb, scale, significand};
pub use remainder::{fma, fmod, remainder, remquo};
pub use trigonometric::{acos, asin, atan, atan2, cos, sin, tan};
pub use wide::Wide;
