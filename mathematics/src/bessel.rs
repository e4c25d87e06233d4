//! Bessel functions of integer order, of the first and the second kind (DLMF, chapter 10).

use core::ops::ControlFlow;

use crate::constants::{EULER_GAMMA, ONE_OVER_PI, SQRT_HALF};
use crate::logarithm::log_of;
use crate::number::{too_large, too_small};
use crate::trigonometric::sin_cos_of;
use crate::wide::HUGE_EXPONENT;
use crate::{Number, Wide};

/// From here on Hankel's expansion (10.17.3) has more bits than its terms are wide.
const ASYMPTOTIC_START: Wide = Wide::integer(52);

/// A function of the first kind and of the second.
#[derive(Clone, Copy)]
struct Pair {
    first: Wide,
    second: Wide,
}

/// The functions of order 0 or 1 for large positive numbers.
fn asymptotic(order: i64, x: Wide) -> Pair {
    let inverse = Wide::ONE / x.scale(3);
    let mut term = Wide::ONE;
    // The sums of the terms at even and at odd places, with alternating signs.
    let mut sums = [Wide::ZERO; 2];
    let mut place: i64 = 0;
    while term.exponent > -135 && !term.is_zero() {
        let sum = &mut sums[(place % 2) as usize];
        *sum = if place % 4 < 2 {
            *sum + term
        } else {
            *sum - term
        };
        place += 1;
        let factor = 4 * order * order - (2 * place - 1) * (2 * place - 1);
        term = term * inverse * Wide::ratio(factor, place);
    }
    let [even, odd] = sums;
    let (sine, cosine) = sin_cos_of(x);
    // Of the phase x - pi / 4 - order * pi / 2.
    let (phase_sine, phase_cosine) = if order == 0 {
        (sine - cosine, sine + cosine)
    } else {
        (-(sine + cosine), sine - cosine)
    };
    let amplitude = (ONE_OVER_PI.scale(1) / x).sqrt() * SQRT_HALF;
    Pair {
        first: amplitude * (even * phase_cosine - odd * phase_sine),
        second: amplitude * (even * phase_sine + odd * phase_cosine),
    }
}

/// Calls `visit` with the orders from above `order` down to 0 and a number proportional to the function of the
/// first kind (J. C. P. Miller's recurrence), and returns the factor.
fn descend(x: Wide, order: i64, mut visit: impl FnMut(i64, Wide)) -> Wide {
    let twice_inverse = Wide::TWO / x;
    let start = order.max(9 * i64::from(x.to_nearest_i32()) / 4) + 80;
    let (mut above, mut current) = (Wide::ZERO, Wide::power_of_two(-1000));
    // J(0) + 2 J(2) + 2 J(4) + ... is 1 (10.12.4).
    let mut norm = Wide::ZERO;
    for n in (0..=start).rev() {
        visit(n, current);
        if n == 0 {
            norm = norm + current;
        } else if n % 2 == 0 {
            norm = norm + current.scale(1);
        }
        let below = Wide::integer(n) * twice_inverse * current - above;
        (above, current) = (current, below);
    }
    Wide::ONE / norm
}

/// The functions of order 0 and 1 for positive numbers that are not large.
fn recurrent(x: Wide) -> [Pair; 2] {
    let mut first = [Wide::ZERO; 2];
    let mut sums = [Wide::ZERO; 2];
    let factor = descend(x, 0, |n, value| {
        if n < 2 {
            first[n as usize] = value;
            return;
        }
        // Neumann's series of the second kind (10.8.3).
        let k = n / 2;
        let weight = if n % 2 == 0 {
            Wide::ratio(2, k)
        } else {
            Wide::ratio(n, k * (k + 1))
        };
        let sum = &mut sums[(n % 2) as usize];
        *sum = if k % 2 == 0 {
            *sum + weight * value
        } else {
            *sum - weight * value
        };
    });
    let first = first.map(|value| value * factor);
    let sums = sums.map(|sum| sum * factor);
    let twice_inverse_pi = ONE_OVER_PI.scale(1);
    let logarithm = log_of(x.scale(-1)) + EULER_GAMMA;
    let at_zero = logarithm * first[0] - sums[0];
    let at_one = (logarithm - Wide::ONE) * first[1] - sums[1] - first[0] / x;
    [
        Pair {
            first: first[0],
            second: twice_inverse_pi * at_zero,
        },
        Pair {
            first: first[1],
            second: twice_inverse_pi * at_one,
        },
    ]
}

/// Below this the functions are the first terms of their series.
const SMALL_EXPONENT: i32 = -70;

