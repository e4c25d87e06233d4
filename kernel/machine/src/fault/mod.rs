//! Processor exceptions: the report, and the way back into the payload or the machine's end.

mod backtrace;
mod symbols;

use core::fmt::Write;
use core::sync::atomic::{AtomicBool, Ordering};

use bareflow_cxx_runtime::platform::Stream;
use bareflow_program_env::{Fault, FaultCause, payload};
use bareflow_protocol::exit_code;

use crate::arch::trap::TrapFrame;
use crate::{console, exit, layout};

pub use symbols::function_at;
pub(crate) use symbols::set_table;

/// An exception inside a report must not start another one.
static IS_REPORTING: AtomicBool = AtomicBool::new(false);

/// Why; a stack that is full ends in its guard.
fn cause(frame: &TrapFrame, address: Option<usize>) -> FaultCause {
    match address {
        Some(address) if layout::is_stack_guard(address) => FaultCause::StackOverflow,
        Some(address) => FaultCause::PageFault { address },
        None => frame.cause(),
    }
}

/// Reports the exception. Lets it return into the payload if the payload's program runs; ends the machine if not.
/// `address` is that of a page fault.
pub(crate) fn handle(frame: &mut TrapFrame, address: Option<usize>) {
    if IS_REPORTING.swap(true, Ordering::Relaxed) {
        exit::fail(
            exit_code::INTERNAL,
            format_args!("an exception inside the report of another"),
        );
    }
    let fault = Fault {
        cause: cause(frame, address),
        instruction: frame.instruction(),
        stack: frame.stack(),
    };
    let resume = payload().and_then(|payload| payload.resume_after(&fault));
    if resume.is_none_or(|resume| !resume.is_handled) {
        print_details(frame, &fault, address);
    }
    if let Some(resume) = resume {
        frame.go_to(resume);
        IS_REPORTING.store(false, Ordering::Relaxed);
        return;
    }
    exit::fail(
        exit_code::INTERNAL,
        format_args!(
            "the kernel faulted: {} at instruction {:#x}",
            fault.cause, fault.instruction
        ),
    )
}

/// LLVM needs a page that the image does not have: the compilation fails. Ends the machine if none is under way.
pub(crate) fn handle_absent_page(frame: &mut TrapFrame, address: usize) {
    let fault = Fault {
        cause: FaultCause::AbsentPage { address },
        instruction: frame.instruction(),
        stack: frame.stack(),
    };
    let place = symbols::Place(address);
    let Some(resume) = payload().and_then(|payload| payload.resume_after(&fault)) else {
        exit::fail(
            exit_code::BOOT_FAILURE,
            format_args!(
                "the image has only the pages of LLVM that were used before, not that of {place}"
            ),
        );
    };
    console::print(
        Stream::Error,
        format_args!(
            "bareflow: note: a compilation fails: the image does not have LLVM's page of {place}\n"
        ),
    );
    frame.go_to(resume);
}

fn print_details(frame: &TrapFrame, fault: &Fault, address: Option<usize>) {
    let writer = &mut console::Writer(Stream::Error);
    // Writing to the console does not fail.
    let _ = frame
        .describe(&fault.cause, address, writer)
        .and_then(|()| writeln!(writer, "  at {}", symbols::Place(frame.instruction())))
        .and_then(|()| frame.describe_registers(writer));
    backtrace::print(frame);
}
