//! The parameters of a membership replace text in the JSON of a policy.
//!
//! The replacement knows nothing about JSON, criteria or longer names. A value can add filters,
//! shorten a longer variable's name, or break the JSON, in which case nobody can sign in.

use serde_json::Value;

use super::stored::text;

/// The size that parameters may bring a policy to; a replacement can repeat the whole text.
pub(super) const MAX_BYTES: usize = 16 * 1024 * 1024;

/// A named value of a membership.
#[derive(Debug, Clone)]
pub(super) struct Substitution {
    name: String,
    /// `valueString`, where there is one that is not empty.
    text: Option<String>,
    /// `valueReference.reference`; `Some(None)` is a reference without one.
    reference: Option<Option<String>>,
}

/// The value of a `parameter` of a membership.
pub(super) fn substitution(parameter: &Value) -> Substitution {
    Substitution {
        name: text(parameter.get("name")),
        text: Some(text(parameter.get("valueString"))).filter(|t| !t.is_empty()),
        reference: parameter.get("valueReference").map(|value| {
            value
                .get("reference")
                .and_then(Value::as_str)
                .map(str::to_owned)
        }),
    }
}

/// Replaces every parameter in the JSON text, then `%profile`, then `%patient` unless a parameter
/// has that name. Nothing, where that makes it too large.
pub(super) fn substitute(
    mut json: String,
    mut parameters: Vec<Substitution>,
    profile: &str,
) -> Option<String> {
    let built_in = |name: &str| Substitution {
        name: name.to_owned(),
        text: None,
        reference: Some(Some(profile.to_owned())),
    };
    parameters.push(built_in("profile"));
    if !parameters.iter().any(|p| p.name == "patient") {
        parameters.push(built_in("patient"));
    }
    for parameter in parameters {
        let variable = format!("%{}", parameter.name);
        if let Some(value) = &parameter.text {
            json = replace_all(&json, &variable, value);
        } else if let Some(value) = &parameter.reference {
            let whole = value.as_deref().unwrap_or("undefined");
            let id = value
                .as_deref()
                .and_then(|v| v.split('/').nth(1))
                .unwrap_or("undefined");
            json = replace_all(&json, &format!("{variable}.id"), id);
            json = replace_all(&json, &variable, whole);
        }
        if json.len() > MAX_BYTES {
            return None;
        }
    }
    Some(json)
}

/// JavaScript's `replaceAll` with a text pattern: `$$`, `$&`, `` $` `` and `$'` in the replacement
/// stand for a dollar sign, the match, what precedes and what follows it.
fn replace_all(text: &str, pattern: &str, replacement: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    let mut consumed = 0;
    while let Some((before, after)) = rest.split_once(pattern) {
        result.push_str(before);
        let preceding = text.get(..consumed + before.len()).unwrap_or_default();
        expand(&mut result, replacement, pattern, preceding, after);
        consumed += before.len() + pattern.len();
        rest = after;
        if result.len() > MAX_BYTES {
            break;
        }
    }
    result.push_str(rest);
    result
}

fn expand(result: &mut String, replacement: &str, matched: &str, before: &str, after: &str) {
    let mut chars = replacement.chars().peekable();
    while let Some(c) = chars.next()
        && result.len() <= MAX_BYTES
    {
        let meaning = match (c, chars.peek()) {
            ('$', Some('$')) => Some("$"),
            ('$', Some('&')) => Some(matched),
            ('$', Some('`')) => Some(before),
            ('$', Some('\'')) => Some(after),
            _ => None,
        };
        match meaning {
            Some(meaning) => {
                result.push_str(meaning);
                chars.next();
            }
            None => result.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::medplum::policy::{NoPolicy, assemble};

    fn criteria(text: &str, parameters: &Value) -> Result<Vec<Option<String>>, NoPolicy> {
        let policy = json!({
            "resourceType": "AccessPolicy",
            "resource": [{ "resourceType": "Task", "criteria": text }],
        });
        let membership = json!({
            "profile": { "reference": "Practitioner/u" },
            "access": [{ "policy": { "reference": "AccessPolicy/1" }, "parameter": parameters }],
        });
        let assembled = assemble(&membership, &|_| Some(&policy))?;
        Ok(assembled
            .entries
            .into_iter()
            .filter(|entry| !entry.resource_type.ends_with("Parameter"))
            .filter(|entry| !entry.resource_type.ends_with("Definition"))
            .map(|entry| entry.criteria)
            .collect())
    }

    #[rstest]
    #[case::c64_profile("Task?owner=%profile", json!([]), "Task?owner=Practitioner/u")]
    #[case::c64_id("Task?owner=%profile.id", json!([]), "Task?owner=u")]
    #[case::patient_is_the_profile("Task?owner=%patient", json!([]), "Task?owner=Practitioner/u")]
    #[case::own_patient("Task?owner=%patient", json!([{"name": "patient", "valueString": "x"}]), "Task?owner=x")]
    #[case::own_profile("Task?owner=%profile", json!([{"name": "profile", "valueString": "x"}]), "Task?owner=x")]
    #[case::c65_capture("Task?owner=%patients", json!([]), "Task?owner=Practitioner/us")]
    #[case::c66_shorter_first("Task?owner=%org_parent", json!([{"name": "org", "valueString": "A"}, {"name": "org_parent", "valueString": "B"}]), "Task?owner=A_parent")]
    #[case::longer_first("Task?owner=%org_parent", json!([{"name": "org_parent", "valueString": "B"}, {"name": "org", "valueString": "A"}]), "Task?owner=B")]
    #[case::c67_unresolved("Task?owner=%nope", json!([]), "Task?owner=%nope")]
    #[case::empty_value("Task?owner=%x", json!([{"name": "x", "valueString": ""}]), "Task?owner=%x")]
    #[case::no_reference("Task?owner=%x", json!([{"name": "x", "valueReference": {"display": "d"}}]), "Task?owner=undefined")]
    #[case::the_match_itself("Task?owner=%x", json!([{"name": "x", "valueString": "<$&>"}]), "Task?owner=<%x>")]
    #[case::a_dollar("Task?owner=%x", json!([{"name": "x", "valueString": "$$5"}]), "Task?owner=$5")]
    #[case::another_filter("Task?owner=%x", json!([{"name": "x", "valueString": "a&status=b"}]), "Task?owner=a&status=b")]
    fn s2_2_replaces(#[case] text: &str, #[case] parameters: Value, #[case] expected: &str) {
        assert_eq!(
            criteria(text, &parameters).unwrap(),
            [Some(expected.to_owned())]
        );
    }

    #[test]
    fn c68_a_value_adds_an_entry_or_breaks_the_policy() {
        let value = |text: &str| json!([{ "name": "x", "valueString": text }]);
        let added = criteria("Task?owner=%x", &value("a\"},{\"resourceType\":\"*"));
        assert_eq!(added.unwrap().len(), 2);
        let broken = criteria("Task?owner=%x", &value("a\"b"));
        assert!(matches!(broken, Err(NoPolicy::SignInFails(_))));
    }
}
