//! The everyday part of POSIX for programs, beyond what LLVM itself needs.
//!
//! 1. One process, one user, one thread: what needs a second one fails with the errno that POSIX names for it.
//! 2. What would wait for ever for somebody who does not exist ends the program with a message instead.
//! 3. Signals and timers are delivered when the program calls a function that may wait or that reads a clock, and
//!    by `raise`, `kill` and `abort`: never between two of its instructions.

mod calendar;
pub(crate) mod environment;
mod error;
mod faults;
mod fnmatch;
mod getdate;
mod getopt;
mod gettext;
mod iconv;
mod linux;
mod messages;
mod mount_table;
mod network;
mod paths;
mod polling;
mod random;
mod random_states;
mod regex;
mod search;
mod signal_sets;
pub(crate) mod signals;
pub(crate) mod single_thread_cell;
mod strftime;
mod strptime;
mod symbols;
mod system;
mod terminal;
mod threads;
mod timers;
mod users;
mod waiting;
mod zone;

pub use calendar::days_before_month;
pub(crate) use calendar::{START as EPOCH, Tm, utc_calendar};
pub use faults::{ProgramFault, deliver_fault, takes_fault};
pub(crate) use signals::raise;
pub(crate) use strftime::format as format_time;
pub(crate) use symbols::address_of;
pub(crate) use waiting::{deliver_expired, wait_for_handler};

use alloc::format;
use core::ffi::c_char;

use crate::termination::{Termination, terminate};

/// Ends a program that waits for something that cannot happen.
fn wait_for_ever(what: &str) -> ! {
    terminate(Termination::Abort(format!(
        "the program waits for ever: {what}"
    )))
}

/// Makes the state of this module that of a program that has not started yet, and returns its environment.
///
/// # Safety
/// `name`, what the program is started by, must be null or a C string that lives as long as the program.
pub(crate) unsafe fn start_program(name: *const c_char) -> *mut *mut c_char {
    // SAFETY: the caller's promise.
    unsafe { messages::set_program_name(name) };
    signals::reset();
    threads::reset();
    crate::arch::note_features();
    let here = 0_u8;
    threads::set_stack_top((&raw const here) as usize);
    getopt::reset();
    environment::reset()
}

/// What `abort` does before it ends the program: the handler of SIGABRT is called.
pub fn before_abort() {
    signals::bareflow_before_abort();
}
