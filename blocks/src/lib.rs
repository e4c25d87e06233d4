//! Functions of blocks of memory and of C strings: `memcpy`, `strlen` and their like, each for SSE2 and for AVX2.
//!
//! 1. Nothing is read beyond the page in which a string or block ends, nothing is written beyond it.
//! 2. A vector that reaches beyond an end is aligned, or known to end in a mapped page.
//! 3. Whoever uses them decides once which variant runs, by what the processor has and the operating system saves.
//!
//! The compiler must not make calls of these functions of their own loops, so the crate is without its builtins.

#![cfg_attr(not(test), no_std)]
#![no_builtins]

mod compare;
mod copy;
mod fill;
mod find;
mod functions;
mod instructions;
mod set;
mod vector;

#[cfg(test)]
mod tests;

pub use functions::{Functions, Processor, Variant};
