//! Dates as the server's regular expressions take them, and the moments that it makes of them.
//!
//! What is accepted is wider than what a date is: a zone may follow a day or a month, a sign may
//! stand for a zone, a minute may have a 60th second. Some of that has no moment, and asking for it
//! ends the request with an error.

/// First and last millisecond since 1970-01-01T00:00:00Z.
pub(super) type Stretch = (i128, i128);

/// A text that passes for a date and has no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoMoment;

const MINUTE: i128 = 60_000;
const DAY: i128 = 86_400_000;

/// A date, taken apart.
#[derive(Debug, Clone, Copy, Default)]
struct Parts<'t> {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    hour: Option<i64>,
    minute: Option<i64>,
    second: Option<i64>,
    /// The digits after the point.
    fraction: Option<&'t str>,
    zone: Option<&'t str>,
}

/// Which of the two regular expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The datatype dateTime: an hour alone, or with minutes and seconds.
    Stored,
    /// A search value from 5.2: minutes after the hour, seconds or not.
    Searched,
}

/// Whether the text passes for a dateTime.
pub(super) fn is_date_time(text: &str) -> bool {
    parts(text, Form::Stored).is_some()
}

/// Whether a search by this text is accepted from 5.2: a day of the calendar, too.
pub(super) fn is_searched(text: &str) -> bool {
    let Some(parts) = parts(text, Form::Searched) else {
        return false;
    };
    match (parts.month, parts.day) {
        (Some(month), Some(day)) => day <= days_of_month(parts.year, month),
        _ => true,
    }
}

/// The stretch of a text that passes for a date; the fault of one that has no moment.
pub(super) fn stretch(text: &str) -> Option<Result<Stretch, NoMoment>> {
    parts(text, Form::Stored).map(moments)
}

/// The stretch of one side of a period whose other side is a date: whether this one is a date is
/// not asked, only whether it has a moment.
pub(super) fn side(text: &str) -> Result<Stretch, NoMoment> {
    parts(text, Form::Stored)
        .or_else(|| parts(text, Form::Searched))
        .map_or(Err(NoMoment), moments)
}

fn moments(parts: Parts<'_>) -> Result<Stretch, NoMoment> {
    // A time zone is looked for behind the day only.
    let zone_is_lost = parts.day.is_none() && parts.zone.is_some_and(|zone| !matches!(zone, "Z"));
    let offset = parts.zone.map_or(Some(0), offset);
    let (Some(offset), false, false) = (offset, zone_is_lost, parts.second == Some(60)) else {
        return Err(NoMoment);
    };
    let moment = |month: i64, day: i64, hour: i64, minute: i64, second: i64, digit: char| {
        let days = i128::from(days_before(parts.year, parts.month.unwrap_or(month)))
            + i128::from(parts.day.unwrap_or(day) - 1);
        let hour = i128::from(parts.hour.unwrap_or(hour));
        let minute = i128::from(parts.minute.unwrap_or(minute));
        let second = i128::from(parts.second.unwrap_or(second));
        let fraction = parts.fraction.unwrap_or_default();
        let thousandth = fraction
            .chars()
            .chain(std::iter::repeat(digit))
            .take(3)
            .fold(0, |sum, c| {
                sum * 10 + i128::from(c.to_digit(10).unwrap_or(0))
            });
        days * DAY + (hour * 60 + minute - offset) * MINUTE + second * 1_000 + thousandth
    };
    // What is not said is filled from a first and a last moment; every month ends on a 31st, which
    // may be a day of the next one.
    let start = moment(1, 1, 0, 0, 0, '0');
    let end = moment(12, 31, 23, 59, 59, '9');
    Ok((start, end))
}

/// Minutes east of Greenwich; `None` for a sign alone.
fn offset(zone: &str) -> Option<i128> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, rest) = zone.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    let minutes = hours.parse::<i128>().ok()? * 60 + minutes.parse::<i128>().ok()?;
    Some(if sign == "-" { -minutes } else { minutes })
}

fn parts(text: &str, form: Form) -> Option<Parts<'_>> {
    let (year, rest) = number(text, 4, 1, 9999)?;
    let mut parts = Parts {
        year,
        ..Parts::default()
    };
    if rest.is_empty() {
        return Some(parts);
    }
    let (month, rest) = number(rest.strip_prefix('-')?, 2, 1, 12)?;
    parts.month = Some(month);
    if rest.is_empty() {
        return Some(parts);
    }
    // What follows a month can be a day, or a zone that looks like one.
    from_day(parts, rest, form).or_else(|| zoned(parts, rest, form))
}

fn from_day<'t>(mut parts: Parts<'t>, rest: &'t str, form: Form) -> Option<Parts<'t>> {
    let (day, rest) = number(rest.strip_prefix('-')?, 2, 1, 31)?;
    parts.day = Some(day);
    let Some(time) = rest.strip_prefix('T') else {
        return match rest.is_empty() {
            true => Some(parts),
            false => zoned(parts, rest, form),
        };
    };
    let (hour, rest) = number(time, 2, 0, 23)?;
    parts.hour = Some(hour);
    let rest = match (rest.strip_prefix(':'), form) {
        (None, Form::Stored) => rest,
        (None, Form::Searched) => return None,
        (Some(rest), _) => {
            let (minute, rest) = number(rest, 2, 0, 59)?;
            parts.minute = Some(minute);
            match (rest.strip_prefix(':'), form) {
                (None, Form::Stored) => return None,
                (None, Form::Searched) => rest,
                (Some(rest), _) => {
                    let last = if form == Form::Stored { 60 } else { 59 };
                    let (second, rest) = number(rest, 2, 0, last)?;
                    parts.second = Some(second);
                    fraction(&mut parts, rest)?
                }
            }
        }
    };
    match rest.is_empty() {
        true => Some(parts),
        false => with_zone(parts, rest, form),
    }
}

