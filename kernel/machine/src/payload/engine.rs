//! The engine as what the machine runs.

use core::fmt;

use bareflow_program_env::{Fault, Payload, Resume};
use bareflow_protocol::exit_code;

use super::host::MachineHost;
use crate::drivers::firmware::overlay;
use crate::start::start;
use crate::{demand_paging, exit, storage};

struct Engine;

impl Payload for Engine {
    fn run(&self, bundle: &'static [u8]) -> u8 {
        if bundle.is_empty() {
            exit::fail(
                exit_code::BOOT_FAILURE,
                format_args!("the loader gave no program (-initrd BUNDLE)"),
            );
        }
        // SAFETY: once, with the platform installed; the linker script delimits the constructors.
        unsafe { bareflow_cxx_runtime::run_constructors() };
        let mut host = MachineHost;
        let code = bareflow_engine::run_bundle(bundle, overlay(), &mut host);
        demand_paging::remember(storage::volume().as_deref_mut());
        code
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
}

/// # Safety
/// As of [`start`].
#[unsafe(no_mangle)]
unsafe extern "C" fn machine_start(loader_info: usize) -> ! {
    // SAFETY: the caller's promise.
    unsafe { start(loader_info, &Engine) }
}
