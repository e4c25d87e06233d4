//! Time: the platform's clocks, and calendar times as LLVM is compiled with them, in UTC.

use core::cell::UnsafeCell;
use core::ffi::{c_char, c_int, c_long};

use alloc::vec::Vec;

use crate::cstr;
use crate::errno::{self, fail};
use crate::posix::{self, Tm, deliver_expired};
use crate::runtime::platform;

const NANOSECONDS: u64 = 1_000_000_000;

/// `struct timespec`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct TimeSpec {
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: c_long,
}

impl TimeSpec {
    fn from_ns(total: u64) -> Self {
        Self {
            seconds: (total / NANOSECONDS) as i64,
            nanoseconds: (total % NANOSECONDS) as c_long,
        }
    }
}

/// `struct tm` as LLVM is compiled with it; that of programs has a zone too.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct CalendarTime {
    second: c_int,
    minute: c_int,
    hour: c_int,
    day: c_int,
    month: c_int,
    year: c_int,
    weekday: c_int,
    day_of_year: c_int,
    daylight_saving: c_int,
}

impl CalendarTime {
    fn zoned(&self) -> Tm {
        Tm {
            second: self.second,
            minute: self.minute,
            hour: self.hour,
            day: self.day,
            month: self.month,
            year: self.year,
            weekday: self.weekday,
            day_of_year: self.day_of_year,
            daylight_saving: self.daylight_saving,
            ..posix::EPOCH
        }
    }
}

const CLOCK_REALTIME: c_int = 0;
const CLOCK_LAST: c_int = 9;

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn clock_gettime(clock: c_int, result: *mut TimeSpec) -> c_int {
    deliver_expired();
    let ns = match clock {
        CLOCK_REALTIME => platform().realtime_ns(),
        1..=CLOCK_LAST => platform().monotonic_ns(),
        _ => return fail(errno::EINVAL),
    };
    // SAFETY: the caller gives a place for the result.
    unsafe { *result = TimeSpec::from_ns(ns) };
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn timespec_get(result: *mut TimeSpec, base: c_int) -> c_int {
    const TIME_UTC: c_int = 1;
    if base != TIME_UTC {
        return 0;
    }
    // SAFETY: the caller gives a place for the result.
    unsafe { *result = TimeSpec::from_ns(platform().realtime_ns()) };
    base
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn gettimeofday(result: *mut [i64; 2], zone: *mut [c_int; 2]) -> c_int {
    deliver_expired();
    let ns = platform().realtime_ns();
    // SAFETY: the caller gives a place for the result.
    unsafe { *result = [(ns / NANOSECONDS) as i64, (ns % NANOSECONDS / 1000) as i64] };
    if !zone.is_null() {
        // SAFETY: the caller gives null or a place for the zone, which POSIX leaves unspecified: UTC.
        unsafe { *zone = [0; 2] };
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn time(result: *mut i64) -> i64 {
    deliver_expired();
    let seconds = (platform().realtime_ns() / NANOSECONDS) as i64;
    if !result.is_null() {
        // SAFETY: the caller gives null or a place for the result.
        unsafe { *result = seconds };
    }
    seconds
}

/// Microseconds: CLOCKS_PER_SEC is 1,000,000.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn clock() -> c_long {
    deliver_expired();
    (platform().monotonic_ns() / 1000) as c_long
}

struct Shared<T>(UnsafeCell<T>);

// SAFETY: there is one thread.
unsafe impl<T> Sync for Shared<T> {}

static LOCAL_TIME: Shared<CalendarTime> = Shared(UnsafeCell::new(CalendarTime {
    second: 0,
    minute: 0,
    hour: 0,
    day: 0,
    month: 0,
    year: 0,
    weekday: 0,
    day_of_year: 0,
    daylight_saving: 0,
}));

fn calendar(seconds: i64) -> CalendarTime {
    let time = zoned_calendar(seconds);
    CalendarTime {
        second: time.second,
        minute: time.minute,
        hour: time.hour,
        day: time.day,
        month: time.month,
        year: time.year,
        weekday: time.weekday,
        day_of_year: time.day_of_year,
        daylight_saving: time.daylight_saving,
    }
}

/// In UTC, as all times of LLVM are shown.
fn zoned_calendar(seconds: i64) -> Tm {
    posix::utc_calendar(seconds).unwrap_or(posix::EPOCH)
}

/// Date (year, month, day) and time (hour, minute, second) in UTC, for kernels that write files.
#[must_use]
pub fn utc_date_and_time() -> ((u16, u16, u16), (u16, u16, u16)) {
    let seconds = platform().realtime_ns() / NANOSECONDS;
    let time = calendar(seconds as i64);
    let part = |number: c_int| number as u16;
    (
        (part(time.year + 1900), part(time.month + 1), part(time.day)),
        (part(time.hour), part(time.minute), part(time.second)),
    )
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn localtime_r(time: *const i64, result: *mut CalendarTime) -> *mut CalendarTime {
    // SAFETY: the caller passes a time and a place for the result.
    unsafe { *result = calendar(*time) };
    result
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn localtime(time: *const i64) -> *mut CalendarTime {
    // SAFETY: the caller passes a time; the shared result is C's.
    unsafe { localtime_r(time, LOCAL_TIME.0.get()) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn strftime(
    buffer: *mut c_char,
    size: usize,
    format: *const c_char,
    time: *const CalendarTime,
) -> usize {
    let mut text = Vec::new();
    // SAFETY: the caller passes a C string, a time and `size` bytes.
    unsafe {
        posix::format_time(cstr::bytes(format), &(*time).zoned(), &mut text);
        if cstr::store(&text, buffer, size) {
            text.len()
        } else {
            0
        }
    }
}

/// Bytes that `ctime` returns: "Thu Jan  1 00:00:00 1970\n".
const CTIME_BYTES: usize = 64;

static CTIME: Shared<[c_char; CTIME_BYTES]> = Shared(UnsafeCell::new([0; CTIME_BYTES]));

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn ctime(time: *const i64) -> *mut c_char {
    // SAFETY: the caller passes a time; the shared buffer is C's.
    unsafe {
        let calendar = calendar(*time);
        let buffer = CTIME.0.get().cast::<c_char>();
        strftime(buffer, CTIME_BYTES, c"%c\n".as_ptr(), &raw const calendar);
        buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strftime_returns_zero_when_it_does_not_fit() {
        let time = calendar(0);
        let mut buffer = [0 as c_char; 8];
        // SAFETY: the buffer has the size that is given.
        unsafe {
            assert_eq!(
                strftime(buffer.as_mut_ptr(), 8, c"%F".as_ptr(), &raw const time),
                0
            );
            assert_eq!(
                strftime(buffer.as_mut_ptr(), 8, c"%H:%M".as_ptr(), &raw const time),
                5
            );
        }
    }
}
