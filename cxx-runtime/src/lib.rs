//! The C++ ABI and the POSIX floor under a freestanding LLVM, in Rust.
#![no_std]

pub mod platform;
