//! Console input, line by line.

use bareflow_console::{Echo, LineEditor};
use x86_64::instructions::hlt;

use super::{display, keyboard, serial};
use crate::one_thread::OneThread;

static EDITOR: OneThread<LineEditor> = OneThread::new(LineEditor::new());

/// Waits for a line, unless one is there already, and reads from it; 0 is the end of input.
pub(crate) fn read(buffer: &mut [u8]) -> usize {
    let mut editor = EDITOR.borrow();
    while !editor.is_ready() {
        match keyboard::receive().or_else(serial::receive) {
            Some(byte) => show(editor.push(byte)),
            // The timer's interrupt ends it, at the latest.
            None => hlt(),
        }
    }
    editor.take(buffer)
}

fn show(echo: Echo) {
    match echo {
        Echo::Nothing => {}
        Echo::Byte(byte) => display::write(&[byte]),
        Echo::Erase(count) => (0..count).for_each(|_| display::write(b"\x08 \x08")),
    }
}
