//! What an architecture is to this kernel: these names, which a folder for each defines. Nothing else here names an
//! instruction, a register or the number of a system call.
//!
//! | name | what |
//! |---|---|
//! | `_start` | Linux's entry, which calls `hosted_start` with what Linux has put on the stack |
//! | `switch_stack` | goes on in a function on another stack |
//! | `call`, `number` | a system call, and the numbers of those that the kernel makes |
//! | `set_thread_pointer` | sets what thread-local variables are found by |
//! | `signal_return` | where a signal handler returns to |
//! | `Context` | what ran when a signal came: where, why, and where it is to go on |

#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::{Context, call, number, set_thread_pointer, signal_return, switch_stack};
