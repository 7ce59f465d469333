//! Dates: every value is a stretch of time, as precise as it was written.

use fhirward_spec::{Extracted, member};
use serde_json::Value;

use super::{BadValue, Prefix, Range};

/// A moment, in nanoseconds since 1970-01-01T00:00:00Z.
pub type Moment = i128;

const SECOND: i128 = 1_000_000_000;
const DAY: i128 = 86_400 * SECOND;

/// A prefix and a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DatePattern {
    prefix: Prefix,
    wanted: Range<Moment>,
}

impl DatePattern {
    /// Reads `[prefix]date`.
    ///
    /// # Errors
    /// A text that is no date, with the forms that are.
    pub fn parse(text: &str) -> Result<Self, BadValue> {
        let (prefix, date) = Prefix::split(text);
        match interval(date) {
            Some(wanted) => Ok(Self { prefix, wanted }),
            None => Err(BadValue::new(
                "is no date",
                "write `2024`, `2024-03`, `2024-03-10` or `2024-03-10T09:00:00Z`, \
                 after one of the prefixes eq ne gt lt ge le sa eb ap, or none",
            )),
        }
    }

    /// Whether the element's stretch of time compares so with the wanted one.
    pub fn matches(&self, element: Extracted<'_>) -> bool {
        self.holds(stretch(element))
    }

    /// The same of an element whose stretch of time is known.
    pub(crate) fn holds(&self, stored: Option<Range<Moment>>) -> bool {
        stored.is_some_and(|stored| self.prefix.holds(stored, self.wanted))
    }
}

/// The time that an element covers: a date as precise as written, a Period from start to end, a
/// Timing from its first to its last event, or its bounds.
pub fn stretch(element: Extracted<'_>) -> Option<Range<Moment>> {
    match element.value {
        Value::String(text) => interval(text),
        Value::Object(_) if element.data_type == "Timing" => {
            let events = member(element.value, "event").and_then(Value::as_array);
            match events.filter(|events| !events.is_empty()) {
                Some(events) => events
                    .iter()
                    .filter_map(|event| interval(event.as_str()?))
                    .reduce(|a, b| Range {
                        low: a.low.min(b.low),
                        high: a.high.max(b.high),
                    }),
                None => period(member(member(element.value, "repeat")?, "boundsPeriod")?),
            }
        }
        Value::Object(_) => period(element.value),
        _ => None,
    }
}

fn period(value: &Value) -> Option<Range<Moment>> {
    let side = |name: &str| match member(value, name) {
        Some(text) => interval(text.as_str()?).map(Some),
        None => Some(None),
    };
    let (start, end) = (side("start")?, side("end")?);
    if start.is_none() && end.is_none() {
        return None;
    }
    Some(Range {
        low: start.and_then(|range| range.low),
        high: end.and_then(|range| range.high),
    })
}

/// The stretch of a FHIR date, dateTime or instant; a time without zone is UTC. `None` for a text
/// that is no such date, or no day of the calendar.
pub fn interval(text: &str) -> Option<Range<Moment>> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut fields = date.split('-');
    let year = digits(fields.next()?, 4)?;
    let month = fields.next().map(|m| digits(m, 2));
    let day = fields.next().map(|d| digits(d, 2));
    if fields.next().is_some() {
        return None;
    }
    let (low, high) = match (month, day) {
        (None, _) => (days(year, 1, 1)?, days(year + 1, 1, 1)?),
        (Some(month), None) => {
            let month = month?;
            let next = if month == 12 {
                (year + 1, 1)
            } else {
                (year, month + 1)
            };
            (days(year, month, 1)?, days(next.0, next.1, 1)?)
        }
        (Some(month), Some(day)) => {
            let day = days(year, month?, day?)?;
            (day, day + 1)
        }
    };
    let (low, high) = (i128::from(low) * DAY, i128::from(high) * DAY);
    let Some(time) = time else {
        return Some(Range {
            low: Some(low),
            high: Some(high),
        });
    };
    day?;
    let (offset, width) = clock(time)?;
    Some(Range {
        low: Some(low + offset),
        high: Some(low + offset + width),
    })
}

