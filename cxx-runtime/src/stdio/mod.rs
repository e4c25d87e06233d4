//! The streams of the C library. Formatting and parsing are llvm-libc's (`vsnprintf`, `sscanf`); here are
//! the streams around them and the variadic entry points.

mod format;
mod scan;
mod stream;
mod unlocked;
#[cfg(not(test))]
mod variadic;

pub use stream::flush;
