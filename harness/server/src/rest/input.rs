//! What a resource must be before anybody asks whether it may be stored.

use axum::http::StatusCode;
use fhirward_engine::diagnostic::{Diagnostic, Severity};
use fhirward_engine::policy::{Membership, PolicyDocument};
use fhirward_engine::resource::validate;
use fhirward_spec::spec;
use serde_json::{Map, Value, json};

use crate::http::body::kind;
use crate::http::outcome::{Failure, Issue};

/// What the server alone writes into `meta`.
const SERVER_META: [&str; 5] = [
    "versionId",
    "lastUpdated",
    "author",
    "project",
    "compartment",
];

/// What only an administrator writes into `meta`: it decides who sees the resource.
const ADMIN_META: [&str; 2] = ["account", "accounts"];

/// Checks that the body is a resource of the type that the path names.
///
/// # Errors
/// 400.
pub(crate) fn check_type(content: &Map<String, Value>, resource_type: &str) -> Result<(), Failure> {
    let text = match content.get("resourceType") {
        Some(Value::String(given)) if given == resource_type => return Ok(()),
        Some(Value::String(given)) => {
            format!("`resourceType` is `{given}`, but the path names {resource_type}")
        }
        Some(other) => format!("`resourceType` must be a string, not {}", kind(other)),
        None => "the body has no `resourceType`".to_owned(),
    };
    Err(Failure::new(
        StatusCode::BAD_REQUEST,
        vec![Issue::error("structure", text).at("resourceType")],
    ))
}

/// Checks that the body names the id of the path.
///
/// # Errors
/// 400.
pub(crate) fn check_id(content: &Map<String, Value>, id: &str) -> Result<(), Failure> {
    let text = match content.get("id") {
        Some(Value::String(given)) if given == id => return Ok(()),
        Some(Value::String(given)) => format!("`id` is `{given}`, but the path names `{id}`"),
        Some(other) => format!("`id` must be a string, not {}", kind(other)),
        None => "the body has no `id`".to_owned(),
    };
    Err(Failure::new(
        StatusCode::BAD_REQUEST,
        vec![Issue::error("invalid", text).at("id")],
    ))
}

/// Checks `meta` as the client sent it. What the server puts in its place is no excuse for it.
///
/// # Errors
/// 400 with one issue for each thing that is wrong.
pub(crate) fn check_meta(content: &Map<String, Value>, resource_type: &str) -> Result<(), Failure> {
    let Some(meta) = content.get("meta") else {
        return Ok(());
    };
    let issues: Vec<Issue> = validate(&json!({ "resourceType": resource_type, "meta": meta }))
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        // Of a resource that has nothing else, much else is missing.
        .filter(|finding| finding.pointer == "/meta" || finding.pointer.starts_with("/meta/"))
        .map(Issue::from)
        .collect();
    if issues.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(StatusCode::BAD_REQUEST, issues))
    }
}

/// Leaves in `meta` what the client may write, and puts back what it may not. A change that does
/// not name accounts changes none.
pub(crate) fn keep_client_meta(
    content: &mut Map<String, Value>,
    existing: Option<&Value>,
    admin: bool,
) {
    let given = content.get("meta").and_then(Value::as_object);
    let names = |meta: &Map<String, Value>| ADMIN_META.iter().any(|name| meta.contains_key(*name));
    let kept = if admin && given.is_some_and(names) {
        Map::new()
    } else {
        admin_meta(existing)
    };
    match content.get_mut("meta") {
        Some(Value::Object(meta)) => {
            for name in SERVER_META {
                meta.shift_remove(name);
            }
            if !admin {
                for name in ADMIN_META {
                    meta.shift_remove(name);
                }
            }
            meta.extend(kept);
            if meta.is_empty() {
                content.shift_remove("meta");
            }
        }
        // Not an object: the validator says so.
        Some(_) => {}
        None if kept.is_empty() => {}
        None => {
            content.insert("meta".into(), Value::Object(kept));
        }
    }
}

fn admin_meta(existing: Option<&Value>) -> Map<String, Value> {
    let meta = existing.and_then(|existing| existing.get("meta"));
    ADMIN_META
        .iter()
        .filter_map(|&name| Some((name.to_owned(), meta?.get(name)?.clone())))
        .collect()
}

/// Checks a resource as it would be stored.
///
/// # Errors
/// 400 with one issue for each thing that is wrong.
pub(crate) fn check(resource: &Value) -> Result<(), Failure> {
    let mut issues: Vec<Issue> = validate(resource)
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .filter(|finding| !is_variable(resource, &finding.pointer))
        .map(Issue::from)
        .collect();
    unresolved_references(resource, "", &mut issues);
    match resource.get("resourceType").and_then(Value::as_str) {
        Some("AccessPolicy") => issues.extend(errors(&PolicyDocument::from_value(resource).1)),
        Some("ProjectMembership") => {
            if let Err(diagnostic) = Membership::from_value(resource) {
                issues.push(Issue::from(&diagnostic));
            }
        }
        Some("ClientApplication") if resource.get("secret").is_some() => issues.push(
            Issue::error("business-rule", "a client's secret cannot be written")
                .at("ClientApplication.secret")
                .with_diagnostics(
                    "POST /admin/projects/{project}/client makes a client with a secret",
                ),
        ),
        _ => {}
    }
    if issues.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(StatusCode::BAD_REQUEST, issues))
    }
}

/// Whether this is a `compartment` of a policy that a parameter of each membership names.
pub(crate) fn is_variable(resource: &Value, pointer: &str) -> bool {
    let text = resource.pointer(pointer).and_then(Value::as_str);
    resource.get("resourceType").and_then(Value::as_str) == Some("AccessPolicy")
        && pointer.ends_with("/compartment/reference")
        && text.is_some_and(|text| text.contains('%'))
}

fn errors(diagnostics: &[Diagnostic]) -> impl Iterator<Item = Issue> + '_ {
    diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
        .map(Issue::from)
}

/// Finds conditional references, which would have to be resolved when the resource is stored.
/// Stored as they are they would point nowhere.
fn unresolved_references(value: &Value, path: &str, issues: &mut Vec<Issue>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let place = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                match member {
                    Value::String(text) if name == "reference" && is_conditional(text) => issues
                        .push(
                            Issue::error(
                                "not-supported",
                                format!("conditional reference `{text}` is not supported"),
                            )
                            .at(place)
                            .with_diagnostics("name the resource as Type/id"),
                        ),
                    member => unresolved_references(member, &place, issues),
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                unresolved_references(item, &format!("{path}[{index}]"), issues);
            }
        }
        _ => {}
    }
}

fn is_conditional(reference: &str) -> bool {
    reference
        .split_once('?')
        .is_some_and(|(name, _)| spec().resource(name).is_some())
}
