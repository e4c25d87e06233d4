//! Processor exceptions in a program, and the way from their handler to the code that ends the program.

use core::cell::UnsafeCell;
use core::fmt;

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
}

/// Where an exception handler returns to: a function that never returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The new instruction pointer.
    pub instruction: usize,
    /// The new stack pointer, as at a function's entry.
    pub stack: usize,
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
}));

/// The program's own stack may be exhausted.
static RESUME_STACK: Handover<[u8; RESUME_STACK_SIZE_BYTES]> =
    Handover(UnsafeCell::new([0; RESUME_STACK_SIZE_BYTES]));

/// Has the handler of this fault return to `function`, which finds the fault with [`pending_fault`] and runs on a
/// stack of its own.
#[must_use]
pub fn resume_with(function: extern "C" fn() -> !, fault: &Fault) -> Resume {
    // SAFETY: see Handover.
    unsafe { *PENDING.0.get() = *fault };
    let top = RESUME_STACK.0.get() as usize + RESUME_STACK_SIZE_BYTES;
    Resume {
        instruction: function as *const () as usize,
        // At a function's entry the stack pointer is 8 below a multiple of 16.
        stack: (top & !15) - 8,
    }
}

/// The fault that [`resume_with`] was called with last.
#[must_use]
pub fn pending_fault() -> Fault {
    // SAFETY: see Handover.
    unsafe { *PENDING.0.get() }
}
