//! `strftime` in the "C" locale, with the flags and widths of POSIX and GNU.

use alloc::format;
use alloc::vec::Vec;
use core::ffi::c_int;

use super::calendar::{Tm, local_seconds};
use crate::cstr;

pub(super) const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
pub(super) const MONTHS: [&str; 12] = [
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

/// What a conversion stands for.
enum Value {
    Text(Vec<u8>),
    /// A number, its least width, and what fills it up.
    Number(i64, usize, u8),
}

/// The flags and the width of a conversion.
#[derive(Clone, Copy, Default)]
struct Options {
    /// `_`, `-`, `0` or `+`.
    padding: Option<u8>,
    /// `^` or `#`.
    case: Option<u8>,
    width: Option<usize>,
}

fn name(names: &[&'static str], index: c_int) -> &'static str {
    usize::try_from(index)
        .ok()
        .and_then(|index| names.get(index))
        .copied()
        .unwrap_or("?")
}

fn short(name: &'static str) -> &'static str {
    name.get(..3).unwrap_or(name)
}

/// The week of ISO 8601 and the year that it belongs to.
fn iso_week(time: &Tm) -> (i64, i64) {
    let year = i64::from(time.year) + 1900;
    let monday_based = (i64::from(time.weekday) + 6) % 7;
    let week = (i64::from(time.day_of_year) - monday_based + 10) / 7;
    let weeks_in = |year: i64| {
        // A year has 53 weeks when it ends on a Thursday, or when the year before it ended on a Wednesday.
        let last = |year: i64| {
            (year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400)).rem_euclid(7)
        };
        if last(year) == 4 || last(year - 1) == 3 {
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

fn zone_name(time: &Tm) -> Vec<u8> {
    if time.zone.is_null() {
        return Vec::new();
    }
    // SAFETY: a zone is null or a C string.
    unsafe { cstr::bytes(time.zone) }.to_vec()
}

/// What a conversion stands for; none if there is no such conversion.
fn value(conversion: u8, time: &Tm) -> Option<Value> {
    let year = i64::from(time.year) + 1900;
    let twelve = (time.hour + 11).rem_euclid(12) + 1;
    let two = |number: c_int| Value::Number(i64::from(number), 2, b'0');
    let blank = |number: c_int| Value::Number(i64::from(number), 2, b' ');
    let text = |text: &str| Value::Text(Vec::from(text));
    let compound = |pattern: &str| {
        let mut bytes = Vec::new();
        format(pattern.as_bytes(), time, &mut bytes);
        Value::Text(bytes)
    };
    Some(match conversion {
        b'a' => text(short(name(&DAYS, time.weekday))),
        b'A' => text(name(&DAYS, time.weekday)),
        b'b' | b'h' => text(short(name(&MONTHS, time.month))),
        b'B' => text(name(&MONTHS, time.month)),
        b'c' => compound("%a %b %e %H:%M:%S %Y"),
        b'C' => Value::Number(year.div_euclid(100), 2, b'0'),
        b'd' => two(time.day),
        b'D' | b'x' => compound("%m/%d/%y"),
        b'e' => blank(time.day),
        b'F' => compound("%Y-%m-%d"),
        b'g' => Value::Number(iso_week(time).0.rem_euclid(100), 2, b'0'),
        b'G' => Value::Number(iso_week(time).0, 1, b'0'),
        b'H' => two(time.hour),
        b'I' => two(twelve),
        b'j' => Value::Number(i64::from(time.day_of_year) + 1, 3, b'0'),
        b'k' => blank(time.hour),
        b'l' => blank(twelve),
        b'm' => two(time.month + 1),
        b'M' => two(time.minute),
        b'n' => text("\n"),
        b'p' => text(if time.hour < 12 { "AM" } else { "PM" }),
        b'P' => text(if time.hour < 12 { "am" } else { "pm" }),
        b'r' => compound("%I:%M:%S %p"),
        b'R' => compound("%H:%M"),
        b's' => Value::Number(local_seconds(time), 1, b'0'),
        b'S' => two(time.second),
        b't' => text("\t"),
        b'T' | b'X' => compound("%H:%M:%S"),
        b'u' => Value::Number(i64::from((time.weekday + 6) % 7 + 1), 1, b'0'),
        b'U' => two((time.day_of_year + 7 - time.weekday) / 7),
        b'V' => Value::Number(iso_week(time).1, 2, b'0'),
        b'w' => Value::Number(i64::from(time.weekday), 1, b'0'),
        b'W' => two((time.day_of_year + 7 - (time.weekday + 6) % 7) / 7),
        b'y' => Value::Number(year.rem_euclid(100), 2, b'0'),
        b'Y' => Value::Number(year, 1, b'0'),
        // Nothing, if the zone is not known.
        b'z' if time.daylight_saving < 0 => text(""),
        b'z' => {
            let minutes = time.offset_seconds / 60;
            let sign = if time.offset_seconds < 0 { '-' } else { '+' };
            let (hour, minute) = (minutes.abs() / 60, minutes.abs() % 60);
            Value::Text(format!("{sign}{hour:02}{minute:02}").into_bytes())
        }
        b'Z' => Value::Text(zone_name(time)),
        b'%' => text("%"),
        _ => return None,
    })
}

fn emit(value: Value, conversion: u8, options: Options, out: &mut Vec<u8>) {
    let (text, width, fill) = match value {
        Value::Number(number, width, fill) => {
            let fill = match options.padding {
                Some(b'_') => b' ',
                Some(b'0' | b'+') => b'0',
                _ => fill,
            };
            let width = if options.padding == Some(b'-') {
                0
            } else {
                options.width.unwrap_or(width)
            };
            if number < 0 && fill == b'0' {
                out.push(b'-');
                let digits = format!("{}", number.unsigned_abs());
                (digits.into_bytes(), width.saturating_sub(1), fill)
            } else {
                (format!("{number}").into_bytes(), width, fill)
            }
        }
        Value::Text(text) => {
            let fill = if options.padding == Some(b'0') {
                b'0'
            } else {
                b' '
            };
            let text = match options.case {
                Some(b'^') => text.to_ascii_uppercase(),
                Some(_) if matches!(conversion, b'p' | b'Z') => text.to_ascii_lowercase(),
                Some(_) => text.to_ascii_uppercase(),
                None => text,
            };
            (text, options.width.unwrap_or(0), fill)
        }
    };
    out.extend(core::iter::repeat_n(fill, width.saturating_sub(text.len())));
    out.extend_from_slice(&text);
}

/// No text of a time is longer.
const WIDTH_LIMIT: usize = 1 << 16;

/// Appends the time in the form that the pattern gives.
pub(crate) fn format(pattern: &[u8], time: &Tm, out: &mut Vec<u8>) {
    let mut rest = pattern;
    while let Some((&byte, after)) = rest.split_first() {
        if byte != b'%' {
            out.push(byte);
            rest = after;
            continue;
        }
        let start = rest;
        rest = after;
        let mut options = Options::default();
        while let Some(&flag) = rest.first() {
            match flag {
                b'_' | b'-' | b'0' | b'+' => options.padding = Some(flag),
                b'^' | b'#' => options.case = Some(flag),
                _ => break,
            }
            rest = &rest[1..];
        }
        while let Some(digit) = rest.first().filter(|byte| byte.is_ascii_digit()) {
            let width = options.width.unwrap_or(0) * 10 + usize::from(digit - b'0');
            options.width = Some(width.min(WIDTH_LIMIT));
            rest = &rest[1..];
        }
        // E and O ask for a locale's other form; "C" has none.
        if let Some(b'E' | b'O') = rest.first() {
            rest = &rest[1..];
        }
        let conversion = rest.first().copied();
        rest = rest.get(1..).unwrap_or(&[]);
        match conversion.and_then(|conversion| Some((conversion, value(conversion, time)?))) {
            Some((conversion, value)) => emit(value, conversion, options, out),
            // As it stands there.
            None => out.extend_from_slice(&start[..start.len() - rest.len()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::calendar::calendar;
    use super::*;
    use crate::platform::test_platform;
    use alloc::string::String;

    fn shown(seconds: i64, pattern: &str) -> String {
        let mut out = Vec::new();
        format(pattern.as_bytes(), &calendar(seconds, 0).unwrap(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn known_instants() {
        // From `date -u -d @N` of GNU coreutils.
        assert_eq!(shown(0, "%c"), "Thu Jan  1 00:00:00 1970");
        assert_eq!(shown(951_782_400, "%F %j %a"), "2000-02-29 060 Tue");
        assert_eq!(
            shown(1_700_000_000, "%Y-%m-%dT%H:%M:%S%z"),
            "2023-11-14T22:13:20+0000"
        );
        assert_eq!(shown(-1, "%F %T"), "1969-12-31 23:59:59");
        assert_eq!(
            shown(4_102_444_799, "%F %T %p %I"),
            "2099-12-31 23:59:59 PM 11"
        );
    }

    #[test]
    fn bytes_that_are_no_ascii_stay_as_they_are() {
        let mut out = Vec::new();
        let time = Tm {
            zone: c"\xe9\xc3\xa9".as_ptr(),
            ..calendar(0, 0).unwrap()
        };
        format(b"\xfc\xc3\xbc %Y %^Z %5Z", &time, &mut out);
        assert_eq!(out, b"\xfc\xc3\xbc 1970 \xe9\xc3\xa9   \xe9\xc3\xa9");
    }

    #[test]
    fn weeks() {
        // 2021-01-03 is a Sunday of the 53rd ISO week of 2020.
        assert_eq!(shown(1_609_632_000, "%G-W%V-%u %U %W"), "2020-W53-7 01 00");
        // 2018-12-31 is a Monday of the first ISO week of 2019.
        assert_eq!(shown(1_546_214_400, "%G-W%V-%u %g"), "2019-W01-1 19");
    }

    #[test]
    fn flags_and_widths() {
        // %s asks for the zone of the environment.
        test_platform::install();
        // From `date -u -d @1700000000` of GNU coreutils, whose strftime has the same ones as glibc's.
        assert_eq!(
            shown(1_700_000_000, "[%-d] [%_m] [%05e] [%^b] [%#p] [%10A] [%-j]"),
            "[14] [11] [00014] [NOV] [pm] [   Tuesday] [318]"
        );
        assert_eq!(shown(0, "%Ey %Od %Q %"), "70 01 %Q %");
        assert_eq!(
            shown(1_700_000_000, "%k|%l|%P|%s|%Z"),
            "22|10|pm|1700000000|UTC"
        );
    }
}
