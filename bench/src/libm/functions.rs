//! Which functions are measured, where, and what the GNU C library promises.

/// Where points of an operand lie, in float, double and long double.
#[derive(Clone, Copy)]
pub struct Range {
    /// Half of the points are spread evenly between these ends.
    pub ends: [(f64, f64); 3],
    /// The others have an even distribution of exponents.
    pub exponents: [(i32, i32); 3],
}

/// A function, and where it is measured.
pub struct Function {
    /// Its name, of double.
    pub name: &'static str,
    /// The first operand, or its real part.
    pub x: Range,
    /// The second, or the imaginary part.
    pub y: Range,
    /// The largest errors that the GNU C library documents for x86-64, in units of the last place: of float,
    /// double and long double, of a complex function the larger one of its two parts. 0 says that no error
    /// beyond rounding is known.
    pub documented: [u32; 3],
    /// Whether the result has two parts.
    pub is_complex: bool,
}

const LEAST: [i32; 3] = [-126, -1022, -16382];
const LARGEST: [i32; 3] = [127, 1023, 16383];

const fn three<T: Copy>(value: T) -> [T; 3] {
    [value; 3]
}

/// The same ends and exponents in all precisions.
const fn range(low: f64, high: f64, least: i32, largest: i32) -> Range {
    Range {
        ends: three((low, high)),
        exponents: three((least, largest)),
    }
}

/// Exponents from the least one to the largest of the format.
const fn up_to_largest(low: f64, high: f64, least: i32) -> Range {
    Range {
        ends: three((low, high)),
        exponents: [
            (least, LARGEST[0]),
            (least, LARGEST[1]),
            (least, LARGEST[2]),
        ],
    }
}

/// Every exponent of normal numbers.
const fn everywhere(low: f64, high: f64) -> Range {
    Range {
        ends: three((low, high)),
        exponents: [
            (LEAST[0], LARGEST[0]),
            (LEAST[1], LARGEST[1]),
            (LEAST[2], LARGEST[2]),
        ],
    }
}

/// Ends that depend on the precision, and the exponents up to theirs.
const fn each(ends: [(f64, f64); 3], largest: [i32; 3]) -> Range {
    Range {
        ends,
        exponents: [(-60, largest[0]), (-60, largest[1]), (-60, largest[2])],
    }
}

const NONE: Range = range(0.0, 0.0, 0, 0);

const fn real(name: &'static str, x: Range, documented: [u32; 3]) -> Function {
    real_of_two(name, x, NONE, documented)
}

const fn real_of_two(name: &'static str, x: Range, y: Range, documented: [u32; 3]) -> Function {
    Function {
        name,
        x,
        y,
        documented,
        is_complex: false,
    }
}

const fn complex(name: &'static str, x: Range, y: Range, documented: [u32; 3]) -> Function {
    Function {
        is_complex: true,
        ..real_of_two(name, x, y, documented)
    }
}

const UNIT: Range = range(-1.0, 1.0, -60, -1);
const ANGLE: Range = up_to_largest(-10.0, 10.0, -60);
const POSITIVE: Range = everywhere(0.0, 10.0);
const EXPONENT: Range = each(
    [(-87.0, 88.0), (-708.0, 709.0), (-11_355.0, 11_356.0)],
    [6, 9, 13],
);
const BESSEL: Range = range(-100.0, 100.0, -30, 10);
const POSITIVE_BESSEL: Range = range(0.0, 100.0, -30, 10);
const ORDER: Range = range(2.0, 20.0, 1, 4);
const PLANE: Range = range(-10.0, 10.0, -30, 30);
const GROWING: Range = range(-10.0, 10.0, -30, 5);

