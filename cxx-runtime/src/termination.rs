//! The end of a program: exit, abort and failed assertions, and who may intercept them.

use core::cell::Cell;
use core::ffi::{c_char, c_int};

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::cstr;
use crate::platform::Stream;
use crate::runtime::platform;

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Termination {
    /// `exit(status)`, after the `atexit` handlers.
    Exit(i32),
    /// `_exit(status)`: no handler ran.
    ImmediateExit(i32),
    /// `abort()` or a failed assertion; what is known of the reason.
    Abort(String),
}

/// Takes over when the program ends: it unwinds to whoever started the program.
pub type Interceptor = fn(Termination) -> !;

struct State {
    interceptor: Cell<Option<Interceptor>>,
    handlers: Handlers,
    quick_handlers: Handlers,
}

type Handlers = Cell<Vec<extern "C" fn()>>;

fn register(handlers: &Handlers, handler: extern "C" fn()) {
    let mut list = handlers.take();
    list.push(handler);
    handlers.set(list);
}

/// Calls the handlers, the last one registered first; each may register more.
fn run(handlers: &Handlers) {
    loop {
        let mut list = handlers.take();
        let Some(handler) = list.pop() else { break };
        handlers.set(list);
        handler();
    }
}

// SAFETY: there is one thread.
unsafe impl Sync for State {}

static STATE: State = State {
    interceptor: Cell::new(None),
    handlers: Cell::new(Vec::new()),
    quick_handlers: Cell::new(Vec::new()),
};

/// Sets who is told when the program ends; `None` ends the process or the machine.
pub fn set_interceptor(interceptor: Option<Interceptor>) {
    STATE.interceptor.set(interceptor);
}

/// Runs the `atexit` handlers, the last one registered first; each may register more.
pub fn run_exit_handlers() {
    run(&STATE.handlers);
}

/// Forgets the `atexit` handlers of a program that did not end by `exit`.
pub fn forget_exit_handlers() {
    drop(STATE.handlers.take());
    drop(STATE.quick_handlers.take());
}

/// Ends the program as `termination` says.
pub fn terminate(termination: Termination) -> ! {
    crate::stdio::flush();
    if let Some(interceptor) = STATE.interceptor.get() {
        interceptor(termination);
    }
    match termination {
        Termination::Exit(status) | Termination::ImmediateExit(status) => platform().exit(status),
        Termination::Abort(message) => platform().abort(&message),
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn exit(status: c_int) -> ! {
    run_exit_handlers();
    terminate(Termination::Exit(status))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn _exit(status: c_int) -> ! {
    terminate(Termination::ImmediateExit(status))
}

#[cfg_attr(not(test), unsafe(export_name = "_Exit"))]
extern "C" fn exit_now(status: c_int) -> ! {
    terminate(Termination::ImmediateExit(status))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn quick_exit(status: c_int) -> ! {
    run(&STATE.quick_handlers);
    terminate(Termination::ImmediateExit(status))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(crate) extern "C" fn abort() -> ! {
    terminate(Termination::Abort(String::from(
        "the program called abort()",
    )))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn atexit(handler: extern "C" fn()) -> c_int {
    register(&STATE.handlers, handler);
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn at_quick_exit(handler: extern "C" fn()) -> c_int {
    register(&STATE.quick_handlers, handler);
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn __assert_fail(
    expression: *const c_char,
    file: *const c_char,
    line: u32,
    function: *const c_char,
) -> ! {
    let text = |string: *const c_char| {
        if string.is_null() {
            return String::from("?");
        }
        // SAFETY: the assert macro passes C strings.
        String::from_utf8_lossy(unsafe { cstr::bytes(string) }).into_owned()
    };
    let message = format!(
        "{}:{line}: {}: assertion `{}' failed",
        text(file),
        text(function),
        text(expression)
    );
    crate::stdio::flush();
    platform().console_write(Stream::Error, message.as_bytes());
    platform().console_write(Stream::Error, b"\n");
    terminate(Termination::Abort(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::{AtomicU32, Ordering};

    static ORDER: AtomicU32 = AtomicU32::new(0);

    extern "C" fn first() {
        ORDER.store(ORDER.load(Ordering::Relaxed) * 10 + 1, Ordering::Relaxed);
    }

    extern "C" fn second() {
        ORDER.store(ORDER.load(Ordering::Relaxed) * 10 + 2, Ordering::Relaxed);
        atexit(third);
    }

    extern "C" fn third() {
        ORDER.store(ORDER.load(Ordering::Relaxed) * 10 + 3, Ordering::Relaxed);
    }

    #[test]
    fn exit_handlers_run_in_reverse_order_and_may_register_more() {
        atexit(first);
        atexit(second);
        run_exit_handlers();
        assert_eq!(ORDER.load(Ordering::Relaxed), 231);
    }
}
