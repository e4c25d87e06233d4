//! The second processor, on which LLVM can work beside the program: with a copy of all memory that can be written, as a
//! process that Linux has forked has one.
//!
//! 1. What both see is the exchange, the counters and the mailbox. All else that the second processor writes is its
//!    own: whatever it destroys, the program is whole.
//! 2. Its frames come from a part of memory that it has when it starts. The first processor's tables are not its own:
//!    so neither has to tell the other what it maps.
//! 3. Devices are the first one's. A page of LLVM that is not in memory is brought by the first one.
//! 4. It is stopped by a reset, whatever it does.

mod companion;
mod find;

pub(crate) use companion::{answer_request, companion, give_back};
pub(crate) use find::find;
