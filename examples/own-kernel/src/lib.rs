//! A freestanding program with LLVM in it: the crate `llvm-sys` as it is, the libraries of the
//! distribution, `cxx-runtime` under them, and Linux's raw system calls in the place of a machine.
//!
//! It parses a function, compiles it with MCJIT and prints what it returns.

mod compile;
mod machine;

use std::fmt::Write;

use bareflow_cxx_runtime::platform::Stream;

#[global_allocator]
static HEAP: bareflow_cxx_runtime::GlobalHeap = bareflow_cxx_runtime::GlobalHeap;

/// What the program does when the machine under it is set up.
fn main() -> i32 {
    match compile::fibonacci(20) {
        Ok(number) => {
            let line = format!("fib(20) = {number}\n");
            bareflow_cxx_runtime::platform().console_write(Stream::Output, line.as_bytes());
            0
        }
        Err(message) => {
            let _ = writeln!(machine::ErrorStream, "own-kernel: {message}");
            1
        }
    }
}
