//! 32-bit x86 with SSE2.

mod arguments;
#[cfg(not(test))]
mod calls;
mod contexts;
#[cfg(not(test))]
mod jumps;
#[cfg(not(test))]
mod long_double;
mod symbols;

#[cfg(not(test))]
pub(crate) use arguments::{ComplexFloat, complex_float};
pub(crate) use arguments::{PassedVaList, VaList};
#[cfg(not(test))]
pub(crate) use calls::{
    address, mangled_size, parsing_long_double, returning_integer, returning_long_complex,
    returning_long_double, variadic, with_third_in_memory,
};
pub(crate) use symbols::address_of;

pub(crate) const NAME: &str = "i686";
pub(crate) const LONG_DOUBLE_IS_DOUBLE: bool = true;
#[cfg(all(feature = "rust-std", not(test)))]
pub(crate) const SYS_GETRANDOM: core::ffi::c_long = 355;
