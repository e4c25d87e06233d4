//! Exact conversion between binary floating point and text, for the C library.
//!
//! 1. A number is its sign and `mantissa * 2^exponent`, so that one code serves float, double and the x87's
//!    extended double; see [`Format`] and [`Value`].
//! 2. Every decimal digit of a number is computed ([`Decimal`]), and rounding looks at all of them; reading
//!    compares with all digits of the text ([`parse`]). So results are right in every rounding direction.
//! 3. Nothing here knows of formats of `printf`, of locales or of `errno`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod format;
mod integer;
mod parse;
mod print;

pub use format::{Format, Rounding, Value};
pub use parse::{Parsed, parse};
pub use print::Decimal;
