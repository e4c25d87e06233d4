//! Handlers of the signals that faults raise: SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGTRAP.
//!
//! A kernel asks [`takes_fault`] in its exception handler, and has the program go on in a function of the kernel's
//! that calls [`deliver_fault`]. The handler leaves by `siglongjmp` or ends the program: the instruction is not tried
//! again, and a handler that returns has the program end as without it.

use core::ffi::{c_int, c_void};

use super::signals::{self, Origin};
use super::single_thread_cell::SingleThreadCell;
use crate::errno::{self, fail};
use crate::platform::Protection;
use crate::runtime::platform;

const SA_ONSTACK: c_int = 0x0800_0000;

/// Registers of a `ucontext_t`, and which of them is what.
const REGISTER_COUNT: usize = 23;
const REGISTER_RSP: usize = 15;
const REGISTER_RIP: usize = 16;
const REGISTER_CR2: usize = 22;

/// `ucontext_t` as a handler gets it: the registers that are known, and else zeros.
#[repr(C)]
struct Context {
    flags: u64,
    link: usize,
    stack: SignalStack,
    registers: [usize; REGISTER_COUNT],
    rest: [u64; 93],
}

/// `stack_t`.
#[repr(C)]
#[derive(Clone, Copy)]
struct SignalStack {
    start: usize,
    flags: c_int,
    size: usize,
}

const SS_DISABLE: c_int = 2;

const NO_STACK: SignalStack = SignalStack {
    start: 0,
    flags: SS_DISABLE,
    size: 0,
};

static CONTEXT: SingleThreadCell<Context> = SingleThreadCell::new(Context {
    flags: 0,
    link: 0,
    stack: NO_STACK,
    registers: [0; REGISTER_COUNT],
    rest: [0; 93],
});
static STACK: SingleThreadCell<SignalStack> = SingleThreadCell::new(NO_STACK);

/// Where handlers run when the program's stack is exhausted. A handler may be compiled there, which takes more than
/// the stacks that programs give.
static RESERVE: SingleThreadCell<Option<usize>> = SingleThreadCell::new(None);
const RESERVE_BYTES: usize = 8 << 20;

/// As at the start of a program; the reserve stays.
pub(super) fn reset() {
    STACK.set(NO_STACK);
}

/// The third argument of a handler.
pub(super) fn context() -> *mut c_void {
    CONTEXT.get().cast()
}

/// A processor exception in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgramFault {
    /// The signal that it raises.
    pub signal: c_int,
    /// `si_code`.
    pub code: c_int,
    /// The address that was accessed, or that of the instruction.
    pub address: usize,
    /// The instruction pointer.
    pub instruction: usize,
    /// The stack pointer.
    pub stack: usize,
    /// Whether the program's stack has no room.
    pub is_stack_exhausted: bool,
}

/// Bytes below the stack pointer that the interrupted code may use.
const RED_ZONE_BYTES: usize = 256;

/// The stack pointer with which the program's handler of this fault is to be called; none if it has no handler that may
/// be called now. For exception handlers.
#[must_use]
pub fn takes_fault(fault: &ProgramFault) -> Option<usize> {
    let action = signals::action(fault.signal);
    if !action.has_handler() || signals::blocked() & signals::bit(fault.signal) != 0 {
        return None;
    }
    let top = if fault.is_stack_exhausted {
        let is_given = action.flags & SA_ONSTACK != 0 && STACK.read().flags & SS_DISABLE == 0;
        RESERVE.read().filter(|_| is_given)? + RESERVE_BYTES
    } else {
        fault.stack - RED_ZONE_BYTES
    };
    // At a function's entry the stack pointer is 8 below a multiple of 16.
    Some((top & !15) - 8)
}

unsafe extern "C" {
    fn fesetenv(environment: *const c_void) -> c_int;
}

const FE_DFL_ENV: *const c_void = core::ptr::without_provenance(usize::MAX);

/// Calls the program's handler of a fault.
pub fn deliver_fault(fault: &ProgramFault) {
    CONTEXT.with(|context| {
        context.registers[REGISTER_RIP] = fault.instruction;
        context.registers[REGISTER_RSP] = fault.stack;
        context.registers[REGISTER_CR2] = fault.address;
    });
    // As a process starts: what was unmasked would fault again.
    // SAFETY: FE_DFL_ENV stands for the environment at the start.
    unsafe { fesetenv(FE_DFL_ENV) };
    signals::deliver(
        fault.signal,
        Origin::Fault(fault.code, fault.address as u64),
    );
}

/// The stack itself is not used: see [`RESERVE`].
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sigaltstack(new: *const SignalStack, old: *mut SignalStack) -> c_int {
    const SMALLEST_BYTES: usize = 2048;
    let before = STACK.read();
    // SAFETY: the caller passes null or a stack, and null or a place for one.
    let new = (!new.is_null()).then(|| unsafe { *new });
    if let Some(new) = new {
        if new.flags & !SS_DISABLE != 0 {
            return fail(errno::EINVAL);
        }
        if new.flags & SS_DISABLE == 0 {
            if new.size < SMALLEST_BYTES {
                return fail(errno::ENOMEM);
            }
            if RESERVE.read().is_none() {
                let pages =
                    platform().map_pages(RESERVE_BYTES, Protection::READ | Protection::WRITE);
                match pages {
                    Ok(address) => RESERVE.set(Some(address)),
                    Err(_) => return fail(errno::ENOMEM),
                }
            }
        }
        STACK.set(if new.flags & SS_DISABLE == 0 {
            new
        } else {
            NO_STACK
        });
    }
    if !old.is_null() {
        // SAFETY: as above.
        unsafe { *old = before };
    }
    0
}
