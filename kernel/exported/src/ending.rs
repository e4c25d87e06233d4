//! How a program ends: by itself, by `abort`, by a fault.

use core::ffi::{CStr, c_char, c_int, c_uint};
use core::fmt;

use bareflow_cxx_runtime::program::run_exit_handlers;
use bareflow_cxx_runtime::termination::Termination;
use bareflow_cxx_runtime::{before_abort, commit_files, flush_streams};
use bareflow_program_env::{FailureKind, handle_by_program, pending_fault};

use crate::{compiling, program};

/// Prints the one line about a failure and ends the machine.
pub(crate) fn fail(kind: FailureKind, message: fmt::Arguments) -> ! {
    program::has_ended();
    crate::kernel::fail(kind.exit_code(), message)
}

/// `exit`, and the return from `main`.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bareflow_exit(status: c_int) -> ! {
    run_exit_handlers(status);
    bareflow_exit_now(status)
}

/// `_exit`, `_Exit` and `quick_exit`: no handler runs.
#[unsafe(no_mangle)]
extern "C" fn bareflow_exit_now(status: c_int) -> ! {
    flush_streams();
    commit_files();
    program::has_ended();
    // As in POSIX, the low 8 bits of the status are what others see.
    crate::kernel::end(status as u8)
}

/// `abort`.
#[unsafe(no_mangle)]
extern "C" fn bareflow_abort() -> ! {
    before_abort();
    abort_for("the program called abort()")
}

fn abort_for(reason: &str) -> ! {
    flush_streams();
    commit_files();
    fail(FailureKind::Aborted, format_args!("{reason}"))
}

/// A failed `assert`.
///
/// # Safety
/// The pointers must be null or lead to C strings.
#[unsafe(no_mangle)]
unsafe extern "C" fn bareflow_assert_fail(
    expression: *const c_char,
    file: *const c_char,
    line: c_uint,
    function: *const c_char,
) -> ! {
    before_abort();
    flush_streams();
    commit_files();
    // SAFETY: the caller's promise.
    let [expression, file, function] =
        [expression, file, function].map(|pointer| unsafe { text_at(pointer) });
    fail(
        FailureKind::Aborted,
        format_args!("assertion failed: {expression}, in {function}, at {file}:{line}"),
    )
}

/// # Safety
/// The pointer must be null or lead to a C string.
unsafe fn text_at<'a>(pointer: *const c_char) -> &'a str {
    if pointer.is_null() {
        return "?";
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(pointer) }.to_str().unwrap_or("?")
}

/// A library function that the program called ends the program.
pub(crate) fn intercept(termination: Termination) -> ! {
    match termination {
        Termination::Exit(status) => bareflow_exit(status),
        Termination::ImmediateExit(status) => bareflow_exit_now(status),
        Termination::Abort(reason) => abort_for(&reason),
    }
}

/// Where the exception handler returns to when the program has a handler for the fault.
pub(crate) extern "C" fn in_handler() -> ! {
    handle_by_program();
    after_fault()
}

/// Where the handler of the program's fault returns to.
pub(crate) extern "C" fn after_fault() -> ! {
    // The streams may be what faulted: a second fault is the kernel's.
    program::has_ended();
    flush_streams();
    commit_files();
    let fault = pending_fault();
    let function = compiling::function_at(fault.instruction)
        .or_else(|| crate::kernel::function_at(fault.instruction));
    match function {
        Some((name, offset)) => fail(
            FailureKind::GuestFault,
            format_args!("{} in function '{name}' (+{offset:#x})", fault.cause),
        ),
        None => fail(
            FailureKind::GuestFault,
            format_args!("{} at instruction {:#x}", fault.cause, fault.instruction),
        ),
    }
}
