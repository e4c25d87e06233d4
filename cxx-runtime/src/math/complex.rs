//! Complex functions in three precisions.
//!
//! A `double _Complex` or `float _Complex` is passed and returned as a structure of its parts is. Of a `long double
//! _Complex` the places are known; see [`super::long_double`].

use bareflow_mathematics::{self as mathematics, Complex, Extended, Format};

use super::report::{evaluated, evaluated_complex};
use crate::arch::{self, returning_long_complex, returning_long_double};
use crate::errno;

/// Passed like C's complex type of this part.
#[derive(Clone, Copy)]
#[repr(C)]
struct Parts<F> {
    re: F,
    im: F,
}

impl<F: Format> Parts<F> {
    fn array(self) -> [F; 2] {
        [self.re, self.im]
    }

    fn of([re, im]: [F; 2]) -> Self {
        Self { re, im }
    }
}

/// A part whose sign can be turned, which every other function leaves to the rounding.
trait Negatable: Format {
    fn negated(self) -> Self;
}

impl Negatable for f32 {
    fn negated(self) -> Self {
        -self
    }
}

impl Negatable for f64 {
    fn negated(self) -> Self {
        -self
    }
}

impl Negatable for Extended {
    fn negated(self) -> Self {
        Self {
            sign_and_exponent: self.sign_and_exponent ^ 1 << 15,
            ..self
        }
    }
}

fn conjugated<F: Negatable>(z: Parts<F>) -> Parts<F> {
    Parts {
        re: z.re,
        im: z.im.negated(),
    }
}

/// All infinities are one on Riemann's sphere.
fn projected<F: Format>(z: Parts<F>) -> Parts<F> {
    if z.re.number().is_infinite() || z.im.number().is_infinite() {
        Parts {
            re: F::infinity(false),
            im: F::from_parts(z.im.number().is_negative(), 0, 0),
        }
    } else {
        z
    }
}

fn unary<F: Format>(function: fn(Complex) -> Complex, z: Parts<F>) -> Parts<F> {
    Parts::of(evaluated_complex(|[z]| function(z), [z.array()]))
}

fn length<F: Format>(z: Parts<F>) -> F {
    evaluated(|[re, im]| mathematics::hypot(re, im), z.array())
}

fn angle<F: Format>(z: Parts<F>) -> F {
    evaluated(|[re, im]| mathematics::atan2(im, re), z.array())
}

fn power<F: Format>(x: Parts<F>, y: Parts<F>) -> Parts<F> {
    Parts::of(evaluated_complex(
        |[x, y]| mathematics::cpow(x, y),
        [x.array(), y.array()],
    ))
}

fn operator(
    function: fn(Complex, Complex) -> Complex,
    x: Parts<Extended>,
    y: Parts<Extended>,
) -> Parts<Extended> {
    let number = errno::get();
    let operands = [x.array(), y.array()];
    let result = evaluated_complex(|[x, y]| function(x, y), operands);
    // An operator sets flags only.
    errno::set(number);
    Parts::of(result)
}

/// Defines functions to complex numbers of long double.
macro_rules! to_long_complex {
    ($($name:ident($($z:ident),*) = $function:expr;)*) => {
        $(
            const _: () = {
                #[repr(C)]
                struct Arguments {
                    $($z: Parts<Extended>),*
                }

                extern "C" fn implementation(result: &mut Parts<Extended>, arguments: &Arguments) {
                    let Arguments { $($z),* } = arguments;
                    *result = $function($(*$z),*);
                }

                returning_long_complex! { $name = implementation; }
            };
        )*
    };
}

// The compiler calls these for products and quotients; it passes four parts.
to_long_complex! {
    __divxc3(x, y) = |x, y| operator(mathematics::cdiv, x, y);
    __mulxc3(x, y) = |x, y| operator(mathematics::cmul, x, y);
}

/// Defines functions to complex numbers in three precisions.
macro_rules! to_complex {
    ($($double:ident, $float:ident, $long_double:ident($($z:ident),*) = $function:expr;)*) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $double($($z: Parts<f64>),*) -> Parts<f64> {
                $function($($z),*)
            }

            #[unsafe(no_mangle)]
            extern "C" fn $float($($z: Parts<f32>),*) -> arch::ComplexFloat {
                arch::complex_float($function($($z),*).array())
            }

            to_long_complex! { $long_double($($z),*) = $function; }
        )*
    };
}

/// Defines functions to real numbers in three precisions.
macro_rules! to_real {
    ($($double:ident, $float:ident, $long_double:ident = $function:expr;)*) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $double(z: Parts<f64>) -> f64 {
                $function(z)
            }

            #[unsafe(no_mangle)]
            extern "C" fn $float(z: Parts<f32>) -> f32 {
                $function(z)
            }

            const _: () = {
                extern "C" fn implementation(result: &mut Extended, z: &Parts<Extended>) {
                    *result = $function(*z);
                }

                returning_long_double! { $long_double = implementation; }
            };
        )*
    };
}

to_complex! {
    cacos, cacosf, cacosl(z) = |z| unary(mathematics::cacos, z);
    cacosh, cacoshf, cacoshl(z) = |z| unary(mathematics::cacosh, z);
    casin, casinf, casinl(z) = |z| unary(mathematics::casin, z);
    casinh, casinhf, casinhl(z) = |z| unary(mathematics::casinh, z);
    catan, catanf, catanl(z) = |z| unary(mathematics::catan, z);
    catanh, catanhf, catanhl(z) = |z| unary(mathematics::catanh, z);
    ccos, ccosf, ccosl(z) = |z| unary(mathematics::ccos, z);
    ccosh, ccoshf, ccoshl(z) = |z| unary(mathematics::ccosh, z);
    cexp, cexpf, cexpl(z) = |z| unary(mathematics::cexp, z);
    clog, clogf, clogl(z) = |z| unary(mathematics::clog, z);
    clog10, clog10f, clog10l(z) = |z| unary(mathematics::clog10, z);
    conj, conjf, conjl(z) = conjugated;
    cpow, cpowf, cpowl(x, y) = power;
    cproj, cprojf, cprojl(z) = projected;
    csin, csinf, csinl(z) = |z| unary(mathematics::csin, z);
    csinh, csinhf, csinhl(z) = |z| unary(mathematics::csinh, z);
    csqrt, csqrtf, csqrtl(z) = |z| unary(mathematics::csqrt, z);
    ctan, ctanf, ctanl(z) = |z| unary(mathematics::ctan, z);
    ctanh, ctanhf, ctanhl(z) = |z| unary(mathematics::ctanh, z);
}

to_real! {
    cabs, cabsf, cabsl = length;
    carg, cargf, cargl = angle;
    cimag, cimagf, cimagl = |z: Parts<_>| z.im;
    creal, crealf, creall = |z: Parts<_>| z.re;
}
