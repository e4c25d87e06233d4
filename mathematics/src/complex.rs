//! Complex functions: finite operands by formulas that lose nothing to cancellation (W. Kahan, 1987), the others
//! by the tables of ISO C17, Annex G.6.

use crate::constants::{LOG10_E, PI};
use crate::exponential::{exp_of, sinh_cosh_of};
use crate::logarithm::{asinh_of, log_of, log1p_of};
use crate::power::hypot_of;
use crate::trigonometric::{atan2, atan2_of, sin_cos_of};
use crate::{Number, Wide, exp, tanh};

/// A complex number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Complex {
    /// The real part.
    pub re: Number,
    /// The imaginary part.
    pub im: Number,
}

/// A complex number with finite parts.
#[derive(Clone, Copy)]
struct Finite {
    re: Wide,
    im: Wide,
}

const NAN: Number = Number::Nan;

const fn complex(re: Number, im: Number) -> Complex {
    Complex { re, im }
}

impl Complex {
    fn finite(self) -> Option<Finite> {
        match (self.re, self.im) {
            (Number::Finite(re), Number::Finite(im)) => Some(Finite { re, im }),
            _ => None,
        }
    }

    fn is_zero(self) -> bool {
        self.re.is_zero() && self.im.is_zero()
    }

    fn has_infinity(self) -> bool {
        self.re.is_infinite() || self.im.is_infinite()
    }

    /// Times i.
    fn turned(self) -> Self {
        complex(self.im.negated(), self.re)
    }

    /// Divided by i.
    fn turned_back(self) -> Self {
        complex(self.im, self.re.negated())
    }

    /// With the signs of another number.
    fn with_signs_of(self, other: Self) -> Self {
        complex(
            self.re.with_sign(other.re.is_negative()),
            self.im.with_sign(other.im.is_negative()),
        )
    }
}

impl From<Finite> for Complex {
    fn from(value: Finite) -> Self {
        complex(value.re.into(), value.im.into())
    }
}

impl Finite {
    fn conjugate(self) -> Self {
        Self {
            re: self.re,
            im: -self.im,
        }
    }

    fn plus_one(self) -> Self {
        Self {
            re: self.re + Wide::ONE,
            im: self.im,
        }
    }

    fn one_minus(self) -> Self {
        Self {
            re: Wide::ONE - self.re,
            im: -self.im,
        }
    }

    fn times(self, other: Self) -> Self {
        Self {
            re: self.re * other.re - self.im * other.im,
            im: self.re * other.im + self.im * other.re,
        }
    }

    /// The root in the right half plane; the cut is along the negative numbers, its side told by a zero's sign.
    fn sqrt(self) -> Self {
        if self.re.is_zero() && self.im.is_zero() {
            return Self {
                re: Wide::ZERO,
                im: self.im,
            };
        }
        let large = ((self.re.abs() + hypot_of(self.re, self.im)).scale(-1)).sqrt();
        let small = self.im.abs() / large.scale(1);
        let (re, im) = if self.re.negative {
            (small, large)
        } else {
            (large, small)
        };
        Self {
            re,
            im: im.with_sign(self.im.negative),
        }
    }

    /// The logarithm of the length, of a number that is not zero.
    fn log_of_length(self) -> Wide {
        let (re, im) = (self.re.square(), self.im.square());
        let square = re + im;
        if square.exponent == 0 || square.exponent == -1 {
            // Near the unit circle: the square less one, without rounding 1 into it.
            let (large, small) = if re > im {
                (self.re, im)
            } else {
                (self.im, re)
            };
            let large = large.abs();
            let excess = (large - Wide::ONE) * (large + Wide::ONE) + small;
            log1p_of(excess).scale(-1)
        } else {
            log_of(square).scale(-1)
        }
    }
}

