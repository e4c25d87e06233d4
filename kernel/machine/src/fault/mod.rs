//! Processor exceptions: the report, and the way back into the guest or the machine's end.

mod backtrace;
mod symbols;

use core::sync::atomic::{AtomicBool, Ordering};

use bareflow_cxx_runtime::platform::Stream;
use bareflow_guest::{Fault, FaultCause, Resume, guest};
use bareflow_protocol::exit_code;
use x86_64::registers::control::Cr2;
use x86_64::registers::rflags::RFlags;

use crate::console;
use crate::interrupts::{PAGE_FAULT, TrapFrame};
use crate::{exit, layout};

pub use symbols::function_at;
pub(crate) use symbols::set_table;

/// An exception inside a report must not start another one.
static IS_REPORTING: AtomicBool = AtomicBool::new(false);

/// Why, from the vector (Intel SDM volume 3, table 6-1); `address` is that of a page fault.
fn cause(frame: &TrapFrame, address: usize) -> FaultCause {
    FaultCause::Other(match frame.vector {
        0 => return FaultCause::DivideError,
        1 => "debug exception",
        2 => "non-maskable interrupt",
        3 => return FaultCause::Breakpoint,
        4 => "overflow",
        5 => "bound range exceeded",
        6 => return FaultCause::InvalidOpcode,
        7 => "device not available",
        8 => "double fault",
        10 => "invalid task state segment",
        11 => "segment not present",
        12 => "stack fault: the stack pointer is not a valid address",
        13 => return FaultCause::GeneralProtection,
        14 => {
            return match layout::is_stack_guard(address) {
                true => FaultCause::StackOverflow,
                false => FaultCause::PageFault { address },
            };
        }
        16 | 19 => return FaultCause::FloatingPoint,
        17 => "alignment check",
        18 => "machine check",
        21 => "control protection exception",
        _ => "unexpected interrupt",
    })
}

/// Has a handler return there.
pub(crate) fn go_to(resume: Resume, frame: &mut TrapFrame) {
    frame.rip = resume.instruction as u64;
    frame.rsp = resume.stack as u64;
    // Functions expect a clear direction flag; a single-stepped program is not stepped any further.
    frame.rflags &= !(RFlags::DIRECTION_FLAG | RFlags::TRAP_FLAG).bits();
}

/// Reports the exception. Lets it return into the guest if the guest's program runs; ends the machine if not.
pub(crate) fn handle(frame: &mut TrapFrame) {
    // A report may read names from the disk, by page faults of its own.
    let address = Cr2::read_raw() as usize;
    if IS_REPORTING.swap(true, Ordering::Relaxed) {
        exit::fail(
            exit_code::INTERNAL,
            format_args!("an exception inside the report of another"),
        );
    }
    let fault = Fault {
        cause: cause(frame, address),
        instruction: frame.rip as usize,
        stack: frame.rsp as usize,
    };
    let resume = guest().and_then(|guest| guest.resume_after(&fault));
    if resume.is_none_or(|resume| !resume.is_handled) {
        print_details(frame, &fault, address);
    }
    if let Some(resume) = resume {
        go_to(resume, frame);
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
        instruction: frame.rip as usize,
        stack: frame.rsp as usize,
    };
    let place = symbols::Place(address as u64);
    let Some(resume) = guest().and_then(|guest| guest.resume_after(&fault)) else {
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
    go_to(resume, frame);
}

fn print_details(frame: &TrapFrame, fault: &Fault, address: usize) {
    let line = |text: core::fmt::Arguments| console::print(Stream::Error, text);
    line(format_args!(
        "exception {}: {}\n",
        frame.vector, fault.cause
    ));
    if frame.vector as usize == PAGE_FAULT {
        let access = match frame.error_code {
            code if code & 1 << 4 != 0 => "fetch from",
            code if code & 1 << 1 != 0 => "store to",
            _ => "load from",
        };
        line(format_args!(
            "  {access} {address:#018x}, error code {:#x}\n",
            frame.error_code
        ));
    } else if frame.error_code != 0 {
        line(format_args!("  error code {:#x}\n", frame.error_code));
    }
    line(format_args!("  at {}\n", symbols::Place(frame.rip)));
    let registers = [
        ("rax", frame.rax),
        ("rbx", frame.rbx),
        ("rcx", frame.rcx),
        ("rdx", frame.rdx),
        ("rsi", frame.rsi),
        ("rdi", frame.rdi),
        ("rbp", frame.rbp),
        ("rsp", frame.rsp),
        ("r8 ", frame.r8),
        ("r9 ", frame.r9),
        ("r10", frame.r10),
        ("r11", frame.r11),
        ("r12", frame.r12),
        ("r13", frame.r13),
        ("r14", frame.r14),
        ("r15", frame.r15),
        ("rip", frame.rip),
        ("flags", frame.rflags),
    ];
    for row in registers.chunks(4) {
        for (name, value) in row {
            line(format_args!("  {name} {value:016x}"));
        }
        line(format_args!("\n"));
    }
    backtrace::print(frame);
}
