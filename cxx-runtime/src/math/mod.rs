//! The mathematics of the C library that llvm-libc 18 lacks.
//!
//! - Double functions of everyday programs are Rust's `libm`, a port of musl's: fast, and within an ulp.
//! - Everything else (long double, complex, Bessel and gamma functions) is computed with 128 bits and rounded
//!   once: crate `bareflow-mathematics`.
//!
//! Errors are reported as `math_errhandling` says, in `errno` and in the exception flags ([`report`]).

mod bessel;
mod chosen;
#[cfg(not(test))]
mod complex;
mod double;
#[cfg(not(test))]
mod environment;
mod exact;
mod fast;
mod float;
mod gamma;
mod gnu;
#[cfg(not(test))]
mod long_double;
mod report;

pub(crate) use chosen::choose;
