//! What the kernels, their boot stages and the host have agreed on.
//!
//! 1. A run ends with an [exit code](exit_code), which the host hands on.
//! 2. The machine reports it, and what it has counted, in [lines](report) on its second serial port, and ends QEMU
//!    through a [port](debug_exit).
//! 3. Native code lies at a [fixed place](pool).
//! 4. The boot stages say in [words](loader) what they bring.
//!
//! Assembler files take from [`assembler`] what they need of it.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

pub mod assembler;
pub mod debug_exit;
pub mod exit_code;
pub mod loader;
pub mod pool;
pub mod report;
