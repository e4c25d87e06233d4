//! The engine as what the process runs.

use core::fmt;

use bareflow_program_env::{Fault, Payload, Resume};

use crate::host::HostedKernel;
use crate::start::start;

struct Engine;

impl Payload for Engine {
    fn run(&self, bundle: &'static [u8]) -> u8 {
        // SAFETY: once, with the platform installed; the linker script delimits the constructors.
        unsafe { bareflow_cxx_runtime::run_constructors() };
        bareflow_engine::run_bundle(bundle, &[], &mut HostedKernel)
    }

    fn tick(&self, instruction: usize) -> Option<Resume> {
        bareflow_engine::tick(instruction)
    }

    fn resume_after(&self, fault: &Fault) -> Option<Resume> {
        bareflow_engine::resume_after(fault)
    }

    fn leave_after_panic(&self, message: fmt::Arguments) {
        bareflow_engine::leave_after_panic(message);
    }

    fn describe(&self, fault: &Fault, to: &mut dyn fmt::Write) -> fmt::Result {
        bareflow_engine::describe_fault(fault, to).map(drop)
    }
}

/// # Safety
/// As of [`start`].
#[unsafe(no_mangle)]
unsafe extern "C" fn hosted_start(initial: *const usize) -> ! {
    // SAFETY: the caller's promise.
    unsafe { start(initial, &Engine) }
}
