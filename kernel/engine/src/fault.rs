//! What a kernel's exception handlers ask the engine.
//!
//! A handler calls [`describe_fault`] for the text. If the origin is not [`Origin::None`], it may end
//! the program alone, instead of the machine: it lets the exception return to what
//! [`resume_after`] gives, and [`crate::run`] then returns [`crate::Outcome::Failed`].

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_char};
use core::fmt::{self, Write};

use crate::bindings::{
    LLVM_ORIGIN_COMPILER, LLVM_ORIGIN_PROGRAM, llvm_describe_address, llvm_fault_t,
    llvm_handle_fault,
};

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

/// What was running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nothing of the engine.
    None,
    /// The program, or a library function that it called.
    Program,
    /// LLVM.
    Compiler,
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
            Self::DivideError => formatter.write_str("division by zero or overflow in a division"),
            Self::InvalidOpcode => formatter.write_str("invalid instruction or trap"),
            Self::Other(name) => formatter.write_str(name),
        }
    }
}

/// Text in place, for handlers that must not allocate; what does not fit is cut.
struct Text<const SIZE: usize> {
    bytes: [u8; SIZE],
    length: usize,
}

impl<const SIZE: usize> Text<SIZE> {
    const fn new() -> Self {
        Self {
            bytes: [0; SIZE],
            length: 0,
        }
    }
}

impl<const SIZE: usize> Write for Text<SIZE> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // The last byte stays zero: C reads the text.
        let taken = text.len().min(SIZE - 1 - self.length);
        self.bytes[self.length..self.length + taken].copy_from_slice(&text.as_bytes()[..taken]);
        self.length += taken;
        Ok(())
    }
}

fn origin_of(code: u32) -> Origin {
    match code {
        LLVM_ORIGIN_PROGRAM => Origin::Program,
        LLVM_ORIGIN_COMPILER => Origin::Compiler,
        _ => Origin::None,
    }
}

/// Writes one line about the fault: what happened and in which function. Returns what was running.
/// Allocates nothing.
///
/// # Errors
/// Those of `output`.
pub fn describe_fault(fault: &Fault, output: &mut dyn Write) -> Result<Origin, fmt::Error> {
    let mut place = [0 as c_char; 256];
    // SAFETY: the buffer is valid for its length; the function ends the text with a zero.
    let (origin, place) = unsafe {
        let origin = llvm_describe_address(fault.instruction, place.as_mut_ptr(), place.len());
        (origin_of(origin), CStr::from_ptr(place.as_ptr()))
    };
    write!(output, "{}", fault.cause)?;
    match place.to_str() {
        Ok("") | Err(_) => write!(output, " at instruction {:#x}", fault.instruction)?,
        Ok(place) => write!(output, " {place}")?,
    }
    Ok(origin)
}

/// The fault that [`resume`] hands to the library.
struct Pending {
    cause: Text<128>,
    instruction: usize,
}

const RESUME_STACK_SIZE_BYTES: usize = 32 << 10;

/// What an exception handler leaves for [`resume`].
struct Handover<T>(UnsafeCell<T>);

// SAFETY: there is one thread, and no second fault before `resume` has read the first.
unsafe impl<T> Sync for Handover<T> {}

static PENDING: Handover<Pending> = Handover(UnsafeCell::new(Pending {
    cause: Text::new(),
    instruction: 0,
}));

/// The stack of [`resume`]: the program's own may be exhausted.
static RESUME_STACK: Handover<[u8; RESUME_STACK_SIZE_BYTES]> =
    Handover(UnsafeCell::new([0; RESUME_STACK_SIZE_BYTES]));

/// Where the handler must return to for [`crate::run`] to end with this fault; `None` when nothing
/// of the engine was running.
#[must_use]
pub fn resume_after(fault: &Fault) -> Option<Resume> {
    let mut ignored = Text::<1>::new();
    if describe_fault(fault, &mut ignored) == Ok(Origin::None) {
        return None;
    }
    let pending = PENDING.0.get();
    // SAFETY: see Handover.
    let pending = unsafe { &mut *pending };
    pending.cause = Text::new();
    // Writing to a Text cannot fail.
    let _ = write!(pending.cause, "{}", fault.cause);
    pending.instruction = fault.instruction;
    let top = RESUME_STACK.0.get() as usize + RESUME_STACK_SIZE_BYTES;
    Some(Resume {
        instruction: resume as *const () as usize,
        // At a function's entry the stack pointer is 8 below a multiple of 16.
        stack: (top & !15) - 8,
    })
}

extern "C" fn resume() -> ! {
    // SAFETY: see Handover.
    let pending = unsafe { &*PENDING.0.get() };
    let fault = llvm_fault_t {
        instruction: pending.instruction,
        what: pending.cause.bytes.as_ptr().cast(),
    };
    // SAFETY: the text ends with a zero. What the library abandons has no destructors of Rust.
    unsafe { llvm_handle_fault(&fault) };
    // The engine was running when the fault was taken, so control cannot come here.
    bareflow_cxx_runtime::platform().abort("a fault was resumed with nothing running")
}
