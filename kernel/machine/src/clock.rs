//! Time: a counter of the processor, measured when the kernel starts, and the real-time clock, read once.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

pub(crate) use crate::arch::clock::cycles;
use crate::arch::clock::{measure_counter_hz, real_time_s, start_ticks};
use crate::counters;

const NS_PER_S: u64 = 1_000_000_000;

/// Taken when the counter could not be measured.
const ASSUMED_COUNTER_HZ: u64 = NS_PER_S;

/// Interrupts of the timer in a second.
pub(crate) const INTERRUPTS_PER_S: u64 = 100;

static START: AtomicU64 = AtomicU64::new(0);
static COUNTER_HZ: AtomicU64 = AtomicU64::new(ASSUMED_COUNTER_HZ);
static REAL_TIME_AT_START_NS: AtomicU64 = AtomicU64::new(0);

/// The counter at the program's start.
static PROGRAM_START: AtomicU64 = AtomicU64::new(0);

pub(crate) fn note_program_start() {
    PROGRAM_START.store(cycles(), Relaxed);
}

pub(crate) fn note_program_end() {
    counters::set_program_cycles(cycles() - PROGRAM_START.load(Relaxed));
}

/// Measures the counter, reads the real-time clock, and starts the timer's interrupts.
pub(crate) fn initialise() {
    if let Some(hz) = measure_counter_hz() {
        COUNTER_HZ.store(hz, Relaxed);
    }
    REAL_TIME_AT_START_NS.store(real_time_s() * NS_PER_S, Relaxed);
    START.store(cycles(), Relaxed);
    start_ticks(INTERRUPTS_PER_S);
}

/// Nanoseconds since the start.
pub(crate) fn monotonic_ns() -> u64 {
    let counted = u128::from(cycles() - START.load(Relaxed));
    // 2^64 ns are 584 years.
    (counted * u128::from(NS_PER_S) / u128::from(COUNTER_HZ.load(Relaxed))) as u64
}

/// Nanoseconds since 1970-01-01 00:00:00 UTC.
pub(crate) fn realtime_ns() -> u64 {
    REAL_TIME_AT_START_NS.load(Relaxed) + monotonic_ns()
}
