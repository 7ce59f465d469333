//! The formats of R4's primitives.

use serde_json::{Number, Value};

/// R4 limits strings to a megabyte.
const MAX_STRING: usize = 1024 * 1024;
const MAX_ID: usize = 64;

/// What is wrong with a value of a primitive type, if anything.
pub(super) fn problem(type_name: &str, value: &Value) -> Option<Problem> {
    match (type_name, value) {
        ("boolean", Value::Bool(_)) => None,
        ("boolean", _) => Some(Problem::Kind("true or false")),
        ("integer" | "positiveInt" | "unsignedInt" | "decimal", Value::Number(number)) => {
            number_problem(type_name, number)
        }
        ("integer" | "positiveInt" | "unsignedInt" | "decimal", _) => {
            Some(Problem::Kind("a number"))
        }
        (_, Value::String(text)) => text_problem(type_name, text),
        _ => Some(Problem::Kind("a string")),
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// Another JSON kind is needed.
    Kind(&'static str),
    /// The string is empty.
    Empty,
    /// The format is described by this.
    Format(&'static str),
}

fn number_problem(type_name: &str, number: &Number) -> Option<Problem> {
    if type_name == "decimal" {
        return None;
    }
    let (least, description) = match type_name {
        "positiveInt" => (1, "a whole number from 1 to 2147483647"),
        "unsignedInt" => (0, "a whole number from 0 to 2147483647"),
        _ => (i64::from(i32::MIN), "a whole number of 32 bits"),
    };
    let in_range = number
        .as_str()
        .parse::<i64>()
        .is_ok_and(|n| n >= least && n <= i64::from(i32::MAX));
    (!in_range).then_some(Problem::Format(description))
}

fn text_problem(type_name: &str, text: &str) -> Option<Problem> {
    if text.is_empty() {
        return Some(Problem::Empty);
    }
    let (good, description) = match type_name {
        "id" => (is_id(text), "1 to 64 letters, digits, `-` and `.`"),
        "code" => (is_code(text), "text without spaces at the ends or in a row"),
        "uri" | "url" | "canonical" => (!has_space(text), "a URI, without spaces"),
        "oid" => (is_oid(text), "`urn:oid:` and an OID"),
        "uuid" => (is_uuid_urn(text), "`urn:uuid:` and a UUID"),
        "date" => (is_date(text), "a date: `2024`, `2024-05` or `2024-05-31`"),
        "dateTime" => (
            is_date(text) || instant_of(text).is_some(),
            "a date, or a date with time and zone such as `2024-05-31T09:00:00Z`",
        ),
        "instant" => (
            instant_of(text).is_some(),
            "a date with time and zone such as `2024-05-31T09:00:00Z`",
        ),
        "time" => (time_of(text).is_some(), "a time such as `09:00:00`"),
        "base64Binary" => (is_base64(text), "base64 text"),
        "xhtml" => (text.trim_start().starts_with("<div"), "an XHTML `<div>`"),
        _ => (
            is_string(text),
            "text of at most a megabyte, not only spaces, without control characters",
        ),
    };
    (!good).then_some(Problem::Format(description))
}

fn has_space(text: &str) -> bool {
    text.contains(char::is_whitespace)
}

fn is_string(text: &str) -> bool {
    let control = |c: char| c < ' ' && !matches!(c, '\t' | '\r' | '\n');
    text.len() <= MAX_STRING && !text.contains(control) && !text.trim().is_empty()
}

pub(super) fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
}

fn is_code(text: &str) -> bool {
    text.split(char::is_whitespace).all(|word| !word.is_empty())
}

fn is_oid(text: &str) -> bool {
    let Some(oid) = text.strip_prefix("urn:oid:") else {
        return false;
    };
    let mut arcs = oid.split('.');
    let first = arcs.next();
    let arc = |a: &str| a == "0" || (!a.starts_with('0') && digits(a).is_some());
    matches!(first, Some("0" | "1" | "2")) && oid.contains('.') && arcs.all(arc)
}

fn is_uuid_urn(text: &str) -> bool {
    let Some(uuid) = text.strip_prefix("urn:uuid:") else {
        return false;
    };
    let lengths: [usize; 5] = [8, 4, 4, 4, 12];
    let groups: Vec<&str> = uuid.split('-').collect();
    groups.len() == lengths.len()
        && groups
            .iter()
            .zip(lengths)
            .all(|(g, n)| g.len() == n && g.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn is_base64(text: &str) -> bool {
    let mut length = 0usize;
    let mut padding = 0usize;
    for byte in text.bytes().filter(|b| !b.is_ascii_whitespace()) {
        let data = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        match byte {
            b'=' => padding += 1,
            _ if data && padding == 0 => {}
            _ => return false,
        }
        length += 1;
    }
    length > 0 && length.is_multiple_of(4) && padding <= 2
}

fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let year = parts.next().and_then(|y| fixed(y, 4));
    let month = parts.next().map(|m| fixed(m, 2));
    let day = parts.next().map(|d| fixed(d, 2));
    if parts.next().is_some() {
        return false;
    }
    match (year, month, day) {
        (Some(1..), None, None) => true,
        (Some(1..), Some(Some(1..=12)), None) => true,
        (Some(year @ 1..), Some(Some(month)), Some(Some(day))) => is_day(year, month, day),
        _ => false,
    }
}

fn is_day(year: i64, month: i64, day: i64) -> bool {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// A date with time and zone, as nanoseconds since 1970. `None` if it is not in that format.
pub(crate) fn instant_of(text: &str) -> Option<i128> {
    let (date, rest) = text.split_once('T')?;
    let mut parts = date.split('-');
    let year = fixed(parts.next()?, 4).filter(|year| *year > 0)?;
    let month = fixed(parts.next()?, 2)?;
    let day = fixed(parts.next()?, 2)?;
    if parts.next().is_some() || !is_day(year, month, day) {
        return None;
    }
    let (time, offset) = match rest.strip_suffix('Z') {
        Some(time) => (time, 0),
        None => {
            let at = rest.rfind(['+', '-'])?;
            let (time, zone) = rest.split_at_checked(at)?;
            (time, zone_minutes(zone)?)
        }
    };
    let nanos = time_of(time)?;
    let minutes = i128::from(days_since_1970(year, month, day)) * 24 * 60 - i128::from(offset);
    Some(minutes * 60 * 1_000_000_000 + nanos)
}

fn zone_minutes(zone: &str) -> Option<i64> {
    let (sign, rest) = match zone.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, zone.strip_prefix('+')?),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes) = (fixed(hours, 2)?, fixed(minutes, 2)?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= 14 * 60).then_some(sign * total)
}

/// A time of day in nanoseconds. Leap seconds are allowed.
fn time_of(text: &str) -> Option<i128> {
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
        Some(fraction) => {
            digits(fraction)?;
            let nine: String = fraction
                .chars()
                .chain("000000000".chars())
                .take(9)
                .collect();
            digits(&nine)?
        }
    };
    let seconds = hour * 3600 + minute * 60 + second;
    Some(i128::from(seconds) * 1_000_000_000 + i128::from(nanos))
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar, for years after 0.
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

/// Exactly so many digits.
fn fixed(text: &str, length: usize) -> Option<i64> {
    digits(text).filter(|_| text.len() == length)
}

/// Only digits. A number beyond 64 bits is none of any format here, except a long fraction or
/// arc, whose value nobody needs.
fn digits(text: &str) -> Option<i64> {
    let all = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    all.then(|| text.parse().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{Problem, instant_of, problem};
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case("id", "a-B.9")]
    #[case("code", "in progress")]
    #[case("uri", "http://x/y?z=1")]
    #[case("oid", "urn:oid:1.2.840.0")]
    #[case("uuid", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520")]
    #[case("date", "2024")]
    #[case("date", "2024-02")]
    #[case("date", "2024-02-29")]
    #[case("date", "2000-02-29")]
    #[case("dateTime", "2024-02-29")]
    #[case("dateTime", "2024-02-29T23:59:60Z")]
    #[case("dateTime", "2024-02-29T09:00:00.123456789012+14:00")]
    #[case("instant", "2024-02-29T09:00:00-05:30")]
    #[case("time", "09:00:00.5")]
    #[case("base64Binary", "QUJD RA==")]
    #[case("string", "a\nb")]
    #[case("markdown", " x ")]
    #[case("xhtml", "<div xmlns=\"http://www.w3.org/1999/xhtml\"/>")]
    fn good(#[case] type_name: &str, #[case] text: &str) {
        assert_eq!(problem(type_name, &json!(text)), None);
    }

    #[rstest]
    #[case("id", "a_b")]
    #[case(
        "id",
        "0123456789012345678901234567890123456789012345678901234567890123456789"
    )]
    #[case("code", " x")]
    #[case("code", "a  b")]
    #[case("uri", "a b")]
    #[case("oid", "urn:oid:3.1")]
    #[case("oid", "urn:oid:1.02")]
    #[case("uuid", "c757873d-ec9a-4326-a141-556f43239520")]
    #[case("date", "2023-02-29")]
    #[case("date", "1900-02-29")]
    #[case("date", "2024-13")]
    #[case("date", "2024-1-1")]
    #[case("date", "0000")]
    #[case("date", "2024-01-01T00:00:00Z")]
    #[case("date", "2024-01-01-01")]
    #[case("dateTime", "2024-01-01T09:00Z")]
    #[case("dateTime", "2024-01-01T09:00:00")]
    #[case("dateTime", "2024-01-01T24:00:00Z")]
    #[case("dateTime", "2024-01-01T09:00:00+14:01")]
    #[case("dateTime", "2024-01-01T09:00:00.Z")]
    #[case("instant", "2024-01-01")]
    #[case("instant", "2024-01-01T09:00:00+")]
    #[case("time", "9:00:00")]
    #[case("base64Binary", "QUJ")]
    #[case("base64Binary", "Q=JD")]
    #[case("string", "  ")]
    #[case("string", "\u{0}")]
    #[case("xhtml", "text")]
    fn bad_format(#[case] type_name: &str, #[case] text: &str) {
        let found = problem(type_name, &json!(text));
        assert!(matches!(found, Some(Problem::Format(_))), "{found:?}");
    }

    #[rstest]
    #[case("integer", json!(-2147483648i64), true)]
    #[case("integer", json!(2147483648i64), false)]
    #[case("integer", json!(1.5), false)]
    #[case("positiveInt", json!(0), false)]
    #[case("unsignedInt", json!(0), true)]
    #[case("unsignedInt", json!(-1), false)]
    #[case("decimal", json!(1.50), true)]
    #[case("decimal", json!("1.5"), false)]
    #[case("boolean", json!(false), true)]
    #[case("boolean", json!("false"), false)]
    #[case("string", json!(1), false)]
    #[case("string", json!(""), false)]
    #[case("code", json!({}), false)]
    fn kinds(#[case] type_name: &str, #[case] value: Value, #[case] good: bool) {
        assert_eq!(problem(type_name, &value).is_none(), good);
    }

    #[test]
    fn instants_are_ordered_by_time() {
        assert_eq!(instant_of("1970-01-01T00:00:01Z"), Some(1_000_000_000));
        let plus = instant_of("2024-03-01T00:30:00+01:00");
        assert_eq!(plus, instant_of("2024-02-29T23:30:00Z"));
        assert!(plus < instant_of("2024-03-01T00:00:00.001Z"));
        assert_eq!(instant_of("2024-03-01"), None);
    }
}