/// A magnitude with the signs of a point on the unit circle; the angle is finite.
fn on_circle(magnitude: Number, angle: Wide) -> Complex {
    let (sine, cosine) = sin_cos_of(angle);
    complex(
        magnitude.with_sign(cosine.negative),
        magnitude.with_sign(sine.negative),
    )
}

/// The exponential function.
#[must_use]
pub fn cexp(z: Complex) -> Complex {
    let Complex { re, im } = z;
    match (re, im) {
        (_, Number::Finite(angle)) if angle.is_zero() => complex(exp(re), im),
        (Number::Finite(re), Number::Finite(angle)) => {
            let length = exp_of(re);
            let (sine, cosine) = sin_cos_of(angle);
            Finite {
                re: length * cosine,
                im: length * sine,
            }
            .into()
        }
        (Number::Infinite { negative: true }, Number::Finite(angle)) => {
            on_circle(Number::ZERO, angle)
        }
        (Number::Infinite { negative: false }, Number::Finite(angle)) => {
            on_circle(Number::INFINITY, angle)
        }
        (Number::Infinite { negative: true }, _) => complex(Number::ZERO, Number::ZERO),
        (Number::Infinite { negative: false }, _) => complex(Number::INFINITY, NAN),
        _ => complex(NAN, NAN),
    }
}

/// The natural logarithm.
#[must_use]
pub fn clog(z: Complex) -> Complex {
    let angle = atan2(z.im, z.re);
    let length = match z.finite() {
        None if z.has_infinity() => Number::INFINITY,
        None => return complex(NAN, NAN),
        Some(_) if z.is_zero() => Number::infinity(true),
        Some(finite) => finite.log_of_length().into(),
    };
    complex(length, angle)
}

/// The decimal logarithm.
#[must_use]
pub fn clog10(z: Complex) -> Complex {
    let Complex { re, im } = clog(z);
    let scale = |part: Number| part.map(Number::infinity, |part| (part * LOG10_E).into());
    complex(scale(re), scale(im))
}

/// The square root in the right half plane.
#[must_use]
pub fn csqrt(z: Complex) -> Complex {
    let Complex { re, im } = z;
    match (re, im) {
        (Number::Finite(re), Number::Finite(im)) => Finite { re, im }.sqrt().into(),
        (_, Number::Infinite { .. }) => complex(Number::INFINITY, im),
        (Number::Infinite { negative: false }, Number::Finite(_)) => {
            complex(Number::INFINITY, Number::zero(im.is_negative()))
        }
        (Number::Infinite { negative: true }, Number::Finite(_)) => {
            complex(Number::ZERO, Number::infinity(im.is_negative()))
        }
        (Number::Infinite { negative: false }, _) => complex(Number::INFINITY, NAN),
        (Number::Infinite { negative: true }, _) => complex(NAN, Number::INFINITY),
        _ => complex(NAN, NAN),
    }
}

/// A product, part by part.
fn product(x: Complex, y: Complex) -> Complex {
    complex(
        x.re.times(y.re).minus(x.im.times(y.im)),
        x.re.times(y.im).plus(x.im.times(y.re)),
    )
}

/// One in the directions of the infinities, and zero in those of other parts.
fn directions(z: Complex) -> Complex {
    let direction = |part: Number| {
        let magnitude = if part.is_infinite() {
            Number::ONE
        } else {
            Number::ZERO
        };
        magnitude.with_sign(part.is_negative())
    };
    complex(direction(z.re), direction(z.im))
}

/// Zero for each part that is not a number.
fn without_nan(z: Complex) -> Complex {
    let number = |part: Number| if part.is_nan() { Number::ZERO } else { part };
    complex(number(z.re), number(z.im))
}

/// The product; of an infinity and what is not zero it is an infinity.
#[must_use]
pub fn cmul(x: Complex, y: Complex) -> Complex {
    let result = product(x, y);
    let is_infinite = x.has_infinity() || y.has_infinity();
    if !(result.re.is_nan() && result.im.is_nan() && is_infinite) {
        return result;
    }
    let boxed = |z: Complex| {
        if z.has_infinity() {
            directions(z)
        } else {
            without_nan(z)
        }
    };
    let Complex { re, im } = product(boxed(x), boxed(y));
    complex(Number::INFINITY.times(re), Number::INFINITY.times(im))
}

