//! When a file was written, as FAT notes it.

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

    /// Date and time in FAT's bits.
    pub(crate) fn to_fat(self) -> (u16, u16) {
        (self.date, self.time)
    }
}
