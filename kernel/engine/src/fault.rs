//! What a kernel's exception handlers ask the engine.
//!
//! A handler calls [`describe_fault`] for the text. If the origin is not [`Origin::None`], it may end
//! the program alone, instead of the machine: it lets the exception return to what
//! [`resume_after`] gives, and [`crate::run`] then returns [`crate::Outcome::Failed`].

use core::ffi::{CStr, c_char};
use core::fmt::{self, Write};

use bareflow_cxx_runtime::arena;
use bareflow_program_env::{
    Fault, FaultCause, Resume, handle_by_program, pending_fault, resume_in_program, resume_with,
};

use crate::bindings::{
    LLVM_ORIGIN_COMPILER, LLVM_ORIGIN_PROGRAM, llvm_describe_address, llvm_fault_t,
    llvm_handle_fault,
};

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

/// Where the handler must return to for the compilation or else [`crate::run`] to end with this fault; `None` when
/// nothing of the engine was running, or nothing that the fault may end.
#[must_use]
pub fn resume_after(fault: &Fault) -> Option<Resume> {
    let mut ignored = Text::<1>::new();
    let origin = describe_fault(fault, &mut ignored);
    if origin == Ok(Origin::Program)
        && let Some(resume) = resume_in_program(resume_in_handler, fault)
    {
        return Some(resume);
    }
    let can_end = match fault.cause {
        // It is no fault of the program. Outside the arena something is being changed that must stay whole.
        FaultCause::AbsentPage { .. } => origin == Ok(Origin::Compiler) && arena::is_selected(),
        _ => origin != Ok(Origin::None),
    };
    can_end.then(|| resume_with(resume, fault))
}

/// For the panic handler: a code generator in Rust has failed, and what it was asked for ends as if LLVM had failed.
/// Returns if the compiler is not what runs.
pub fn leave_after_panic(message: fmt::Arguments) {
    if !arena::is_selected() {
        return;
    }
    let mut cause = Text::<128>::new();
    // Writing to a Text cannot fail.
    let _ = write!(cause, "panic: {message}");
    let fault = llvm_fault_t {
        instruction: 0,
        stack: 0,
        what: cause.bytes.as_ptr().cast(),
    };
    // SAFETY: the text ends with a zero. What the generator held lies in the compiler's memory, which is put back.
    unsafe { llvm_handle_fault(&fault) };
}

/// On the program's stack: a handler that returns changes nothing.
extern "C" fn resume_in_handler() -> ! {
    handle_by_program();
    resume()
}

extern "C" fn resume() -> ! {
    let pending = pending_fault();
    let mut cause = Text::<128>::new();
    // Writing to a Text cannot fail.
    let _ = write!(cause, "{}", pending.cause);
    let fault = llvm_fault_t {
        instruction: pending.instruction,
        stack: pending.stack,
        what: cause.bytes.as_ptr().cast(),
    };
    // SAFETY: the text ends with a zero. What the library abandons has no destructors of Rust.
    unsafe { llvm_handle_fault(&fault) };
    // The engine was running when the fault was taken, so control cannot come here.
    bareflow_cxx_runtime::platform().abort("a fault was resumed with nothing running")
}
