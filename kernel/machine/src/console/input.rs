//! Console input: from a fast port as the host gives it, else line by line from those who type.

use bareflow_console::{Echo, LineEditor};

use super::{flush, wait_until, with_ports};
use crate::drivers::console::ports::Received;
use crate::drivers::console::{display, keyboard, serial};
use crate::single_thread_cell::SingleThreadCell;

static EDITOR: SingleThreadCell<LineEditor> = SingleThreadCell::new(LineEditor::new());

/// Waits for input, unless some is there already, and reads from it; 0 is the end of input.
pub(crate) fn read(buffer: &mut [u8]) -> usize {
    if buffer.is_empty() {
        return 0;
    }
    // What was asked is seen before the answer is awaited.
    flush();
    match with_ports(|ports| ports.has_input()) {
        Some(true) => read_port(buffer),
        _ => read_line(buffer),
    }
}

fn read_port(buffer: &mut [u8]) -> usize {
    let mut received = Received::Nothing;
    wait_until(|| {
        received = with_ports(|ports| ports.receive(buffer)).unwrap_or(Received::End);
        received != Received::Nothing
    });
    match received {
        Received::Bytes(count) => count,
        Received::Nothing | Received::End => 0,
    }
}

/// Where a byte was typed.
#[derive(Clone, Copy)]
enum Source {
    Keyboard,
    Serial(serial::Line),
}

fn read_line(buffer: &mut [u8]) -> usize {
    let mut editor = EDITOR.borrow();
    while !editor.is_ready() {
        let mut typed = None;
        wait_until(|| {
            typed = receive();
            typed.is_some()
        });
        if let Some((byte, source)) = typed {
            show(editor.push(byte), source);
        }
    }
    editor.take(buffer)
}

fn receive() -> Option<(u8, Source)> {
    if let Some(byte) = keyboard::receive() {
        return Some((byte, Source::Keyboard));
    }
    let (byte, line) = serial::receive()?;
    Some((byte, Source::Serial(line)))
}

/// Who types sees it: on the display, and on the terminal at the serial line.
fn show(echo: Echo, source: Source) {
    let send = |shown: &[u8], sent: &[u8]| {
        display::write(shown);
        if let Source::Serial(line) = source {
            serial::answer(line, sent);
        }
    };
    match echo {
        Echo::Nothing => {}
        Echo::Byte(b'\n') => send(b"\n", b"\r\n"),
        Echo::Byte(byte) => send(&[byte], &[byte]),
        Echo::Erase(count) => (0..count).for_each(|_| send(b"\x08 \x08", b"\x08 \x08")),
    }
}
