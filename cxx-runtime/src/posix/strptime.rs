//! `strptime` in the "C" locale, with the conversions of POSIX and GNU.

use core::ffi::{c_char, c_int, c_long};
use core::ptr;

use super::calendar::{
    START, Tm, calendar, days_before_month, is_leap, local_calendar, seconds_of,
};
use super::strftime::{DAYS, MONTHS};
use crate::cstr;

/// What the fields cannot hold while a text is read.
#[derive(Default)]
struct Parse {
    century: Option<i64>,
    year_of_century: Option<i64>,
    has_twelve: bool,
    is_afternoon: bool,
    has_year: bool,
    has_month: bool,
    has_day: bool,
    has_day_of_year: bool,
    has_weekday: bool,
    /// Of `%U` (weeks start on Sunday) or `%W` (on Monday).
    week: Option<(i64, i64)>,
}

fn skip_spaces(text: &mut &[u8]) {
    while let Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c) = text.first() {
        *text = &text[1..];
    }
}

/// A number of at most so many digits, behind spaces.
fn number(text: &mut &[u8], digits: usize, least: i64, greatest: i64) -> Option<i64> {
    skip_spaces(text);
    let length = text
        .iter()
        .take(digits)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (number, rest) = text.split_at(length);
    let number: i64 = core::str::from_utf8(number).ok()?.parse().ok()?;
    *text = rest;
    (least..=greatest).contains(&number).then_some(number)
}

/// A name, whole or its first three letters, whatever their case.
fn name(text: &mut &[u8], names: &[&str]) -> Option<c_int> {
    let starts = |name: &str| {
        text.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
    };
    let (index, length) = names.iter().enumerate().find_map(|(index, name)| {
        let short = &name[..3];
        if starts(name) {
            Some((index, name.len()))
        } else {
            starts(short).then_some((index, short.len()))
        }
    })?;
    *text = &text[length..];
    Some(index as c_int)
}

impl Parse {
    fn conversion(&mut self, conversion: u8, text: &mut &[u8], time: &mut Tm) -> Option<()> {
        let mut field = |digits, least, greatest| {
            number(text, digits, least, greatest).map(|number| number as c_int)
        };
        match conversion {
            b'd' | b'e' => {
                time.day = field(2, 1, 31)?;
                self.has_day = true;
            }
            b'H' | b'k' => {
                time.hour = field(2, 0, 23)?;
                self.has_twelve = false;
            }
            b'I' | b'l' => {
                time.hour = field(2, 1, 12)? % 12;
                self.has_twelve = true;
            }
            b'j' => {
                time.day_of_year = field(3, 1, 366)? - 1;
                self.has_day_of_year = true;
            }
            b'm' => {
                time.month = field(2, 1, 12)? - 1;
                self.has_month = true;
            }
            b'M' => time.minute = field(2, 0, 59)?,
            b'S' => time.second = field(2, 0, 61)?,
            b'u' => {
                time.weekday = field(1, 1, 7)? % 7;
                self.has_weekday = true;
            }
            b'w' => {
                time.weekday = field(1, 0, 6)?;
                self.has_weekday = true;
            }
            b'U' => self.week = Some((i64::from(field(2, 0, 53)?), 0)),
            b'W' => self.week = Some((i64::from(field(2, 0, 53)?), 1)),
            // They are read and do not say enough for a date by themselves.
            b'V' => drop(field(2, 1, 53)?),
            b'g' => drop(field(2, 0, 99)?),
            b'G' => drop(field(4, 0, 9999)?),
            b'C' => self.century = Some(i64::from(field(2, 0, 99)?)),
            b'y' => self.year_of_century = Some(i64::from(field(2, 0, 99)?)),
            b'Y' => {
                skip_spaces(text);
                let is_negative = text.first() == Some(&b'-');
                if is_negative {
                    *text = &text[1..];
                }
                let year = number(text, 4, 0, 9999)?;
                time.year = (if is_negative { -year } else { year } - 1900) as c_int;
                self.has_year = true;
                self.century = None;
                self.year_of_century = None;
            }
            b'a' | b'A' => {
                time.weekday = name(text, &DAYS)?;
                self.has_weekday = true;
            }
            b'b' | b'B' | b'h' => {
                time.month = name(text, &MONTHS)?;
                self.has_month = true;
            }
            b'p' | b'P' => {
                self.is_afternoon = name(text, &["AM ", "PM "]).or_else(|| {
                    let is_afternoon = match text.get(..2)?.to_ascii_lowercase().as_slice() {
                        b"am" => 0,
                        b"pm" => 1,
                        _ => return None,
                    };
                    *text = &text[2..];
                    Some(is_afternoon)
                })? != 0;
            }
            b's' => {
                let seconds = number(text, 18, 0, i64::MAX)?;
                *time = local_calendar(seconds)?;
                self.has_year = true;
            }
            b'n' | b't' => skip_spaces(text),
            b'z' => {
                skip_spaces(text);
                time.offset_seconds = offset(text)? as c_long;
            }
            b'Z' => {
                while text.first().is_some_and(u8::is_ascii_alphabetic) {
                    *text = &text[1..];
                }
            }
            b'%' => {
                *text = text.strip_prefix(b"%")?;
            }
            b'c' => self.read(b"%a %b %e %H:%M:%S %Y", text, time)?,
            b'D' | b'x' => self.read(b"%m/%d/%y", text, time)?,
            b'F' => self.read(b"%Y-%m-%d", text, time)?,
            b'r' => self.read(b"%I:%M:%S %p", text, time)?,
            b'R' => self.read(b"%H:%M", text, time)?,
            b'T' | b'X' => self.read(b"%H:%M:%S", text, time)?,
            _ => return None,
        }
        Some(())
    }