/// All of them. What the GNU C library documents is of version 2.41.
pub const FUNCTIONS: &[Function] = &[
    real("acos", UNIT, [1, 1, 2]),
    real("acosh", up_to_largest(1.0, 10.0, 0), [2, 2, 3]),
    real("asin", UNIT, [1, 1, 1]),
    real("asinh", ANGLE, [2, 2, 3]),
    real("atan", ANGLE, [1, 1, 1]),
    real_of_two(
        "atan2",
        range(-10.0, 10.0, -100, 100),
        range(-10.0, 10.0, -20, 20),
        [2, 0, 1],
    ),
    real("atanh", UNIT, [2, 2, 3]),
    real("cbrt", everywhere(-10.0, 10.0), [0, 4, 1]),
    real("cos", ANGLE, [1, 1, 1]),
    real("cosh", EXPONENT, [2, 2, 3]),
    real("erf", range(-6.0, 6.0, -60, 2), [0, 1, 1]),
    real(
        "erfc",
        each([(-6.0, 9.0), (-6.0, 26.0), (-6.0, 105.0)], [3, 4, 6]),
        [0, 5, 5],
    ),
    real("exp", EXPONENT, [1, 1, 1]),
    real(
        "exp10",
        each(
            [(-37.0, 38.0), (-307.0, 308.0), (-4931.0, 4932.0)],
            [5, 8, 12],
        ),
        [1, 2, 1],
    ),
    real(
        "exp2",
        each(
            [(-126.0, 128.0), (-1022.0, 1024.0), (-16_382.0, 16_384.0)],
            [6, 9, 13],
        ),
        [1, 1, 1],
    ),
    real("expm1", EXPONENT, [0, 1, 3]),
    real_of_two(
        "fmod",
        everywhere(-10.0, 10.0),
        everywhere(-10.0, 10.0),
        [0, 0, 0],
    ),
    real_of_two(
        "hypot",
        everywhere(-10.0, 10.0),
        everywhere(-10.0, 10.0),
        [1, 1, 1],
    ),
    real("j0", BESSEL, [9, 3, 8]),
    real("j1", BESSEL, [9, 4, 9]),
    real_of_two("jn", BESSEL, ORDER, [4, 4, 4]),
    real("lgamma", up_to_largest(-20.0, 100.0, -60), [0, 4, 4]),
    real("log", POSITIVE, [1, 1, 1]),
    real("log10", POSITIVE, [2, 2, 1]),
    real("log1p", up_to_largest(-1.0, 10.0, -60), [0, 1, 2]),
    real("log2", POSITIVE, [1, 2, 1]),
    real_of_two(
        "pow",
        range(0.0, 10.0, -20, 20),
        range(-20.0, 20.0, -20, 7),
        [1, 1, 1],
    ),
    real("sin", ANGLE, [1, 1, 2]),
    real("sinh", EXPONENT, [2, 2, 3]),
    real("sqrt", POSITIVE, [0, 0, 0]),
    real("tan", ANGLE, [0, 0, 2]),
    real("tanh", range(-20.0, 20.0, -60, 5), [2, 2, 3]),
    real(
        "tgamma",
        each(
            [(-20.0, 35.0), (-170.0, 171.0), (-1750.0, 1755.0)],
            [4, 6, 9],
        ),
        [0, 9, 5],
    ),
    real("y0", POSITIVE_BESSEL, [9, 3, 2]),
    real("y1", POSITIVE_BESSEL, [9, 6, 3]),
    real_of_two("yn", POSITIVE_BESSEL, ORDER, [3, 3, 4]),
    complex("cacos", PLANE, PLANE, [2, 2, 2]),
    complex("cacosh", PLANE, PLANE, [2, 2, 2]),
    complex("casin", PLANE, PLANE, [2, 2, 2]),
    complex("casinh", PLANE, PLANE, [2, 2, 2]),
    complex("catan", PLANE, PLANE, [1, 1, 1]),
    complex("catanh", PLANE, PLANE, [1, 1, 1]),
    complex("ccos", PLANE, GROWING, [1, 1, 1]),
    complex("ccosh", GROWING, PLANE, [1, 1, 1]),
    complex("cexp", GROWING, PLANE, [2, 2, 1]),
    complex("clog", PLANE, PLANE, [3, 3, 3]),
    complex("clog10", PLANE, PLANE, [4, 3, 4]),
    complex("csin", PLANE, GROWING, [1, 1, 1]),
    complex("csinh", GROWING, PLANE, [1, 1, 1]),
    complex("csqrt", PLANE, PLANE, [2, 2, 2]),
    complex("ctan", PLANE, GROWING, [2, 2, 2]),
    complex("ctanh", GROWING, PLANE, [2, 2, 2]),
];
