//! The console: what is printed goes to the screen and to a serial port; what is typed comes from the
//! keyboard or the serial port of the program's output.

pub(crate) mod display;
mod input;
pub(crate) mod keyboard;
pub(crate) mod serial;

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bareflow_cxx_runtime::platform::Stream;

pub(crate) use input::read;

use crate::clock;

static FIRST_OUTPUT_CYCLES: AtomicU64 = AtomicU64::new(0);

/// When the program printed first, by the time stamp counter; 0 if it never did.
pub(crate) fn first_output_cycles() -> u64 {
    FIRST_OUTPUT_CYCLES.load(Relaxed)
}

/// Writes all of `bytes`.
pub(crate) fn write(stream: Stream, bytes: &[u8]) {
    if stream == Stream::Output && first_output_cycles() == 0 {
        FIRST_OUTPUT_CYCLES.store(clock::cycles(), Relaxed);
    }
    serial::write(stream, bytes);
    display::write(bytes);
}

/// Writes formatted text.
pub(crate) fn print(stream: Stream, text: fmt::Arguments) {
    // Writing to the console does not fail.
    let _ = fmt::Write::write_fmt(&mut Writer(stream), text);
}

/// A stream as a formatter's target.
pub(crate) struct Writer(pub(crate) Stream);

impl fmt::Write for Writer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write(self.0, text.as_bytes());
        Ok(())
    }
}
