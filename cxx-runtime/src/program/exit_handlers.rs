//! What runs when a program exits: the destructors of thread-local variables, the handlers of `atexit` and
//! `__cxa_atexit`, then the destructors that its compiler has collected.

use alloc::vec::Vec;
use core::cell::Cell;
use core::ffi::{c_int, c_void};

/// A function, and its argument.
#[derive(Clone, Copy)]
enum Handler {
    Plain(unsafe extern "C" fn(*mut c_void), *mut c_void),
    /// Of `on_exit`: the status comes first.
    WithStatus(unsafe extern "C" fn(c_int, *mut c_void), *mut c_void),
}

/// A destructor that the compiler has collected.
pub type Destructor = unsafe extern "C" fn();

/// What has not been called, the last one first.
#[derive(Default)]
pub struct ExitHandlers {
    /// Of the thread's end.
    thread_handlers: Cell<Vec<Handler>>,
    /// Of the program's.
    handlers: Cell<Vec<Handler>>,
    destructors: Cell<Vec<Destructor>>,
}

// SAFETY: there is one thread.
unsafe impl Sync for ExitHandlers {}

/// Those of the program that runs.
static PROGRAM: ExitHandlers = ExitHandlers::new();

impl ExitHandlers {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            thread_handlers: Cell::new(Vec::new()),
            handlers: Cell::new(Vec::new()),
            destructors: Cell::new(Vec::new()),
        }
    }

    fn forget(&self) {
        self.thread_handlers.take();
        self.handlers.take();
        self.destructors.take();
    }

    /// Has a function called with its argument.
    ///
    /// # Safety
    /// That must be right at the end.
    pub unsafe fn at_exit(
        &self,
        function: unsafe extern "C" fn(*mut c_void),
        argument: *mut c_void,
    ) {
        push(&self.handlers, Handler::Plain(function, argument));
    }

    /// Sets the destructors, in the order in which they are to run.
    pub fn set_destructors(&self, functions: impl DoubleEndedIterator<Item = Destructor>) {
        self.destructors.set(functions.rev().collect());
    }

    /// Calls everything that has not been called yet, handlers the last one registered first. A handler may register more,
    /// and may exit itself: the rest then still runs, each once.
    pub fn run(&self, status: c_int) {
        call(&self.thread_handlers, status);
        call(&self.handlers, status);
        while let Some(destructor) = pop(&self.destructors) {
            // SAFETY: the program's compiler has put it there to be called at exit.
            unsafe { destructor() };
        }
    }
}

/// Forgets those of an earlier program.
pub(super) fn forget() {
    PROGRAM.forget();
}

fn push<T>(list: &Cell<Vec<T>>, one: T) {
    let mut all = list.take();
    all.push(one);
    list.set(all);
}

fn pop<T>(list: &Cell<Vec<T>>) -> Option<T> {
    let mut all = list.take();
    let last = all.pop();
    list.set(all);
    last
}

/// `atexit` and `__cxa_atexit` of the program.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn bareflow_at_exit(
    function: unsafe extern "C" fn(*mut c_void),
    argument: *mut c_void,
) -> c_int {
    push(&PROGRAM.handlers, Handler::Plain(function, argument));
    0
}

/// `on_exit` of the program.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn bareflow_on_exit(
    function: unsafe extern "C" fn(c_int, *mut c_void),
    argument: *mut c_void,
) -> c_int {
    push(&PROGRAM.handlers, Handler::WithStatus(function, argument));
    0
}

/// `__cxa_thread_atexit` of the program.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn bareflow_at_thread_exit(
    function: unsafe extern "C" fn(*mut c_void),
    argument: *mut c_void,
) -> c_int {
    push(&PROGRAM.thread_handlers, Handler::Plain(function, argument));
    0
}

/// [`ExitHandlers::set_destructors`] of the program.
pub fn set_destructors(functions: impl DoubleEndedIterator<Item = Destructor>) {
    PROGRAM.set_destructors(functions);
}

/// [`set_destructors`] for C++.
///
/// # Safety
/// There must be so many functions.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn bareflow_set_destructors(functions: *const Destructor, count: usize) {
    // SAFETY: the caller's promise.
    set_destructors((0..count).map(|index| unsafe { *functions.add(index) }));
}

/// [`ExitHandlers::run`] of the program.
pub fn run_exit_handlers(status: c_int) {
    PROGRAM.run(status);
}

/// [`run_exit_handlers`] for C++.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn bareflow_run_exit_handlers(status: c_int) {
    run_exit_handlers(status);
}

fn call(handlers: &Cell<Vec<Handler>>, status: c_int) {
    while let Some(handler) = pop(handlers) {
        // SAFETY: the program has registered it to be called so.
        unsafe {
            match handler {
                Handler::Plain(function, argument) => function(argument),
                Handler::WithStatus(function, argument) => function(status, argument),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::RefCell;

    std::thread_local! {
        static SEEN: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    }

    fn see(number: usize) {
        SEEN.with_borrow_mut(|seen| seen.push(number));
    }

    fn number(number: usize) -> *mut c_void {
        core::ptr::without_provenance_mut(number)
    }

    extern "C" fn note(argument: *mut c_void) {
        see(argument.addr());
    }

    extern "C" fn note_status(status: c_int, argument: *mut c_void) {
        see(argument.addr() + status as usize);
    }

    /// Registers another one, and exits itself.
    extern "C" fn exit_again(_argument: *mut c_void) {
        bareflow_at_exit(note, number(7));
        run_exit_handlers(0);
    }

    extern "C" fn first() {
        see(101);
    }

    extern "C" fn second() {
        see(102);
    }

    #[test]
    fn each_runs_once_and_in_order() {
        forget();
        bareflow_at_exit(note, number(1));
        bareflow_at_exit(exit_again, core::ptr::null_mut());
        bareflow_on_exit(note_status, number(10));
        bareflow_at_thread_exit(note, number(3));
        set_destructors([first as Destructor, second].into_iter());
        run_exit_handlers(5);
        run_exit_handlers(5);
        assert_eq!(SEEN.take(), [3, 15, 7, 1, 101, 102]);
    }
}
