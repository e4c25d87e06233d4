//! Time zones in POSIX's form (`TZ`, XBD 8.3): a name, an offset, and the rules of daylight saving.
//!
//! There is no database of zones: a name such as `Europe/Berlin` is not known.

use alloc::vec::Vec;
use core::ffi::c_int;

use super::calendar::{DAY_SECONDS, date_of_day, days_before_month, is_leap};

/// A zone; that of no `TZ` is UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zone {
    pub(super) name: Vec<u8>,
    /// East of Greenwich.
    pub(super) offset_seconds: i64,
    pub(super) summer: Option<Summer>,
}

/// Daylight saving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Summer {
    pub(super) name: Vec<u8>,
    offset_seconds: i64,
    start: Rule,
    end: Rule,
}

/// When daylight saving starts or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rule {
    day: Day,
    /// By the clock before the change.
    time_seconds: i64,
}

/// A day of a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Day {
    /// From 1, without the 29th of February.
    Julian(i64),
    /// From 0, with it.
    OfYear(i64),
    /// The day of the week (0 is Sunday) in a week (5 is the last) of a month from 0.
    OfMonth(i64, i64, i64),
}

/// What a zone's clocks show at a time.
pub(super) struct Local<'a> {
    pub(super) offset_seconds: i64,
    pub(super) is_summer: bool,
    pub(super) name: &'a [u8],
}

impl Default for Zone {
    fn default() -> Self {
        Self {
            name: b"UTC".to_vec(),
            offset_seconds: 0,
            summer: None,
        }
    }
}

impl Rule {
    /// Seconds from 1970 to the change, by the clock before it.
    fn in_year(self, year: i64) -> i64 {
        let first = days_before_month(year, 0);
        let day = match self.day {
            Day::Julian(day) => first + day - 1 + i64::from(is_leap(year) && day > 59),
            Day::OfYear(day) => first + day,
            Day::OfMonth(month, week, weekday) => {
                let start = days_before_month(year, month);
                let next_month = if month == 11 {
                    days_before_month(year + 1, 0)
                } else {
                    days_before_month(year, month + 1)
                };
                let mut day = start + (weekday - (start + 4)).rem_euclid(7) + (week - 1) * 7;
                while day >= next_month {
                    day -= 7;
                }
                day
            }
        };
        day * DAY_SECONDS + self.time_seconds
    }
}

impl Zone {
    /// Of the text of `TZ`; none if it is not in POSIX's form.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let mut rest = text;
        let name = take_name(&mut rest)?;
        let offset_seconds = -take_time(&mut rest)?;
        if rest.is_empty() {
            return Some(Self {
                name,
                offset_seconds,
                summer: None,
            });
        }
        let summer_name = take_name(&mut rest)?;
        let summer_offset = match rest.first() {
            None | Some(b',') => offset_seconds + 3600,
            Some(_) => -take_time(&mut rest)?,
        };
        // POSIX leaves the rules to the implementation; these are glibc's: those of the United States.
        let (start, end) = if rest.is_empty() {
            let two = 2 * 3600;
            let rule = |month, week| Rule {
                day: Day::OfMonth(month, week, 0),
                time_seconds: two,
            };
            (rule(2, 2), rule(10, 1))
        } else {
            (take_rule(&mut rest)?, take_rule(&mut rest)?)
        };
        rest.is_empty().then_some(Self {
            name,
            offset_seconds,
            summer: Some(Summer {
                name: summer_name,
                offset_seconds: summer_offset,
                start,
                end,
            }),
        })
    }

    /// What the clocks show at a time.
    pub(super) fn at(&self, seconds: i64) -> Local<'_> {
        let standard = Local {
            offset_seconds: self.offset_seconds,
            is_summer: false,
            name: &self.name,
        };
        let Some(summer) = &self.summer else {
            return standard;
        };
        let local = seconds.saturating_add(self.offset_seconds);
        let (year, _, _) = date_of_day(local.div_euclid(DAY_SECONDS));
        let start = summer.start.in_year(year) - self.offset_seconds;
        let end = summer.end.in_year(year) - summer.offset_seconds;
        let is_summer = if start < end {
            (start..end).contains(&seconds)
        } else {
            !(end..start).contains(&seconds)
        };
        if !is_summer {
            return standard;
        }
        Local {
            offset_seconds: summer.offset_seconds,
            is_summer: true,
            name: &summer.name,
        }
    }

    /// The time at which the clocks show `local`; `daylight_saving` as in `struct tm`.
    pub(super) fn seconds_of_local(&self, local: i64, daylight_saving: c_int) -> i64 {
        let standard = local.saturating_sub(self.offset_seconds);
        let Some(summer) = &self.summer else {
            return standard;
        };
        let in_summer = local.saturating_sub(summer.offset_seconds);
        match daylight_saving {
            1.. => in_summer,
            0 => standard,
            // A time that the clocks skip is shown an hour later, one that they show twice is the first.
            _ if self.at(in_summer).is_summer => in_summer,
            _ => standard,
        }
    }
}