    fn read(&mut self, pattern: &[u8], text: &mut &[u8], time: &mut Tm) -> Option<()> {
        let mut bytes = pattern.iter().copied();
        while let Some(byte) = bytes.next() {
            if byte.is_ascii_whitespace() {
                skip_spaces(text);
                continue;
            }
            if byte != b'%' {
                (text.first() == Some(&byte)).then_some(())?;
                *text = &text[1..];
                continue;
            }
            let conversion = match bytes.next()? {
                b'E' | b'O' | b'-' | b'_' | b'0' | b'^' | b'#' => bytes.next()?,
                other => other,
            };
            self.conversion(conversion, text, time)?;
        }
        Some(())
    }

    /// Sets hour and year from their parts; whether there is a year.
    fn complete_parts(&self, time: &mut Tm) -> bool {
        if self.has_twelve && self.is_afternoon {
            time.hour += 12;
        }
        match (self.century, self.year_of_century) {
            (Some(century), year) => {
                let year = year.unwrap_or_else(|| (i64::from(time.year) + 1900).rem_euclid(100));
                time.year = (century * 100 + year - 1900) as c_int;
            }
            // POSIX: 69 to 99 are of the 20th century.
            (None, Some(year)) => {
                time.year = (if year < 69 { year + 100 } else { year }) as c_int;
            }
            (None, None) => return self.has_year,
        }
        true
    }

    /// Sets the fields that follow from others.
    fn complete(&self, time: &mut Tm) {
        let has_year = self.complete_parts(time);
        let year = i64::from(time.year) + 1900;
        if let Some((week, first_day)) = self.week
            && self.has_weekday
            && has_year
            && !self.has_day
        {
            let january = days_before_month(year, 0);
            // The day of the week of the 1st of January, from the first day of weeks.
            let start = (january + 4 - first_day).rem_euclid(7);
            let day = (i64::from(time.weekday) - first_day).rem_euclid(7);
            let day_of_year = (7 - start) % 7 + (week - 1) * 7 + day;
            set_day_of_year(time, day_of_year as c_int);
        } else if self.has_day_of_year && !(self.has_month && self.has_day) {
            set_day_of_year(time, time.day_of_year);
        }
        if self.has_month || self.has_day || self.has_day_of_year || has_year {
            let date = Tm {
                second: 0,
                minute: 0,
                hour: 0,
                ..*time
            };
            // A day of 0 is one that nobody has set.
            if date.day > 0
                && let Some(whole) = calendar(seconds_of(&date), 0)
            {
                time.weekday = whole.weekday;
                time.day_of_year = days_in(time);
            }
        }
    }
}

/// The day of the year of the date.
fn days_in(time: &Tm) -> c_int {
    let year = i64::from(time.year) + 1900;
    let days = days_before_month(year, i64::from(time.month)) - days_before_month(year, 0);
    days as c_int + time.day - 1
}