/// The quotient; of what is not zero and zero it is an infinity.
#[must_use]
pub fn cdiv(x: Complex, y: Complex) -> Complex {
    let conjugate = complex(y.re, y.im.negated());
    if y.is_zero() && !(x.re.is_nan() && x.im.is_nan()) {
        let infinity = Number::infinity(y.re.is_negative());
        return complex(infinity.times(x.re), infinity.times(x.im));
    }
    match (x.finite(), y.finite()) {
        (_, Some(divisor)) if x.has_infinity() => {
            let Complex { re, im } = product(directions(x), Complex::from(divisor.conjugate()));
            complex(Number::INFINITY.times(re), Number::INFINITY.times(im))
        }
        (Some(dividend), _) if y.has_infinity() => {
            let Complex { re, im } = product(dividend.into(), directions(conjugate));
            complex(Number::ZERO.times(re), Number::ZERO.times(im))
        }
        (Some(dividend), Some(divisor)) => {
            let square = divisor.re.square() + divisor.im.square();
            let Finite { re, im } = dividend.times(divisor.conjugate());
            Finite {
                re: re / square,
                im: im / square,
            }
            .into()
        }
        _ => complex(NAN, NAN),
    }
}

/// `x` to the power of `y`.
#[must_use]
pub fn cpow(x: Complex, y: Complex) -> Complex {
    if y.is_zero() {
        return complex(Number::ONE, Number::ZERO);
    }
    if x.is_zero() {
        // Only a positive real part of the exponent leads to zero.
        return match y.finite() {
            Some(power) if !power.re.negative && !power.re.is_zero() => {
                complex(Number::ZERO, Number::ZERO)
            }
            Some(power) if power.re.negative && power.im.is_zero() => {
                complex(Number::INFINITY, NAN)
            }
            _ => complex(NAN, NAN),
        };
    }
    let logarithm = clog(x);
    match (logarithm.finite(), y.finite()) {
        (Some(logarithm), Some(power)) => cexp(power.times(logarithm).into()),
        _ => cexp(product(y, logarithm)),
    }
}

/// The hyperbolic sine.
#[must_use]
pub fn csinh(z: Complex) -> Complex {
    let Complex { re, im } = z;
    match (re, im) {
        (Number::Finite(re), Number::Finite(im)) => {
            let (hyperbolic_sine, hyperbolic_cosine) = sinh_cosh_of(re);
            let (sine, cosine) = sin_cos_of(im);
            Finite {
                re: hyperbolic_sine * cosine,
                im: if im.is_zero() {
                    im
                } else {
                    hyperbolic_cosine * sine
                },
            }
            .into()
        }
        (Number::Infinite { .. }, Number::Finite(angle)) if angle.is_zero() => z,
        (Number::Infinite { negative }, Number::Finite(angle)) => {
            let Complex { re, im } = on_circle(Number::INFINITY, angle);
            complex(re.with_sign(re.is_negative() != negative), im)
        }
        (Number::Infinite { .. }, _) => complex(re, NAN),
        (Number::Finite(part), _) if part.is_zero() => complex(re, NAN),
        (Number::Nan, _) if im.is_zero() => complex(NAN, im),
        _ => complex(NAN, NAN),
    }
}

