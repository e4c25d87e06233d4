//! The program as what the machine runs.

use core::ffi::{c_char, c_int};
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use bareflow_bundle::Bundle;
use bareflow_cxx_runtime::program::{
    Arguments, Destructor, ZeroByte, set_destructors, start_program,
};
use bareflow_cxx_runtime::termination::set_interceptor;
use bareflow_program_env::{
    FailureKind, Fault, Payload, Resume, arguments_of, resume_in_program, resume_with,
};

use crate::compiling;
use crate::ending;
use crate::indirect::choose_functions;

unsafe extern "C" {
    /// The program's `main`, with the parameters and the result that it may leave out.
    fn bareflow_main(
        count: c_int,
        arguments: *mut *mut c_char,
        environment: *mut *mut c_char,
    ) -> c_int;
}

/// Whether a fault is the program's.
static IS_RUNNING: AtomicBool = AtomicBool::new(false);

/// From here on a fault is the kernel's.
pub(crate) fn has_ended() {
    if IS_RUNNING.swap(false, Relaxed) {
        bareflow_cxx_runtime::platform().program_ends();
    }
}

/// The program that is linked with the kernel.
pub(crate) struct LinkedProgram;

impl Payload for LinkedProgram {
    fn run(&self, bundle: &'static [u8]) -> u8 {
        let arguments = match arguments(bundle) {
            Ok(arguments) => arguments,
            Err(error) => ending::fail(FailureKind::BadProgram, format_args!("{error}")),
        };
        set_interceptor(Some(ending::intercept));
        compiling::start();
        IS_RUNNING.store(true, Relaxed);
        bareflow_cxx_runtime::platform().program_starts();
        let started = start_program(arguments);
        set_destructors(destructors().iter().rev().filter_map(|function| *function));
        // SAFETY: the platform is installed, and the linker script delimits the constructors; the program's code is as C
        // says it, and gets the arguments that C says.
        let status = unsafe {
            choose_functions();
            bareflow_cxx_runtime::run_constructors();
            bareflow_main(started.count, started.arguments, started.environment)
        };
        ending::bareflow_exit(status)
    }

    fn resume_after(&self, fault: &Fault) -> Option<Resume> {
        let own = || {
            resume_in_program(ending::in_handler, fault)
                .unwrap_or_else(|| resume_with(ending::after_fault, fault))
        };
        compiling::resume_after(fault).or_else(|| IS_RUNNING.load(Relaxed).then(own))
    }

    fn leave_after_panic(&self, _message: fmt::Arguments) {
        compiling::leave_after_panic();
    }
}

fn arguments(bundle: &[u8]) -> Result<Arguments, &'static str> {
    let arguments = if bundle.is_empty() {
        Arguments::of([])
    } else {
        let Ok(bundle) = Bundle::open(bundle) else {
            return Err("this is not a program bundle");
        };
        Arguments::of(arguments_of(&bundle, crate::kernel::overlay()))
    };
    arguments.map_err(|ZeroByte| "a file name or argument contains a zero byte")
}

/// What the program's compiler has collected, in the order in which it was constructed.
fn destructors() -> &'static [Option<Destructor>] {
    unsafe extern "C" {
        static __fini_array_start: Option<Destructor>;
        static __fini_array_end: Option<Destructor>;
    }
    let (start, end) = (&raw const __fini_array_start, &raw const __fini_array_end);
    let count = (end as usize - start as usize) / size_of::<Option<Destructor>>();
    // SAFETY: the linker script delimits an array of functions, which is constant.
    unsafe { core::slice::from_raw_parts(start, count) }
}
