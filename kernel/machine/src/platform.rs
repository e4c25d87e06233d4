//! The machine under the runtime.

use core::cell::Cell;
use core::ffi::{CStr, c_int};

use bareflow_cxx_runtime::platform::{
    File, FileContents, Platform, PlatformError, Protection, Storage, Stream,
};
use bareflow_program_env::Environment;
use bareflow_protocol::exit_code;
use bareflow_protocol::report::PROFILE;

use crate::arch::cpu::{fill_random, wait_for_interrupt};
use crate::drivers::console::serial;
#[cfg(feature = "engine")]
use crate::second;
use crate::{clock, console, exit, memory, storage};

struct Machine {
    environment: Cell<Environment>,
}

// SAFETY: there is one thread, and handlers only read the clock.
unsafe impl Sync for Machine {}

static MACHINE: Machine = Machine {
    environment: Cell::new(Environment::EMPTY),
};
static PLATFORM: &dyn Platform = &MACHINE;

/// Makes the machine the platform of the runtime.
pub(crate) fn install() {
    bareflow_cxx_runtime::install(&PLATFORM);
}

/// Sets the files and the environment that the program sees.
pub(crate) fn set_environment(environment: Environment) {
    MACHINE.environment.set(environment);
}

/// Where there is too little memory, the program gets what the second processor has.
fn with_all_memory<T>(action: impl Fn() -> Result<T, PlatformError>) -> Result<T, PlatformError> {
    let result = action();
    #[cfg(feature = "engine")]
    if matches!(result, Err(PlatformError::OutOfMemory)) && second::give_back() {
        return action();
    }
    result
}

/// Below this, sleeping until the next timer interrupt would be too long.
const SHORTEST_SLEEP_NS: u64 = 2 * 1_000_000_000 / clock::INTERRUPTS_PER_S;

// SAFETY: free frames are given out zeroed and once, and the page tables keep to their protection.
unsafe impl Platform for Machine {
    fn map_pages(&self, size_bytes: usize, protection: Protection) -> Result<usize, PlatformError> {
        with_all_memory(|| memory::map(size_bytes, protection))
    }

    fn map_large(&self, size_bytes: usize) -> Result<usize, PlatformError> {
        with_all_memory(|| memory::map_large(size_bytes))
    }

    unsafe fn unmap_pages(&self, address: usize, size_bytes: usize) -> Result<(), PlatformError> {
        // SAFETY: the caller's promise.
        unsafe { memory::unmap(address, size_bytes) }
    }

    unsafe fn protect_pages(
        &self,
        address: usize,
        size_bytes: usize,
        protection: Protection,
    ) -> Result<(), PlatformError> {
        // SAFETY: the caller's promise.
        with_all_memory(|| unsafe { memory::protect(address, size_bytes, protection) })
    }

    fn console_write(&self, stream: Stream, bytes: &[u8]) {
        console::write(stream, bytes);
    }

    fn console_read(&self, buffer: &mut [u8]) -> usize {
        console::read(buffer)
    }

    fn standard_input(&self) -> Option<FileContents> {
        self.environment.get().input
    }

    fn is_terminal(&self, descriptor: c_int) -> bool {
        let environment = self.environment.get();
        let is_silent = descriptor == 0 && environment.input.is_some();
        !is_silent && (environment.is_terminal(descriptor) || console::is_terminal(descriptor))
    }

    fn monotonic_ns(&self) -> u64 {
        clock::monotonic_ns()
    }

    fn realtime_ns(&self) -> u64 {
        clock::realtime_ns()
    }

    fn sleep_ns(&self, duration_ns: u64) {
        let end = self.monotonic_ns().saturating_add(duration_ns);
        while let Some(left) = end
            .checked_sub(self.monotonic_ns())
            .filter(|left| *left > 0)
        {
            if left > SHORTEST_SLEEP_NS {
                wait_for_interrupt();
            } else {
                core::hint::spin_loop();
            }
        }
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        fill_random(buffer);
    }

    fn files(&self) -> &[File] {
        self.environment.get().files
    }

    fn storage(&self) -> Option<&'static dyn Storage> {
        storage::files()
    }

    fn environment(&self, name: &str) -> Option<&'static CStr> {
        self.environment.get().variable(name)
    }

    fn environment_entries(&self) -> &'static [(&'static str, &'static CStr)] {
        self.environment.get().variables
    }

    fn program_starts(&self) {
        clock::note_program_start();
    }

    fn program_ends(&self) {
        clock::note_program_end();
    }

    fn write_profile(&self, json: &[u8]) {
        serial::report_bytes(PROFILE.as_bytes());
        serial::report_bytes(json);
        serial::report_bytes(b"\n");
    }

    fn exit(&self, status: i32) -> ! {
        // As in POSIX, the low 8 bits of the status are what others see.
        exit::end(status as u8)
    }

    fn abort(&self, message: &str) -> ! {
        exit::fail(exit_code::INTERNAL, format_args!("{message}"))
    }

    fn out_of_memory(&self) -> ! {
        exit::fail(exit_code::OUT_OF_MEMORY, format_args!("out of memory"))
    }
}
