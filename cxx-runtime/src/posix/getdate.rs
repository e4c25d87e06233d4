//! `getdate`: a date in one of the forms that a file lists, whose name is in `DATEMSK`.

use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_int};
use core::ptr;

use super::calendar::{START, Tm, bareflow_localtime_r, bareflow_mktime};
use super::single_thread_cell::SingleThreadCell;
use super::strptime::parse_date;
use crate::runtime::platform;
use crate::{errno, files};

#[cfg_attr(not(test), unsafe(export_name = "getdate_err"))]
static ERROR: SingleThreadCell<c_int> = SingleThreadCell::new(0);
static RESULT: SingleThreadCell<Tm> = SingleThreadCell::new(START);

const NO_VARIABLE: c_int = 1;
const NO_FILE: c_int = 2;
const NO_MEMORY_OR_READ: c_int = 5;
const NO_FORM: c_int = 7;
const IMPOSSIBLE: c_int = 8;

unsafe extern "C" {
    fn getenv(name: *const c_char) -> *const c_char;
}

/// The whole file; the number of the error if it cannot be read.
fn read_whole(path: *const c_char) -> Result<Vec<u8>, c_int> {
    // SAFETY: the path is a C string; the buffer has its size.
    unsafe {
        let file = files::open(path, 0, 0);
        if file < 0 {
            return Err(NO_FILE);
        }
        let mut bytes = Vec::new();
        let mut buffer = [0_u8; 512];
        let read = loop {
            let count = files::read(file, buffer.as_mut_ptr().cast(), buffer.len());
            match usize::try_from(count) {
                Ok(0) => break Ok(bytes),
                Ok(count) => bytes.extend_from_slice(&buffer[..count]),
                Err(_) => break Err(NO_MEMORY_OR_READ),
            }
        };
        files::close(file);
        read
    }
}

/// What a text leaves open is of today, or the next such day or time (POSIX `getdate`).
fn completed(given: Tm, now: &Tm) -> Option<Tm> {
    const NOT_GIVEN: c_int = c_int::MIN;
    let mut time = given;
    let has = |field: c_int| field != NOT_GIVEN;
    let (has_weekday, has_day) = (has(given.weekday), has(given.day));
    let (has_month, has_year, has_hour) = (has(given.month), has(given.year), has(given.hour));
    let or = |field: c_int, otherwise: c_int| if has(field) { field } else { otherwise };
    time.year = or(given.year, now.year);
    time.month = or(given.month, now.month);
    if has_hour {
        time.minute = or(given.minute, 0);
        time.second = or(given.second, 0);
    } else {
        time.hour = now.hour;
        time.minute = or(given.minute, now.minute);
        time.second = or(given.second, now.second);
    }
    time.day = or(given.day, if has_month || has_year { 1 } else { now.day });
    if !has_day && !has_month && !has_year {
        if has_weekday {
            time.day += (given.weekday - now.weekday).rem_euclid(7);
        } else if has_hour
            && (time.hour, time.minute, time.second) < (now.hour, now.minute, now.second)
        {
            time.day += 1;
        }
    }
    if has_month && !has_year && (time.month, time.day) < (now.month, now.day) {
        time.year += 1;
    }
    time.daylight_saving = -1;
    let (month, day) = (time.month, time.day);
    let moves = !has_day;
    // SAFETY: it is a time.
    if unsafe { bareflow_mktime(&raw mut time) } == -1 && errno::get() == errno::EOVERFLOW {
        return None;
    }
    // A day that the month does not have.
    if !moves && (time.month, time.day) != (month, day) {
        return None;
    }
    Some(time)
}

fn date(text: &CStr) -> Result<Tm, c_int> {
    // SAFETY: names and values of the environment are C strings.
    let forms = unsafe {
        let path = getenv(c"DATEMSK".as_ptr());
        if path.is_null() || *path == 0 {
            return Err(NO_VARIABLE);
        }
        read_whole(path)?
    };
    let seconds = (platform().realtime_ns() / 1_000_000_000).cast_signed();
    let mut now = START;
    // SAFETY: the places are a time's.
    unsafe { bareflow_localtime_r(&raw const seconds, &raw mut now) };
    for form in forms.split(|byte| *byte == b'\n') {
        if let Some(given) = parse_date(text.to_bytes(), form) {
            return completed(given, &now).ok_or(IMPOSSIBLE);
        }
    }
    Err(NO_FORM)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getdate_r(text: *const c_char, result: *mut Tm) -> c_int {
    // SAFETY: the caller passes a C string and a place for the time.
    unsafe {
        match date(CStr::from_ptr(text)) {
            Ok(time) => {
                *result = time;
                0
            }
            Err(number) => number,
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getdate(text: *const c_char) -> *mut Tm {
    // SAFETY: the caller passes a C string.
    match unsafe { getdate_r(text, RESULT.get()) } {
        0 => RESULT.get(),
        number => {
            ERROR.set(number);
            ptr::null_mut()
        }
    }
}
