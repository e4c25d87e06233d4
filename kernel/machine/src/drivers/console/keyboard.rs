//! The PS/2 keyboard. The interrupt's handler only queues scan codes; they are decoded when they are read.

use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};

use pc_keyboard::layouts::Us104Key;
use pc_keyboard::{DecodedKey, HandleControl, PS2Keyboard, ScancodeSet1};

use crate::arch::io::Port;
use crate::single_thread_cell::SingleThreadCell;

/// The controller's data and status ports, and the status bit of a byte that waits.
const DATA: u16 = 0x60;
const STATUS: u16 = 0x64;
const OUTPUT_FULL: u8 = 1;

const QUEUE_BYTES: usize = 256;

static QUEUE: [AtomicU8; QUEUE_BYTES] = [const { AtomicU8::new(0) }; QUEUE_BYTES];
static QUEUED: AtomicUsize = AtomicUsize::new(0);
static READ: AtomicUsize = AtomicUsize::new(0);

static DECODER: SingleThreadCell<PS2Keyboard<Us104Key, ScancodeSet1>> =
    SingleThreadCell::new(PS2Keyboard::new(
        ScancodeSet1::new(),
        Us104Key,
        HandleControl::MapLettersToUnicode,
    ));

fn pending() -> Option<u8> {
    // SAFETY: reading these ports takes a byte from the controller and changes nothing else.
    unsafe {
        let status: u8 = Port::new(STATUS).read();
        (status & OUTPUT_FULL != 0).then(|| Port::new(DATA).read())
    }
}

/// Forgets what was typed before the machine started: a full controller raises no interrupt.
pub(crate) fn drain() {
    // A port that nothing answers at reads as all ones for ever.
    for _ in 0..QUEUE_BYTES {
        if pending().is_none() {
            return;
        }
    }
}

/// The interrupt's handler.
pub(crate) fn on_interrupt() {
    let Some(code) = pending() else { return };
    let queued = QUEUED.load(Relaxed);
    if queued - READ.load(Relaxed) < QUEUE_BYTES {
        QUEUE[queued % QUEUE_BYTES].store(code, Relaxed);
        QUEUED.store(queued + 1, Relaxed);
    }
}

/// The next character that was typed, if there is one.
pub(crate) fn receive() -> Option<u8> {
    while READ.load(Relaxed) < QUEUED.load(Relaxed) {
        let read = READ.load(Relaxed);
        let code = QUEUE[read % QUEUE_BYTES].load(Relaxed);
        READ.store(read + 1, Relaxed);
        let mut decoder = DECODER.borrow();
        let event = decoder.add_byte(code).ok().flatten();
        if let Some(DecodedKey::Unicode(character)) =
            event.and_then(|event| decoder.process_keyevent(event))
            && character.is_ascii()
        {
            return Some(character as u8);
        }
    }
    None
}
