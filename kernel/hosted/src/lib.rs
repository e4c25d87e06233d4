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
mod arch;
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

#[panic_handler]
fn panic(information: &core::panic::PanicInfo) -> ! {
    use core::fmt::Write;

    if let Some(payload) = bareflow_program_env::payload() {
        payload.leave_after_panic(format_args!("{}", information.message()));
    }
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
    linux::exit(bareflow_protocol::exit_code::INTERNAL)
}
