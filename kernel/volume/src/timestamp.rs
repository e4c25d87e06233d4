//! When a file was written, as FAT notes it.

use time::{Date, Month, OffsetDateTime, Time};

/// 1980-01-01 00:00:00.
const FIRST_UNIX_S: i64 = 315_532_800;
/// 2107-12-31 23:59:58.
const LAST_UNIX_S: i64 = 4_354_819_198;

/// A date and a time of day between 1980 and 2107, in steps of two seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    date: u16,
    time: u16,
}

impl Timestamp {
    /// The first that FAT has, for machines without a clock.
    pub const FIRST: Self = Self {
        date: (1 << 5) | 1,
        time: 0,
    };

    /// `None` if FAT has no such date or time.
    #[must_use]
    pub fn new(date: (u16, u16, u16), time: (u16, u16, u16)) -> Option<Self> {
        let ((year, month, day), (hour, minute, second)) = (date, time);
        let exists = (1980..=2107).contains(&year)
            && (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        exists.then(|| Self {
            date: ((year - 1980) << 9) | (month << 5) | day,
            time: (hour << 11) | (minute << 5) | (second / 2),
        })
    }

    /// The last that is not after this time, in seconds since 1970-01-01 00:00:00 UTC; of times that FAT does not have
    /// the nearest.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Self {
        let seconds = seconds.clamp(FIRST_UNIX_S, LAST_UNIX_S);
        OffsetDateTime::from_unix_timestamp(seconds)
            .ok()
            .and_then(|found| {
                let (date, time) = (found.date(), found.time());
                let year = u16::try_from(date.year()).ok()?;
                Self::new(
                    (year, u8::from(date.month()).into(), date.day().into()),
                    (
                        time.hour().into(),
                        time.minute().into(),
                        time.second().into(),
                    ),
                )
            })
            .unwrap_or(Self::FIRST)
    }

    /// Seconds since 1970-01-01 00:00:00 UTC; those of [`Timestamp::FIRST`] if there is no such day or time, as on a
    /// damaged disk.
    #[must_use]
    pub fn to_unix(self) -> i64 {
        self.instant()
            .map_or(FIRST_UNIX_S, |instant| instant.unix_timestamp())
    }

    fn instant(self) -> Option<OffsetDateTime> {
        let (year, month, day) = self.date();
        let (hour, minute, second) = self.time();
        let part = |number: u16| u8::try_from(number).ok();
        let month = Month::try_from(part(month)?).ok()?;
        let date = Date::from_calendar_date(i32::from(year), month, part(day)?).ok()?;
        let time = Time::from_hms(part(hour)?, part(minute)?, part(second)?).ok()?;
        Some(date.with_time(time).assume_utc())
    }

    /// Year, month and day.
    #[must_use]
    pub fn date(self) -> (u16, u16, u16) {
        (1980 + (self.date >> 9), self.date >> 5 & 15, self.date & 31)
    }

    /// Hour, minute and second.
    #[must_use]
    pub fn time(self) -> (u16, u16, u16) {
        let time = self.time;
        (time >> 11, time >> 5 & 63, (time & 31) * 2)
    }

    /// Of FAT's bits, whatever they are.
    pub(crate) fn from_fat(date: u16, time: u16) -> Self {
        Self { date, time }
    }

    /// Date and time in FAT's bits.
    pub(crate) fn to_fat(self) -> (u16, u16) {
        (self.date, self.time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_unix_are_kept_to_two_seconds() {
        assert_eq!(Timestamp::from_unix(0), Timestamp::FIRST);
        let leap_day = Timestamp::new((2024, 2, 29), (23, 59, 58)).unwrap();
        assert_eq!(leap_day.to_unix(), 1_709_251_198);
        let last = Timestamp::new((2107, 12, 31), (23, 59, 58)).unwrap();
        assert_eq!(Timestamp::from_unix(i64::MAX), last);
        let mut time = FIRST_UNIX_S;
        while time <= LAST_UNIX_S {
            assert_eq!(Timestamp::from_unix(time).to_unix(), time / 2 * 2);
            time += 40_009;
        }
    }

    #[test]
    fn days_and_times_that_do_not_exist_are_the_first() {
        // The 31st of February, month 0, month 15, second 62.
        for (date, time) in [(2 << 5 | 31, 0), (1, 0), (15 << 5 | 1, 0), (1 << 5 | 1, 31)] {
            assert_eq!(Timestamp::from_fat(date, time).to_unix(), FIRST_UNIX_S);
        }
    }
}
