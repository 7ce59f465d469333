//! Dates and times of the proleptic Gregorian calendar, as R4 writes them.

const NANOS_OF_SECOND: i128 = 1_000_000_000;
const NANOS_OF_MINUTE: i128 = 60 * NANOS_OF_SECOND;
const NANOS_OF_DAY: i128 = 24 * 60 * NANOS_OF_MINUTE;

/// The farthest that a place's clock is from UTC.
const MAX_ZONE_MINUTES: i64 = 14 * 60;

/// `2024`, `2024-05` or `2024-05-31`.
pub(super) fn is_date(text: &str) -> bool {
    date_of(text).is_some()
}

/// The first and the last day of a date, counted from 1970-01-01.
fn date_of(text: &str) -> Option<(i64, i64)> {
    let mut parts = text.split('-');
    let year = parts.next().and_then(|y| fixed(y, 4)).filter(|y| *y > 0)?;
    let Some(month) = parts.next() else {
        return Some((days_since_1970(year, 1, 1), days_since_1970(year, 12, 31)));
    };
    let month = fixed(month, 2).filter(|m| (1..=12).contains(m))?;
    let Some(day) = parts.next() else {
        let last = days_of_month(year, month);
        return Some((
            days_since_1970(year, month, 1),
            days_since_1970(year, month, last),
        ));
    };
    let day = fixed(day, 2).filter(|d| (1..=days_of_month(year, month)).contains(d))?;
    if parts.next().is_some() {
        return None;
    }
    let days = days_since_1970(year, month, day);
    Some((days, days))
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

/// A date with time and zone, as nanoseconds since 1970. `None` if it is not in that format.
pub(crate) fn instant_of(text: &str) -> Option<i128> {
    let (date, rest) = text.split_once('T')?;
    if date.len() != "2024-05-31".len() {
        return None;
    }
    let (day, _) = date_of(date)?;
    let (time, offset) = match rest.strip_suffix('Z') {
        Some(time) => (time, 0),
        None => {
            let at = rest.rfind(['+', '-'])?;
            let (time, zone) = rest.split_at_checked(at)?;
            (time, zone_minutes(zone)?)
        }
    };
    let minutes = i128::from(offset) * NANOS_OF_MINUTE;
    Some(i128::from(day) * NANOS_OF_DAY - minutes + time_of(time)?)
}

/// Whether one date or dateTime is surely before another: what is left open (the day of a month,
/// the zone of a date) decides nothing.
pub(super) fn is_before(a: &str, b: &str) -> bool {
    let (Some(a), Some(b)) = (moments(a), moments(b)) else {
        return false;
    };
    let slack = if a.zoned == b.zoned {
        0
    } else {
        i128::from(MAX_ZONE_MINUTES) * NANOS_OF_MINUTE
    };
    a.last + slack < b.first
}

struct Moments {
    first: i128,
    last: i128,
    zoned: bool,
}

fn moments(text: &str) -> Option<Moments> {
    if let Some(at) = instant_of(text) {
        return Some(Moments {
            first: at,
            last: at,
            zoned: true,
        });
    }
    let (first, last) = date_of(text)?;
    Some(Moments {
        first: i128::from(first) * NANOS_OF_DAY,
        last: (i128::from(last) + 1) * NANOS_OF_DAY - 1,
        zoned: false,
    })
}

fn zone_minutes(zone: &str) -> Option<i64> {
    let (sign, rest) = match zone.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, zone.strip_prefix('+')?),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes) = (fixed(hours, 2)?, fixed(minutes, 2)?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= MAX_ZONE_MINUTES).then_some(sign * total)
}

/// A time of day in nanoseconds. Leap seconds are allowed.
pub(super) fn time_of(text: &str) -> Option<i128> {
    let (clock, fraction) = match text.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (text, None),
    };
    let mut parts = clock.split(':');
    let hour = fixed(parts.next()?, 2).filter(|h| *h < 24)?;
    let minute = fixed(parts.next()?, 2).filter(|m| *m < 60)?;
    let second = fixed(parts.next()?, 2).filter(|s| *s <= 60)?;
    if parts.next().is_some() {
        return None;
    }
    let nanos = match fraction {
        None => 0,
        Some(fraction) => nanos_of(fraction)?,
    };
    let seconds = hour * 3600 + minute * 60 + second;
    Some(i128::from(seconds) * NANOS_OF_SECOND + i128::from(nanos))
}

/// A fraction of a second; digits beyond nanoseconds are passed over.
fn nanos_of(fraction: &str) -> Option<i64> {
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    Some(digits.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
}

/// Days from 1970-01-01, for years after 0.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // Counting years from March puts the leap day at the end.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Exactly so many digits, at most four.
fn fixed(text: &str, length: usize) -> Option<i64> {
    if text.len() != length || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(
        text.bytes()
            .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')),
    )
}

#[cfg(test)]
mod tests {
    use super::{instant_of, is_before};
    use rstest::rstest;

    #[test]
    fn instants_are_ordered_by_time() {
        assert_eq!(instant_of("1970-01-01T00:00:01Z"), Some(1_000_000_000));
        let plus = instant_of("2024-03-01T00:30:00+01:00");
        assert_eq!(plus, instant_of("2024-02-29T23:30:00Z"));
        assert!(plus < instant_of("2024-03-01T00:00:00.001Z"));
        assert_eq!(instant_of("2024-03-01"), None);
    }

    #[rstest]
    #[case("2024", "2025", true)]
    #[case("2024-02", "2024-03-01", true)]
    #[case("2024-03-01", "2024-03", false)]
    #[case("2024", "2024-12-31", false)]
    #[case("2024-01-01T10:00:00Z", "2024-01-01T10:00:01Z", true)]
    #[case("2024-01-01T10:00:00+02:00", "2024-01-01T09:00:00Z", true)]
    #[case("2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z", false)]
    // Somewhere the second day has begun.
    #[case("2024-01-01T20:00:00Z", "2024-01-02", false)]
    #[case("2024-01-01T09:00:00Z", "2024-01-02", true)]
    #[case("x", "2024", false)]
    fn before(#[case] a: &str, #[case] b: &str, #[case] expected: bool) {
        assert_eq!(is_before(a, b), expected);
    }
}
