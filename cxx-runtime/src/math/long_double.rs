//! The long double functions that llvm-libc 18 lacks.
//!
//! Rust has no type for the x87's extended double. So each function is the same few instructions around a Rust function
//! that is given the places of the result and of the arguments, and whatever else is passed, up to two integers.

use core::ffi::{c_int, c_long, c_longlong};

use bareflow_mathematics::{self as mathematics, Extended, Format, Rounding};

use super::gamma::{set_sign, sign_of_gamma};
use super::report::{domain_error, evaluated, rounding};
use crate::arch::{self, returning_integer, returning_long_double};

/// Defines functions of numbers only.
macro_rules! plain {
    ($($name:ident($($operand:ident),*) = $function:ident;)*) => {
        $(
            const _: () = {
                extern "C" fn implementation(
                    result: &mut Extended,
                    arguments: &[Extended; [$(stringify!($operand)),*].len()],
                ) {
                    *result = evaluated(
                        |[$($operand),*]| mathematics::$function($($operand),*),
                        *arguments,
                    );
                }

                returning_long_double! { $name = implementation; }
            };
        )*
    };
}

plain! {
    acosl(x) = acos;
    acoshl(x) = acosh;
    asinl(x) = asin;
    asinhl(x) = asinh;
    atanl(x) = atan;
    atanhl(x) = atanh;
    cbrtl(x) = cbrt;
    cosl(x) = cos;
    coshl(x) = cosh;
    erfl(x) = erf;
    erfcl(x) = erfc;
    expl(x) = exp;
    exp2l(x) = exp2;
    exp10l(x) = exp10;
    expm1l(x) = expm1;
    j0l(x) = j0;
    j1l(x) = j1;
    logl(x) = log;
    log10l(x) = log10;
    log1pl(x) = log1p;
    log2l(x) = log2;
    pow10l(x) = exp10;
    significandl(x) = significand;
    sinl(x) = sin;
    sinhl(x) = sinh;
    tanl(x) = tan;
    tanhl(x) = tanh;
    tgammal(x) = tgamma;
    y0l(x) = y0;
    y1l(x) = y1;
    atan2l(x, y) = atan2;
    fmaximuml(x, y) = fmaximum;
    fmaximum_numl(x, y) = fmaximum_num;
    fminimuml(x, y) = fminimum;
    fminimum_numl(x, y) = fminimum_num;
    fmodl(x, y) = fmod;
    dreml(x, y) = remainder;
    remainderl(x, y) = remainder;
    hypotl(x, y) = hypot;
    powl(x, y) = pow;
    scalbl(x, y) = scalb;
    fmal(x, y, z) = fma;
}

extern "C" fn jnl_of(result: &mut Extended, x: &Extended, order: c_int) {
    *result = evaluated(|[x]| mathematics::jn(order, x), [*x]);
}

extern "C" fn ynl_of(result: &mut Extended, x: &Extended, order: c_int) {
    *result = evaluated(|[x]| mathematics::yn(order, x), [*x]);
}

/// The compiler calls it for powers of integers.
extern "C" fn powixf2_of(result: &mut Extended, x: &Extended, exponent: c_int) {
    let exponent = f64::from(exponent).number();
    *result = evaluated(|[x]| mathematics::pow(x, exponent), [*x]);
}

extern "C" fn scalbnl_of(result: &mut Extended, x: &Extended, exponent: c_int) {
    scalblnl_of(result, x, exponent.into());
}

extern "C" fn nearbyintl_of(result: &mut Extended, x: &Extended) {
    *result = evaluated(|[x]| mathematics::to_integer(x, rounding()), [*x]);
}

extern "C" fn roundevenl_of(result: &mut Extended, x: &Extended) {
    *result = evaluated(|[x]| mathematics::to_integer(x, Rounding::Nearest), [*x]);
}

extern "C" fn remquol_of(result: &mut Extended, arguments: &[Extended; 2], quotient: &mut c_int) {
    *result = evaluated(
        |[x, y]| {
            let (rest, low_bits) = mathematics::remquo(x, y);
            *quotient = low_bits;
            rest
        },
        *arguments,
    );
}

/// The processor's root is rounded once.
extern "C" fn sqrtl_of(result: &mut Extended, x: &Extended) {
    let number = x.number();
    if number.is_negative() && !number.is_zero() {
        domain_error();
    }
    arch::store_root(x, result);
}

extern "C" fn scalblnl_of(result: &mut Extended, x: &Extended, exponent: c_long) {
    *result = evaluated(|[x]| mathematics::scale(x, exponent as c_longlong), [*x]);
}

extern "C" fn lgammal_r_of(result: &mut Extended, x: &Extended, sign: &mut c_int) {
    *result = evaluated(|[x]| mathematics::lgamma(x), [*x]);
    *sign = sign_of_gamma(*x);
}

extern "C" fn lgammal_of(result: &mut Extended, x: &Extended) {
    let mut sign = 1;
    lgammal_r_of(result, x, &mut sign);
    set_sign(sign);
}

returning_long_double! {
    __powixf2 = powixf2_of;
    gammal = lgammal_of;
    ldexpl = scalbnl_of;
    nearbyintl = nearbyintl_of;
    remquol = remquol_of;
    roundevenl = roundevenl_of;
    scalbnl = scalbnl_of;
    sqrtl = sqrtl_of;
    jnl = jnl_of;
    lgammal = lgammal_of;
    lgammal_r = lgammal_r_of;
    scalblnl = scalblnl_of;
    ynl = ynl_of;
}

extern "C" fn isinfl_of(x: &Extended) -> c_int {
    let number = x.number();
    match (number.is_infinite(), number.is_negative()) {
        (true, true) => -1,
        (true, false) => 1,
        (false, _) => 0,
    }
}

extern "C" fn isnanl_of(x: &Extended) -> c_int {
    c_int::from(x.number().is_nan())
}

extern "C" fn finitel_of(x: &Extended) -> c_int {
    c_int::from(x.number().is_finite())
}

extern "C" fn issignalingl_of(x: &Extended) -> c_int {
    c_int::from(x.is_signaling())
}

/// The integer below in magnitude, modulo 2^128.
fn truncated(x: Extended) -> u128 {
    let place = i32::from(x.sign_and_exponent & 0x7fff) - 16383 - 63;
    let significand = u128::from(x.significand);
    let magnitude = if place < 0 {
        significand.checked_shr(place.unsigned_abs())
    } else {
        significand.checked_shl(place.unsigned_abs())
    };
    let magnitude = magnitude.unwrap_or(0);
    if x.sign_and_exponent >> 15 == 0 {
        magnitude
    } else {
        magnitude.wrapping_neg()
    }
}

/// The compiler calls it to convert to an integer of 128 bits, with or without a sign.
extern "C" fn fixxfti_of(x: &Extended) -> u128 {
    truncated(*x)
}

/// The places of sine and cosine are the first and the second integer.
extern "C" fn sincosl_of(x: &Extended, _: usize, sine: &mut Extended, cosine: &mut Extended) {
    *sine = evaluated(|[x]| mathematics::sin(x), [*x]);
    *cosine = evaluated(|[x]| mathematics::cos(x), [*x]);
}

returning_integer! {
    __fixunsxfti = fixxfti_of;
    __fixxfti = fixxfti_of;
    __issignalingl = issignalingl_of;
    finitel = finitel_of;
    isinfl = isinfl_of;
    isnanl = isnanl_of;
    sincosl = sincosl_of;
}
