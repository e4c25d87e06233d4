//! Power off.

use bareflow_protocol::debug_exit;
use x86_64::instructions::hlt;

use super::io::Port;

/// Where the ACPI power management control register is in the machines that we know (QEMU, Bochs,
/// VirtualBox), and the value that means "off" there.
const POWER_OFF: [(u16, u16); 3] = [(0x604, 0x2000), (0xb004, 0x2000), (0x4004, 0x3400)];

/// Ends the machine. Interrupts must be off.
pub(crate) fn off() -> ! {
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
