//! Days.

use std::fmt;

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: i16,
    month: i8,
    day: i8,
}

impl Date {
    /// Today, in UTC: the same answer on every machine at the same moment.
    pub fn today() -> Self {
        let now = jiff::Timestamp::now()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date();
        Self {
            year: now.year(),
            month: now.month(),
            day: now.day(),
        }
    }

    /// The given day; `None` for numbers that no calendar has.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        Some(Self {
            year: i16::try_from(year).ok()?,
            month: i8::try_from(month).ok()?,
            day: i8::try_from(day).ok()?,
        })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}
