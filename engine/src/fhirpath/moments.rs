//! Dates in the one form in which the order of texts is the order of moments.
//!
//! The library compares some dates as texts, and others by their day before it looks at the zone:
//! `12:00+02:00` comes before `10:00Z` in one, `00:30+02:00` after the `23:00Z` before it in the
//! other. With every moment in UTC and in the same length both are right.

use crate::values::date::{Moment, interval};

/// A date with time and zone, in UTC and with nine digits of a second; `None` for another text.
pub fn canonical(text: &str) -> Option<String> {
    let (_, time) = text.split_once('T')?;
    let clock = time.trim_end_matches('Z');
    let zone = clock.find(['+', '-']);
    if zone.is_none() && clock.len() == time.len() {
        return None;
    }
    // Without seconds it is a minute, which is no moment.
    if clock
        .get(..zone.unwrap_or(clock.len()))?
        .matches(':')
        .count()
        != 2
    {
        return None;
    }
    written(interval(text)?.low?)
}

/// Whether some of the dates cannot be told apart: one is a year, say, and another a day in it.
/// FHIRPath then answers nothing, and the library something.
pub fn blurred<'t>(texts: impl IntoIterator<Item = &'t str>) -> bool {
    let mut stretches = Vec::new();
    for text in texts {
        let Some((low, high)) = interval(text).and_then(|r| Some((r.low?, r.high?))) else {
            return true;
        };
        stretches.push((low, high));
    }
    stretches.sort_unstable();
    stretches.dedup();
    let ends = stretches.iter().scan(Moment::MIN, |end, (_, high)| {
        *end = (*end).max(*high);
        Some(*end)
    });
    let nexts = stretches.iter().skip(1);
    ends.zip(nexts).any(|(end, (low, _))| *low < end)
}

const SECOND: Moment = 1_000_000_000;
const DAY: Moment = 86_400 * SECOND;

fn written(moment: Moment) -> Option<String> {
    let (days, rest) = (moment.div_euclid(DAY), moment.rem_euclid(DAY));
    // Years that begin in March put the leap day last; eras of 400 years all have as many days.
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let of_year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * of_year + of_year / 4 - of_year / 100);
    let march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let year = era * 400 + of_year + Moment::from(month <= 2);
    (0..=9_999).contains(&year).then(|| {
        let (seconds, fraction) = (rest / SECOND, rest % SECOND);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:09}Z")
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::zulu("2024-02-29T10:00:00Z", Some("2024-02-29T10:00:00.000000000Z"))]
    #[case::east("2024-01-01T00:30:00+02:00", Some("2023-12-31T22:30:00.000000000Z"))]
    #[case::west("2024-02-28T23:59:59.5-05:00", Some("2024-02-29T04:59:59.500000000Z"))]
    #[case::old("0001-01-01T00:00:00Z", Some("0001-01-01T00:00:00.000000000Z"))]
    #[case::before_year_0("0000-01-01T00:00:00+02:00", None)]
    #[case::no_zone("2024-01-01T10:00:00", None)]
    #[case::minute("2024-01-01T10:00Z", None)]
    #[case::day("2024-01-01", None)]
    #[case::word("no date", None)]
    fn one_form(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(canonical(text).as_deref(), expected);
    }

    #[rstest]
    #[case::days(&["2024-01-01", "2024-01-02", "2023-12-31"], false)]
    #[case::same(&["2024-01-01", "2024-01-01"], false)]
    #[case::day_in_year(&["2024-06-01", "2024"], true)]
    #[case::day_in_another_year(&["2023-06-01", "2024"], false)]
    #[case::moment_in_day(&["2024-06-01T10:00:00.000000000Z", "2024-06-01"], true)]
    #[case::across(&["2024", "2025-01-01", "2024-12-31"], true)]
    #[case::no_date(&["soon"], true)]
    fn which_cannot_be_told_apart(#[case] texts: &[&str], #[case] expected: bool) {
        assert_eq!(blurred(texts.iter().copied()), expected);
    }
}
