//! What a kernel runs.

use core::cell::Cell;
use core::fmt;

use crate::{Fault, Resume};

/// What a kernel runs: the engine, or a program that is linked with the kernel.
pub trait Payload: Sync {
    /// Runs the program in `bundle`, which is empty if the loader gave none, and returns the exit code. The
    /// runtime has its platform; no constructor has run yet.
    fn run(&self, bundle: &'static [u8]) -> u8;

    /// A tick of the timer found the processor at this instruction. Returns where the handler must return to, if
    /// not there.
    fn tick(&self, _instruction: usize) -> Option<Resume> {
        None
    }

    /// Where an exception's handler must return to for the program to end alone; `None` if it is the kernel's.
    fn resume_after(&self, fault: &Fault) -> Option<Resume>;

    /// For the panic handler: ends what has failed, if it is something that others can do without. Returns if it is not.
    fn leave_after_panic(&self, _message: fmt::Arguments) {}

    /// Says what a fault of the kernel is, and where.
    ///
    /// # Errors
    /// The writer's.
    fn describe(&self, fault: &Fault, to: &mut dyn fmt::Write) -> fmt::Result {
        write!(
            to,
            "{} at instruction {:#x}",
            fault.cause, fault.instruction
        )
    }
}

struct Slot(Cell<Option<&'static dyn Payload>>);

// SAFETY: there is one thread, and it writes once, before interrupts and signals are handled.
unsafe impl Sync for Slot {}

static PAYLOAD: Slot = Slot(Cell::new(None));

/// To be called once, before interrupts and signals are handled.
pub fn set_payload(payload: &'static dyn Payload) {
    PAYLOAD.0.set(Some(payload));
}

/// What the kernel runs; `None` until it has been set.
#[must_use]
pub fn payload() -> Option<&'static dyn Payload> {
    PAYLOAD.0.get()
}
