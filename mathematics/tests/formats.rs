//! Reading and rounding agree with the processor, whose operations round once.

use bareflow_mathematics::{
    Exceptions, Extended, Format, Number, Rounding, evaluate, exp, fma, fmod, lgamma, log, pow,
    remainder, sin, tgamma, to_integer,
};

/// Pseudo-random bits, the same in every run.
struct Bits(u64);

impl Bits {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A finite double with any exponent.
    fn double(&mut self) -> f64 {
        loop {
            let value = f64::from_bits(self.next());
            if value.is_finite() {
                return value;
            }
        }
    }

    /// A double whose exponent is near that of 1.
    fn ordinary(&mut self) -> f64 {
        let bits = self.next();
        let exponent = 1023 - 40 + (self.next() % 80);
        f64::from_bits(bits & 0x800f_ffff_ffff_ffff | exponent << 52)
    }
}

const COUNT: usize = 100_000;

fn nearest<F: Format, const N: usize>(
    function: impl FnOnce([Number; N]) -> Number,
    operands: [F; N],
) -> F {
    evaluate(function, operands, Rounding::Nearest).0
}

#[test]
fn doubles_are_read_and_rounded_back() {
    let mut bits = Bits(1);
    for _ in 0..COUNT {
        let value = bits.double();
        let back = <f64 as Format>::round(value.number(), Rounding::Nearest).0;
        assert_eq!(back.to_bits(), value.to_bits());
        let extended = <Extended as Format>::round(value.number(), Rounding::Down).0;
        assert_eq!(extended.number(), value.number());
    }
}

#[test]
fn floats_are_rounded_as_the_processor_does() {
    let mut bits = Bits(2);
    for _ in 0..COUNT {
        let value = bits.double();
        let value = if bits.next() & 1 == 0 {
            value
        } else {
            value * 1e-150
        };
        let (rounded, loss) = <f32 as Format>::round(value.number(), Rounding::Nearest);
        assert_eq!(rounded.to_bits(), (value as f32).to_bits(), "{value:e}");
        assert_eq!(loss.overflow, rounded.is_infinite());
        let down = <f32 as Format>::round(value.number(), Rounding::Down).0;
        let up = <f32 as Format>::round(value.number(), Rounding::Up).0;
        assert!(
            f64::from(down) <= value && value <= f64::from(up),
            "{value:e}"
        );
    }
}

#[test]
fn fused_operations_round_once() {
    let mut bits = Bits(3);
    for _ in 0..COUNT {
        let (x, y) = (bits.ordinary(), bits.ordinary());
        let near = -(x * y);
        let z = match bits.next() % 3 {
            0 => bits.ordinary(),
            1 => near,
            _ => f64::from_bits(near.to_bits().wrapping_add(bits.next() % 3)),
        };
        let result = nearest(|[x, y, z]| fma(x, y, z), [x, y, z]);
        assert_eq!(
            result.to_bits(),
            x.mul_add(y, z).to_bits(),
            "{x:e} {y:e} {z:e}"
        );
    }
}

#[test]
fn remainders_are_exact() {
    let mut bits = Bits(4);
    for _ in 0..COUNT {
        let (x, y) = (bits.double(), bits.double());
        let result = nearest(|[x, y]| fmod(x, y), [x, y]);
        assert_eq!(result.to_bits(), (x % y).to_bits(), "{x:e} {y:e}");
    }
}

#[test]
fn nearest_remainders_are_exact() {
    let mut bits = Bits(7);
    for _ in 0..COUNT {
        let (x, y) = (bits.ordinary(), bits.ordinary());
        let tie = (bits.next() % 9) as f64 / 2.0 * y;
        for x in [x, tie] {
            let result = nearest(|[x, y]| remainder(x, y), [x, y]);
            assert_eq!(
                result.to_bits(),
                libm::remainder(x, y).to_bits(),
                "{x:e} {y:e}"
            );
        }
    }
}

#[test]
fn integers_are_in_the_direction() {
    let mut bits = Bits(8);
    for _ in 0..COUNT {
        let x = bits.ordinary();
        for (rounding, right) in [
            (Rounding::Down, x.floor()),
            (Rounding::Up, x.ceil()),
            (Rounding::TowardZero, x.trunc()),
        ] {
            let result = nearest(|[x]| to_integer(x, rounding), [x]);
            assert_eq!(result.to_bits(), right.to_bits(), "{x:e} {rounding:?}");
        }
    }
}

#[test]
fn integers_are_the_nearest() {
    let mut bits = Bits(5);
    for _ in 0..COUNT {
        let x = bits.ordinary();
        for x in [x, (x * 2.0).trunc() / 2.0] {
            let result = nearest(|[x]| to_integer(x, Rounding::Nearest), [x]);
            assert_eq!(result.to_bits(), x.round_ties_even().to_bits(), "{x:e}");
        }
    }
}

/// `a` and `b` are the same or neighbours.
fn is_beside(a: f64, b: f64) -> bool {
    a == b || a.to_bits().abs_diff(b.to_bits()) <= 1
}

#[test]
fn functions_are_beside_those_of_doubles() {
    let mut bits = Bits(6);
    for _ in 0..COUNT / 10 {
        let x = bits.ordinary();
        assert!(is_beside(nearest(|[x]| sin(x), [x]), libm::sin(x)), "{x:e}");
        let (x, y) = (x.abs(), bits.ordinary());
        assert!(is_beside(nearest(|[x]| log(x), [x]), libm::log(x)), "{x:e}");
        assert!(is_beside(nearest(|[y]| exp(y), [y]), libm::exp(y)), "{y:e}");
        assert!(
            is_beside(nearest(|[x, y]| pow(x, y), [x, y]), libm::pow(x, y)),
            "{x:e} {y:e}"
        );
    }
}

#[test]
fn what_is_to_be_reported_follows_from_the_results() {
    let exceptions = |function: fn(Number) -> Number, x: f64| {
        evaluate(|[x]| function(x), [x], Rounding::Nearest).1
    };
    let none = Exceptions::default();
    assert_eq!(exceptions(exp, 1.0), none);
    assert_eq!(exceptions(exp, f64::INFINITY), none);
    assert_eq!(exceptions(sin, f64::NAN), none);
    assert_eq!(
        exceptions(exp, 1000.0),
        Exceptions {
            overflow: true,
            ..none
        }
    );
    assert_eq!(
        exceptions(exp, -1000.0),
        Exceptions {
            underflow: true,
            ..none
        }
    );
    assert_eq!(
        exceptions(log, 0.0),
        Exceptions {
            division_by_zero: true,
            ..none
        }
    );
    assert_eq!(
        exceptions(log, -1.0),
        Exceptions {
            invalid: true,
            ..none
        }
    );
    assert_eq!(
        exceptions(lgamma, -2.0),
        Exceptions {
            division_by_zero: true,
            ..none
        }
    );
    assert_eq!(
        exceptions(tgamma, -2.0),
        Exceptions {
            invalid: true,
            ..none
        }
    );
}

#[test]
fn signaling_nans_are_told_apart() {
    let signaling = Extended {
        significand: 1 << 63 | 1,
        sign_and_exponent: 0x7fff,
    };
    assert!(signaling.is_signaling());
    assert!(!signaling.quieted().is_signaling());
    assert!(signaling.quieted().number().is_nan());
    assert!(!f64::NAN.is_signaling());
    assert!(f32::from_bits(0x7f80_0001).is_signaling());
}
