//! What the engine says that an actor sees.

use std::collections::BTreeMap;
use std::sync::Arc;

use fhirward_engine::policy::{Membership, Options, Policy, PolicyDocument, Request, assemble};
use serde_json::{Value, json};

use super::verdict::Sight;

/// The policies of an actor, compiled, with the ids of this run.
#[derive(Debug, Clone)]
pub struct Predictor {
    policy: Arc<Policy>,
}

impl Predictor {
    /// From a ProjectMembership and the policy files; `ids` maps `AccessPolicy/id` to the file.
    ///
    /// # Errors
    /// When the membership or an assembled policy is not valid; the texts say why.
    pub fn new(
        membership: &Value,
        ids: &BTreeMap<String, Arc<PolicyDocument>>,
        base_url: &str,
    ) -> Result<Self, String> {
        let membership = Membership::from_value(membership).map_err(|error| error.message)?;
        let options = Options {
            base_url: Some(base_url.to_owned()),
        };
        let assembled = assemble(&membership, &|id| ids.get(id).cloned(), &options);
        let errors: Vec<String> = assembled
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.is_error())
            .map(|diagnostic| diagnostic.message.clone())
            .collect();
        if errors.is_empty() {
            Ok(Self {
                policy: Arc::new(assembled.policy),
            })
        } else {
            Err(errors.join("; "))
        }
    }

    /// Whether read and search show the resource, and the entry that allows it.
    pub fn sight(&self, resource: &Value) -> (Sight, Option<String>) {
        let read = self.policy.decide(&Request::Read(resource));
        let search = self.policy.decide(&Request::Search(resource));
        let sight = Sight::of(read.is_allowed(), search.is_allowed());
        let entry = [read, search]
            .iter()
            .filter(|decision| decision.is_allowed())
            .find_map(|decision| decision.entry)
            .and_then(|index| self.policy.entries().get(index))
            .map(|entry| match &entry.criteria {
                Some(criteria) => format!("{} ({criteria})", entry.origin),
                None => entry.origin.to_string(),
            });
        (sight, entry)
    }

    /// The engine's whole reasoning about a read.
    pub fn explain(&self, resource: &Value) -> String {
        self.policy.explain(&Request::Read(resource)).to_string()
    }
}

/// The parts of a ProjectMembership that say what is granted.
pub fn membership_of(access: &[(String, Vec<(String, String)>)]) -> serde_json::Map<String, Value> {
    let mut parts = serde_json::Map::new();
    if let [(policy, parameters)] = access
        && parameters.is_empty()
    {
        parts.insert("accessPolicy".into(), json!({ "reference": policy }));
        return parts;
    }
    let list: Vec<Value> = access
        .iter()
        .map(|(policy, parameters)| {
            let mut item = serde_json::Map::new();
            item.insert("policy".into(), json!({ "reference": policy }));
            if !parameters.is_empty() {
                let parameters: Vec<Value> = parameters
                    .iter()
                    .map(|(name, value)| {
                        if is_reference(value) {
                            json!({ "name": name, "valueReference": { "reference": value } })
                        } else {
                            json!({ "name": name, "valueString": value })
                        }
                    })
                    .collect();
                item.insert("parameter".into(), parameters.into());
            }
            Value::Object(item)
        })
        .collect();
    parts.insert("access".into(), list.into());
    parts
}

/// `Type/id`.
fn is_reference(text: &str) -> bool {
    text.split_once('/').is_some_and(|(kind, id)| {
        kind.starts_with(|c: char| c.is_ascii_uppercase())
            && kind.chars().all(|c| c.is_ascii_alphanumeric())
            && !id.is_empty()
            && id
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_plain_policy_is_the_access_policy() {
        let parts = membership_of(&[("AccessPolicy/1".into(), vec![])]);
        assert_eq!(
            Value::Object(parts),
            json!({ "accessPolicy": { "reference": "AccessPolicy/1" } })
        );
    }

    #[test]
    fn several_policies_and_parameters_are_access() {
        let parts = membership_of(&[
            ("AccessPolicy/1".into(), vec![]),
            (
                "AccessPolicy/2".into(),
                vec![
                    ("org".into(), "Organization/a".into()),
                    ("site".into(), "north/south".into()),
                ],
            ),
        ]);
        assert_eq!(
            Value::Object(parts),
            json!({ "access": [
                { "policy": { "reference": "AccessPolicy/1" } },
                { "policy": { "reference": "AccessPolicy/2" }, "parameter": [
                    { "name": "org", "valueReference": { "reference": "Organization/a" } },
                    { "name": "site", "valueString": "north/south" },
                ] },
            ] })
        );
    }
}
