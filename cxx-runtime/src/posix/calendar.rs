//! Calendar times of programs: `struct tm` with its zone, conversions, and the zone that `TZ` names.
//!
//! LLVM is compiled with a `struct tm` without the zone. The functions that read or write it have names of their
//! own here, which the programs' `time.h` gives them; those with the common names are in [`crate::time`].

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_int, c_long};
use core::ptr;

use super::environment::getenv;
use super::single_thread_cell::SingleThreadCell;
use super::strftime::format;
use super::zone::{Local, Zone};
use crate::cstr;
use crate::errno;
use crate::runtime::platform;

/// `struct tm`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tm {
    pub(crate) second: c_int,
    pub(crate) minute: c_int,
    pub(crate) hour: c_int,
    pub(crate) day: c_int,
    pub(crate) month: c_int,
    pub(crate) year: c_int,
    pub(crate) weekday: c_int,
    pub(crate) day_of_year: c_int,
    pub(crate) daylight_saving: c_int,
    pub(crate) offset_seconds: c_long,
    pub(crate) zone: *const c_char,
}

pub(crate) const START: Tm = Tm {
    second: 0,
    minute: 0,
    hour: 0,
    day: 1,
    month: 0,
    year: 70,
    weekday: 4,
    day_of_year: 0,
    daylight_saving: 0,
    offset_seconds: 0,
    zone: UTC.as_ptr(),
};

const UTC: &CStr = c"UTC";
pub(super) const DAY_SECONDS: i64 = 86_400;

