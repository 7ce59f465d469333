//! Which policies a strict project stores: structure, and the invariants on entries.
//!
//! Much passes that cannot work: unknown parameters and modifiers, dates that are none, a second
//! question mark. What is stored here is not what grants access.

use serde_json::Value;

use super::validate::{self, Invalid};
use super::version::Features;

/// Why a policy is refused with 400; `None` when it is stored.
pub fn refusal(policy: &Value, features: &Features) -> Option<Invalid> {
    let entries = policy.get("resource").and_then(Value::as_array);
    let invariant = entries
        .into_iter()
        .flatten()
        .enumerate()
        .find_map(|(at, entry)| {
            let path = format!("AccessPolicy.resource[{at}]");
            criteria(entry, &path, features).or_else(|| constraints(entry, &path))
        });
    invariant.or_else(|| validate::check(policy))
}

fn invalid(text: &str, expression: String) -> Option<Invalid> {
    Some(Invalid {
        text: text.to_owned(),
        expression,
    })
}

/// `axp-3`: nothing, or the entry's type, a question mark, and pairs.
fn criteria(entry: &Value, path: &str, features: &Features) -> Option<Invalid> {
    let criteria = entry.get("criteria").and_then(Value::as_str)?;
    let kind = entry.get("resourceType").and_then(Value::as_str);
    let pairs = kind
        .and_then(|kind| criteria.strip_prefix(kind))
        .and_then(|rest| rest.strip_prefix('?'));
    let chains = !features.chain_rejected;
    let holds = criteria.is_empty()
        || (pairs.is_some_and(|pairs| are_pairs(pairs, chains))
            && (chains || !criteria.contains("_has:")));
    match holds {
        true => None,
        false => invalid("Constraint axp-3 not met", path.to_owned()),
    }
}

/// `key=value`, joined by `&`, with or without another at the end. A key has letters, `_`, `:` and
/// `-` only, and a dot where chains may be; a value anything but nothing.
fn are_pairs(text: &str, chains: bool) -> bool {
    let text = text.strip_suffix('&').unwrap_or(text);
    text.split('&').all(|pair| {
        pair.split_once('=').is_some_and(|(key, value)| {
            !key.is_empty()
                && !value.is_empty()
                && key.bytes().all(|b| {
                    b.is_ascii_alphabetic()
                        || matches!(b, b'_' | b':' | b'-')
                        || (chains && b == b'.')
                })
        })
    })
}

/// `axp-1`: an expression, in FHIRPath. It is not parsed.
fn constraints(entry: &Value, path: &str) -> Option<Invalid> {
    let constraints = entry.get("writeConstraint").and_then(Value::as_array);
    constraints
        .into_iter()
        .flatten()
        .enumerate()
        .find_map(|(at, constraint)| {
            let text = |name: &str| constraint.get(name).and_then(Value::as_str);
            let expression = text("expression").is_some_and(|e| !e.is_empty());
            match expression && text("language") == Some("text/fhirpath") {
                true => None,
                false => invalid(
                    "Constraint axp-1 not met",
                    format!("{path}.writeConstraint[{at}]"),
                ),
            }
        })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::super::version::Version;
    use super::*;

    #[rstest]
    #[case::plain("Task", "Task?owner=%profile", true)]
    #[case::empty("Task", "", true)]
    #[case::unknown_parameter("Task", "Task?foo=bar", true)]
    #[case::second_question_mark("Task", "Task?owner=x?y", true)]
    #[case::one_at_the_end("Task", "Task?owner=x&", true)]
    #[case::equals_in_the_value("Task", "Task?owner==x", true)]
    #[case::only_a_colon("Task", "Task?:=1", true)]
    #[case::wildcard("*", "*?_tag=x", true)]
    #[case::no_query("Task", "Task", false)]
    #[case::nothing_asked("Task", "Task?", false)]
    #[case::no_value("Task", "Task?owner=", false)]
    #[case::no_key("Task", "Task?=x", false)]
    #[case::two_ampersands("Task", "Task?owner=x&&status=y", false)]
    #[case::digit_in_key("Task", "Task?x1=1", false)]
    #[case::chain("Task", "Task?owner.name=x", false)]
    #[case::has_anywhere("Task", "Task?owner=_has:", false)]
    #[case::other_type("Task", "Patient?name=x", false)]
    #[case::slash("Task", "/Task?owner=x", false)]
    #[case::typed_on_wildcard("*", "Task?owner=x", false)]
    #[case::wildcard_on_type("Task", "*?owner=x", false)]
    fn s1_4_axp_3(#[case] kind: &str, #[case] criteria: &str, #[case] stored: bool) {
        let policy = json!({
            "resourceType": "AccessPolicy",
            "resource": [{ "resourceType": kind, "criteria": criteria }],
        });
        assert_eq!(refusal(&policy, &Features::default()).is_none(), stored);
    }

    #[rstest]
    #[case::chain("Task?owner.name=x")]
    #[case::has("Task?_has:Task:focus:status=x")]
    fn s1_4_chains_are_refused_from_5_0_3(#[case] criteria: &str) {
        let policy = json!({
            "resourceType": "AccessPolicy",
            "resource": [{ "resourceType": "Task", "criteria": criteria }],
        });
        let stored = |version: &str| {
            let version: Version = version.parse().unwrap();
            refusal(&policy, &version.features()).is_none()
        };
        assert!(stored("5.0.2"));
        assert!(!stored("5.0.3"));
    }
}
