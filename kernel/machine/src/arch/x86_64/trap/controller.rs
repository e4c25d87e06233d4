//! The pair of programmable interrupt controllers (Intel 8259A).

use x86_64::instructions::port::Port;

use super::DEVICES;

/// Interrupt lines of both.
pub(super) const LINES: usize = 16;

const FIRST_COMMAND: u16 = 0x20;
const FIRST_DATA: u16 = 0x21;
const SECOND_COMMAND: u16 = 0xa0;
const SECOND_DATA: u16 = 0xa1;

/// Initialisation command word 1: edge-triggered, cascaded, word 4 follows.
const INITIALISE: u8 = 0x11;
/// Word 3: the second controller is at line 2 of the first.
const FIRST_CASCADE: u8 = 1 << 2;
const SECOND_CASCADE: u8 = 2;
/// Word 4: 8086 mode.
const MODE_8086: u8 = 0x01;
const END_OF_INTERRUPT: u8 = 0x20;

/// Every line but the timer and the keyboard is masked.
const FIRST_MASK: u8 = !0b11;
const SECOND_MASK: u8 = !0;

/// Puts the lines at the devices' vectors.
pub(crate) fn initialise() {
    let first_vector = DEVICES as u8;
    let steps = [
        (FIRST_COMMAND, INITIALISE),
        (SECOND_COMMAND, INITIALISE),
        (FIRST_DATA, first_vector),
        (SECOND_DATA, first_vector + 8),
        (FIRST_DATA, FIRST_CASCADE),
        (SECOND_DATA, SECOND_CASCADE),
        (FIRST_DATA, MODE_8086),
        (SECOND_DATA, MODE_8086),
        (FIRST_DATA, FIRST_MASK),
        (SECOND_DATA, SECOND_MASK),
    ];
    for (port, value) in steps {
        // SAFETY: interrupts are off, and every vector has a handler.
        unsafe { Port::new(port).write(value) };
        pause();
    }
}

/// Old controllers need a microsecond between two commands: a write to an unused port takes that long.
fn pause() {
    const UNUSED: u16 = 0x80;
    // SAFETY: the port only shows codes of the power-on test.
    unsafe { Port::new(UNUSED).write(0_u8) };
}

/// Lets the line interrupt again. The lines in use are the first controller's.
pub(super) fn end_of_interrupt(line: usize) {
    debug_assert!(line < 8);
    // SAFETY: the handler of the line has done its work.
    unsafe { Port::new(FIRST_COMMAND).write(END_OF_INTERRUPT) };
}
