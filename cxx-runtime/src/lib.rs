//! The C++ ABI and the POSIX floor under a freestanding LLVM, in Rust.
//!
//! 1. Everything rests on one small trait, [`platform::Platform`]; [`install`] takes it once.
//! 2. One thread: there is no lock that can be contended and no thread-local of our own.
//! 3. What cannot exist on the machine (processes, sockets) fails with the errno that
//!    POSIX names for it; nothing pretends to succeed.
//! 4. The functions are C functions: their contracts are those of ISO C, POSIX and the Itanium C++
//!    ABI, and only differences are documented here.
//!
//! 5. The feature `rust-std` adds what Rust's standard library asks of a C library, for kernels that use
//!    an unmodified crate which depends on it.
//!
//! It never unwinds, and never allocates behind the back of the C heap: Rust and C share one.
#![cfg_attr(not(test), no_std)]
#![cfg_attr(
    test,
    expect(
        dead_code,
        reason = "C calls the exported functions, and a test build does not export them"
    )
)]

extern crate alloc;

mod arch;
pub mod arena;
mod atomics;
mod blocks;
mod cstr;
mod cxxabi;
mod directories;
mod dynamic;
pub mod errno;
mod files;
mod heap;
mod locale;
mod math;
mod memory;
mod number;
pub mod platform;
mod posix;
mod process;
pub mod program;
mod runtime;
#[cfg(all(feature = "rust-std", not(test)))]
mod rust_std;
mod sort;
mod stdio;
mod strings;
#[cfg(not(test))]
mod stubs;
mod symbols;
pub mod termination;
pub mod thread_local;
mod time;
mod wide;

pub use dynamic::{find_symbol, register_symbols, symbol_lookup};
pub use files::commit_files;
pub use heap::{GlobalHeap, heap_bytes, heap_is_intact};
pub use posix::{ProgramFault, before_abort, days_before_month, deliver_fault, takes_fault};
pub use runtime::{install, platform, run_constructors, run_late_constructors};
pub use stdio::flush as flush_streams;
pub use symbols::ExportedSymbol;
pub use time::utc_date_and_time;
