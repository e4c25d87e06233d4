//! Where the processor was at the ticks of a timer. Written by an interrupt or signal handler, so it neither
//! allocates nor waits.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

/// Addresses are rounded down to a multiple of this: a loop's instructions count together.
const GRAIN_BYTES: usize = 16;
const SLOT_COUNT: usize = 1 << 13;
/// How many slots are tried; a tick that finds none is lost.
const PROBE_COUNT: usize = 32;

struct Slot {
    /// Rounded, divided by the grain; 0 is free.
    address: AtomicU32,
    count: AtomicU32,
}

static SLOTS: [Slot; SLOT_COUNT] = [const {
    Slot {
        address: AtomicU32::new(0),
        count: AtomicU32::new(0),
    }
}; SLOT_COUNT];
static IS_ON: AtomicBool = AtomicBool::new(false);

/// Counts one tick at the instruction. For the timer's handler.
pub(crate) fn sample(instruction: usize) {
    if !IS_ON.load(Relaxed) {
        return;
    }
    // Everything that runs lies below 4 GiB.
    let Ok(address) = u32::try_from(instruction / GRAIN_BYTES) else {
        return;
    };
    let first = address.wrapping_mul(0x9e37_79b1) as usize >> 3;
    for probe in 0..PROBE_COUNT {
        let slot = &SLOTS[(first + probe) % SLOT_COUNT];
        let found = slot.address.load(Relaxed);
        if found == 0 {
            slot.address.store(address, Relaxed);
        }
        if found == 0 || found == address {
            slot.count.store(slot.count.load(Relaxed) + 1, Relaxed);
            return;
        }
    }
}

/// Begins to count, from zero.
pub(crate) fn start() {
    for slot in &SLOTS {
        slot.address.store(0, Relaxed);
        slot.count.store(0, Relaxed);
    }
    IS_ON.store(true, Relaxed);
}

/// Stops counting; returns addresses with their counts.
pub(crate) fn stop() -> Vec<(usize, u64)> {
    IS_ON.store(false, Relaxed);
    SLOTS
        .iter()
        .filter(|slot| slot.address.load(Relaxed) != 0)
        .map(|slot| {
            let address = slot.address.load(Relaxed) as usize * GRAIN_BYTES;
            (address, u64::from(slot.count.load(Relaxed)))
        })
        .collect()
}
