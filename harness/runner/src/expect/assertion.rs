//! Bodies and search results against the scenario.

use fhirward_engine::fhirpath::{Truth, truth};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Number, Value};

use crate::client::shorten;
use crate::scenario::Assertion;

/// A value in a snapshot: a text as it is, anything else as compact JSON.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What an assertion selects, for a snapshot: the only thing, or the list of all.
pub fn selected(body: Option<&Value>, assertion: &Assertion) -> String {
    let nothing = Value::Null;
    let found = assertion.path.query(body.unwrap_or(&nothing)).all();
    shorten(&match found.as_slice() {
        [only] => plain(only),
        all => Value::Array(all.iter().map(|&one| one.clone()).collect()).to_string(),
    })
}

/// What is wrong with a body. `expected` are the filled-in values, one for each assertion.
pub fn check_body(
    body: Option<&Value>,
    assertions: &[Assertion],
    expected: &[Value],
) -> Vec<String> {
    let nothing = Value::Null;
    let body = body.unwrap_or(&nothing);
    assertions
        .iter()
        .zip(expected)
        .filter_map(|(assertion, expected)| {
            let selected = assertion.path.query(body).all();
            let holds = match expected {
                Value::Array(items) => {
                    let all = items.len() == selected.len()
                        && items.iter().zip(&selected).all(|(a, b)| same(a, b));
                    // A path to an array itself selects one thing, the array.
                    all || matches!(selected.as_slice(), [only] if same(expected, only))
                }
                _ => matches!(selected.as_slice(), [only] if same(expected, only)),
            };
            (!holds).then(|| {
                format!(
                    "`{}` is {}, expected {}",
                    assertion.text,
                    words(&selected),
                    shorten(&expected.to_string())
                )
            })
        })
        .collect()
}

/// What is wrong with a body by FHIRPath expressions that must be true of it.
pub fn check_fhirpath(body: Option<&Value>, expressions: &[String]) -> Vec<String> {
    let nothing = Value::Null;
    let body = body.unwrap_or(&nothing);
    expressions
        .iter()
        .filter_map(|expression| match truth(expression, None, body) {
            Truth::Holds => None,
            Truth::Fails => Some(format!("`{expression}` is not true")),
            Truth::Unreadable(reason) | Truth::Unknown(reason) => Some(format!(
                "`{expression}` cannot be evaluated: {}",
                shorten(&reason)
            )),
        })
        .collect()
}

/// A header's name, and what is claimed of it: nothing for any value, an absent value for none.
pub type HeaderCheck<'a> = (&'a str, Option<Option<String>>);

/// What is wrong with headers, and with the media type.
pub fn check_headers(
    headers: &HeaderMap,
    claims: &[HeaderCheck<'_>],
    media_type: Option<&str>,
) -> Vec<String> {
    let value = |name: &str| {
        headers
            .get(name)
            .map(|v| String::from_utf8_lossy(v.as_bytes()))
    };
    let mut problems = Vec::new();
    for (name, claim) in claims {
        let problem = match (value(name), claim) {
            (Some(_), None) | (None, Some(None)) => None,
            (None, None) => Some(format!("the header `{name}` is absent")),
            (Some(is), Some(None)) => Some(format!(
                "the header `{name}` is `{}`, expected none",
                shorten(&is)
            )),
            (is, Some(Some(expected))) => match is {
                Some(is) if is == *expected => None,
                Some(is) => Some(format!(
                    "the header `{name}` is `{}`, expected `{expected}`",
                    shorten(&is)
                )),
                None => Some(format!(
                    "the header `{name}` is absent, expected `{expected}`"
                )),
            },
        };
        problems.extend(problem);
    }
    if let Some(expected) = media_type {
        let is = value(CONTENT_TYPE.as_str()).unwrap_or_default();
        let bare = is.split(';').next().unwrap_or_default().trim();
        if !bare.eq_ignore_ascii_case(expected) {
            let is = if bare.is_empty() { "absent" } else { bare };
            problems.push(format!("the media type is {is}, expected {expected}"));
        }
    }
    problems
}

/// What is wrong with a body as a text. Without the text itself, its JSON is one only if it is a
/// string.
pub fn check_text(text: Option<&str>, body: Option<&Value>, expected: &str) -> Option<String> {
    let is = text.or_else(|| body.and_then(Value::as_str));
    match is {
        Some(is) if is == expected => None,
        Some(is) => Some(format!(
            "the body is `{}`, expected `{}`",
            shorten(is),
            shorten(expected)
        )),
        None => Some("the body is no text; ask by `request`".to_owned()),
    }
}

/// Where in the answer to a search names stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Among the entries of mode `match`.
    Matches,
    /// Among those of mode `include`.
    Includes,
}

