//! One policy from a membership: parameters replace text in the policy's JSON.
//!
//! The replacement knows nothing about JSON, criteria or longer names. A value can add filters,
//! shorten a longer variable's name, or break the JSON, in which case nobody can sign in.

use serde_json::{Map, Value};

use super::smart;
pub use super::smart::Scopes;
use super::version::{Features, Version};
use crate::policy::Interaction;

/// The size that parameters may bring a policy to; a replacement can repeat the whole text.
const MAX_BYTES: usize = 16 * 1024 * 1024;

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

/// A named value of a membership.
#[derive(Debug, Clone)]
struct Substitution {
    name: String,
    /// `valueString`, where there is one that is not empty.
    text: Option<String>,
    /// `valueReference.reference`; `Some(None)` is a reference without one.
    reference: Option<Option<String>>,
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

fn substitution(parameter: &Value) -> Substitution {
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
/// has that name.
fn substitute(
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

/// A resource as it is written out: empty strings, arrays and objects are left out; in an array they
/// become `null`, and an array of nothing else is left out as well.
pub(crate) fn without_empties(value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, member)| (name.clone(), without_empties(member)))
                .filter(|(_, member)| !is_empty(member))
                .collect::<Map<_, _>>(),
        ),
        Value::Array(items) => {
            let items: Vec<Value> = items
                .iter()
                .map(without_empties)
                .map(|item| if is_empty(&item) { Value::Null } else { item })
                .collect();
            match items.iter().all(Value::is_null) {
                true => Value::Null,
                false => Value::Array(items),
            }
        }
        other => other.clone(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn array(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn reference(value: Option<&Value>) -> Option<String> {
    Some(value?.get("reference")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

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
