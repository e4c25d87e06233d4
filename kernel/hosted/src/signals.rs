//! Processor exceptions, which Linux delivers as signals.
//!
//! The handler runs on a stack of its own, since the program's may be exhausted. It never handles the
//! fault itself: it returns to where the payload says, or ends the process when the fault is the kernel's.

use core::cell::UnsafeCell;
use core::fmt::Write;
use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering};

use bareflow_program_env::{Fault, FaultCause, payload};
use bareflow_protocol::exit_code;

use crate::arch::{self, Context};
use crate::linux::{self, Errno, ErrorStream, SignalAction};

const SIGILL: usize = 4;
const SIGTRAP: usize = 5;
const SIGBUS: usize = 7;
const SIGFPE: usize = 8;
const SIGSEGV: usize = 11;

const SIGPROF: usize = 27;

const SA_RESTART: usize = 0x1000_0000;
const SA_SIGINFO: usize = 0x4;
const SA_RESTORER: usize = 0x0400_0000;
const SA_ONSTACK: usize = 0x0800_0000;

/// The frame that Linux pushes holds the vector registers, up to 11 KiB with AMX; the rest is ours.
const HANDLER_STACK_SIZE_BYTES: usize = 64 << 10;

#[repr(C, align(16))]
struct HandlerStack(UnsafeCell<[u8; HANDLER_STACK_SIZE_BYTES]>);

// SAFETY: only Linux writes to it, and only while a handler runs on it.
unsafe impl Sync for HandlerStack {}

static HANDLER_STACK: HandlerStack = HandlerStack(UnsafeCell::new([0; HANDLER_STACK_SIZE_BYTES]));

static GUARD_START: AtomicUsize = AtomicUsize::new(0);
static GUARD_END: AtomicUsize = AtomicUsize::new(0);

/// Takes the signals that faults raise; an access within `guard` is a stack overflow.
///
/// # Errors
/// Linux's.
pub(crate) fn install(guard: &Range<usize>) -> Result<(), Errno> {
    GUARD_START.store(guard.start, Ordering::Relaxed);
    GUARD_END.store(guard.end, Ordering::Relaxed);
    let stack = HANDLER_STACK.0.get() as usize;
    // SAFETY: the memory is used for nothing else.
    unsafe { linux::set_signal_stack(stack, HANDLER_STACK_SIZE_BYTES)? };
    let action = SignalAction {
        handler: handle as *const () as usize,
        flags: SA_SIGINFO | SA_RESTORER | SA_ONSTACK,
        restorer: arch::signal_return(),
        mask: 0,
    };
    for signal in [SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV] {
        // SAFETY: the handler has the signature of SA_SIGINFO, and returns through rt_sigreturn.
        unsafe { linux::set_signal_action(signal, &action)? };
    }
    Ok(())
}

/// Starts the timer of profiles and budgets: it counts the process's own time.
///
/// # Errors
/// Linux's.
pub(crate) fn start_timer(interval_us: u32) -> Result<(), Errno> {
    let action = SignalAction {
        handler: handle_tick as *const () as usize,
        flags: SA_SIGINFO | SA_RESTORER | SA_ONSTACK | SA_RESTART,
        restorer: arch::signal_return(),
        mask: 0,
    };
    // SAFETY: the handler has the signature of SA_SIGINFO, and returns through rt_sigreturn.
    unsafe { linux::set_signal_action(SIGPROF, &action)? };
    linux::set_profiling_timer(interval_us as usize)
}

extern "C" fn handle_tick(_signal: i32, _information: &SignalInformation, context: &mut Context) {
    if let Some(resume) = payload().and_then(|payload| payload.tick(context.instruction())) {
        context.go_to(resume);
    }
}

/// The start of `siginfo_t`.
#[repr(C)]
struct SignalInformation {
    signal: i32,
    error: i32,
    code: i32,
}

/// Why.
fn cause(information: &SignalInformation, context: &Context) -> FaultCause {
    // Zero and below: sent by a process.
    if information.code <= 0 {
        return FaultCause::Other("a signal from another process");
    }
    let guard = GUARD_START.load(Ordering::Relaxed)..GUARD_END.load(Ordering::Relaxed);
    context.cause(&guard)
}

extern "C" fn handle(_signal: i32, information: &SignalInformation, context: &mut Context) {
    let fault = Fault {
        cause: cause(information, context),
        instruction: context.instruction(),
        stack: context.stack_pointer(),
    };
    if let Some(resume) = payload().and_then(|payload| payload.resume_after(&fault)) {
        return context.go_to(resume);
    }
    let mut errors = ErrorStream;
    // Nobody is left to be told that standard error is closed.
    let _ = errors.write_str("bareflow: error: the kernel faulted: ");
    let _ = payload().map(|payload| payload.describe(&fault, &mut errors));
    let _ = errors.write_str("\n");
    linux::exit(exit_code::INTERNAL)
}