pub(super) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days from 1970-01-01 to the first of a month, which is counted from 0.
///
/// The algorithm counts in eras of 400 years that start on a 1st of March
/// (<https://howardhinnant.github.io/date_algorithms.html>, `days_from_civil`).
#[must_use]
pub fn days_before_month(year: i64, month: i64) -> i64 {
    let year = year - i64::from(month < 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = (month + 10) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The calendar date of a count of days since 1970-01-01: year, month from 0, day from 1 (`civil_from_days`).
pub(super) fn date_of_day(days: i64) -> (i64, i64, i64) {
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

/// The calendar time at an offset from UTC; none if the year does not fit.
pub(super) fn calendar(seconds: i64, offset: i64) -> Option<Tm> {
    let local = seconds.checked_add(offset)?;
    let days = local.div_euclid(DAY_SECONDS);
    let second_of_day = local.rem_euclid(DAY_SECONDS);
    let (year, month, day) = date_of_day(days);
    Some(Tm {
        second: (second_of_day % 60) as c_int,
        minute: (second_of_day / 60 % 60) as c_int,
        hour: (second_of_day / 3600) as c_int,
        day: day as c_int,
        month: month as c_int,
        year: c_int::try_from(year - 1900).ok()?,
        weekday: (days + 4).rem_euclid(7) as c_int,
        day_of_year: (days - days_before_month(year, 0)) as c_int,
        offset_seconds: offset as c_long,
        ..START
    })
}

/// The calendar time in UTC; none if the year does not fit.
pub(crate) fn utc_calendar(seconds: i64) -> Option<Tm> {
    calendar(seconds, 0)
}

/// The count of seconds that the fields stand for, whatever their ranges, at offset 0.
pub(super) fn seconds_of(time: &Tm) -> i64 {
    let months = i64::from(time.year) * 12 + i64::from(time.month);
    let days = days_before_month(1900 + months.div_euclid(12), months.rem_euclid(12))
        + i64::from(time.day)
        - 1;
    days * DAY_SECONDS
        + i64::from(time.hour) * 3600
        + i64::from(time.minute) * 60
        + i64::from(time.second)
}

/// The names of zones that were ever shown: `tm_zone` leads to them.
static NAMES: SingleThreadCell<Vec<CString>> = SingleThreadCell::new(Vec::new());

fn lasting(name: &[u8]) -> *const c_char {
    NAMES.with(|names| {
        if let Some(known) = names.iter().find(|known| known.as_bytes() == name) {
            return known.as_ptr();
        }
        let Ok(name) = CString::new(name) else {
            return UTC.as_ptr();
        };
        let pointer = name.as_ptr();
        names.push(name);
        pointer
    })
}

#[cfg_attr(not(test), unsafe(export_name = "tzname"))]
static ZONE_NAMES: SingleThreadCell<[*const c_char; 2]> = SingleThreadCell::new([UTC.as_ptr(); 2]);
#[cfg_attr(not(test), unsafe(export_name = "timezone"))]
static SECONDS_WEST: SingleThreadCell<c_long> = SingleThreadCell::new(0);
#[cfg_attr(not(test), unsafe(export_name = "daylight"))]
static HAS_DAYLIGHT_SAVING: SingleThreadCell<c_int> = SingleThreadCell::new(0);

static CURRENT: SingleThreadCell<Option<(Vec<u8>, Zone)>> = SingleThreadCell::new(None);

/// The zone that the environment names now.
fn zone() -> Zone {
    // SAFETY: the name is a C string, and so is the value.
    let text = unsafe {
        let value = getenv(c"TZ".as_ptr());
        if value.is_null() {
            &[]
        } else {
            cstr::bytes(value)
        }
    };
    if let Some(zone) = CURRENT.with(|current| {
        current
            .as_ref()
            .filter(|(known, _)| known == text)
            .map(|(_, zone)| zone.clone())
    }) {
        return zone;
    }
    let zone = Zone::parse(text).unwrap_or_default();
    CURRENT.set(Some((text.to_vec(), zone.clone())));
    zone
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn tzset() {
    let zone = zone();
    let standard = lasting(&zone.name);
    let summer = zone
        .summer
        .as_ref()
        .map_or(standard, |summer| lasting(&summer.name));
    ZONE_NAMES.set([standard, summer]);
    SECONDS_WEST.set(-zone.offset_seconds as c_long);
    HAS_DAYLIGHT_SAVING.set(c_int::from(zone.summer.is_some()));
}

pub(super) fn local_calendar(seconds: i64) -> Option<Tm> {
    let zone = zone();
    let Local {
        offset_seconds,
        is_summer,
        name,
    } = zone.at(seconds);
    Some(Tm {
        daylight_saving: c_int::from(is_summer),
        zone: lasting(name),
        ..calendar(seconds, offset_seconds)?
    })
}

/// What `gmtime` gives: its zone has the name that it has in glibc.
fn greenwich(seconds: i64) -> Option<Tm> {
    Some(Tm {
        zone: c"GMT".as_ptr(),
        ..calendar(seconds, 0)?
    })
}

static RESULT: SingleThreadCell<Tm> = SingleThreadCell::new(START);

unsafe fn store(time: Option<Tm>, result: *mut Tm) -> *mut Tm {
    let Some(time) = time else {
        errno::set(errno::EOVERFLOW);
        return ptr::null_mut();
    };
    // SAFETY: the caller gives a place for the result.
    unsafe { *result = time };
    result
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn bareflow_gmtime_r(time: *const i64, result: *mut Tm) -> *mut Tm {
    // SAFETY: the caller passes a time and a place for the result.
    unsafe { store(greenwich(*time), result) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn bareflow_gmtime(time: *const i64) -> *mut Tm {
    // SAFETY: the caller passes a time.
    unsafe { bareflow_gmtime_r(time, RESULT.get()) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) unsafe extern "C" fn bareflow_localtime_r(time: *const i64, result: *mut Tm) -> *mut Tm {
    tzset();
    // SAFETY: the caller passes a time and a place for the result.
    unsafe { store(local_calendar(*time), result) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn bareflow_localtime(time: *const i64) -> *mut Tm {
    // SAFETY: the caller passes a time.
    unsafe { bareflow_localtime_r(time, RESULT.get()) }
}

unsafe fn normalise(time: *mut Tm, new: Option<Tm>, seconds: i64) -> i64 {
    // SAFETY: the caller passes a time.
    if unsafe { store(new, time) }.is_null() {
        -1
    } else {
        seconds
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn timegm(time: *mut Tm) -> i64 {
    // SAFETY: the caller passes a time.
    unsafe {
        let seconds = seconds_of(&*time);
        normalise(time, greenwich(seconds), seconds)
    }
}

/// The count of seconds of a local time.
pub(super) fn local_seconds(time: &Tm) -> i64 {
    zone().seconds_of_local(seconds_of(time), time.daylight_saving)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) unsafe extern "C" fn bareflow_mktime(time: *mut Tm) -> i64 {
    tzset();
    // SAFETY: the caller passes a time.
    unsafe {
        let seconds = local_seconds(&*time);
        normalise(time, local_calendar(seconds), seconds)
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn bareflow_strftime(
    buffer: *mut c_char,
    size: usize,
    pattern: *const c_char,
    time: *const Tm,
) -> usize {
    let mut text = Vec::new();
    // SAFETY: the caller passes a C string, a time and `size` bytes.
    unsafe {
        format(cstr::bytes(pattern), &*time, &mut text);
        if cstr::store(&text, buffer, size) {
            text.len()
        } else {
            0
        }
    }
}

/// Bytes that `ctime_r` may write: `"Thu Jan  1 00:00:00 1970\n"` for years of four digits.
const CTIME_BYTES: usize = 26;

/// Room for a year of ten digits and its sign.
static CTIME: SingleThreadCell<[c_char; CTIME_BYTES + 8]> =
    SingleThreadCell::new([0; CTIME_BYTES + 8]);

unsafe fn store_text(time: *const i64, buffer: *mut c_char, size: usize) -> *mut c_char {
    tzset();
    // SAFETY: the caller passes a time.
    let Some(time) = local_calendar(unsafe { *time }) else {
        errno::set(errno::EOVERFLOW);
        return ptr::null_mut();
    };
    let mut text = Vec::new();
    format(b"%a %b %e %H:%M:%S %Y\n", &time, &mut text);
    // SAFETY: the caller gives `size` bytes.
    if unsafe { cstr::store(&text, buffer, size) } {
        buffer
    } else {
        errno::set(errno::EOVERFLOW);
        ptr::null_mut()
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn bareflow_ctime(time: *const i64) -> *mut c_char {
    // SAFETY: the caller passes a time; the buffer has the size that is given.
    unsafe { store_text(time, CTIME.get().cast(), CTIME_BYTES + 8) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn ctime_r(time: *const i64, buffer: *mut c_char) -> *mut c_char {
    // SAFETY: the caller passes a time and 26 bytes.
    unsafe { store_text(time, buffer, CTIME_BYTES) }
}

/// `struct timeb`.
#[repr(C)]
struct TimeB {
    seconds: i64,
    milliseconds: u16,
    zone_minutes: i16,
    daylight_saving: i16,
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn ftime(result: *mut TimeB) -> c_int {
    let ns = platform().realtime_ns();
    // SAFETY: the caller gives a place for the time.
    unsafe {
        *result = TimeB {
            seconds: (ns / 1_000_000_000) as i64,
            milliseconds: (ns / 1_000_000 % 1000) as u16,
            zone_minutes: 0,
            daylight_saving: 0,
        };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::posix::environment::tests::with_environment;

    fn formatted(seconds: i64, pattern: &str) -> String {
        let mut text = Vec::new();
        format(
            pattern.as_bytes(),
            &local_calendar(seconds).unwrap(),
            &mut text,
        );
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn local_time_follows_the_zone() {
        with_environment(&[(c"TZ", c"CET-1CEST,M3.5.0,M10.5.0/3")], || {
            let shown = |seconds| formatted(seconds, "%F %T %z %Z");
            // From `TZ=CET-1CEST,M3.5.0,M10.5.0/3 date -d @N` of GNU coreutils.
            assert_eq!(shown(1_700_000_000), "2023-11-14 23:13:20 +0100 CET");
            assert_eq!(shown(1_688_000_000), "2023-06-29 02:53:20 +0200 CEST");
            assert_eq!(shown(1_679_792_399), "2023-03-26 01:59:59 +0100 CET");
            assert_eq!(shown(1_679_792_400), "2023-03-26 03:00:00 +0200 CEST");
            assert_eq!(shown(1_698_541_199), "2023-10-29 02:59:59 +0200 CEST");
            assert_eq!(shown(1_698_541_200), "2023-10-29 02:00:00 +0100 CET");
        });
    }

    #[test]
    fn mktime_normalises() {
        with_environment(&[(c"TZ", c"EST5EDT,M3.2.0,M11.1.0")], || {
            let mut time = Tm {
                year: 124,
                month: 13,
                day: -5,
                hour: 30,
                minute: 61,
                second: -1,
                daylight_saving: -1,
                ..START
            };
            // SAFETY: it is a time.
            let seconds = unsafe { bareflow_mktime(&raw mut time) };
            assert_eq!(formatted(seconds, "%F %T %Z"), "2025-01-27 07:00:59 EST");
            assert_eq!((time.month, time.day, time.weekday), (0, 27, 1));
            // SAFETY: it is a time.
            assert_eq!(unsafe { timegm(&raw mut time) }, seconds - 5 * 3600);
            time.year = c_int::MAX;
            time.month = 12;
            // SAFETY: it is a time.
            assert_eq!(unsafe { timegm(&raw mut time) }, -1);
        });
    }

    #[test]
    fn every_day_is_its_date() {
        for days in (-800_000..800_000).step_by(17) {
            let (year, month, day) = date_of_day(days);
            assert_eq!(days_before_month(year, month) + day - 1, days);
        }
    }
}