/// What is wrong with a search result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// These are not there.
    Missing(Vec<String>),
    /// Neither were these expected.
    Surplus(Vec<String>),
    /// All that it has: some of it more than once.
    Repeated(Vec<String>),
    /// Another order.
    Order {
        /// As they came.
        found: Vec<String>,
        /// As they should have.
        expected: Vec<String>,
    },
}

impl Mismatch {
    /// In one line.
    pub fn told(&self, place: Place) -> String {
        let (finds, find) = match place {
            Place::Matches => ("finds", "find"),
            Place::Includes => ("includes", "include"),
        };
        match self {
            Self::Missing(names) => format!("does not {find} {}", names.join(", ")),
            Self::Surplus(names) => format!("also {finds} {}", names.join(", ")),
            Self::Repeated(names) => format!("{finds} {} with repetitions", names.join(", ")),
            Self::Order { found, expected } => format!(
                "{finds} {}, expected the order {}",
                found.join(", "),
                expected.join(", ")
            ),
        }
    }
}

/// What is wrong with a search result: names that are missing, names too many, another order.
pub fn check_matches(expected: &[String], found: &[String], order: bool) -> Vec<Mismatch> {
    let mut wrong = Vec::new();
    let missing = names_without(expected, found);
    let more = names_without(found, expected);
    if !missing.is_empty() {
        wrong.push(Mismatch::Missing(missing));
    }
    if !more.is_empty() {
        wrong.push(Mismatch::Surplus(more));
    }
    if wrong.is_empty() && found.len() != expected.len() {
        wrong.push(Mismatch::Repeated(found.to_vec()));
    }
    if wrong.is_empty() && order && found != expected {
        wrong.push(Mismatch::Order {
            found: found.to_vec(),
            expected: expected.to_vec(),
        });
    }
    wrong
}

fn names_without(names: &[String], others: &[String]) -> Vec<String> {
    let missing = names.iter().filter(|name| !others.contains(name));
    missing.cloned().collect()
}

/// Equality of JSON values, with numbers by value and objects without regard to order. `1.50` and
/// `1.5` differ: FHIR decimals carry their precision.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => same_number(a, b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}

fn same_number(a: &Number, b: &Number) -> bool {
    a.as_str() == b.as_str()
}

