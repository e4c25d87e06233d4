//! The hosted kernel: the engine, or a program that is linked with it, as one static Linux process.
//!
//! 1. It is linked like the kernel of the bare machine, with the same libraries and no libc: Linux is
//!    reached by raw system calls, behind the same `Platform`.
//! 2. Its first argument is the file with the program bundle; a second one is a file with a disk, on whose FAT16
//!    volume snapshots are kept.
//! 3. Its exit status is the program's, or the code that the reference names for the failure.
//!
//! It writes no file but that disk, and starts no thread and no other program: the compiler may work in a copy of the
//! process.
#![no_std]

extern crate alloc;

mod address_space;
mod bundle_file;
#[cfg(feature = "engine")]
mod companion;
mod disk;
#[cfg(feature = "engine")]
mod host;
#[cfg_attr(
    not(feature = "engine"),
    expect(dead_code, reason = "a program alone starts no copy of the process")
)]
mod linux;
mod platform;
mod signals;
mod start;
#[cfg(feature = "engine")]
mod with_engine;

pub use platform::{end, fail_with as fail, function_at, overlay};
pub use start::start;

#[global_allocator]
static HEAP: bareflow_cxx_runtime::GlobalHeap = bareflow_cxx_runtime::GlobalHeap;

/// Exit codes that are not an outcome of the engine; the reference lists all codes.
mod exit_code {
    /// The disk that standard output goes to is full.
    pub(crate) const DISK_FULL: i32 = 102;
    /// Standard output cannot be written.
    pub(crate) const OUTPUT_LOST: i32 = 106;
    /// The command line is wrong, or the file that it names cannot be read.
    pub(crate) const USAGE: i32 = 105;
    /// There is not enough memory.
    pub(crate) const OUT_OF_MEMORY: i32 = 112;
    /// The kernel itself failed.
    pub(crate) const INTERNAL: i32 = 116;
    /// Nobody reads standard output any more: what shells show for SIGPIPE.
    pub(crate) const BROKEN_PIPE: i32 = 141;
}

#[panic_handler]
fn panic(information: &core::panic::PanicInfo) -> ! {
    use core::fmt::Write;

    let mut errors = linux::ErrorStream;
    // Nobody is left to be told that standard error is closed.
    let _ = write!(
        errors,
        "bareflow: error: internal error: {}",
        information.message()
    );
    if let Some(place) = information.location() {
        let _ = write!(errors, " ({}:{})", place.file(), place.line());
    }
    let _ = errors.write_str("\n");
    linux::exit(exit_code::INTERNAL)
}
