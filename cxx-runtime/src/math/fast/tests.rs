//! Errors in units of the last place, against results of more than a hundred bits.

use bareflow_mathematics::{Number, Rounding, evaluate};

use super::products::{ByHalves, ByInstruction};
use super::tables::{LOGARITHMS, POWERS};
use super::{cos, cosf, exp, powf, sin, sincos, sinf};

/// The right result, rounded, and its distance from the computed one in units of the last place, roughly.
fn error<const N: usize>(
    found: f64,
    function: impl Fn([Number; N]) -> Number,
    operands: [f64; N],
) -> f64 {
    let (down, _) = evaluate(&function, operands, Rounding::Down);
    let (up, _) = evaluate(&function, operands, Rounding::Up);
    let (nearest, _) = evaluate(&function, operands, Rounding::Nearest);
    if found == nearest {
        0.0
    } else if found == down || found == up {
        // One of the two neighbours of the right result.
        1.0
    } else {
        (found.to_bits().abs_diff(nearest.to_bits()) as f64).max(2.0)
    }
}

/// Both ways of computing products, which must not differ.
fn pow(x: f64, y: f64) -> Option<f64> {
    // SAFETY: every processor has the instructions, or this one does.
    unsafe {
        let result = super::pow::<ByHalves>(x, y);
        if std::is_x86_feature_detected!("fma") {
            let other = super::pow::<ByInstruction>(x, y);
            assert_eq!(result.map(f64::to_bits), other.map(f64::to_bits), "{x} {y}");
        }
        result
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Between 0 and 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * f64::EPSILON / 2.0
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }
}

/// No result is further away than a neighbour of the right one, and few are not the nearest.
fn check<const N: usize>(
    name: &str,
    most_not_nearest: f64,
    points: impl Fn(&mut Random) -> [f64; N],
    found: impl Fn([f64; N]) -> Option<f64>,
    right: impl Fn([Number; N]) -> Number,
) {
    const COUNT: u32 = 20_000;
    let mut random = Random(88_172_645_463_325_252);
    let (mut not_nearest, mut computed) = (0, 0);
    for _ in 0..COUNT {
        let operands = points(&mut random);
        let Some(result) = found(operands) else {
            continue;
        };
        computed += 1;
        let error = error(result, &right, operands);
        assert!(
            error <= 1.0,
            "{name} of {operands:?} is {result:e}: {error}"
        );
        not_nearest += u32::from(error > 0.0);
    }
    assert!(computed > COUNT * 9 / 10, "{name}: {computed}");
    let share = f64::from(not_nearest) / f64::from(computed);
    assert!(share <= most_not_nearest, "{name}: {share}");
}

#[test]
fn exponentials_are_nearly_the_nearest() {
    use bareflow_mathematics::exp as right;
    let found = |[x]: [f64; 1]| exp(x);
    check(
        "exp",
        0.003,
        |random| [random.between(-700.0, 700.0)],
        found,
        |[x]| right(x),
    );
    check(
        "exp",
        0.003,
        |random| [random.between(-1.0, 1.0)],
        found,
        |[x]| right(x),
    );
    assert_eq!(exp(0.0), Some(1.0));
    assert_eq!(exp(1e-300), Some(1.0));
    assert_eq!(exp(701.0), None);
    assert_eq!(exp(f64::NAN), None);
    assert_eq!(exp(f64::NEG_INFINITY), None);
}

#[test]
fn powers_are_nearly_the_nearest() {
    use bareflow_mathematics::pow as right;
    let found = |[x, y]: [f64; 2]| pow(x, y);
    let any = |random: &mut Random| [random.between(0.0, 100.0), random.between(-100.0, 100.0)];
    check("pow", 0.003, any, found, |[x, y]| right(x, y));
    // Results near the largest and the least, from numbers near 1.
    let near = |random: &mut Random| {
        let x = 1.0 + random.between(-0.1, 0.1);
        [
            x,
            random.between(-690.0, 690.0) / (x - 1.0).abs().max(1e-9) * 0.9,
        ]
    };
    check("pow", 0.003, near, found, |[x, y]| right(x, y));
    let extreme = |random: &mut Random| {
        let x = f64::from_bits(random.next() % 0x7ff0_0000_0000_0000).max(f64::MIN_POSITIVE);
        [x, random.between(-0.95, 0.95)]
    };
    check("pow", 0.003, extreme, found, |[x, y]| right(x, y));
    assert_eq!(pow(1.0, 5.0), Some(1.0));
    assert_eq!(pow(2.0, 10.0), Some(1024.0));
    assert_eq!(pow(10.0, 22.0), Some(1e22));
    assert_eq!(pow(2.0, 0.0), Some(1.0));
    assert_eq!(pow(1.0, 1e300), Some(1.0));
    for (x, y) in [
        (-2.0, 2.0),
        (0.0, 1.0),
        (f64::INFINITY, 1.0),
        (f64::NAN, 1.0),
        (2.0, f64::NAN),
        (2.0, 1024.0),
        (2.0, f64::INFINITY),
        (5e-324, 1.0),
    ] {
        assert_eq!(pow(x, y), None, "{x} {y}");
    }
}

