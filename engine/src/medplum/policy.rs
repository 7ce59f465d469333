//! One policy from a membership: the entries of its policies in one list.

use serde_json::Value;

use super::smart;
pub use super::smart::Scopes;
use super::stored::{array, reference, text, without_empties};
use super::substitute::{MAX_BYTES, Substitution, substitute, substitution};
use super::version::{Features, Version};
use crate::policy::Interaction;

/// The list of entries that a member has, in order.
#[derive(Debug, Clone, Default)]
pub struct AccessPolicy {
    /// The entries of all policies, then the built-in ones.
    pub entries: Vec<Entry>,
    /// The account that is set on whatever the member creates.
    pub compartment: Option<String>,
    /// What the server does that enforces it.
    pub features: Features,
}

/// An entry as the server holds it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// `resourceType`; `*` is every type but those for administrators.
    pub resource_type: String,
    /// The deprecated `compartment` of the entry.
    pub compartment: Option<String>,
    /// The criteria as stored; empty ones are not stored.
    pub criteria: Option<String>,
    /// Whether only reading is allowed; without effect when `interactions` is set.
    pub readonly: bool,
    /// The interactions, if they are listed.
    pub interactions: Option<Vec<String>>,
    /// Paths that no output has.
    pub hidden_fields: Vec<String>,
    /// Paths that a write does not change.
    pub readonly_fields: Vec<String>,
    /// The FHIRPath expressions that a result must satisfy.
    pub constraints: Vec<String>,
}

impl AccessPolicy {
    /// A policy whose parameters have been replaced already, without the built-in entries.
    pub fn resolved(policy: &Value, features: Features) -> Self {
        Self {
            entries: array(policy.get("resource")).map(entry).collect(),
            compartment: reference(policy.get("compartment")),
            features,
        }
    }
}

impl Entry {
    /// Whether the entry allows the interaction.
    pub fn allows(&self, interaction: Interaction) -> bool {
        self.allows_word(match interaction {
            Interaction::Patch => "update",
            other => other.as_str(),
        })
    }

    pub(super) fn allows_word(&self, word: &str) -> bool {
        match &self.interactions {
            Some(listed) => listed.iter().any(|i| i == word),
            None => !self.readonly || matches!(word, "read" | "vread" | "history" | "search"),
        }
    }
}

/// Why a membership has no policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoPolicy {
    /// Nobody can sign in with it; with what is wrong.
    SignInFails(String),
    /// The rules here do not say what its policy is; with the reason.
    Unknown(String),
}

/// Puts the policies of a membership together.
///
/// `membership` has `profile`, `accessPolicy` and `access` as a ProjectMembership does; `find`
/// gives the stored policy for a reference. The server is a 5.0.10.
///
/// # Errors
/// As [`assemble_for`].
pub fn assemble<'p>(
    membership: &Value,
    find: &dyn Fn(&str) -> Option<&'p Value>,
) -> Result<AccessPolicy, NoPolicy> {
    assemble_for(membership, find, &SignIn::default())
}

/// How a member signed in, and where.
#[derive(Debug, Clone, Default)]
pub struct SignIn {
    /// What the server does.
    pub features: Features,
    /// The scopes of the sign-in; `None` without any.
    pub scopes: Option<Scopes>,
}

impl SignIn {
    /// A sign-in without scopes.
    pub fn at(version: Version) -> Self {
        Self {
            features: version.features(),
            scopes: None,
        }
    }
}

