//! The real-time clock (Motorola MC146818), which is expected to run on UTC.

use bareflow_cxx_runtime::days_before_month;
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
pub(crate) fn seconds() -> u64 {
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
    let [second, minute, mut hour, day, month, year] = fields.map(i64::from);
    if format & HOURS_OF_24 == 0 {
        hour = hour % 12 + if is_afternoon { 12 } else { 0 };
    }
    // A clock that was never set may have a month 0 or a day 0.
    let days = days_before_month(2000 + year, (month - 1).rem_euclid(12)) + day.max(1) - 1;
    (((days * 24 + hour) * 60 + minute) * 60 + second).unsigned_abs()
}