/// Nanoseconds from midnight UTC, and how much time the text covers.
fn clock(text: &str) -> Option<(i128, i128)> {
    let (time, zone) = if let Some(time) = text.strip_suffix('Z') {
        (time, 0)
    } else if let Some(at) = text.find(['+', '-']) {
        let (time, zone) = (text.get(..at)?, text.get(at..)?);
        let sign = if zone.starts_with('-') { -1 } else { 1 };
        let (hours, minutes) = zone.get(1..)?.split_once(':')?;
        let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
        if hours > 14 || minutes > 59 {
            return None;
        }
        (time, sign * (hours * 60 + minutes))
    } else {
        (text, 0)
    };
    let mut fields = time.split(':');
    let hours = digits(fields.next()?, 2)?;
    let minutes = digits(fields.next()?, 2)?;
    let seconds = fields.next();
    if fields.next().is_some() || hours > 23 || minutes > 59 {
        return None;
    }
    let start = i128::from((hours * 60 + minutes - zone) * 60) * SECOND;
    let Some(seconds) = seconds else {
        return Some((start, 60 * SECOND));
    };
    let (whole, fraction) = match seconds.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (seconds, None),
    };
    let whole = digits(whole, 2)?;
    if whole > 60 {
        return None;
    }
    let start = start + i128::from(whole) * SECOND;
    let Some(fraction) = fraction else {
        return Some((start, SECOND));
    };
    if fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let width = 10_i128.pow(u32::try_from(9 - fraction.len()).ok()?);
    let fraction = i128::from(digits(fraction, fraction.len())?);
    Some((start + fraction * width, width))
}

fn digits(text: &str, length: usize) -> Option<i64> {
    (text.len() == length && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// Days from 1970-01-01 to a day of the proleptic Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if day < 1 || day > length {
        return None;
    }
    // Years that begin in March put the leap day last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::year_holds_day("1990", json!("1990-06-15"), true)]
    #[case::day_does_not_hold_year("1990-06-15", json!("1990"), false)]
    #[case::day_holds_moment("2024-03-10", json!("2024-03-10T15:30:00Z"), true)]
    #[case::zone("2024-03-10", json!("2024-03-10T23:30:00-05:00"), false)]
    #[case::ge("ge2024-03-10", json!("2024-03-10T15:30:00Z"), true)]
    #[case::le("le2024-03-10", json!("2024-03-10T15:30:00Z"), true)]
    #[case::gt_same_day("gt2024-03-10", json!("2024-03-10T15:30:00Z"), false)]
    #[case::gt_next_day("gt2024-03-10", json!("2024-03-11"), true)]
    #[case::lt("lt2024-03-10", json!("2024-03-09"), true)]
    #[case::ne_inside("ne2024-03-10", json!("2024-03-10T15:30:00Z"), false)]
    #[case::ne("ne2024-03-10", json!("2024-03-11"), true)]
    #[case::sa("sa2024-03-10", json!("2024-03-11"), true)]
    #[case::sa_same("sa2024-03-10", json!("2024-03-10"), false)]
    #[case::eb("eb2024-03-10", json!("2024-03-09"), true)]
    #[case::period_overlaps_only("2024-03-10", json!({"start": "2024-03-09T22:00:00Z", "end": "2024-03-11T02:00:00Z"}), false)]
    #[case::period_overlap_ap("ap2024-03-10", json!({"start": "2024-03-09T22:00:00Z", "end": "2024-03-11T02:00:00Z"}), true)]
    #[case::open_end("gt2030", json!({"start": "2024-03-09"}), true)]
    #[case::open_end_not_before("eb2030", json!({"start": "2024-03-09"}), false)]
    #[case::empty_period("2024", json!({}), false)]
    #[case::broken("2024", json!("2024-13-45"), false)]
    #[case::leap_day("2024-02-29", json!("2024-02-29"), true)]
    fn r6_date(#[case] asked: &str, #[case] value: Value, #[case] expected: bool) {
        let pattern = DatePattern::parse(asked).unwrap();
        let data_type = if value.is_object() {
            "Period"
        } else {
            "dateTime"
        };
        let element = Extracted {
            value: &value,
            data_type,
        };
        assert_eq!(pattern.matches(element), expected);
    }

    #[rstest]
    #[case::word("zzz")]
    #[case::no_such_day("2023-02-29")]
    #[case::month("2024-13")]
    #[case::time_of_a_month("2024-03T10:00")]
    #[case::short("24-03-10")]
    #[case::prefix_only("ge")]
    #[case::zone("2024-03-10T10:00:00+25:00")]
    fn refuses(#[case] text: &str) {
        assert!(DatePattern::parse(text).is_err());
    }

    #[test]
    fn the_epoch_is_zero_and_days_are_consecutive() {
        assert_eq!(days(1970, 1, 1), Some(0));
        assert_eq!(days(2000, 3, 1), Some(11_017));
        assert_eq!(days(1969, 12, 31), Some(-1));
        let mut last = days(1896, 1, 1).unwrap() - 1;
        for year in 1896..2105 {
            for month in 1..=12 {
                for day in 1..=31 {
                    if let Some(now) = days(year, month, day) {
                        assert_eq!(now, last + 1, "{year}-{month}-{day}");
                        last = now;
                    }
                }
            }
        }
    }
}
