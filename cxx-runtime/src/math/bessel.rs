//! Bessel functions of integer order.

use core::ffi::c_int;

use super::report::evaluated;

macro_rules! functions {
    ($($type:ty: $($name:ident = $function:ident),*; $($of_order:ident = $function_of_order:ident),*;)*) => {
        $(
            $(
                #[cfg_attr(not(test), unsafe(no_mangle))]
                extern "C" fn $name(x: $type) -> $type {
                    evaluated(|[x]| bareflow_mathematics::$function(x), [x])
                }
            )*
            $(
                #[cfg_attr(not(test), unsafe(no_mangle))]
                extern "C" fn $of_order(order: c_int, x: $type) -> $type {
                    evaluated(|[x]| bareflow_mathematics::$function_of_order(order, x), [x])
                }
            )*
        )*
    };
}

functions! {
    f64: j0 = j0, j1 = j1, y0 = y0, y1 = y1; jn = jn, yn = yn;
    f32: j0f = j0, j1f = j1, y0f = y0, y1f = y1; jnf = jn, ynf = yn;
}