/// The functions of order 0 and 1 for a positive number.
fn lowest_orders(x: Wide) -> [Pair; 2] {
    if x.exponent < SMALL_EXPONENT {
        let twice_inverse_pi = ONE_OVER_PI.scale(1);
        [
            Pair {
                first: Wide::ONE,
                second: twice_inverse_pi * (log_of(x.scale(-1)) + EULER_GAMMA),
            },
            Pair {
                first: x.scale(-1),
                second: -twice_inverse_pi / x,
            },
        ]
    } else if x < ASYMPTOTIC_START {
        recurrent(x)
    } else {
        [asymptotic(0, x), asymptotic(1, x)]
    }
}

/// The next order of either kind (10.6.1).
fn next_order(order: i64, x: Wide, lower: Wide, current: Wide) -> Wide {
    Wide::integer(2 * order) * current / x - lower
}

/// The function of the first kind of an order from 0 on, of a positive number.
fn first_kind(order: i64, x: Wide) -> Number {
    let [zero, one] = lowest_orders(x);
    match order {
        0 => return zero.first.into(),
        1 => return one.first.into(),
        _ => {}
    }
    if Wide::integer(order) <= x {
        // Upwards is stable as long as the order is below the number.
        let (mut lower, mut current) = (zero.first, one.first);
        for n in 1..order {
            (lower, current) = (current, next_order(n, x, lower, current));
        }
        return current.into();
    }
    // It is below (x / 2)^order / order!.
    if order > 100_000 && x < Wide::integer(order / 4) {
        return too_small(false);
    }
    if x.exponent < SMALL_EXPONENT {
        let half = x.scale(-1);
        let product = (1..=order).try_fold(Wide::ONE, |product, n| {
            if product.exponent < -HUGE_EXPONENT {
                ControlFlow::Break(product)
            } else {
                ControlFlow::Continue(product * half / Wide::integer(n))
            }
        });
        return match product {
            ControlFlow::Break(product) | ControlFlow::Continue(product) => product.into(),
        };
    }
    let mut value = Wide::ZERO;
    let factor = descend(x, order, |n, current| {
        if n == order {
            value = current;
        }
    });
    (value * factor).into()
}

/// The function of the second kind of an order from 0 on, of a positive number.
fn second_kind(order: i64, x: Wide) -> Number {
    let [zero, one] = lowest_orders(x);
    let (mut lower, mut current) = (zero.second, one.second);
    if order == 0 {
        return lower.into();
    }
    for n in 1..order {
        if current.exponent > HUGE_EXPONENT {
            return too_large(true);
        }
        (lower, current) = (current, next_order(n, x, lower, current));
    }
    current.into()
}

/// The Bessel function of the first kind of this order.
#[must_use]
pub fn jn(order: i32, x: Number) -> Number {
    let magnitude = i64::from(order).abs();
    // Of odd orders the function is odd, in the order and in the number.
    let is_odd = magnitude % 2 != 0;
    let negative = is_odd && (x.is_negative() != (order < 0));
    let value = x.map(
        |_| Number::ZERO,
        |x| {
            if x.is_zero() {
                if magnitude == 0 {
                    Number::ONE
                } else {
                    Number::ZERO
                }
            } else {
                first_kind(magnitude, x.abs())
            }
        },
    );
    if negative { value.negated() } else { value }
}

/// The Bessel function of the second kind of this order.
#[must_use]
pub fn yn(order: i32, x: Number) -> Number {
    let magnitude = i64::from(order).abs();
    let negative = order < 0 && magnitude % 2 != 0;
    let value = if x.is_zero() {
        Number::infinity(true)
    } else {
        x.map(
            |negative| if negative { Number::Nan } else { Number::ZERO },
            |x| {
                if x.negative {
                    Number::Nan
                } else {
                    second_kind(magnitude, x)
                }
            },
        )
    };
    if negative { value.negated() } else { value }
}

macro_rules! orders {
    ($($(#[$documentation:meta])* $name:ident = $function:ident($order:literal);)*) => {
        $(
            $(#[$documentation])*
            #[must_use]
            pub fn $name(x: Number) -> Number {
                $function($order, x)
            }
        )*
    };
}

orders! {
    /// The Bessel function of the first kind of order 0.
    j0 = jn(0);
    /// The Bessel function of the first kind of order 1.
    j1 = jn(1);
    /// The Bessel function of the second kind of order 0.
    y0 = yn(0);
    /// The Bessel function of the second kind of order 1.
    y1 = yn(1);
}