/// The hyperbolic cosine.
#[must_use]
pub fn ccosh(z: Complex) -> Complex {
    let Complex { re, im } = z;
    match (re, im) {
        (Number::Finite(re), Number::Finite(im)) => {
            let (hyperbolic_sine, hyperbolic_cosine) = sinh_cosh_of(re);
            let (sine, cosine) = sin_cos_of(im);
            Finite {
                re: hyperbolic_cosine * cosine,
                im: if im.is_zero() {
                    Wide::ZERO.with_sign(im.negative != re.negative)
                } else {
                    hyperbolic_sine * sine
                },
            }
            .into()
        }
        (Number::Infinite { negative }, Number::Finite(angle)) if angle.is_zero() => {
            complex(Number::INFINITY, Number::zero(angle.negative != negative))
        }
        (Number::Infinite { negative }, Number::Finite(angle)) => {
            let Complex { re, im } = on_circle(Number::INFINITY, angle);
            complex(re, im.with_sign(im.is_negative() != negative))
        }
        (Number::Infinite { .. }, _) => complex(Number::INFINITY, NAN),
        (Number::Finite(part), _) if part.is_zero() => complex(NAN, Number::ZERO),
        (Number::Nan, _) if im.is_zero() => complex(NAN, im),
        _ => complex(NAN, NAN),
    }
}

/// Beyond this the hyperbolic tangent is one but for what no format holds beside it.
const TANH_IS_ONE: i32 = 14;

/// The hyperbolic tangent.
#[must_use]
pub fn ctanh(z: Complex) -> Complex {
    let Complex { re, im } = z;
    match (re, im) {
        (_, Number::Finite(angle)) if angle.is_zero() => complex(tanh(re), im),
        (Number::Finite(re), Number::Finite(im)) => {
            let (sine, cosine) = sin_cos_of(im);
            let turn = sine * cosine;
            if re.exponent >= TANH_IS_ONE {
                let small = exp_of(-re.abs().scale(1)).scale(2) * turn;
                return complex(Number::ONE.with_sign(re.negative), small.into());
            }
            let (hyperbolic_sine, hyperbolic_cosine) = sinh_cosh_of(re);
            let divisor = hyperbolic_sine.square() + cosine.square();
            Finite {
                re: if re.is_zero() {
                    re
                } else {
                    hyperbolic_sine * hyperbolic_cosine / divisor
                },
                im: turn / divisor,
            }
            .into()
        }
        (Number::Infinite { negative }, Number::Finite(angle)) => {
            let (sine, cosine) = sin_cos_of(angle);
            complex(
                Number::ONE.with_sign(negative),
                Number::zero(sine.negative != cosine.negative),
            )
        }
        (Number::Infinite { negative }, _) => {
            complex(Number::ONE.with_sign(negative), Number::ZERO)
        }
        (Number::Finite(part), _) if part.is_zero() => complex(re, NAN),
        _ => complex(NAN, NAN),
    }
}

/// The inverse hyperbolic sine.
#[must_use]
pub fn casinh(z: Complex) -> Complex {
    match (z.re, z.im) {
        (Number::Finite(_), Number::Finite(_)) => casin(z.turned()).turned_back(),
        (Number::Infinite { .. }, Number::Nan) => complex(z.re, NAN),
        (Number::Nan, im) if im.is_zero() => complex(NAN, im),
        (Number::Nan, Number::Infinite { .. }) => complex(Number::INFINITY, NAN),
        (Number::Nan, _) | (_, Number::Nan) => complex(NAN, NAN),
        _ => complex(Number::INFINITY, atan2(z.im.abs(), z.re.abs())).with_signs_of(z),
    }
}

/// The arc sine.
#[must_use]
pub fn casin(z: Complex) -> Complex {
    let Some(finite) = z.finite() else {
        return casinh(z.turned()).turned_back();
    };
    if z.is_zero() {
        return z;
    }
    let upper = finite.plus_one().sqrt();
    let lower = finite.one_minus().sqrt();
    let re = atan2_of_finite(finite.re, lower.re * upper.re - lower.im * upper.im);
    let im = asinh_of(lower.conjugate().times(upper).im);
    complex(re.into(), im.into()).with_signs_of(z)
}

