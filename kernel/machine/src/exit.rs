//! The machine's end: the exit code for the host, and power off.

use core::fmt;

use bareflow_cxx_runtime::platform::Stream;
use x86_64::instructions::port::Port;
use x86_64::instructions::{hlt, interrupts};

use crate::{clock, console, disk, memory, pager, second};

/// Exit codes that are not an outcome of the guest; the reference lists all codes.
pub(crate) const OUT_OF_MEMORY: u8 = 112;
pub(crate) const BOOT_FAILURE: u8 = 115;
pub(crate) const INTERNAL: u8 = 116;

/// QEMU's isa-debug-exit, and the value that makes it end with status 33.
const DEBUG_EXIT: (u16, u32) = (0xf4, 0x10);
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
    console::display::refresh();
    console::serial::report(format_args!(
        "BAREFLOW-COUNTERS {} {} {} {} {}",
        console::first_output_cycles(),
        clock::cycles(),
        memory::peak_bytes(),
        clock::program_cycles(),
        disk::bytes_read(),
    ));
    if let Some(llvm) = pager::counters() {
        console::serial::report(format_args!(" {} {}", llvm.bytes_read, llvm.reads));
    }
    console::serial::report(format_args!("\nBAREFLOW-EXIT {code}\n"));
    // SAFETY: if nothing listens at these ports, nothing happens; otherwise the machine ends.
    unsafe {
        Port::new(DEBUG_EXIT.0).write(DEBUG_EXIT.1);
        for (port, value) in POWER_OFF {
            Port::new(port).write(value);
        }
    }
    loop {
        hlt();
    }
}
