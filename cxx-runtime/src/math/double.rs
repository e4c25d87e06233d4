//! The double functions that llvm-libc 18 lacks on this target, or has as raw x87 instructions that are
//! wrong for large arguments (sin, cos, tan): Rust's `libm`, a port of musl's.

use super::report::{Infinite, checked, checked_with_underflow, evaluated};

macro_rules! unary {
    ($($name:ident: $meaning:ident;)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            pub(super) extern "C" fn $name(x: f64) -> f64 {
                checked(libm::$name(x), &[x], Infinite::$meaning)
            }
        )*
    };
}

unary! {
    sin: Pole; cos: Pole; tan: Pole; asin: Pole; acos: Pole; atan: Pole;
    sinh: Overflow; cosh: Overflow; tanh: Pole; asinh: Pole; acosh: Pole; atanh: Pole;
    cbrt: Pole; erf: Pole;
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sincos(x: f64, sine: &mut f64, cosine: &mut f64) {
    let (sine_of_x, cosine_of_x) = libm::sincos(x);
    *sine = checked(sine_of_x, &[x], Infinite::Pole);
    *cosine = cosine_of_x;
}

/// llvm-libc 18's is wrong by hundreds of units in the last place for large negative numbers, and `libm`'s by
/// nearly four.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn exp10(x: f64) -> f64 {
    evaluated(|[x]| bareflow_mathematics::exp10(x), [x])
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn erfc(x: f64) -> f64 {
    checked_with_underflow(libm::erfc(x), &[x], Infinite::Pole, || x.is_finite())
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn atan2(y: f64, x: f64) -> f64 {
    checked_with_underflow(libm::atan2(y, x), &[y, x], Infinite::Pole, || {
        y != 0.0 && x.is_finite()
    })
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn pow(x: f64, y: f64) -> f64 {
    let meaning = if x == 0.0 {
        Infinite::Pole
    } else {
        Infinite::Overflow
    };
    checked_with_underflow(libm::pow(x, y), &[x, y], meaning, || {
        x != 0.0 && x.is_finite() && y.is_finite()
    })
}
