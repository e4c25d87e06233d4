//! Time: the platform's clocks, UTC as the only zone, and `strftime` in the "C" locale.

use core::cell::UnsafeCell;
use core::ffi::{c_char, c_int, c_long, c_void};
use core::fmt::Write;

use alloc::string::String;

use crate::cstr;
use crate::errno::{self, fail};
use crate::posix::deliver_expired;
use crate::runtime::platform;

const NANOSECONDS: u64 = 1_000_000_000;

/// `struct timespec`.
#[repr(C)]
struct TimeSpec {
    seconds: i64,
    nanoseconds: c_long,
}

impl TimeSpec {
    fn from_ns(total: u64) -> Self {
        Self {
            seconds: (total / NANOSECONDS) as i64,
            nanoseconds: (total % NANOSECONDS) as c_long,
        }
    }
}

/// `struct tm`.
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
unsafe extern "C" fn gettimeofday(result: *mut [i64; 2], _zone: *mut c_void) -> c_int {
    deliver_expired();
    let ns = platform().realtime_ns();
    // SAFETY: the caller gives a place for the result.
    unsafe { *result = [(ns / NANOSECONDS) as i64, (ns % NANOSECONDS / 1000) as i64] };
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

/// The calendar date of a count of days since 1970-01-01: (year, month from 0, day from 1).
///
/// The algorithm counts in eras of 400 years that start on a 1st of March
/// (<https://howardhinnant.github.io/date_algorithms.html>, `civil_from_days`).
fn date_of_day(days: i64) -> (i64, i64, i64) {
    const DAYS_PER_ERA: i64 = 146_097;
    let shifted = days + 719_468;
    let era = shifted.div_euclid(DAYS_PER_ERA);
    let day_of_era = shifted.rem_euclid(DAYS_PER_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = (shifted_month + 2) % 12;
    (year_of_era + era * 400 + i64::from(month < 2), month, day)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn calendar(seconds: i64) -> CalendarTime {
    const BEFORE_MONTH: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let days = seconds.div_euclid(86_400);
    let second_of_day = seconds.rem_euclid(86_400);
    let (year, month, day) = date_of_day(days);
    let leap_day = i64::from(month > 1 && is_leap(year));
    CalendarTime {
        second: (second_of_day % 60) as c_int,
        minute: (second_of_day / 60 % 60) as c_int,
        hour: (second_of_day / 3600) as c_int,
        day: day as c_int,
        month: month as c_int,
        year: (year - 1900) as c_int,
        weekday: (days + 4).rem_euclid(7) as c_int,
        day_of_year: (BEFORE_MONTH[month as usize] + day - 1 + leap_day) as c_int,
        daylight_saving: 0,
    }
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

const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn name<'a>(names: &[&'a str], index: c_int) -> &'a str {
    usize::try_from(index)
        .ok()
        .and_then(|index| names.get(index))
        .copied()
        .unwrap_or("?")
}

/// The week of ISO 8601 and the year that it belongs to.
fn iso_week(time: &CalendarTime) -> (i64, i64) {
    let year = i64::from(time.year) + 1900;
    let monday_based = (i64::from(time.weekday) + 6) % 7;
    let week = (i64::from(time.day_of_year) - monday_based + 10) / 7;
    let weeks_in = |year: i64| {
        // A year has 53 weeks when it starts on a Thursday, or on a Wednesday and is a leap year.
        let first = |year: i64| {
            (year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400)).rem_euclid(7)
        };
        if first(year) == 4 || first(year - 1) == 3 {
            53
        } else {
            52
        }
    };
    if week < 1 {
        (year - 1, weeks_in(year - 1))
    } else if week > weeks_in(year) {
        (year + 1, 1)
    } else {
        (year, week)
    }
}

