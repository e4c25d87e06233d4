//! Random bytes: RDRAND where the processor has it, otherwise the time stamp counter, mixed. The latter
//! is good for hash seeds and temporary names, not for secrets.

use core::arch::x86_64::_rdtsc;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use x86_64::instructions::random::RdRand;

/// How often an empty generator is asked again (Intel SDM volume 1, section 7.3.17.1).
const ATTEMPTS: usize = 10;

/// Fills the buffer.
pub(crate) fn fill(buffer: &mut [u8]) {
    let generator = RdRand::new();
    for chunk in buffer.chunks_mut(8) {
        let number =
            generator.and_then(|generator| (0..ATTEMPTS).find_map(|_| generator.get_u64()));
        let number = number.unwrap_or_else(mixed_time);
        chunk.copy_from_slice(&number.to_le_bytes()[..chunk.len()]);
    }
}

/// A step of SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>) that takes the time in.
fn mixed_time() -> u64 {
    static STATE: AtomicU64 = AtomicU64::new(0);
    // SAFETY: every x86-64 processor has the instruction.
    let time = unsafe { _rdtsc() };
    let state = STATE.load(Relaxed).wrapping_add(0x9e37_79b9_7f4a_7c15) ^ time.rotate_left(32);
    STATE.store(state, Relaxed);
    let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}
