//! The console: what is printed goes to the screen, and to the host by a fast port or, where the machine has none, by
//! a serial port; input comes from the bundle, from a fast port, or from those who type at the keyboard or at a serial
//! port.

mod input;
mod output;

use core::ffi::c_int;
use core::fmt;

use bareflow_cxx_runtime::platform::Stream;

pub(crate) use input::read;
pub(crate) use output::{flush, on_tick};

use crate::arch::cpu::{are_interrupts_enabled, wait_for_interrupt, without_interrupts};
#[cfg(feature = "engine")]
use crate::arch::second::is_second;
use crate::drivers::console::ports::Ports;
use crate::drivers::console::{display, serial};
use crate::single_thread_cell::SingleThreadCell;
use crate::{clock, counters};

static PORTS: SingleThreadCell<Option<Ports>> = SingleThreadCell::new(None);

/// Looks for the fast ports. To be called once, when memory can be mapped.
pub(crate) fn find_ports() {
    let ports = Ports::open();
    *PORTS.borrow() = ports;
}

/// Borrows the fast ports, if there are any; no handler runs meanwhile.
fn with_ports<T>(action: impl FnOnce(&mut Ports) -> T) -> Option<T> {
    without_interrupts(|| PORTS.try_borrow()?.as_mut().map(action))
}

/// Writes all of `bytes`.
pub(crate) fn write(stream: Stream, bytes: &[u8]) {
    // Devices are the first processor's.
    #[cfg(feature = "engine")]
    if is_second() {
        return;
    }
    match stream {
        Stream::Output => {
            counters::note_output(clock::cycles);
            output::write(bytes);
        }
        Stream::Error => {
            // What was printed before is seen before.
            flush();
            if with_ports(|ports| ports.write_errors(bytes)) != Some(true) {
                serial::write(stream, bytes);
            }
            display::write(bytes);
        }
    }
}

/// Whether a standard descriptor leads to those who sit at the machine itself, since no host has connected it.
pub(crate) fn is_terminal(descriptor: c_int) -> bool {
    let leads_elsewhere = with_ports(|ports| match descriptor {
        0 => ports.has_input(),
        1 => ports.has_output(),
        _ => ports.has_errors(),
    });
    (0..=2).contains(&descriptor) && leads_elsewhere != Some(true)
}

/// Waits until `is_over`, first in haste, then from one interrupt of the timer to the next.
fn wait_until(mut is_over: impl FnMut() -> bool) {
    const HASTE_NS: u64 = 1_000_000;
    let start_ns = clock::monotonic_ns();
    while !is_over() {
        if are_interrupts_enabled() && clock::monotonic_ns() - start_ns > HASTE_NS {
            wait_for_interrupt();
        } else {
            core::hint::spin_loop();
        }
    }
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