/// Sets month and day.
fn set_day_of_year(time: &mut Tm, day_of_year: c_int) {
    let year = i64::from(time.year) + 1900;
    let last = 364 + c_int::from(is_leap(year));
    let day_of_year = day_of_year.clamp(0, last);
    let before = |month: &i64| {
        (days_before_month(year, *month) - days_before_month(year, 0)) as c_int <= day_of_year
    };
    let month = (0..12).rev().find(before).unwrap_or(0);
    time.month = month as c_int;
    time.day =
        day_of_year - (days_before_month(year, month) - days_before_month(year, 0)) as c_int + 1;
    time.day_of_year = day_of_year;
}

/// `+hhmm`, `+hh:mm`, `+hh` or `Z`, in seconds.
fn offset(text: &mut &[u8]) -> Option<i64> {
    if let Some(rest) = text.strip_prefix(b"Z") {
        *text = rest;
        return Some(0);
    }
    let is_negative = match text.first()? {
        b'-' => true,
        b'+' => false,
        _ => return None,
    };
    *text = &text[1..];
    let digits = |text: &mut &[u8]| {
        let pair = text.get(..2)?;
        pair.iter().all(u8::is_ascii_digit).then_some(())?;
        let number = i64::from(pair[0] - b'0') * 10 + i64::from(pair[1] - b'0');
        *text = &text[2..];
        Some(number)
    };
    let hours = digits(text)?;
    if text.first() == Some(&b':') {
        *text = &text[1..];
    }
    let minutes = if text.first().is_some_and(u8::is_ascii_digit) {
        digits(text)?
    } else {
        0
    };
    let seconds = hours * 3600 + minutes * 60;
    (minutes < 60).then_some(if is_negative { -seconds } else { seconds })
}

/// What a text as a whole says in this form; fields that it does not say are `c_int::MIN`.
pub(super) fn parse_date(text: &[u8], form: &[u8]) -> Option<Tm> {
    const NOT_GIVEN: c_int = c_int::MIN;
    let mut time = Tm {
        second: NOT_GIVEN,
        minute: NOT_GIVEN,
        hour: NOT_GIVEN,
        day: NOT_GIVEN,
        month: NOT_GIVEN,
        year: NOT_GIVEN,
        weekday: NOT_GIVEN,
        ..START
    };
    let (mut parse, mut rest) = (Parse::default(), text);
    parse.read(form, &mut rest, &mut time)?;
    skip_spaces(&mut rest);
    rest.is_empty().then_some(())?;
    parse.complete_parts(&mut time);
    Some(time)
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn strptime(
    text: *const c_char,
    pattern: *const c_char,
    time: *mut Tm,
) -> *const c_char {
    let mut parse = Parse::default();
    // SAFETY: the caller passes C strings and a time; what is left is within the text.
    unsafe {
        let whole = cstr::bytes(text);
        let mut rest = whole;
        if parse
            .read(cstr::bytes(pattern), &mut rest, &mut *time)
            .is_none()
        {
            return ptr::null();
        }
        parse.complete(&mut *time);
        text.add(whole.len() - rest.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ffi::CStr;

    fn parsed(text: &CStr, pattern: &CStr) -> Option<(Tm, usize)> {
        let mut time = Tm {
            day: 0,
            year: 0,
            weekday: 0,
            ..START
        };
        // SAFETY: both are C strings.
        let end = unsafe { strptime(text.as_ptr(), pattern.as_ptr(), &raw mut time) };
        (!end.is_null()).then(|| (time, end as usize - text.as_ptr() as usize))
    }

    #[test]
    fn dates_are_read() {
        let (time, length) = parsed(c"2023-11-14 22:13:20 rest", c"%F %T").unwrap();
        assert_eq!((time.year, time.month, time.day), (123, 10, 14));
        assert_eq!((time.weekday, time.day_of_year, length), (2, 317, 19));
        let (time, _) = parsed(
            c"Tue, 4 jul 2023 05:06:07 PM +0130",
            c"%a, %d %b %Y %I:%M:%S %p %z",
        )
        .unwrap();
        assert_eq!((time.hour, time.month, time.offset_seconds), (17, 6, 5400));
        let (time, _) = parsed(c"70 366", c"%y %j").unwrap();
        assert_eq!((time.year, time.month, time.day), (70, 11, 31));
        assert!(parsed(c"2023-13-01", c"%Y-%m-%d").is_none());
        assert!(parsed(c"x", c"%d").is_none());
    }
}
