//! Header, message, or neither.

use serde_json::Value;

use super::record::has;

/// What a resource is in a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThreadRole {
    /// The header: a Communication without payload and without `partOf`.
    Header,
    /// A message: a Communication with payload and with `partOf`.
    Message,
    /// Neither.
    Neither {
        /// Why it is no header and no message, one reason each.
        why: Vec<String>,
    },
}

/// Decides by the resource alone. Empty arrays and `null` count as absent.
pub fn classify(resource: &Value) -> ThreadRole {
    let neither = |why: &[&str]| ThreadRole::Neither {
        why: why.iter().map(|reason| (*reason).to_owned()).collect(),
    };
    match resource.get("resourceType").and_then(Value::as_str) {
        Some("Communication") => {}
        Some(other) => {
            return ThreadRole::Neither {
                why: vec![format!("it is a `{other}`, not a `Communication`")],
            };
        }
        None => return neither(&["it is no resource: `resourceType` is missing"]),
    }
    match (has(resource, "payload"), has(resource, "partOf")) {
        (false, false) => ThreadRole::Header,
        (true, true) => ThreadRole::Message,
        (true, false) => neither(&[
            "it is no header: it has a payload",
            "it is no message: it has no `partOf`",
        ]),
        (false, true) => neither(&[
            "it is no header: it has `partOf`",
            "it is no message: it has no payload",
        ]),
    }
}

#[cfg(test)]
mod tests {
    use super::{ThreadRole, classify};
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case(json!({"resourceType": "Communication"}), ThreadRole::Header)]
    #[case(json!({"resourceType": "Communication", "payload": [], "partOf": null}), ThreadRole::Header)]
    #[case(json!({"resourceType": "Communication", "payload": [{}], "partOf": [{}]}), ThreadRole::Message)]
    fn roles(#[case] resource: Value, #[case] expected: ThreadRole) {
        assert_eq!(classify(&resource), expected);
    }

    #[rstest]
    #[case(json!({"resourceType": "Task"}), &["it is a `Task`, not a `Communication`"])]
    #[case(json!(null), &["it is no resource: `resourceType` is missing"])]
    #[case(json!({"resourceType": "Communication", "payload": [{}]}),
        &["it is no header: it has a payload", "it is no message: it has no `partOf`"])]
    #[case(json!({"resourceType": "Communication", "partOf": [{}]}),
        &["it is no header: it has `partOf`", "it is no message: it has no payload"])]
    fn neither(#[case] resource: Value, #[case] expected: &[&str]) {
        let ThreadRole::Neither { why } = classify(&resource) else {
            panic!("{resource} has a role")
        };
        assert_eq!(why, expected);
    }
}