/// Three letters or more, or anything in angle brackets.
fn take_name(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let (name, after) = if rest.first() == Some(&b'<') {
        let end = rest.iter().position(|byte| *byte == b'>')?;
        let name = &rest[1..end];
        let is_valid = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-');
        (name.iter().all(is_valid).then_some(name)?, &rest[end + 1..])
    } else {
        let length = rest
            .iter()
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        rest.split_at(length)
    };
    *rest = after;
    (name.len() >= 3).then(|| name.to_vec())
}

fn take_number(rest: &mut &[u8], limit: i64) -> Option<i64> {
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, after) = rest.split_at(length);
    *rest = after;
    let number: i64 = core::str::from_utf8(digits).ok()?.parse().ok()?;
    (number <= limit).then_some(number)
}

fn take_byte(rest: &mut &[u8], byte: u8) -> bool {
    let is_there = rest.first() == Some(&byte);
    if is_there {
        *rest = &rest[1..];
    }
    is_there
}

/// `[+-]hh[:mm[:ss]]` in seconds; hours up to a week, as the extension of POSIX's next issue has it.
fn take_time(rest: &mut &[u8]) -> Option<i64> {
    const HOURS_LIMIT: i64 = 167;
    let is_negative = take_byte(rest, b'-');
    if !is_negative {
        take_byte(rest, b'+');
    }
    let mut seconds = take_number(rest, HOURS_LIMIT)? * 3600;
    for unit in [60, 1] {
        if !take_byte(rest, b':') {
            break;
        }
        seconds += take_number(rest, 59)? * unit;
    }
    Some(if is_negative { -seconds } else { seconds })
}

fn take_rule(rest: &mut &[u8]) -> Option<Rule> {
    take_byte(rest, b',').then_some(())?;
    let day = if take_byte(rest, b'J') {
        Day::Julian(take_number(rest, 365).filter(|day| *day > 0)?)
    } else if take_byte(rest, b'M') {
        let month = take_number(rest, 12)?
            .checked_sub(1)
            .filter(|month| *month >= 0)?;
        take_byte(rest, b'.').then_some(())?;
        let week = take_number(rest, 5).filter(|week| *week > 0)?;
        take_byte(rest, b'.').then_some(())?;
        Day::OfMonth(month, week, take_number(rest, 6)?)
    } else {
        Day::OfYear(take_number(rest, 365)?)
    };
    let time_seconds = if take_byte(rest, b'/') {
        take_time(rest)?
    } else {
        2 * 3600
    };
    Some(Rule { day, time_seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_apart() {
        assert_eq!(Zone::parse(b"UTC0").unwrap().offset_seconds, 0);
        let zone = Zone::parse(b"<+0330>-3:30").unwrap();
        assert_eq!(
            (zone.name.as_slice(), zone.offset_seconds),
            (&b"+0330"[..], 12_600)
        );
        assert!(Zone::parse(b"EST5EDT").unwrap().summer.is_some());
        assert!(Zone::parse(b"EST5EDT,J60/2,300/-1").is_some());
        for bad in [
            "",
            "A1",
            "Europe/Berlin",
            "EST",
            "EST5EDT,M13.1.0,M1.1.0",
            "EST5x",
        ] {
            assert_eq!(Zone::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn the_south_has_its_summer_over_the_turn_of_the_year() {
        let zone = Zone::parse(b"AEST-10AEDT,M10.1.0,M4.1.0/3").unwrap();
        // 2024-01-01 and 2024-07-01.
        assert!(zone.at(1_704_067_200).is_summer);
        assert!(!zone.at(1_719_792_000).is_summer);
    }
}
