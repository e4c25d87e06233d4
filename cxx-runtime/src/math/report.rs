//! How errors of mathematical functions are reported: in `errno` and in the exception flags (ISO C 7.12.1).

use core::ffi::c_int;

use bareflow_mathematics::{
    Complex, Exceptions, Format, Number, Rounding, evaluate, evaluate_complex,
};

use crate::arch::{Direction, rounding_direction};
use crate::errno::{self, EDOM, ERANGE};

const FE_DIVBYZERO: c_int = 1;
const FE_INVALID: c_int = 4;
const FE_OVERFLOW: c_int = 8;
const FE_UNDERFLOW: c_int = 16;

fn raise(exceptions: c_int) {
    #[cfg(not(test))]
    {
        unsafe extern "C" {
            safe fn feraiseexcept(exceptions: c_int) -> c_int;
        }
        feraiseexcept(exceptions);
    }
    // The host's tests do not look at the flags.
    #[cfg(test)]
    let _ = exceptions;
}

/// The function is not defined there.
#[cold]
pub(super) fn domain_error() {
    errno::set(EDOM);
    raise(FE_INVALID);
}

/// The function has an infinity there.
#[cold]
pub(super) fn pole_error() {
    errno::set(ERANGE);
    raise(FE_DIVBYZERO);
}

/// The result is too large for its type.
#[cold]
pub(super) fn overflow() {
    errno::set(ERANGE);
    raise(FE_OVERFLOW);
}

/// The result is too small for its type.
#[cold]
pub(super) fn underflow() {
    errno::set(ERANGE);
    raise(FE_UNDERFLOW);
}

/// What an infinite result of finite operands means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Infinite {
    Pole,
    Overflow,
}

#[cold]
fn report_not_finite(result: f64, operands: &[f64], meaning: Infinite) {
    if result.is_nan() {
        if !operands.iter().any(|operand| operand.is_nan()) {
            domain_error();
        }
    } else if operands.iter().all(|operand| operand.is_finite()) {
        match meaning {
            Infinite::Pole => pole_error(),
            Infinite::Overflow => overflow(),
        }
    }
}

/// Reports what a result that is not finite means, and returns it.
#[inline]
pub(super) fn checked(result: f64, operands: &[f64], meaning: Infinite) -> f64 {
    if !result.is_finite() {
        report_not_finite(result, operands, meaning);
    }
    result
}

/// Like [`checked`], of a function that rounds to zero where it `has_underflow`.
#[inline]
pub(super) fn checked_with_underflow(
    result: f64,
    operands: &[f64],
    meaning: Infinite,
    has_underflow: impl FnOnce() -> bool,
) -> f64 {
    if result == 0.0 && has_underflow() {
        underflow();
    }
    checked(result, operands, meaning)
}

/// The double result of a float function, rounded; reports what only the float is too small or large for.
pub(super) fn narrow(result: f64) -> f32 {
    let rounded = result as f32;
    if rounded.is_infinite() && result.is_finite() {
        overflow();
    } else if rounded == 0.0 && result != 0.0 {
        underflow();
    }
    rounded
}

/// The rounding direction that the program has set.
pub(super) fn rounding() -> Rounding {
    match rounding_direction() {
        Direction::Nearest => Rounding::Nearest,
        Direction::Down => Rounding::Down,
        Direction::Up => Rounding::Up,
        Direction::TowardZero => Rounding::TowardZero,
    }
}

#[cold]
fn report(exceptions: Exceptions) {
    if exceptions.invalid {
        domain_error();
    }
    if exceptions.division_by_zero {
        pole_error();
    }
    if exceptions.overflow {
        overflow();
    }
    if exceptions.underflow {
        underflow();
    }
}

/// The function's result, rounded as the program has set; what is to be reported is, and a NaN is passed on.
pub(super) fn evaluated<F: Format, const N: usize>(
    function: impl FnOnce([Number; N]) -> Number,
    operands: [F; N],
) -> F {
    let (result, exceptions) = evaluate(function, operands, rounding());
    if exceptions != Exceptions::default() {
        report(exceptions);
    }
    if operands.iter().any(|operand| operand.is_signaling()) {
        raise(FE_INVALID);
    }
    if !result.number().is_nan() {
        return result;
    }
    let nan = operands.iter().find(|operand| operand.number().is_nan());
    nan.map_or(result, |nan| nan.quieted())
}

/// The same of complex numbers, each its real and its imaginary part.
pub(super) fn evaluated_complex<F: Format, const N: usize>(
    function: impl FnOnce([Complex; N]) -> Complex,
    operands: [[F; 2]; N],
) -> [F; 2] {
    let (result, exceptions) = evaluate_complex(function, operands, rounding());
    if exceptions != Exceptions::default() {
        report(exceptions);
    }
    result
}
