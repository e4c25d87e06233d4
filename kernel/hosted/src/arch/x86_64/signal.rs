//! What Linux puts on a signal handler's stack on x86-64.

use core::arch::global_asm;
use core::ops::Range;

use bareflow_program_env::{FaultCause, Resume};

// What a handler returns to: rt_sigreturn.
global_asm!(
    ".pushsection .text.bareflow_signal_return, \"ax\", @progbits",
    ".globl bareflow_signal_return",
    ".type bareflow_signal_return, @function",
    "bareflow_signal_return:",
    "mov eax, 15",
    "syscall",
    ".size bareflow_signal_return, . - bareflow_signal_return",
    ".popsection",
);

unsafe extern "C" {
    fn bareflow_signal_return();
}

/// Where a handler returns to.
pub(crate) fn signal_return() -> usize {
    bareflow_signal_return as *const () as usize
}

/// `struct ucontext` up to what is used of it: `uc_flags`, `uc_link`, `uc_stack`, then the registers.
#[repr(C)]
pub(crate) struct Context {
    flags: usize,
    link: usize,
    stack: [usize; 3],
    /// r8 to r15, rdi, rsi, rbp, rbx, rdx, rax, rcx.
    general: [usize; 15],
    stack_pointer: usize,
    instruction: usize,
    processor_flags: usize,
    segments: usize,
    error_code: usize,
    vector: usize,
    old_mask: usize,
    fault_address: usize,
}

/// Direction flag: set while a string operation runs backwards. Functions expect it clear.
const FLAGS_DF: usize = 1 << 10;

impl Context {
    pub(crate) fn instruction(&self) -> usize {
        self.instruction
    }

    pub(crate) fn stack_pointer(&self) -> usize {
        self.stack_pointer
    }

    /// Why, from the vector of the exception (Intel SDM volume 3, table 6-1). An access within `guard` is a stack
    /// overflow.
    pub(crate) fn cause(&self, guard: &Range<usize>) -> FaultCause {
        match self.vector {
            0 => FaultCause::DivideError,
            3 => FaultCause::Breakpoint,
            6 => FaultCause::InvalidOpcode,
            14 if guard.contains(&self.fault_address) => FaultCause::StackOverflow,
            14 => FaultCause::PageFault {
                address: self.fault_address,
            },
            12 => FaultCause::Other("stack fault: the stack pointer is not a valid address"),
            13 => FaultCause::GeneralProtection,
            16 | 19 => FaultCause::FloatingPoint,
            17 => FaultCause::Other("alignment check"),
            _ => FaultCause::Other("processor exception"),
        }
    }

    /// Has the handler return there.
    pub(crate) fn go_to(&mut self, resume: Resume) {
        self.instruction = resume.instruction;
        self.stack_pointer = resume.stack;
        self.processor_flags &= !FLAGS_DF;
    }
}
