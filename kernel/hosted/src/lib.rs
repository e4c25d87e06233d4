//! The engine as one static Linux process without libc, at native speed.
//!
//! 1. Only raw system calls; the same libraries and the same `Platform` trait as the machine.
//! 2. Every address lies below 2 GiB, as in the machine.
//! 3. The one argument names a bundle file; the exit code is the program's or the failure's.
#![no_std]

extern crate alloc;

use core::ffi::CStr;
use core::panic::PanicInfo;

use bareflow_bundle::Bundle;
use bareflow_cxx_runtime::GlobalHeap;
use bareflow_cxx_runtime::platform::{Platform, Stream};

mod platform;
mod signals;
mod start;
mod system;

use platform::Linux;

#[global_allocator]
static HEAP: GlobalHeap = GlobalHeap;

/// The code for a failure of the engine itself, as in the reference.
const EXIT_INTERNAL: i32 = 116;
/// The code for a wrong command line.
const EXIT_USAGE: i32 = 105;

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    // The heap may be what failed: the message is written piece by piece.
    let _ = core::fmt::Write::write_fmt(
        &mut platform::ErrorStream,
        format_args!("bareflow: error: internal error: {info}\n"),
    );
    system::exit(EXIT_INTERNAL)
}

/// Runs on the engine's own stack.
fn main(arguments: &[*const u8]) -> ! {
    static PLATFORM: &dyn Platform = &platform::LINUX;
    bareflow_cxx_runtime::install(&PLATFORM);
    signals::install();
    // SAFETY: the platform is installed, the linker script delimits the constructors, and this is the
    // only call.
    unsafe { bareflow_cxx_runtime::run_constructors() };
    let [_, path] = arguments else {
        Linux::error("bareflow: error: usage: bareflow-hosted BUNDLE\n");
        system::exit(EXIT_USAGE)
    };
    // SAFETY: the system passes C strings.
    let path = unsafe { CStr::from_ptr(path.cast()) };
    let Some(bytes) = system::map_file(path) else {
        Linux::error("bareflow: error: the program bundle cannot be read\n");
        system::exit(EXIT_USAGE)
    };
    if let Ok(bundle) = Bundle::open(bytes) {
        platform::LINUX.set_bundle(bundle);
    }
    system::exit(i32::from(bareflow_engine::run_bundle(bytes)))
}

impl Linux {
    /// Writes to standard error.
    fn error(text: &str) {
        platform::LINUX.console_write(Stream::Error, text.as_bytes());
    }
}