/// Appends what a conversion of `strftime` (C11 7.27.3.5) stands for.
fn convert(conversion: u8, time: &CalendarTime, out: &mut String) -> core::fmt::Result {
    let year = i64::from(time.year) + 1900;
    let twelve = if time.hour % 12 == 0 {
        12
    } else {
        time.hour % 12
    };
    match conversion {
        b'a' => out.write_str(&name(&DAYS, time.weekday)[..3.min(name(&DAYS, time.weekday).len())]),
        b'A' => out.write_str(name(&DAYS, time.weekday)),
        b'b' | b'h' => {
            out.write_str(&name(&MONTHS, time.month)[..3.min(name(&MONTHS, time.month).len())])
        }
        b'B' => out.write_str(name(&MONTHS, time.month)),
        b'c' => expand(b"%a %b %e %H:%M:%S %Y", time, out),
        b'C' => write!(out, "{:02}", year / 100),
        b'd' => write!(out, "{:02}", time.day),
        b'D' | b'x' => expand(b"%m/%d/%y", time, out),
        b'e' => write!(out, "{:2}", time.day),
        b'F' => expand(b"%Y-%m-%d", time, out),
        b'g' => write!(out, "{:02}", iso_week(time).0 % 100),
        b'G' => write!(out, "{}", iso_week(time).0),
        b'H' => write!(out, "{:02}", time.hour),
        b'I' => write!(out, "{twelve:02}"),
        b'j' => write!(out, "{:03}", time.day_of_year + 1),
        b'm' => write!(out, "{:02}", time.month + 1),
        b'M' => write!(out, "{:02}", time.minute),
        b'n' => out.write_char('\n'),
        b'p' => out.write_str(if time.hour < 12 { "AM" } else { "PM" }),
        b'r' => expand(b"%I:%M:%S %p", time, out),
        b'R' => expand(b"%H:%M", time, out),
        b'S' => write!(out, "{:02}", time.second),
        b't' => out.write_char('\t'),
        b'T' | b'X' => expand(b"%H:%M:%S", time, out),
        b'u' => write!(out, "{}", (time.weekday + 6) % 7 + 1),
        b'U' => write!(out, "{:02}", (time.day_of_year + 7 - time.weekday) / 7),
        b'V' => write!(out, "{:02}", iso_week(time).1),
        b'w' => write!(out, "{}", time.weekday),
        b'W' => write!(
            out,
            "{:02}",
            (time.day_of_year + 7 - (time.weekday + 6) % 7) / 7
        ),
        b'y' => write!(out, "{:02}", year.rem_euclid(100)),
        b'Y' => write!(out, "{year}"),
        b'z' => out.write_str("+0000"),
        b'Z' => out.write_str("UTC"),
        other => out.write_char(char::from(other)),
    }
}

fn expand(format: &[u8], time: &CalendarTime, out: &mut String) -> core::fmt::Result {
    let mut bytes = format.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.write_char(char::from(byte))?;
            continue;
        }
        // E and O ask for a locale's other form; "C" has none.
        let conversion = match bytes.next() {
            Some(b'E' | b'O') => bytes.next(),
            other => other,
        };
        convert(conversion.unwrap_or(b'%'), time, out)?;
    }
    Ok(())
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn strftime(
    buffer: *mut c_char,
    size: usize,
    format: *const c_char,
    time: *const CalendarTime,
) -> usize {
    let mut text = String::new();
    // SAFETY: the caller passes a C string, a time and `size` bytes.
    unsafe {
        let written = expand(cstr::bytes(format), &*time, &mut text);
        if written.is_ok() && cstr::store(text.as_bytes(), buffer, size) {
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

    fn format(seconds: i64, format: &str) -> String {
        let mut out = String::new();
        expand(format.as_bytes(), &calendar(seconds), &mut out).unwrap();
        out
    }

    #[test]
    fn known_instants() {
        // From `date -u -d @N` of GNU coreutils.
        assert_eq!(format(0, "%c"), "Thu Jan  1 00:00:00 1970");
        assert_eq!(format(951_782_400, "%F %j %a"), "2000-02-29 060 Tue");
        assert_eq!(
            format(1_700_000_000, "%Y-%m-%dT%H:%M:%S%z"),
            "2023-11-14T22:13:20+0000"
        );
        assert_eq!(format(-1, "%F %T"), "1969-12-31 23:59:59");
        assert_eq!(
            format(4_102_444_799, "%F %T %p %I"),
            "2099-12-31 23:59:59 PM 11"
        );
    }

    #[test]
    fn weeks() {
        // 2021-01-03 is a Sunday of the 53rd ISO week of 2020.
        assert_eq!(format(1_609_632_000, "%G-W%V-%u %U %W"), "2020-W53-7 01 00");
        // 2018-12-31 is a Monday of the first ISO week of 2019.
        assert_eq!(format(1_546_214_400, "%G-W%V-%u %g"), "2019-W01-1 19");
    }

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
