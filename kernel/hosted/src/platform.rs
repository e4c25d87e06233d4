//! Linux as the machine under the runtime.

use core::cell::Cell;
use core::ffi::{CStr, c_int};
use core::fmt::{self, Write};

use bareflow_cxx_runtime::platform::{File, Platform, PlatformError, Protection, Storage, Stream};
use bareflow_program_env::Environment;
use bareflow_protocol::exit_code;
use bareflow_protocol::report::PROFILE_DESCRIPTOR;

use crate::linux::{self, Clock, Errno, ErrorStream, PROT_EXEC, PROT_READ, PROT_WRITE};
use crate::{address_space, signals};

struct Linux {
    environment: Cell<Environment>,
}

// SAFETY: there is one thread.
unsafe impl Sync for Linux {}

static LINUX: Linux = Linux {
    environment: Cell::new(Environment::EMPTY),
};
static PLATFORM: &dyn Platform = &LINUX;

/// Makes Linux the platform of the runtime.
pub(crate) fn install() {
    bareflow_cxx_runtime::install(&PLATFORM);
}

/// Sets the files and the environment that the program sees.
pub(crate) fn set_environment(environment: Environment) {
    LINUX.environment.set(environment);
}

fn protection_bits(protection: Protection) -> Result<usize, PlatformError> {
    if protection.contains(Protection::WRITE | Protection::EXECUTE) {
        return Err(PlatformError::InvalidRange);
    }
    Ok([
        (Protection::READ, PROT_READ),
        (Protection::WRITE, PROT_WRITE),
        (Protection::EXECUTE, PROT_EXEC),
    ]
    .into_iter()
    .filter(|(access, _)| protection.contains(*access))
    .fold(0, |bits, (_, bit)| bits | bit))
}

fn platform_error(error: Errno) -> PlatformError {
    match error {
        Errno::ENOMEM => PlatformError::OutOfMemory,
        _ => PlatformError::InvalidRange,
    }
}

// SAFETY: Linux hands out fresh zeroed pages and keeps to their protection.
unsafe impl Platform for Linux {
    fn map_pages(&self, size_bytes: usize, protection: Protection) -> Result<usize, PlatformError> {
        address_space::map_pages(size_bytes, protection_bits(protection)?).map_err(platform_error)
    }

    fn map_large(&self, size_bytes: usize) -> Result<usize, PlatformError> {
        address_space::map_large(size_bytes).map_err(platform_error)
    }

    unsafe fn unmap_pages(&self, address: usize, size_bytes: usize) -> Result<(), PlatformError> {
        // SAFETY: the caller's promise.
        unsafe { linux::unmap(address, size_bytes) }.map_err(platform_error)
    }

    unsafe fn protect_pages(
        &self,
        address: usize,
        size_bytes: usize,
        protection: Protection,
    ) -> Result<(), PlatformError> {
        // SAFETY: the caller's promise.
        unsafe { linux::protect(address, size_bytes, protection_bits(protection)?) }
            .map_err(platform_error)
    }

    fn console_write(&self, stream: Stream, bytes: &[u8]) {
        let descriptor = match stream {
            Stream::Output => 1,
            Stream::Error => 2,
        };
        // Of errors that nobody takes nobody can be told.
        if let Err(error) = linux::write_all(descriptor, bytes)
            && stream == Stream::Output
        {
            output_is_lost(error);
        }
    }

    fn console_read(&self, buffer: &mut [u8]) -> usize {
        linux::read(0, buffer).unwrap_or(0)
    }

    fn is_terminal(&self, descriptor: c_int) -> bool {
        usize::try_from(descriptor).is_ok_and(linux::is_terminal)
    }

    fn monotonic_ns(&self) -> u64 {
        linux::clock_ns(Clock::Monotonic)
    }

    fn realtime_ns(&self) -> u64 {
        linux::clock_ns(Clock::Realtime)
    }

    fn sleep_ns(&self, duration_ns: u64) {
        linux::sleep_ns(duration_ns);
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        linux::fill_random(buffer);
    }

    fn files(&self) -> &[File] {
        self.environment.get().files
    }

    fn storage(&self) -> Option<&'static dyn Storage> {
        bareflow_program_env::storage()
    }

    fn environment(&self, name: &str) -> Option<&'static CStr> {
        self.environment.get().variable(name)
    }

    fn environment_entries(&self) -> &'static [(&'static str, &'static CStr)] {
        self.environment.get().variables
    }

    fn start_timer(&self, interval_us: u32) {
        // Without the timer there are no samples and no budget of time; nothing else changes.
        let _ = signals::start_timer(interval_us);
    }

    fn write_profile(&self, json: &[u8]) {
        // Nobody may have asked for it.
        let _ = linux::write_all(PROFILE_DESCRIPTOR as usize, json);
    }

    fn exit(&self, status: i32) -> ! {
        linux::exit(status)
    }

    fn abort(&self, message: &str) -> ! {
        fail(exit_code::INTERNAL, message)
    }

    fn out_of_memory(&self) -> ! {
        fail(exit_code::OUT_OF_MEMORY, "out of memory")
    }
}

/// Ends the process because standard output cannot be written: a program that goes on would not do what it is for.
fn output_is_lost(error: Errno) -> ! {
    let code = match error {
        // As the signal does, if it is not ignored.
        Errno::EPIPE => linux::exit(exit_code::BROKEN_PIPE),
        Errno::ENOSPC | Errno::EDQUOT | Errno::EFBIG => exit_code::DISK_FULL,
        _ => exit_code::OUTPUT_LOST,
    };
    let reason = bareflow_cxx_runtime::errno::description(error.0);
    let _ = writeln!(
        ErrorStream,
        "bareflow: error: cannot write standard output: {reason}"
    );
    linux::exit(code)
}

/// Prints the one line about a failure and ends the process.
pub(crate) fn fail(code: u8, message: &str) -> ! {
    say_and_exit(code, format_args!("{message}"))
}

fn say_and_exit(code: u8, message: fmt::Arguments) -> ! {
    // Nobody is left to be told that standard error is closed.
    let _ = writeln!(ErrorStream, "bareflow: error: {message}");
    linux::exit(code)
}

/// Ends the process with this exit code.
pub fn end(code: u8) -> ! {
    linux::exit(i32::from(code))
}

/// Prints the one line about a failure and ends the process with this exit code.
pub fn fail_with(code: u8, message: fmt::Arguments) -> ! {
    say_and_exit(code, message)
}

/// The function that the address is in: the process does not know.
#[must_use]
pub fn function_at(_address: usize) -> Option<(&'static str, usize)> {
    None
}

/// What the host says beside the bundle: nothing.
#[must_use]
pub fn overlay() -> &'static [u8] {
    &[]
}
