//! The streams of the C library, with formatted input and output.

mod characters;
mod format;
mod memory;
mod names;
mod open;
mod print;
mod scan;
mod state;
mod stream;
mod unlocked;
#[cfg(not(test))]
mod variadic;
mod wide;

pub use stream::flush;
