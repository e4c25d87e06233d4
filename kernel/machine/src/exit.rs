//! The machine's end: the exit code for the host, and power off.

use core::fmt;

use bareflow_cxx_runtime::platform::Stream;
use bareflow_protocol::report::EXIT;

use crate::arch::cpu::disable_interrupts;
use crate::arch::power;
#[cfg(feature = "engine")]
use crate::arch::second::is_second;
use crate::drivers::console::{display, serial};
#[cfg(feature = "engine")]
use crate::mailbox;
use crate::{clock, console, counters};

/// Prints the one line about a failure and ends the machine.
pub fn fail(code: u8, message: fmt::Arguments) -> ! {
    disable_interrupts();
    console::print(Stream::Error, format_args!("bareflow: error: {message}\n"));
    end(code)
}

/// Reports the exit code to the host and ends the machine.
pub fn end(code: u8) -> ! {
    disable_interrupts();
    #[cfg(feature = "engine")]
    if is_second() {
        mailbox::end();
    }
    console::flush();
    display::refresh();
    let counted = counters::at(clock::cycles());
    serial::report(format_args!("{counted}\n{EXIT}{code}\n"));
    power::off()
}
