//! A program's run, from its arguments to its exit handlers: the one place for whoever runs programs, the engine's C++ and
//! kernels of exported programs alike.

mod arguments;
mod exit_handlers;

use alloc::boxed::Box;
use core::cell::Cell;
use core::ffi::{c_char, c_int};

pub use arguments::{Arguments, ZeroByte};
pub use exit_handlers::{Destructor, ExitHandlers, run_exit_handlers, set_destructors};

use crate::posix;

/// What `main` is called with.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Started {
    /// How many arguments there are.
    pub count: c_int,
    /// The arguments, and a null pointer behind them.
    pub arguments: *mut *mut c_char,
    /// The environment.
    pub environment: *mut *mut c_char,
}

struct State(Cell<Option<Arguments>>);

// SAFETY: there is one thread.
unsafe impl Sync for State {}

/// Those of the program that was started last.
static ARGUMENTS: State = State(Cell::new(None));

/// Makes the state of the C library that of a program that has not started yet. The arguments stay until the next program
/// is started.
pub fn start_program(mut arguments: Arguments) -> Started {
    let started = start(&mut arguments);
    ARGUMENTS.0.set(Some(arguments));
    started
}

/// The same of a program that may run others in itself: its arguments stay for ever.
pub fn start_image(arguments: Arguments) -> Started {
    start(Box::leak(Box::new(arguments)))
}

fn start(arguments: &mut Arguments) -> Started {
    exit_handlers::forget();
    let (count, pointers) = (arguments.count(), arguments.pointers());
    // SAFETY: the pointer is the program's name, a C string, or the null pointer behind no arguments; the arguments stay
    // where they are.
    let environment = unsafe { posix::start_program(*pointers) };
    Started {
        count,
        arguments: pointers,
        environment,
    }
}

/// [`start_program`] for C++, with copies of the arguments.
///
/// # Safety
/// There must be so many C strings.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn bareflow_start_program(
    count: c_int,
    arguments: *const *const c_char,
) -> Started {
    // SAFETY: the caller's promise.
    let copies = unsafe { Arguments::copied(count, arguments) };
    start_program(copies)
}
