//! The display in VGA text mode. The picture is kept in memory and copied to the display by the timer: a
//! device's memory is slow, and a program can print faster than anybody reads.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use bareflow_boot_info::Screen;
use bareflow_console::Screen as Picture;

use crate::arch::io::Port;

/// The CRT controller's index and data ports, and the registers of the cursor's place.
const CRTC_INDEX: u16 = 0x3d4;
const CRTC_DATA: u16 = 0x3d5;
const CURSOR_HIGH: u8 = 0x0e;
const CURSOR_LOW: u8 = 0x0f;

static PICTURE: Picture = Picture::new();

/// Whether there is a display.
static IS_THERE: AtomicBool = AtomicBool::new(false);

/// There is a display, and its memory is mapped from now on.
pub(crate) fn initialise() {
    IS_THERE.store(true, Relaxed);
}

/// Shows text at the next refresh.
pub(crate) fn write(bytes: &[u8]) {
    PICTURE.write(bytes);
}

/// Copies the picture to the display if it has changed.
pub(crate) fn refresh() {
    if !IS_THERE.load(Relaxed) || !PICTURE.take_changed() {
        return;
    }
    let memory = core::ptr::with_exposed_provenance_mut::<u16>(Screen::VgaText.memory().start);
    for (index, cell) in PICTURE.cells().enumerate() {
        // SAFETY: the text memory is mapped and has room for a whole screen.
        unsafe { memory.add(index).write_volatile(cell) };
    }
    let [low, high] = (PICTURE.cursor() as u16).to_le_bytes();
    for (register, value) in [(CURSOR_HIGH, high), (CURSOR_LOW, low)] {
        // SAFETY: these registers hold the cursor's place and nothing else.
        unsafe {
            Port::new(CRTC_INDEX).write(register);
            Port::new(CRTC_DATA).write(value);
        }
    }
}
