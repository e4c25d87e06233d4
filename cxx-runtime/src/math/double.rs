//! The double functions that llvm-libc 18 lacks on this target, or has as raw x87 instructions that are
//! wrong for large arguments (sin, cos, tan): Rust's `libm`, a port of musl's.

use bareflow_mathematics::Rounding;

use super::chosen;
use super::fast::{self, ByHalves, ByInstruction};
use super::report::{Infinite, checked, checked_with_underflow, evaluated, rounding, underflow};

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
    tan: Pole; asin: Pole; acos: Pole; atan: Pole;
    sinh: Overflow; cosh: Overflow; tanh: Pole; asinh: Pole; acosh: Pole; atanh: Pole;
    cbrt: Pole; erf: Pole;
}

/// What is not computed fast is computed by `libm`.
macro_rules! angles {
    ($($name:ident)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            pub(super) extern "C" fn $name(x: f64) -> f64 {
                fast::$name(x).unwrap_or_else(|| checked(libm::$name(x), &[x], Infinite::Pole))
            }
        )*
    };
}

angles! { sin cos }

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn sincos(x: f64, sine: &mut f64, cosine: &mut f64) {
    (*sine, *cosine) = fast::sincos(x).unwrap_or_else(|| {
        let (sine_of_x, cosine_of_x) = libm::sincos(x);
        (checked(sine_of_x, &[x], Infinite::Pole), cosine_of_x)
    });
}

/// Results that are small or not finite are common, and quickly told.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn exp(x: f64) -> f64 {
    /// Below it results are less than half of the least number.
    const ZERO_BELOW: f64 = -746.0;
    if let Some(result) = fast::exp(x) {
        return result;
    }
    if x < ZERO_BELOW && rounding() == Rounding::Nearest {
        if x.is_finite() {
            underflow();
        }
        return 0.0;
    }
    evaluated(|[x]| bareflow_mathematics::exp(x), [x])
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

/// What is not computed fast, and its errors.
#[cold]
fn other_pow(x: f64, y: f64) -> f64 {
    let meaning = if x == 0.0 {
        Infinite::Pole
    } else {
        Infinite::Overflow
    };
    checked_with_underflow(libm::pow(x, y), &[x, y], meaning, || {
        x != 0.0 && x.is_finite() && y.is_finite()
    })
}

pub(super) unsafe extern "C" fn pow_by_halves(x: f64, y: f64) -> f64 {
    // SAFETY: every processor has the instructions.
    unsafe { fast::pow::<ByHalves>(x, y) }.unwrap_or_else(|| other_pow(x, y))
}

#[target_feature(enable = "avx,fma")]
pub(super) unsafe extern "C" fn pow_by_instruction(x: f64, y: f64) -> f64 {
    // SAFETY: the processor has the instructions, as this function asks.
    unsafe { fast::pow::<ByInstruction>(x, y) }.unwrap_or_else(|| other_pow(x, y))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn pow(x: f64, y: f64) -> f64 {
    // SAFETY: what was chosen is what the processor has.
    unsafe { (chosen::functions().pow)(x, y) }
}
