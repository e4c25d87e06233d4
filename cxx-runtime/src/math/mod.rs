//! The mathematics of the C library that llvm-libc 18 lacks.
//!
//! - Double functions of everyday programs are Rust's `libm`, a port of musl's: fast, and within an ulp.
//! - The rarer float functions are the double ones, rounded.
//!
//! Errors are reported as `math_errhandling` says, in `errno` and in the exception flags ([`report`]).

mod bessel;
mod double;
mod float;
mod gamma;
mod gnu;
mod integer_conversion;
mod report;
