//! What the engine says that an actor sees.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use fhirward_engine::policy::{
    Explanation, Interaction, Membership, Options, Policy, PolicyDocument, Request, assemble,
};
use fhirward_engine::semantics::{Question, Semantics};
use serde_json::{Value, json};

use super::departure::{self, KnownDeparture};
use super::verdict::{Observed, Sight, Ways};

/// The policies of an actor, compiled, with the ids of this run.
#[derive(Debug, Clone)]
pub struct Predictor {
    policy: Arc<Policy>,
    asked: Arc<Asked>,
}

/// What other semantics than the documented one are asked about.
#[derive(Debug)]
struct Asked {
    membership: Value,
    policies: Vec<Value>,
    options: Options,
}

/// The resources that are known, by `Type/id`: a Binary is seen by those who see its context.
pub type Known<'k> = dyn Fn(&str) -> Option<&'k Value> + 'k;

/// What is expected of an actor and a resource.
#[derive(Debug, Clone)]
pub struct Prediction {
    /// Of each way of looking.
    pub ways: Ways,
    /// The entry that allows it, where one does.
    pub entry: Option<String>,
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
        let member = Membership::from_value(membership).map_err(|error| error.message)?;
        let options = Options {
            base_url: Some(base_url.to_owned()),
        };
        let assembled = assemble(&member, &|id| ids.get(id).cloned(), &options);
        let errors: Vec<String> = assembled
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.is_error())
            .map(|diagnostic| diagnostic.message.clone())
            .collect();
        if !errors.is_empty() {
            return Err(errors.join("; "));
        }
        let policies = ids
            .iter()
            .filter_map(|(reference, document)| {
                let mut policy = document.value()?.clone();
                let id = reference.strip_prefix("AccessPolicy/")?;
                policy.as_object_mut()?.insert("id".into(), id.into());
                Some(policy)
            })
            .collect();
        Ok(Self {
            policy: Arc::new(assembled.policy),
            asked: Arc::new(Asked {
                membership: membership.clone(),
                policies,
                options,
            }),
        })
    }

    /// Whether read and search show the resource, and the entry that allows it, as the policies
    /// mean it.
    pub fn sight(&self, resource: &Value, known: &Known<'_>) -> (Sight, Option<String>) {
        let [read, search] = [Request::Read(resource), Request::Search(resource)].map(|request| {
            let resolve = |reference: &str| known(reference).map(Cow::Borrowed);
            self.policy.decide_with(&request, self.base(), &resolve)
        });
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

    /// What a semantics expects.
    pub fn predict(&self, resource: &Value, semantics: Semantics, known: &Known<'_>) -> Prediction {
        let (sight, entry) = self.sight(resource, known);
        let ways = match semantics {
            Semantics::Documented => sight.into(),
            _ => {
                let way = |interaction| {
                    departure::expected(
                        &self.question(interaction, resource),
                        semantics,
                        interaction,
                    )
                };
                Ways {
                    read: way(Interaction::Read),
                    search: way(Interaction::Search),
                }
            }
        };
        Prediction { ways, entry }
    }

    /// The known departures of a server that explain answers other than predicted.
    pub fn recognise(
        &self,
        resource: &Value,
        semantics: Semantics,
        predicted: Ways,
        read: &Observed,
        search: &Observed,
    ) -> Vec<KnownDeparture> {
        let ask = |interaction| self.question(interaction, resource);
        departure::recognise(&ask, semantics, predicted, read, search)
    }

    fn question(&self, interaction: Interaction, resource: &Value) -> Question {
        let asked = &self.asked;
        Question::new(
            &asked.membership,
            asked.policies.clone(),
            interaction,
            resource,
        )
        .with_options(asked.options.clone())
    }

    fn base(&self) -> Option<&str> {
        self.asked.options.base_url.as_deref()
    }

    /// The entry that comes nearest to allowing a read that is not allowed, and what it lacks.
    pub fn nearest_miss(&self, resource: &Value, known: &Known<'_>) -> Option<String> {
        let explanation = self.explanation(resource, known);
        match explanation.nearest {
            Some(miss) => Some(format!("{}: {}", miss.entry, miss.because)),
            None => (!explanation.checks.is_empty()).then_some(explanation.reason),
        }
    }

    /// The engine's whole reasoning about a read.
    pub fn explain(&self, resource: &Value, known: &Known<'_>) -> String {
        self.explanation(resource, known).to_string()
    }

    fn explanation(&self, resource: &Value, known: &Known<'_>) -> Explanation {
        let resolve = |reference: &str| known(reference).map(Cow::Borrowed);
        let request = Request::Read(resource);
        self.policy.explain_with(&request, self.base(), &resolve)
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
