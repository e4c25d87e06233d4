//! The machine's end: the exit code for the host, and power off.

use core::fmt;

use bareflow_cxx_runtime::platform::Stream;
use bareflow_protocol::debug_exit;
use bareflow_protocol::report::EXIT;
use x86_64::instructions::port::Port;
use x86_64::instructions::{hlt, interrupts};

use crate::drivers::console::{display, serial};
use crate::{clock, console, counters, second};

/// Where the ACPI power management control register is in the machines that we know (QEMU, Bochs,
/// VirtualBox), and the value that means "off" there.
const POWER_OFF: [(u16, u16); 3] = [(0x604, 0x2000), (0xb004, 0x2000), (0x4004, 0x3400)];

/// Prints the one line about a failure and ends the machine.
pub fn fail(code: u8, message: fmt::Arguments) -> ! {
    interrupts::disable();
    console::print(Stream::Error, format_args!("bareflow: error: {message}\n"));
    end(code)
}

/// Reports the exit code to the host and ends the machine.
pub fn end(code: u8) -> ! {
    interrupts::disable();
    if second::is_second() {
        second::end();
    }
    console::flush();
    display::refresh();
    let counted = counters::at(clock::cycles());
    serial::report(format_args!("{counted}\n{EXIT}{code}\n"));
    // SAFETY: if nothing listens at these ports, nothing happens; otherwise the machine ends.
    unsafe {
        Port::new(debug_exit::PORT).write(u32::from(debug_exit::VALUE));
        for (port, value) in POWER_OFF {
            Port::new(port).write(value);
        }
    }
    loop {
        hlt();
    }
}
