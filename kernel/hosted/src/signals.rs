//! Processor exceptions arrive as signals: the engine says what they mean.

use core::arch::global_asm;
use core::ffi::c_void;
use core::fmt::Write;

use bareflow_engine::{Fault, FaultCause, describe_fault, resume_after};

use crate::platform::ErrorStream;
use crate::start::{GUARD_SIZE_BYTES, STACK_SIZE_BYTES, STACK_TOP};
use crate::system::{self, SignalAction};

const SIGILL: usize = 4;
const SIGTRAP: usize = 5;
const SIGBUS: usize = 7;
const SIGFPE: usize = 8;
const SIGSEGV: usize = 11;

const SA_SIGINFO: u64 = 4;
const SA_RESTORER: u64 = 0x0400_0000;
const SA_ONSTACK: u64 = 0x0800_0000;
const SA_NODEFER: u64 = 0x4000_0000;

/// Byte offset of the faulting address in `siginfo_t`.
const FAULT_ADDRESS_OFFSET: usize = 16;
/// Index of the first general register in `ucontext_t`, in words, and of two registers from there
/// (`sys/ucontext.h`).
const GENERAL_REGISTERS: usize = 5;
const RSP: usize = GENERAL_REGISTERS + 15;
const RIP: usize = GENERAL_REGISTERS + 16;

const SIGNAL_STACK_BYTES: usize = 64 << 10;
static mut SIGNAL_STACK: [u8; SIGNAL_STACK_BYTES] = [0; SIGNAL_STACK_BYTES];

global_asm!(
    ".pushsection .text.bareflow_signal_return, \"ax\", @progbits",
    "bareflow_signal_return:",
    "mov eax, 15", // rt_sigreturn
    "syscall",
    ".popsection",
);

unsafe extern "C" {
    fn bareflow_signal_return();
}

/// Takes the signals of processor exceptions.
pub fn install() {
    let action = SignalAction {
        handler: handle as *const () as usize,
        // The handler may leave by resuming elsewhere: the signal must not stay blocked.
        flags: SA_SIGINFO | SA_RESTORER | SA_ONSTACK | SA_NODEFER,
        restorer: bareflow_signal_return as *const () as usize,
        mask: 0,
    };
    // SAFETY: the stack is used for nothing else; the handler and the restorer are made for this.
    unsafe {
        system::set_signal_stack(&raw mut SIGNAL_STACK as usize, SIGNAL_STACK_BYTES);
        for signal in [SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV] {
            system::set_signal_action(signal, &action);
        }
    }
}

extern "C" fn handle(signal: i32, information: *const u8, context: *mut c_void) {
    let context = context.cast::<usize>();
    // SAFETY: the system passes a siginfo_t and a ucontext_t, whose words are read at their offsets.
    let (address, instruction) = unsafe {
        (
            information.add(FAULT_ADDRESS_OFFSET).cast::<usize>().read(),
            context.add(RIP).read(),
        )
    };
    let guard_start = STACK_TOP - STACK_SIZE_BYTES - GUARD_SIZE_BYTES;
    let cause = match signal as usize {
        SIGFPE => FaultCause::DivideError,
        SIGILL | SIGTRAP => FaultCause::InvalidOpcode,
        _ if (guard_start..guard_start + GUARD_SIZE_BYTES).contains(&address) => {
            FaultCause::StackOverflow
        }
        _ => FaultCause::PageFault { address },
    };
    let fault = Fault { cause, instruction };
    if let Some(resume) = resume_after(&fault) {
        // SAFETY: the handler returns to a function that never returns, on a stack of its own.
        unsafe {
            context.add(RIP).write(resume.instruction);
            context.add(RSP).write(resume.stack);
        }
        return;
    }
    let _ = ErrorStream.write_str("bareflow: error: internal error: ");
    let _ = describe_fault(&fault, &mut ErrorStream);
    let _ = ErrorStream.write_str("\n");
    system::exit(crate::EXIT_INTERNAL)
}