fn words(selected: &[&Value]) -> String {
    match selected {
        [] => "absent".to_owned(),
        [only] => shorten(&only.to_string()),
        several => {
            let list: Vec<String> = several.iter().map(ToString::to_string).collect();
            shorten(&format!("[{}]", list.join(",")))
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;
    use serde_json_path::JsonPath;

    use super::*;

    #[rstest]
    #[case("$.status", json!("in-progress"), None)]
    #[case("$.status", json!("completed"), Some("`$.status` is \"in-progress\", expected \"completed\""))]
    #[case("$.recipient[*].reference", json!(["a", "b"]), None)]
    #[case("$.recipient[*].reference", json!(["b", "a"]), Some("`$.recipient[*].reference` is [\"a\",\"b\"], expected [\"b\",\"a\"]"))]
    #[case("$.recipient[*].reference", json!("a"), Some("`$.recipient[*].reference` is [\"a\",\"b\"], expected \"a\""))]
    #[case("$.recipient", json!([{"reference": "a"}, {"reference": "b"}]), None)]
    #[case("$.payload", json!([]), None)]
    #[case("$.payload", json!("x"), Some("`$.payload` is absent, expected \"x\""))]
    #[case("$.status", json!(["in-progress"]), None)]
    fn bodies(#[case] path: &str, #[case] expected: Value, #[case] problem: Option<&str>) {
        let body = json!({
            "status": "in-progress",
            "recipient": [{"reference": "a"}, {"reference": "b"}],
        });
        let assertion = Assertion {
            text: path.into(),
            path: JsonPath::parse(path).unwrap(),
            expected: Value::Null,
        };
        let found = check_body(Some(&body), &[assertion], &[expected]);
        assert_eq!(found.first().map(String::as_str), problem);
    }

    #[rstest]
    #[case::holds("status = 'in-progress'", None)]
    #[case::fails("status = 'completed'", Some("`status = 'completed'` is not true"))]
    #[case::no_boolean("recipient", Some("`recipient` is not true"))]
    #[case::counts("recipient.count() = 2", None)]
    fn truths(#[case] expression: &str, #[case] problem: Option<&str>) {
        let body = json!({
            "resourceType": "Communication",
            "status": "in-progress",
            "recipient": [{"reference": "a"}, {"reference": "b"}],
        });
        let found = check_fhirpath(Some(&body), &[expression.to_owned()]);
        assert_eq!(found.first().map(String::as_str), problem);
    }

    #[rstest]
    #[case::there(("etag", None), None, None)]
    #[case::not_there(("location", None), None, Some("the header `location` is absent"))]
    #[case::rightly_absent(("location", Some(None)), None, None)]
    #[case::wrongly_there(("etag", Some(None)), None, Some("the header `etag` is `W/\"1\"`, expected none"))]
    #[case::equal(("ETag", Some(Some("W/\"1\"".into()))), None, None)]
    #[case::other(("etag", Some(Some("W/\"2\"".into()))), None, Some("the header `etag` is `W/\"1\"`, expected `W/\"2\"`"))]
    #[case::media(("etag", None), Some("application/fhir+json"), None)]
    #[case::other_media(("etag", None), Some("text/plain"), Some("the media type is application/fhir+json, expected text/plain"))]
    fn header_claims(
        #[case] claim: HeaderCheck<'_>,
        #[case] media_type: Option<&str>,
        #[case] problem: Option<&str>,
    ) {
        let mut headers = HeaderMap::new();
        headers.insert("etag", "W/\"1\"".parse().unwrap());
        headers.insert(
            CONTENT_TYPE,
            "application/fhir+json; charset=utf-8".parse().unwrap(),
        );
        let found = check_headers(&headers, &[claim], media_type);
        assert_eq!(found.first().map(String::as_str), problem);
    }

    #[rstest]
    #[case(&["a", "b"], &["b", "a"], false, &[])]
    #[case(&["a", "b"], &["b", "a"], true, &["finds b, a, expected the order a, b"])]
    #[case(&["a", "b"], &["b"], true, &["does not find a"])]
    #[case(&["a"], &["a", "c"], false, &["also finds c"])]
    #[case(&["a"], &["b"], false, &["does not find a", "also finds b"])]
    #[case(&["a"], &["a", "a"], false, &["finds a, a with repetitions"])]
    #[case(&[], &[], true, &[])]
    fn matches(
        #[case] expected: &[&str],
        #[case] found: &[&str],
        #[case] order: bool,
        #[case] problems: &[&str],
    ) {
        let list = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let wrong = check_matches(&list(expected), &list(found), order);
        let told: Vec<String> = wrong.iter().map(|one| one.told(Place::Matches)).collect();
        assert_eq!(told, problems);
    }

    #[test]
    fn what_is_not_included_is_said_so() {
        let missing = Mismatch::Missing(vec!["alice".into(), "house".into()]);
        assert_eq!(
            missing.told(Place::Includes),
            "does not include alice, house"
        );
    }
}
