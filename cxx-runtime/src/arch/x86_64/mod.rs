//! x86-64.

mod arguments;
#[cfg(not(test))]
mod calls;
mod contexts;
mod features;
mod floating_point;
#[cfg(not(test))]
mod image;
mod integer_conversion;
#[cfg(not(test))]
mod jumps;
mod thread_local;

pub(crate) use arguments::VaList;
#[cfg(not(test))]
pub(crate) use calls::{
    address_table, jumps, naked_function, parsing_long_double, returning_integer,
    returning_long_complex, returning_long_double, variadic, with_third_in_memory,
};
pub(crate) use features::{capabilities, note_features};
#[cfg(not(test))]
pub(crate) use floating_point::{
    FloatingPointEnvironment, set_default_environment, set_environment, store_root,
};
pub(crate) use floating_point::{lost_by_product, rounding_direction};
#[cfg(not(test))]
pub(crate) use image::late_constructors;
#[cfg(not(test))]
pub(crate) use thread_local::{lay_out_thread_local, thread_local_bytes};

pub(crate) const NAME: &str = "x86_64";
#[cfg(all(feature = "rust-std", not(test)))]
pub(crate) const SYS_GETRANDOM: core::ffi::c_long = 318;
