//! The gamma function and its logarithm.

use core::cell::UnsafeCell;
use core::ffi::c_int;

use super::report::{Infinite, checked, checked_with_underflow};

#[repr(transparent)]
struct Sign(UnsafeCell<c_int>);

// SAFETY: there is one thread.
unsafe impl Sync for Sign {}

/// The sign of the gamma function that `lgamma` was last asked for.
#[cfg_attr(not(test), unsafe(export_name = "signgam"))]
static SIGN: Sign = Sign(UnsafeCell::new(1));

/// Sets `signgam`.
pub(super) fn set_sign(sign: c_int) {
    // SAFETY: the cell lives as long as the program, and there is one thread.
    unsafe { *SIGN.0.get() = sign };
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn lgamma_r(x: f64, sign: &mut c_int) -> f64 {
    let (result, sign_of_gamma) = libm::lgamma_r(x);
    *sign = if x == 0.0 && x.is_sign_negative() {
        -1
    } else {
        sign_of_gamma
    };
    let meaning = if x <= 0.0 {
        Infinite::Pole
    } else {
        Infinite::Overflow
    };
    checked(result, &[x], meaning)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn lgamma(x: f64) -> f64 {
    let mut sign = 1;
    let result = lgamma_r(x, &mut sign);
    set_sign(sign);
    result
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn tgamma(x: f64) -> f64 {
    let meaning = if x == 0.0 {
        Infinite::Pole
    } else {
        Infinite::Overflow
    };
    checked_with_underflow(libm::tgamma(x), &[x], meaning, || x.is_finite())
}
