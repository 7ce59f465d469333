//! Bodies and search results against the scenario.

use serde_json::{Number, Value};

use crate::client::shorten;
use crate::scenario::Assertion;

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

/// What is wrong with a search result: names that are missing, names too many, another order.
pub fn check_matches(expected: &[String], found: &[String], order: bool) -> Vec<String> {
    let mut problems = Vec::new();
    let missing: Vec<&str> = names_without(expected, found);
    let more: Vec<&str> = names_without(found, expected);
    if !missing.is_empty() {
        problems.push(format!("does not find {}", missing.join(", ")));
    }
    if !more.is_empty() {
        problems.push(format!("also finds {}", more.join(", ")));
    }
    if problems.is_empty() && found.len() != expected.len() {
        problems.push(format!("finds {} with repetitions", found.join(", ")));
    }
    if problems.is_empty() && order && found != expected {
        problems.push(format!(
            "finds {}, expected the order {}",
            found.join(", "),
            expected.join(", ")
        ));
    }
    problems
}

fn names_without<'n>(names: &'n [String], others: &[String]) -> Vec<&'n str> {
    names
        .iter()
        .filter(|name| !others.contains(name))
        .map(String::as_str)
        .collect()
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
        assert_eq!(
            check_matches(&list(expected), &list(found), order),
            problems
        );
    }
}
