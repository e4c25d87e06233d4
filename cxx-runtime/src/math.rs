//! The double functions that llvm-libc 18 lacks on this target, or has as raw x87 instructions that are
//! wrong for large arguments (sin, cos, tan): Rust's `libm`, a port of musl's.

macro_rules! unary {
    ($($name:ident: $type:ty;)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $name(x: $type) -> $type {
                libm::$name(x)
            }
        )*
    };
}

macro_rules! binary {
    ($($name:ident: $type:ty;)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            extern "C" fn $name(x: $type, y: $type) -> $type {
                libm::$name(x, y)
            }
        )*
    };
}

unary! {
    sin: f64; cos: f64; tan: f64; asin: f64; acos: f64; atan: f64;
    sinh: f64; cosh: f64; tanh: f64; asinh: f64; acosh: f64; atanh: f64;
    cbrt: f64; erf: f64; erfc: f64; lgamma: f64; tgamma: f64;
    roundeven: f64; roundevenf: f32; cbrtf: f32; erfcf: f32; lgammaf: f32; tgammaf: f32;
}

binary! {
    atan2: f64; pow: f64; atan2f: f32;
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn scalbln(x: f64, exponent: i64) -> f64 {
    // Beyond this range the result is zero or infinite anyway.
    libm::scalbn(x, exponent.clamp(-10_000, 10_000) as i32)
}
