//! Bessel functions of integer order.

use core::ffi::c_int;

use super::report::{Infinite, checked};

macro_rules! unary {
    ($($name:ident)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            pub(super) extern "C" fn $name(x: f64) -> f64 {
                checked(libm::$name(x), &[x], Infinite::Pole)
            }
        )*
    };
}

unary! { j0 j1 y0 y1 }

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn jn(order: c_int, x: f64) -> f64 {
    checked(libm::jn(order, x), &[x], Infinite::Pole)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) extern "C" fn yn(order: c_int, x: f64) -> f64 {
    checked(libm::yn(order, x), &[x], Infinite::Pole)
}
