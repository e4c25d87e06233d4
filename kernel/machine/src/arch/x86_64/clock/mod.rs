//! Time: the time stamp counter, measured against the programmable interval timer, and the real-time clock.

mod real_time_clock;

use core::arch::x86_64::_rdtsc;

use super::io::Port;

pub(crate) use real_time_clock::seconds as real_time_s;

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
/// The time stamp counter: cycles since the processor was reset, on the machines that we know.
pub(crate) fn cycles() -> u64 {
    // SAFETY: every x86-64 processor has the instruction.
    unsafe { _rdtsc() }
}

/// Starts the timer's interrupts, so many in a second.
pub(crate) fn start_ticks(interrupts_per_s: u64) {
    let [low, high] = ((TIMER_HZ / interrupts_per_s) as u16).to_le_bytes();
    // SAFETY: channel 0 drives interrupt line 0 and nothing else.
    unsafe {
        Port::new(TIMER_COMMAND).write(TIMER_PERIODIC);
        Port::new(TIMER_CHANNEL0).write(low);
        Port::new(TIMER_CHANNEL0).write(high);
    }
}

/// How often the counter counts in a second; `None` in a machine without the timer.
pub(crate) fn measure_counter_hz() -> Option<u64> {
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
