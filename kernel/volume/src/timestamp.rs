//! When a file was written, as FAT notes it.

const DAY_S: i64 = 24 * 60 * 60;
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
        let (days, of_day) = (seconds / DAY_S, seconds % DAY_S);
        // The civil date of a day, in years from March on: https://howardhinnant.github.io/date_algorithms.html
        let day = days + 719_468;
        let (era, of_era) = (day / 146_097, day % 146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + era * 400 + i64::from(month <= 2);
        let field = |number: i64| number as u16;
        Self {
            date: field(year - 1980) << 9 | field(month) << 5 | field(day),
            time: field(of_day / 3600) << 11
                | field(of_day / 60 % 60) << 5
                | field(of_day % 60 / 2),
        }
    }

    /// Seconds since 1970-01-01 00:00:00 UTC.
    #[must_use]
    pub fn to_unix(self) -> i64 {
        let (year, month) = (
            1980 + i64::from(self.date >> 9),
            i64::from(self.date >> 5 & 15),
        );
        let day = i64::from(self.date & 31);
        let year = if month <= 2 { year - 1 } else { year };
        let (era, of_era) = (year / 400, year % 400);
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
        let (hours, minutes) = (i64::from(self.time >> 11), i64::from(self.time >> 5 & 63));
        days * DAY_S + hours * 3600 + minutes * 60 + i64::from(self.time & 31) * 2
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
}
