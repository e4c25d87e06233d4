//! A program in the low-level IR, compiled function by function while it runs: for a kernel without LLVM.
//!
//! 1. A function is compiled when it is called first: fast, if the generator can, so that it counts its calls and the
//!    rounds of its loops.
//! 2. What has counted enough is compiled again, by the generator's optimiser: a function for its next call, and the rest
//!    of one from the beginning of a loop on, which the call that is under way goes on in.
//! 3. The compiler runs on a stack of its own. When it fails there, that stack is left: what has slow code keeps it.
//! 4. No page is writable and executable at once.
//!
//! The program, its tables and a stub for each function come from `cargo xtask image --generator`, as [`program`] says.
#![no_std]
#![warn(missing_docs)]

extern crate alloc;

mod arch;
mod code_memory;
mod compiler;
mod generator;
mod program;

pub use compiler::{function_at, is_compiling, leave_compiler, start};
