//! What a write stores of what is sent: some fields are not the actor's to write. Source: R.9.

use serde_json::Value;

use super::compiled::Policy;
use super::fields::{self, FieldPath};
use super::interaction::Interaction;

/// What a write would store.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The resource as it would be stored; it is this that the write is decided on.
    pub result: Value,
    /// The fields for which the store has something else than was sent: read-only and hidden ones,
    /// put back as they are stored, or left out of what is created.
    pub kept: Vec<String>,
}

impl Policy {
    /// What a create, update or patch would store of what is sent, by [`Policy::merge_write`];
    /// `None` for any other interaction. `resource` is what is stored, and what is sent for a
    /// create; `sent` is the second state of an update or patch, which without one changes nothing.
    ///
    /// ```
    /// use fhirward_engine::policy::{Interaction, Membership, Options, PolicyDocument, assemble};
    /// use serde_json::json;
    ///
    /// let (policy, _) = PolicyDocument::from_value(&json!({
    ///     "resourceType": "AccessPolicy",
    ///     "resource": [{"resourceType": "Patient", "readonlyFields": ["gender"]}],
    /// }));
    /// let policy = std::sync::Arc::new(policy);
    /// let member = Membership::of("Practitioner/house", &["AccessPolicy/p"]);
    /// let policy = assemble(&member, &|_| Some(policy.clone()), &Options::default()).policy;
    /// let stored = json!({"resourceType": "Patient", "gender": "female"});
    /// let sent = json!({"resourceType": "Patient", "gender": "male", "active": true});
    /// let written = policy.written(Interaction::Update, &stored, Some(&sent)).expect("a write");
    /// assert_eq!(written.result, json!({"resourceType": "Patient", "gender": "female", "active": true}));
    /// assert_eq!(written.kept, ["gender"]);
    /// ```
    pub fn written(
        &self,
        interaction: Interaction,
        resource: &Value,
        sent: Option<&Value>,
    ) -> Option<Written> {
        let (existing, sent) = match interaction {
            Interaction::Create => (None, resource),
            Interaction::Update | Interaction::Patch => (Some(resource), sent.unwrap_or(resource)),
            _ => return None,
        };
        let mut kept = Vec::new();
        let result = self.merge(existing, sent.clone(), &mut Some(&mut kept));
        Some(Written { result, kept })
    }

    /// What a write may store: read-only and hidden fields keep their stored value, and are
    /// dropped on create. A field that is hidden from reading is kept whichever entry allows the
    /// write: whoever writes a resource as they read it must not erase what they could not see.
    /// What was merged before stays as it is.
    pub fn merge_write(&self, existing: Option<&Value>, input: Value) -> Value {
        self.merge(existing, input, &mut None)
    }

    fn merge(
        &self,
        existing: Option<&Value>,
        input: Value,
        kept: &mut Option<&mut Vec<String>>,
    ) -> Value {
        if self.is_full_access() {
            return input;
        }
        let entry = |interaction, resource: &Value| {
            self.first_entry(interaction, resource)
                .and_then(|at| self.entries.get(at))
        };
        let Some(stored) = existing else {
            return self.merge_create(input, kept);
        };
        let writes = entry(Interaction::Update, stored)
            .into_iter()
            .flat_map(|entry| entry.readonly_fields.iter().chain(&entry.hidden_fields));
        let reads = entry(Interaction::Read, stored)
            .into_iter()
            .flat_map(|entry| &entry.hidden_fields);
        keep(Some(stored), input, writes.chain(reads), kept)
    }

    /// Without the fields that one entry takes away another entry may be the first to allow the
    /// create; its fields have to go as well. Each turn takes something away.
    fn merge_create(&self, mut input: Value, kept: &mut Option<&mut Vec<String>>) -> Value {
        loop {
            let Some(entry) = self
                .first_entry(Interaction::Create, &input)
                .and_then(|at| self.entries.get(at))
            else {
                return input;
            };
            let all = entry.readonly_fields.iter().chain(&entry.hidden_fields);
            let left = keep(None, input.clone(), all, kept);
            if left == input {
                return left;
            }
            input = left;
        }
    }
}

/// Keeps each field; where somebody asks, with the names of those that were sent otherwise.
fn keep<'f>(
    existing: Option<&Value>,
    mut input: Value,
    all: impl Iterator<Item = &'f FieldPath>,
    kept: &mut Option<&mut Vec<String>>,
) -> Value {
    let Some(kept) = kept else {
        return fields::kept(existing, input, all);
    };
    for field in all {
        let left = fields::kept(existing, input.clone(), std::iter::once(field));
        if left != input && !kept.iter().any(|name| name == field.as_str()) {
            kept.push(field.as_str().to_owned());
        }
        input = left;
    }
    input
}
