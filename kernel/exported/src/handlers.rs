//! What runs when a program exits: the destructors of thread-local variables, the handlers of `atexit` and
//! `__cxa_atexit`, then the destructors that the compiler has collected.

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
type Destructor = Option<unsafe extern "C" fn()>;

/// Handlers that have not been called.
type Handlers = Cell<Vec<Handler>>;

struct State {
    /// Of the thread's end.
    thread_handlers: Handlers,
    /// Of the program's.
    handlers: Handlers,
    /// How many destructors have been called.
    destroyed: Cell<usize>,
}

// SAFETY: there is one thread.
unsafe impl Sync for State {}

static STATE: State = State {
    thread_handlers: Cell::new(Vec::new()),
    handlers: Cell::new(Vec::new()),
    destroyed: Cell::new(0),
};

/// `atexit` and `__cxa_atexit` of the program.
#[unsafe(no_mangle)]
extern "C" fn bareflow_at_exit(
    function: unsafe extern "C" fn(*mut c_void),
    argument: *mut c_void,
) -> c_int {
    register(&STATE.handlers, Handler::Plain(function, argument))
}

/// `on_exit` of the program.
#[unsafe(no_mangle)]
extern "C" fn bareflow_on_exit(
    function: unsafe extern "C" fn(c_int, *mut c_void),
    argument: *mut c_void,
) -> c_int {
    register(&STATE.handlers, Handler::WithStatus(function, argument))
}

/// `__cxa_thread_atexit` of the program.
#[unsafe(no_mangle)]
extern "C" fn bareflow_at_thread_exit(
    function: unsafe extern "C" fn(*mut c_void),
    argument: *mut c_void,
) -> c_int {
    register(&STATE.thread_handlers, Handler::Plain(function, argument))
}

fn register(registered: &Handlers, handler: Handler) -> c_int {
    let mut handlers = registered.take();
    handlers.push(handler);
    registered.set(handlers);
    0
}

/// Calls everything that has not been called yet, the last one registered first. A handler may register more, and
/// may exit itself: the rest then still runs, each once.
pub(crate) fn run(status: c_int) {
    call(&STATE.thread_handlers, status);
    call(&STATE.handlers, status);
    let destructors = destructors();
    while let Some(index) = destructors.len().checked_sub(STATE.destroyed.get() + 1) {
        STATE.destroyed.set(STATE.destroyed.get() + 1);
        if let Some(destructor) = destructors[index] {
            // SAFETY: the program's compiler has put it there to be called at exit.
            unsafe { destructor() };
        }
    }
}

fn call(registered: &Handlers, status: c_int) {
    loop {
        let mut handlers = registered.take();
        let handler = handlers.pop();
        registered.set(handlers);
        let Some(handler) = handler else {
            break;
        };
        // SAFETY: the program has registered it to be called so.
        unsafe {
            match handler {
                Handler::Plain(function, argument) => function(argument),
                Handler::WithStatus(function, argument) => function(status, argument),
            }
        }
    }
}

fn destructors() -> &'static [Destructor] {
    unsafe extern "C" {
        static __fini_array_start: Destructor;
        static __fini_array_end: Destructor;
    }
    let (start, end) = (&raw const __fini_array_start, &raw const __fini_array_end);
    let count = (end as usize - start as usize) / size_of::<Destructor>();
    // SAFETY: the linker script delimits an array of functions, which is constant.
    unsafe { core::slice::from_raw_parts(start, count) }
}
