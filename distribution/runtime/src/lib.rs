//! The runtime as a library for C and C++: `libbareflow-runtime.a` of the distribution.
//!
//! 1. The machine is a table of C functions, `bareflow_platform_t` of `include/bareflow/platform.h`.
//! 2. One archive serves programs in C, C++ and Rust, with the engine and without it.
//!
//! It never asks Linux for anything: only the platform does.
#![no_std]

extern crate alloc;

mod engine;
mod platform;
mod start;

#[global_allocator]
static HEAP: bareflow_cxx_runtime::GlobalHeap = bareflow_cxx_runtime::GlobalHeap;

#[panic_handler]
fn panic(information: &core::panic::PanicInfo) -> ! {
    let message = alloc::format!("{information}");
    bareflow_cxx_runtime::platform().abort(&message)
}

/// What the prebuilt `core` names although nothing unwinds.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}
