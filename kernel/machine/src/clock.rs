//! Time: the time stamp counter, measured against the programmable interval timer, and the real-time
//! clock, read once.

use core::arch::x86_64::_rdtsc;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use x86_64::instructions::port::Port;

use crate::counters;

const NS_PER_S: u64 = 1_000_000_000;

/// The timer's clock, in Hz, and its ports (Intel 8254).
const TIMER_HZ: u64 = 1_193_182;
const TIMER_CHANNEL0: u16 = 0x40;
const TIMER_CHANNEL2: u16 = 0x42;
const TIMER_COMMAND: u16 = 0x43;
/// Channel 0, both bytes, mode 2: one interrupt each period.
const TIMER_PERIODIC: u8 = 0b0011_0100;
/// Channel 2, both bytes, mode 0: its output rises when the count is over.
const TIMER_ONE_SHOT: u8 = 0b1011_0000;
/// The port with channel 2's gate (bit 0), the speaker (bit 1) and channel 2's output (bit 5).
const SYSTEM_CONTROL: u16 = 0x61;
const GATE: u8 = 1 << 0;
const SPEAKER: u8 = 1 << 1;
const CHANNEL2_OUTPUT: u8 = 1 << 5;

/// How long the counter is measured: 20 ms.
const MEASURED_TICKS: u16 = (TIMER_HZ / 50) as u16;
/// Gives up measuring: a machine without the timer.
const MEASURE_LIMIT: u32 = 100_000_000;
/// Taken when the counter could not be measured.
const ASSUMED_COUNTER_HZ: u64 = NS_PER_S;

/// Interrupts of the timer in a second.
pub(crate) const INTERRUPTS_PER_S: u64 = 100;

static START: AtomicU64 = AtomicU64::new(0);
static COUNTER_HZ: AtomicU64 = AtomicU64::new(ASSUMED_COUNTER_HZ);
static REAL_TIME_AT_START_NS: AtomicU64 = AtomicU64::new(0);

/// The time stamp counter: cycles since the processor was reset, on the machines that we know.
pub(crate) fn cycles() -> u64 {
    // SAFETY: every x86-64 processor has the instruction.
    unsafe { _rdtsc() }
}

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
    if let Some(hz) = measure_counter() {
        COUNTER_HZ.store(hz, Relaxed);
    }
    REAL_TIME_AT_START_NS.store(real_time_clock::seconds() * NS_PER_S, Relaxed);
    START.store(cycles(), Relaxed);
    let [low, high] = ((TIMER_HZ / INTERRUPTS_PER_S) as u16).to_le_bytes();
    // SAFETY: channel 0 drives interrupt line 0 and nothing else.
    unsafe {
        Port::new(TIMER_COMMAND).write(TIMER_PERIODIC);
        Port::new(TIMER_CHANNEL0).write(low);
        Port::new(TIMER_CHANNEL0).write(high);
    }
}

fn measure_counter() -> Option<u64> {
    let [low, high] = MEASURED_TICKS.to_le_bytes();
    let mut control = Port::<u8>::new(SYSTEM_CONTROL);
    // SAFETY: channel 2 drives the speaker, which stays off.
    let start = unsafe {
        let state = control.read() & !SPEAKER;
        control.write(state & !GATE);
        Port::new(TIMER_COMMAND).write(TIMER_ONE_SHOT);
        Port::new(TIMER_CHANNEL2).write(low);
        Port::new(TIMER_CHANNEL2).write(high);
        control.write(state | GATE);
        cycles()
    };
    for _ in 0..MEASURE_LIMIT {
        // SAFETY: reading the port changes nothing.
        if unsafe { control.read() } & CHANNEL2_OUTPUT != 0 {
            let counted = cycles() - start;
            return Some(counted * TIMER_HZ / u64::from(MEASURED_TICKS)).filter(|hz| *hz > 0);
        }
    }
    None
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

/// The real-time clock (Motorola MC146818), which is expected to run on UTC.
mod real_time_clock {
    use x86_64::instructions::port::Port;

    const INDEX: u16 = 0x70;
    const DATA: u16 = 0x71;
    const SECONDS: u8 = 0;
    const MINUTES: u8 = 2;
    const HOURS: u8 = 4;
    const DAY: u8 = 7;
    const MONTH: u8 = 8;
    const YEAR: u8 = 9;
    const STATUS_A: u8 = 10;
    const STATUS_B: u8 = 11;
    const UPDATE_IN_PROGRESS: u8 = 1 << 7;
    const HOURS_OF_24: u8 = 1 << 1;
    const BINARY: u8 = 1 << 2;
    const AFTERNOON: u8 = 1 << 7;
    /// An update takes 2 ms; far more reads than that takes.
    const READ_LIMIT: usize = 100_000;

    fn register(index: u8) -> u8 {
        // SAFETY: reading these registers changes nothing.
        unsafe {
            Port::new(INDEX).write(index);
            Port::new(DATA).read()
        }
    }

    fn snapshot() -> [u8; 6] {
        for _ in 0..READ_LIMIT {
            if register(STATUS_A) & UPDATE_IN_PROGRESS == 0 {
                break;
            }
        }
        [SECONDS, MINUTES, HOURS, DAY, MONTH, YEAR].map(register)
    }

    /// Seconds since 1970-01-01 00:00:00 UTC.
    pub(super) fn seconds() -> u64 {
        let mut fields = snapshot();
        // The clock may have ticked in between: two equal snapshots are right.
        for _ in 0..READ_LIMIT {
            let again = snapshot();
            if again == fields {
                break;
            }
            fields = again;
        }
        let format = register(STATUS_B);
        let is_afternoon = format & HOURS_OF_24 == 0 && fields[2] & AFTERNOON != 0;
        fields[2] &= !AFTERNOON;
        if format & BINARY == 0 {
            fields = fields.map(|field| (field >> 4) * 10 + (field & 15));
        }
        let [second, minute, mut hour, day, month, year] = fields.map(u64::from);
        if format & HOURS_OF_24 == 0 {
            hour = hour % 12 + if is_afternoon { 12 } else { 0 };
        }
        ((days(2000 + year, month, day) * 24 + hour) * 60 + minute) * 60 + second
    }

    /// Days from 1970-01-01, with years that begin in March so that a leap day is the last
    /// (<https://howardhinnant.github.io/date_algorithms.html#days_from_civil>).
    fn days(year: u64, month: u64, day: u64) -> u64 {
        let year = if month <= 2 { year - 1 } else { year };
        let month_from_march = (month + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + day.max(1) - 1;
        year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
    }
}
