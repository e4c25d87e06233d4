//! x86-64.

mod entry;
mod signal;
mod system_call;

pub(crate) use entry::switch_stack;
pub(crate) use signal::{Context, signal_return};
pub(crate) use system_call::{call, number, set_thread_pointer};
