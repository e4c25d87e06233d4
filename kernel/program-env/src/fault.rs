//! Processor exceptions in a program, and the way from their handler to the code that ends the program.

use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::fmt;

use bareflow_cxx_runtime::{ProgramFault, deliver_fault, takes_fault};

/// Why the processor stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultCause {
    /// The stack's guard page was touched.
    StackOverflow,
    /// A page fault: a load, store or fetch without permission.
    PageFault {
        /// The address that was accessed.
        address: usize,
    },
    /// A page of LLVM is needed that the image does not have.
    AbsentPage {
        /// The address that was accessed.
        address: usize,
    },
    /// A division by zero, or a quotient that does not fit.
    DivideError,
    /// An instruction that does not exist, or a trap of the compiler.
    InvalidOpcode,
    /// A breakpoint instruction.
    Breakpoint,
    /// An address that is none, or an instruction that only a kernel may execute.
    GeneralProtection,
    /// A floating-point exception that the program has unmasked.
    FloatingPoint,
    /// Any other exception, by name.
    Other(&'static str),
}

/// A processor exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Why.
    pub cause: FaultCause,
    /// Where: the instruction pointer.
    pub instruction: usize,
    /// The stack pointer; 0 if nothing can go on there.
    pub stack: usize,
}

/// Where an exception handler returns to: a function that never returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The new instruction pointer.
    pub instruction: usize,
    /// The new stack pointer, as at a function's entry.
    pub stack: usize,
    /// Whether the program has a handler for the fault: then there is nothing to report.
    pub is_handled: bool,
}

/// Bytes in the page at address 0, where null pointers lead.
const NULL_PAGE_SIZE_BYTES: usize = 4096;

impl fmt::Display for FaultCause {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            Self::StackOverflow => formatter.write_str("stack overflow"),
            Self::PageFault { address } if address < NULL_PAGE_SIZE_BYTES => {
                write!(
                    formatter,
                    "null pointer dereference at address {address:#x}"
                )
            }
            Self::PageFault { address } => {
                write!(formatter, "invalid memory access at address {address:#x}")
            }
            Self::AbsentPage { address } => write!(
                formatter,
                "the image has only the pages of LLVM that were used before, not that of {address:#x}"
            ),
            Self::DivideError => formatter.write_str("division by zero or overflow in a division"),
            Self::InvalidOpcode => formatter.write_str("invalid instruction or trap"),
            Self::Breakpoint => formatter.write_str("breakpoint"),
            Self::GeneralProtection => formatter.write_str(
                "general protection fault: an address that cannot exist, or a privileged instruction",
            ),
            Self::FloatingPoint => formatter.write_str("floating-point exception"),
            Self::Other(name) => formatter.write_str(name),
        }
    }
}

const RESUME_STACK_SIZE_BYTES: usize = 32 << 10;

/// What an exception handler leaves for the code that it returns to.
struct Handover<T>(UnsafeCell<T>);

// SAFETY: there is one thread, and no second fault before the first has been read.
unsafe impl<T> Sync for Handover<T> {}

static PENDING: Handover<Fault> = Handover(UnsafeCell::new(Fault {
    cause: FaultCause::Other("no fault"),
    instruction: 0,
    stack: 0,
}));

/// The program's own stack may be exhausted.
static RESUME_STACK: Handover<[u8; RESUME_STACK_SIZE_BYTES]> =
    Handover(UnsafeCell::new([0; RESUME_STACK_SIZE_BYTES]));

/// Has the handler of this fault return to `function`, which finds the fault with [`pending_fault`] and runs on a
/// stack of its own.
#[must_use]
pub fn resume_with(function: extern "C" fn() -> !, fault: &Fault) -> Resume {
    set_pending(fault);
    let top = RESUME_STACK.0.get() as usize + RESUME_STACK_SIZE_BYTES;
    Resume {
        instruction: function as *const () as usize,
        // At a function's entry the stack pointer is 8 below a multiple of 16.
        stack: (top & !15) - 8,
        is_handled: false,
    }
}

fn set_pending(fault: &Fault) {
    // SAFETY: see Handover.
    unsafe { *PENDING.0.get() = *fault };
}

/// The signal that a fault raises on Linux, and its `si_code`; none for what is no fault of a program.
fn signal_of(cause: FaultCause) -> Option<(c_int, c_int)> {
    const SIGILL: c_int = 4;
    const SIGTRAP: c_int = 5;
    const SIGFPE: c_int = 8;
    const SIGSEGV: c_int = 11;
    const SEGV_MAPERR: c_int = 1;
    const ILL_ILLOPN: c_int = 2;
    const TRAP_BRKPT: c_int = 1;
    const FPE_INTDIV: c_int = 1;
    const FPE_FLTINV: c_int = 7;
    const SI_KERNEL: c_int = 0x80;
    Some(match cause {
        FaultCause::StackOverflow | FaultCause::PageFault { .. } => (SIGSEGV, SEGV_MAPERR),
        FaultCause::GeneralProtection => (SIGSEGV, SI_KERNEL),
        FaultCause::DivideError => (SIGFPE, FPE_INTDIV),
        FaultCause::FloatingPoint => (SIGFPE, FPE_FLTINV),
        FaultCause::InvalidOpcode => (SIGILL, ILL_ILLOPN),
        FaultCause::Breakpoint => (SIGTRAP, TRAP_BRKPT),
        FaultCause::AbsentPage { .. } | FaultCause::Other(_) => return None,
    })
}

fn program_fault(fault: &Fault) -> Option<ProgramFault> {
    let (signal, code) = signal_of(fault.cause)?;
    let address = match fault.cause {
        FaultCause::PageFault { address } => address,
        FaultCause::GeneralProtection => 0,
        FaultCause::StackOverflow => fault.stack,
        _ => fault.instruction,
    };
    (fault.stack != 0).then_some(ProgramFault {
        signal,
        code,
        address,
        instruction: fault.instruction,
        stack: fault.stack,
        is_stack_exhausted: fault.cause == FaultCause::StackOverflow,
    })
}

/// Has the exception handler return to `function`, if the program has a handler for this fault: the function is to
/// call [`handle_by_program`].
#[must_use]
pub fn resume_in_program(function: extern "C" fn() -> !, fault: &Fault) -> Option<Resume> {
    let stack = takes_fault(&program_fault(fault)?)?;
    set_pending(fault);
    Some(Resume {
        instruction: function as *const () as usize,
        stack,
        is_handled: true,
    })
}

/// Calls the program's handler of the pending fault, which stays pending if it returns.
pub fn handle_by_program() {
    let fault = pending_fault();
    if let Some(fault) = program_fault(&fault) {
        deliver_fault(&fault);
    }
    set_pending(&fault);
}

/// The fault that [`resume_with`] was called with last.
#[must_use]
pub fn pending_fault() -> Fault {
    // SAFETY: see Handover.
    unsafe { *PENDING.0.get() }
}