/// Puts the policies of a membership together for a sign-in.
///
/// Administrators of a project get other entries, which are not modelled.
///
/// # Errors
/// An administrator. A policy that is missing, or that is no JSON after the replacement: signing in
/// fails with 400, and a session that was opened before answers every request with 500. Scopes that
/// the server refuses.
pub fn assemble_for<'p>(
    membership: &Value,
    find: &dyn Fn(&str) -> Option<&'p Value>,
    sign_in: &SignIn,
) -> Result<AccessPolicy, NoPolicy> {
    if membership.get("admin") == Some(&Value::Bool(true)) {
        return Err(NoPolicy::Unknown(
            "the entries of a project's administrator are not modelled".to_owned(),
        ));
    }
    let profile = reference(membership.get("profile")).unwrap_or_default();
    let mut access: Vec<(String, Vec<Substitution>)> = Vec::new();
    if let Some(policy) = reference(membership.get("accessPolicy")) {
        access.push((policy, Vec::new()));
    }
    for item in array(membership.get("access")) {
        let policy = reference(item.get("policy")).unwrap_or_default();
        let parameters = array(item.get("parameter")).map(substitution).collect();
        access.push((policy, parameters));
    }
    let features = sign_in.features;
    let mut assembled = AccessPolicy {
        features,
        ..AccessPolicy::default()
    };
    if access.is_empty() {
        assembled.entries.push(everything());
    }
    for (policy, parameters) in access {
        let stored = find(&policy).ok_or_else(|| {
            NoPolicy::SignInFails(format!(
                "the membership names `{policy}`, which does not exist"
            ))
        })?;
        let text = serde_json::to_string(&without_empties(stored))
            .map_err(|error| NoPolicy::SignInFails(error.to_string()))?;
        let Some(text) = substitute(text, parameters, &profile) else {
            return Err(NoPolicy::Unknown(format!(
                "`{policy}` grows beyond {MAX_BYTES} bytes by its parameters"
            )));
        };
        let policy: Value = serde_json::from_str(&text)
            .map_err(|error| NoPolicy::SignInFails(error.to_string()))?;
        if let Some(compartment) = reference(policy.get("compartment")) {
            assembled.compartment = Some(compartment);
        }
        assembled
            .entries
            .extend(array(policy.get("resource")).map(entry));
    }
    for kind in ["SearchParameter", "StructureDefinition"] {
        if !assembled.entries.iter().any(|e| e.resource_type == kind) {
            assembled.entries.push(Entry {
                resource_type: kind.to_owned(),
                readonly: true,
                ..Entry::default()
            });
        }
    }
    if let Some(scopes) = &sign_in.scopes {
        assembled.entries = smart::narrow(assembled.entries, scopes, &features)?;
    }
    assembled
        .entries
        .retain(|entry| !features.is_admin_type(&entry.resource_type));
    Ok(assembled)
}

fn everything() -> Entry {
    Entry {
        resource_type: "*".to_owned(),
        ..Entry::default()
    }
}

fn entry(value: &Value) -> Entry {
    let strings = |name: &str| array(value.get(name)).map(|v| text(Some(v))).collect();
    Entry {
        resource_type: text(value.get("resourceType")),
        compartment: reference(value.get("compartment")),
        criteria: value
            .get("criteria")
            .and_then(Value::as_str)
            .filter(|c| !c.is_empty())
            .map(str::to_owned),
        readonly: value.get("readonly") == Some(&Value::Bool(true)),
        interactions: value.get("interaction").map(|_| strings("interaction")),
        hidden_fields: strings("hiddenFields"),
        readonly_fields: strings("readonlyFields"),
        constraints: array(value.get("writeConstraint"))
            .map(|c| text(c.get("expression")))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn c14_no_policy_is_full_access_and_c15_a_missing_one_is_none() {
        let membership = json!({ "profile": { "reference": "Practitioner/u" }, "access": [] });
        let assembled = assemble(&membership, &|_| None).unwrap();
        assert_eq!(assembled.entries.first().unwrap().resource_type, "*");
        let membership = json!({
            "profile": { "reference": "Practitioner/u" },
            "accessPolicy": { "reference": "AccessPolicy/1" },
        });
        assert!(assemble(&membership, &|_| None).is_err());
    }

    #[test]
    fn s2_1_defaults_and_types_of_administrators() {
        let policy = json!({ "resource": [
            { "resourceType": "User" },
            { "resourceType": "StructureDefinition", "interaction": ["read"] },
            { "resourceType": "Task", "interaction": [], "criteria": "" },
        ]});
        let membership = json!({
            "profile": { "reference": "Practitioner/u" },
            "accessPolicy": { "reference": "AccessPolicy/1" },
        });
        let entries = assemble(&membership, &|_| Some(&policy)).unwrap().entries;
        let types: Vec<&str> = entries.iter().map(|e| e.resource_type.as_str()).collect();
        assert_eq!(types, ["StructureDefinition", "Task", "SearchParameter"]);
        assert!(
            entries
                .iter()
                .any(|e| e.criteria.is_none() && e.interactions.is_none() && !e.readonly)
        );
    }
}
