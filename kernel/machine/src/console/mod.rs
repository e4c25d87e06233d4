//! The console: what is printed goes to the screen and to a serial port; what is typed comes from the
//! keyboard or the serial port of the program's output.

pub(crate) mod display;
mod input;
pub(crate) mod keyboard;
pub(crate) mod serial;

use core::fmt;

use bareflow_cxx_runtime::platform::Stream;

pub(crate) use input::read;

/// Writes all of `bytes`.
pub(crate) fn write(stream: Stream, bytes: &[u8]) {
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
