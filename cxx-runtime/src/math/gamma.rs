//! The gamma function and its logarithm.

use core::cell::UnsafeCell;
use core::ffi::c_int;

use bareflow_mathematics::{Format, gamma_is_negative};

use super::report::{Infinite, checked, evaluated};

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
    // A double is too narrow beside the zeros between negative integers.
    if x <= 0.0 {
        *sign = sign_of_gamma(x);
        return evaluated(|[x]| bareflow_mathematics::lgamma(x), [x]);
    }
    *sign = 1;
    checked(libm::lgamma(x), &[x], Infinite::Overflow)
}

/// The sign of the gamma function there.
pub(super) fn sign_of_gamma<F: Format>(x: F) -> c_int {
    if gamma_is_negative(x.number()) { -1 } else { 1 }
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
    evaluated(|[x]| bareflow_mathematics::tgamma(x), [x])
}