/// The angle of a point that may be the origin.
fn atan2_of_finite(y: Wide, x: Wide) -> Wide {
    if y.is_zero() {
        if x.negative {
            PI.with_sign(y.negative)
        } else {
            y
        }
    } else {
        atan2_of(y, x)
    }
}

/// The arc cosine.
#[must_use]
pub fn cacos(z: Complex) -> Complex {
    let negative = !z.im.is_negative();
    if let Some(finite) = z.finite() {
        let upper = finite.plus_one().sqrt();
        let lower = finite.one_minus().sqrt();
        let re = atan2_of_finite(lower.re, upper.re).scale(1);
        let im = asinh_of(upper.conjugate().times(lower).im);
        return complex(re.abs().into(), Number::from(im).with_sign(negative));
    }
    match (z.re, z.im) {
        (Number::Infinite { .. }, Number::Nan) => complex(NAN, Number::INFINITY),
        (Number::Nan, Number::Infinite { .. }) => complex(NAN, Number::infinity(negative)),
        (re, Number::Nan) if re.is_zero() => complex(atan2(Number::ONE, Number::ZERO), NAN),
        (Number::Nan, _) | (_, Number::Nan) => complex(NAN, NAN),
        _ => complex(atan2(z.im.abs(), z.re), Number::infinity(negative)),
    }
}

/// The inverse hyperbolic cosine.
#[must_use]
pub fn cacosh(z: Complex) -> Complex {
    let arc = cacos(z);
    if z.re.is_nan() && z.im.is_nan() {
        return arc;
    }
    // The result is the arc cosine, turned into the right half plane.
    if z.im.is_nan() {
        return complex(arc.im.abs(), arc.re);
    }
    complex(arc.im.abs(), arc.re.with_sign(z.im.is_negative()))
}

/// The inverse hyperbolic tangent.
#[must_use]
pub fn catanh(z: Complex) -> Complex {
    let Complex { re, im } = z;
    let quarter_turn = || atan2(Number::ONE.with_sign(im.is_negative()), Number::ZERO);
    match (re, im) {
        (Number::Finite(x), Number::Finite(y)) => {
            let gap = Wide::ONE - x.abs();
            let square = y.square();
            let distance = gap.square() + square;
            let real = if distance.is_zero() {
                Number::infinity(x.negative)
            } else if x.is_zero() {
                re
            } else {
                let ratio = x.abs().scale(2) / distance;
                log1p_of(ratio).scale(-2).with_sign(x.negative).into()
            };
            let sum = gap * (Wide::ONE + x.abs()) - square;
            let angle = if distance.is_zero() {
                y
            } else {
                atan2_of_finite(y.scale(1), sum).scale(-1)
            };
            complex(real, angle.with_sign(y.negative).into())
        }
        (_, Number::Infinite { .. }) => complex(Number::zero(re.is_negative()), quarter_turn()),
        (Number::Infinite { negative }, Number::Finite(_)) => {
            complex(Number::zero(negative), quarter_turn())
        }
        (Number::Infinite { negative }, Number::Nan) => complex(Number::zero(negative), NAN),
        (Number::Finite(x), Number::Nan) if x.is_zero() => complex(re, NAN),
        _ => complex(NAN, NAN),
    }
}

/// A function of the angle by its hyperbolic one: `f(i z) = i g(z)`.
macro_rules! turned {
    ($($(#[$documentation:meta])* $name:ident = $hyperbolic:ident;)*) => {
        $(
            $(#[$documentation])*
            #[must_use]
            pub fn $name(z: Complex) -> Complex {
                $hyperbolic(z.turned()).turned_back()
            }
        )*
    };
}

turned! {
    /// The sine.
    csin = csinh;
    /// The tangent.
    ctan = ctanh;
    /// The arc tangent.
    catan = catanh;
}

/// The cosine.
#[must_use]
pub fn ccos(z: Complex) -> Complex {
    ccosh(z.turned())
}