fn fraction<'t>(parts: &mut Parts<'t>, rest: &'t str) -> Option<&'t str> {
    let Some(digits) = rest.strip_prefix('.') else {
        return Some(rest);
    };
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=9).contains(&length) {
        return None;
    }
    let (digits, rest) = digits.split_at_checked(length)?;
    parts.fraction = Some(digits);
    Some(rest)
}

/// A zone without a time; a searched date has none.
fn zoned<'t>(parts: Parts<'t>, zone: &'t str, form: Form) -> Option<Parts<'t>> {
    match form {
        Form::Stored => with_zone(parts, zone, form),
        Form::Searched => None,
    }
}

fn with_zone<'t>(mut parts: Parts<'t>, zone: &'t str, form: Form) -> Option<Parts<'t>> {
    let fits = match zone.strip_prefix(['+', '-']) {
        None => zone == "Z",
        Some("") => form == Form::Stored,
        Some("14:00") => true,
        Some(offset) => offset.split_once(':').is_some_and(|(hours, minutes)| {
            let whole = |text, last| number(text, 2, 0, last).is_some_and(|n| n.1.is_empty());
            whole(hours, 13) && whole(minutes, 59)
        }),
    };
    parts.zone = Some(zone);
    fits.then_some(parts)
}

fn number(text: &str, length: usize, low: i64, high: i64) -> Option<(i64, &str)> {
    let (digits, rest) = text.split_at_checked(length)?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = digits.parse().ok()?;
    (low..=high).contains(&number).then_some((number, rest))
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the first of a month.
fn days_before(year: i64, month: i64) -> i64 {
    let before = year - 1;
    let leaps = |year: i64| year / 4 - year / 100 + year / 400;
    let years = before * 365 + leaps(before) - (1969 * 365 + leaps(1969));
    years + (1..month).map(|m| days_of_month(year, m)).sum::<i64>()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::year("2026", true, true)]
    #[case::month("2026-02", true, true)]
    #[case::no_calendar_before_5_2("2026-02-30", true, false)]
    #[case::leap_day("2024-02-29", true, true)]
    #[case::hour("2026-02-01T10", true, false)]
    #[case::minutes("2026-02-01T10:00", false, true)]
    #[case::seconds("2026-02-01T10:00:00", true, true)]
    #[case::fraction("2026-02-01T10:00:00.123456789Z", true, true)]
    #[case::long_fraction("2026-02-01T10:00:00.1234567890Z", false, false)]
    #[case::leap_second("2026-02-01T10:00:60Z", true, false)]
    #[case::zone_of_a_day("2026-02-01Z", true, false)]
    #[case::zone_of_a_month("2026-02+05:00", true, false)]
    #[case::sign_alone("2026-02-01T10:00:00+", true, false)]
    #[case::offset("2026-02-01T10:00:00+14:00", true, true)]
    #[case::offset_too_far("2026-02-01T10:00:00+14:30", false, false)]
    #[case::year_0("0000", false, false)]
    #[case::month_13("2026-13", false, false)]
    #[case::day_32("2026-01-32", false, false)]
    #[case::word("zzz", false, false)]
    #[case::list("2024-01-01,2024-01-02", false, false)]
    fn s1_3_dates(#[case] text: &str, #[case] stored: bool, #[case] searched: bool) {
        assert_eq!((is_date_time(text), is_searched(text)), (stored, searched));
    }

    #[rstest]
    #[case::epoch("1970-01-01T00:00:00.000Z", 0, 0)]
    #[case::second("1970-01-01T00:00:01", 1_000, 1_999)]
    #[case::tenth("1970-01-01T00:00:00.5Z", 500, 599)]
    #[case::below_a_millisecond("1970-01-01T00:00:00.123456Z", 123, 123)]
    #[case::hour("1970-01-01T01", 3_600_000, 7_199_999)]
    #[case::day("1970-01-02", 86_400_000, 172_799_999)]
    #[case::zone("1970-01-01T02:00:00+02:00", 0, 999)]
    #[case::zone_of_a_day("1970-01-01+01:00", -3_600_000, 82_799_999)]
    #[case::year("1970", 0, 31_535_999_999)]
    #[case::february_ends_in_march("1970-02", 2_678_400_000, 5_356_799_999)]
    fn s4_stretches(#[case] text: &str, #[case] start: i128, #[case] end: i128) {
        assert_eq!(stretch(text), Some(Ok((start, end))));
    }

    #[rstest]
    #[case::leap_second("2026-02-01T10:00:60Z")]
    #[case::sign_alone("2026-02-01T10:00:00+")]
    #[case::zone_of_a_month("2026-02+05:00")]
    fn s4_some_dates_have_no_moment(#[case] text: &str) {
        assert_eq!(stretch(text), Some(Err(NoMoment)));
    }

    #[test]
    fn days_are_consecutive() {
        assert_eq!(days_before(1970, 1), 0);
        assert_eq!(days_before(2000, 3), 11_017);
        for year in 1..3000 {
            for month in 1..12 {
                let length = days_before(year, month + 1) - days_before(year, month);
                assert_eq!(length, days_of_month(year, month));
            }
        }
    }
}