#[test]
fn powers_of_floats_are_nearly_the_nearest() {
    let mut random = Random(88_172_645_463_325_252);
    let mut not_nearest = 0;
    for _ in 0..100_000 {
        let x = random.between(0.0, 100.0) as f32;
        let y = random.between(-15.0, 15.0) as f32;
        let Some(found) = powf(x, y) else {
            continue;
        };
        let right = pow(f64::from(x), f64::from(y)).unwrap() as f32;
        assert!(found.to_bits().abs_diff(right.to_bits()) <= 1, "{x} {y}");
        not_nearest += u32::from(found != right);
    }
    assert!(not_nearest < 200, "{not_nearest}");
    assert_eq!(powf(2.0, 10.0), Some(1024.0));
    assert_eq!(powf(2.0, f32::NAN), None);
    assert_eq!(powf(2.0, 128.0), None);
    assert_eq!(powf(1.0, f32::INFINITY), None);
}

#[test]
fn sines_and_cosines_are_nearly_the_nearest() {
    use bareflow_mathematics::{cos as right_cos, sin as right_sin};
    for size in [0.7, 10.0, 1000.0, 1e6] {
        let points = |random: &mut Random| [random.between(-size, size)];
        check("sin", 0.05, points, |[x]| sin(x), |[x]| right_sin(x));
        check("cos", 0.05, points, |[x]| cos(x), |[x]| right_cos(x));
        check(
            "sin",
            0.05,
            points,
            |[x]| sincos(x).map(|both| both.0),
            |[x]| right_sin(x),
        );
        check(
            "cos",
            0.05,
            points,
            |[x]| sincos(x).map(|both| both.1),
            |[x]| right_cos(x),
        );
    }
    // Near multiples of a right angle.
    let near = |random: &mut Random| {
        let multiple = (random.next() % 600_000) as f64 * core::f64::consts::FRAC_PI_2;
        [multiple + random.between(-1e-5, 1e-5)]
    };
    check("sin", 0.05, near, |[x]| sin(x), |[x]| right_sin(x));
    check("cos", 0.05, near, |[x]| cos(x), |[x]| right_cos(x));
    for x in [f64::NAN, f64::INFINITY, 1e7, core::f64::consts::FRAC_PI_2] {
        assert_eq!(sin(x), None, "{x}");
        assert_eq!(cos(x), None, "{x}");
    }
    assert_eq!(sin(-0.0).map(f64::to_bits), Some((-0.0_f64).to_bits()));
    assert_eq!(cos(0.0), Some(1.0));
}

#[test]
fn sines_of_floats_are_nearly_the_nearest() {
    let mut random = Random(88_172_645_463_325_252);
    let mut not_nearest = 0;
    for round in 0..200_000 {
        let size = [1.0, 10.0, 1000.0, 1e6][round % 4];
        let x = random.between(-size, size) as f32;
        for (found, right) in [
            (sinf(x), libm::sin(f64::from(x))),
            (cosf(x), libm::cos(f64::from(x))),
        ] {
            let (found, right) = (found.unwrap(), right as f32);
            assert!(
                found.to_bits().abs_diff(right.to_bits()) <= 1,
                "{x}: {found:e} {right:e}"
            );
            not_nearest += u32::from(found != right);
        }
    }
    assert!(not_nearest < 200, "{not_nearest}");
    assert_eq!(sinf(-0.0).map(f32::to_bits), Some((-0.0_f32).to_bits()));
    assert_eq!(sinf(1e-44), Some(1e-44));
    for x in [f32::NAN, f32::INFINITY, 1e8] {
        assert_eq!((sinf(x), cosf(x)), (None, None), "{x}");
    }
}

#[test]
fn the_tables_are_right() {
    for (index, (power, lost)) in POWERS.into_iter().enumerate() {
        let exponent = index as f64 / 128.0;
        assert_eq!(
            error(power, |[x]| bareflow_mathematics::exp2(x), [exponent]),
            0.0
        );
        assert!(lost.abs() <= f64::EPSILON / 2.0);
    }
    for (reciprocal, logarithm, rest) in LOGARITHMS {
        assert_eq!((reciprocal * 512.0).fract(), 0.0);
        let scaled = logarithm * 2_f64.powi(42);
        assert_eq!(scaled.fract(), 0.0);
        let sum = -(logarithm + rest);
        assert!(error(sum, |[x]| bareflow_mathematics::log(x), [reciprocal]) <= 1.0);
    }
}
