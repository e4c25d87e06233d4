//! What QEMU gives beside the image, by its firmware configuration device
//! (<https://www.qemu.org/docs/master/specs/fw_cfg.html>).

use alloc::vec::Vec;
use core::cell::Cell;

use crate::arch::io::Port;

/// The overlay of the bundle.
const OVERLAY: &[u8] = b"opt/bareflow/overlay";

const SELECTOR: u16 = 0x510;
const DATA: u16 = 0x511;
const SIGNATURE_KEY: u16 = 0;
const SIGNATURE: &[u8; 4] = b"QEMU";
const DIRECTORY_KEY: u16 = 0x19;
/// More than QEMU has: of what is no directory no more is read.
const FILE_LIMIT: u32 = 256;
/// An overlay has words of a command line.
const SIZE_LIMIT_BYTES: u32 = 16 << 20;

struct Slot(Cell<Option<&'static [u8]>>);

// SAFETY: there is one thread, and no handler reads it.
unsafe impl Sync for Slot {}

static OVERLAY_BYTES: Slot = Slot(Cell::new(None));

/// The overlay of the bundle; empty if the host gives none.
pub fn overlay() -> &'static [u8] {
    if OVERLAY_BYTES.0.get().is_none() {
        OVERLAY_BYTES
            .0
            .set(Some(read_overlay().unwrap_or_default().leak()));
    }
    OVERLAY_BYTES.0.get().unwrap_or_default()
}

fn read_overlay() -> Option<Vec<u8>> {
    select(SIGNATURE_KEY);
    if next::<4>() != *SIGNATURE {
        return None;
    }
    select(DIRECTORY_KEY);
    let count = u32::from_be_bytes(next());
    // The rest of the directory need not be read: the next selection starts anew.
    let (size_bytes, key) = (0..count.min(FILE_LIMIT)).find_map(|_| {
        let size_bytes = u32::from_be_bytes(next());
        let key = u16::from_be_bytes(next());
        let _reserved: [u8; 2] = next();
        let name: [u8; 56] = next();
        let name = name.split(|byte| *byte == 0).next()?;
        (name == OVERLAY).then_some((size_bytes, key))
    })?;
    if size_bytes > SIZE_LIMIT_BYTES {
        return None;
    }
    select(key);
    Some((0..size_bytes).map(|_| next_byte()).collect())
}

fn select(key: u16) {
    // SAFETY: the write says what is read next; where nothing listens, nothing happens.
    unsafe { Port::new(SELECTOR).write(key) };
}

fn next_byte() -> u8 {
    // SAFETY: reading takes the next byte of what was selected, and changes nothing else.
    unsafe { Port::new(DATA).read() }
}

fn next<const SIZE: usize>() -> [u8; SIZE] {
    core::array::from_fn(|_| next_byte())
}
