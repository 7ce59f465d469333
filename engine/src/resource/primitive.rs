//! The formats of R4's primitives.

use serde_json::{Number, Value};

use super::calendar::{instant_of, is_date, time_of};

/// R4 limits strings to a megabyte.
const MAX_STRING: usize = 1024 * 1024;
const MAX_ID: usize = 64;

/// The primitive types, by format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Primitive {
    Boolean,
    Integer,
    PositiveInt,
    UnsignedInt,
    Decimal,
    Id,
    Code,
    /// `uri`, `url` and `canonical`.
    Uri,
    Oid,
    Uuid,
    Date,
    DateTime,
    Instant,
    Time,
    Base64Binary,
    Xhtml,
    Markdown,
    String,
}

/// What is wrong with a value of a primitive type.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// Another JSON kind is needed.
    Kind(&'static str),
    /// The string is empty.
    Empty,
    /// The format is described by this.
    Format(&'static str),
}

impl Primitive {
    pub fn of(type_name: &str) -> Self {
        match type_name {
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "positiveInt" => Self::PositiveInt,
            "unsignedInt" => Self::UnsignedInt,
            "decimal" => Self::Decimal,
            "id" => Self::Id,
            "code" => Self::Code,
            "uri" | "url" | "canonical" => Self::Uri,
            "oid" => Self::Oid,
            "uuid" => Self::Uuid,
            "date" => Self::Date,
            "dateTime" => Self::DateTime,
            "instant" => Self::Instant,
            "time" => Self::Time,
            "base64Binary" => Self::Base64Binary,
            "xhtml" => Self::Xhtml,
            "markdown" => Self::Markdown,
            _ => Self::String,
        }
    }

    /// What is wrong with a value, if anything.
    pub fn problem(self, value: &Value) -> Option<Problem> {
        match (self, value) {
            (Self::Boolean, Value::Bool(_)) => None,
            (Self::Boolean, _) => Some(Problem::Kind("true or false")),
            (
                Self::Integer | Self::PositiveInt | Self::UnsignedInt | Self::Decimal,
                Value::Number(number),
            ) => self.number_problem(number),
            (Self::Integer | Self::PositiveInt | Self::UnsignedInt | Self::Decimal, _) => {
                Some(Problem::Kind("a number"))
            }
            (_, Value::String(text)) => self.text_problem(text),
            _ => Some(Problem::Kind("a string")),
        }
    }

    fn number_problem(self, number: &Number) -> Option<Problem> {
        let (least, description) = match self {
            Self::Decimal => return None,
            Self::PositiveInt => (1, "a whole number from 1 to 2147483647"),
            Self::UnsignedInt => (0, "a whole number from 0 to 2147483647"),
            _ => (i64::from(i32::MIN), "a whole number of 32 bits"),
        };
        let in_range = number
            .as_str()
            .parse::<i64>()
            .is_ok_and(|n| n >= least && n <= i64::from(i32::MAX));
        (!in_range).then_some(Problem::Format(description))
    }

    fn text_problem(self, text: &str) -> Option<Problem> {
        if text.is_empty() {
            return Some(Problem::Empty);
        }
        if self.accepts(text) {
            return None;
        }
        Some(Problem::Format(match self {
            Self::Id => "1 to 64 letters, digits, `-` and `.`",
            Self::Code => "text without spaces at the ends or in a row",
            Self::Uri => "a URI, without spaces",
            Self::Oid => "`urn:oid:` and an OID such as `urn:oid:1.2.840`",
            Self::Uuid => "`urn:uuid:` and a UUID in lower case",
            Self::Date => "a date: `2024`, `2024-05` or `2024-05-31`",
            Self::DateTime => "a date, or a date with time and zone such as `2024-05-31T09:00:00Z`",
            Self::Instant => "a date with time and zone such as `2024-05-31T09:00:00Z`",
            Self::Time => "a time such as `09:00:00`",
            Self::Base64Binary => "base64 text",
            Self::Xhtml => "an XHTML `<div>`",
            _ => "text of at most a megabyte, without control characters",
        }))
    }

    fn accepts(self, text: &str) -> bool {
        match self {
            Self::Id => is_id(text),
            Self::Code => is_code(text),
            Self::Uri => !has_space(text),
            Self::Oid => is_oid(text),
            Self::Uuid => is_uuid_urn(text),
            Self::Date => is_date(text),
            Self::DateTime => {
                if text.contains('T') {
                    instant_of(text).is_some()
                } else {
                    is_date(text)
                }
            }
            Self::Instant => instant_of(text).is_some(),
            Self::Time => time_of(text).is_some(),
            Self::Base64Binary => is_base64(text),
            Self::Xhtml => text.trim_start().starts_with("<div"),
            _ => is_string(text),
        }
    }
}

fn has_space(text: &str) -> bool {
    text.contains(char::is_whitespace)
}

fn is_string(text: &str) -> bool {
    let control = |b: u8| b < b' ' && !matches!(b, b'\t' | b'\r' | b'\n');
    text.len() <= MAX_STRING && !text.bytes().any(control)
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
    let digits = |a: &str| !a.is_empty() && a.bytes().all(|b| b.is_ascii_digit());
    let arc = |a: &str| a == "0" || (!a.starts_with('0') && digits(a));
    matches!(first, Some("0" | "1" | "2")) && oid.contains('.') && arcs.all(arc)
}

pub(super) fn is_uuid_urn(text: &str) -> bool {
    let Some(uuid) = text.strip_prefix("urn:uuid:") else {
        return false;
    };
    uuid.len() == 36
        && uuid.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_digit() || matches!(b, b'a'..=b'f'),
        })
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

#[cfg(test)]
mod tests {
    use super::{Primitive, Problem};
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
        assert_eq!(Primitive::of(type_name).problem(&json!(text)), None);
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
    #[case("uuid", "urn:uuid:C757873D-ec9a-4326-a141-556f43239520")]
    #[case("uuid", "urn:uuid:c757873d-ec9a-4326-a141-556f4323952")]
    #[case("dateTime", "2024-05T09:00:00Z")]
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
    #[case("string", "\u{0}")]
    #[case("xhtml", "text")]
    fn bad_format(#[case] type_name: &str, #[case] text: &str) {
        let found = Primitive::of(type_name).problem(&json!(text));
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
        assert_eq!(Primitive::of(type_name).problem(&value).is_none(), good);
    }
}
