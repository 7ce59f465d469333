//! What a resource must be before anybody asks whether it may be stored.

use axum::http::StatusCode;
use fhirward_engine::diagnostic::{Diagnostic, Severity};
use fhirward_engine::policy::{Membership, PolicyDocument};
use fhirward_engine::resource::{Finding, validate};
use serde_json::{Map, Value, json};

use super::Context;
use crate::config::Validation;
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

/// The id in the body, if there is one.
///
/// # Errors
/// 400 when it is no string.
pub(crate) fn id(content: &Map<String, Value>) -> Result<Option<&str>, Failure> {
    match content.get("id") {
        None => Ok(None),
        Some(Value::String(given)) => Ok(Some(given)),
        Some(other) => Err(Failure::bad_request(
            Issue::error(
                "invalid",
                format!("`id` must be a string, not {}", kind(other)),
            )
            .at("id"),
        )),
    }
}

/// What the validator finds wrong with a resource, as far as this strictness asks.
pub(crate) fn findings(resource: &Value, validation: Validation) -> Vec<Finding> {
    if validation == Validation::Off {
        return Vec::new();
    }
    let mut findings = validate(resource);
    findings.retain(|finding| {
        (validation == Validation::Strict || is_structural(finding))
            && !is_variable(resource, &finding.pointer)
    });
    findings
}

/// Whether a finding is about the structure alone: what a program that reads the resource into
/// types would stumble over.
fn is_structural(finding: &Finding) -> bool {
    const OTHERS: [&str; 6] = [
        "choice-twice",
        "empty-array",
        "malformed-reference",
        "relative-extension-url",
        "unknown-target-type",
        "wrong-target-type",
    ];
    matches!(finding.issue_type, "structure" | "required" | "value")
        && !OTHERS.contains(&finding.code)
}

/// Checks `meta` as the client sent it. What the server puts in its place is no excuse for it.
///
/// # Errors
/// 400 with one issue for each thing that is wrong.
pub(crate) fn check_meta(
    context: &Context<'_>,
    content: &Map<String, Value>,
    resource_type: &str,
) -> Result<(), Failure> {
    let Some(meta) = content.get("meta") else {
        return Ok(());
    };
    let alone = json!({ "resourceType": resource_type, "meta": meta });
    let issues: Vec<Issue> = findings(&alone, context.settings().validation)
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

/// Checks a resource as it would be stored, as strictly as the project asks.
///
/// # Errors
/// 400 with one issue for each thing that is wrong.
pub(super) fn check_in(context: &Context<'_>, resource: &Value) -> Result<(), Failure> {
    check_by(resource, context.settings().validation)
}

/// Checks a resource as it would be stored, by all that is known of R4.
///
/// # Errors
/// 400 with one issue for each thing that is wrong.
pub(crate) fn check(resource: &Value) -> Result<(), Failure> {
    check_by(resource, Validation::Strict)
}

fn check_by(resource: &Value, validation: Validation) -> Result<(), Failure> {
    let issues = issues(resource, validation);
    if issues.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(StatusCode::BAD_REQUEST, issues))
    }
}

/// What is in the way of storing a resource.
fn issues(resource: &Value, validation: Validation) -> Vec<Issue> {
    let mut issues: Vec<Issue> = findings(resource, validation)
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(Issue::from)
        .collect();
    issues.extend(beyond_structure(resource));
    issues
}

/// What is wrong with a resource that decides about access, beside its structure: that is never
/// stored, since it would decide otherwise than it says.
pub(super) fn beyond_structure(resource: &Value) -> Vec<Issue> {
    match resource.get("resourceType").and_then(Value::as_str) {
        Some("AccessPolicy") => errors(&PolicyDocument::from_value(resource).1).collect(),
        Some("ProjectMembership") => Membership::from_value(resource)
            .err()
            .map(|diagnostic| Issue::from(&diagnostic))
            .into_iter()
            .collect(),
        Some("ClientApplication") if resource.get("secret").is_some() => vec![
            Issue::error("business-rule", "a client's secret cannot be written")
                .at("ClientApplication.secret")
                .with_diagnostics(
                    "POST /admin/projects/{project}/client makes a client with a secret",
                ),
        ],
        _ => Vec::new(),
    }
}

/// Whether this is a `compartment` of a policy that a parameter of each membership names.
fn is_variable(resource: &Value, pointer: &str) -> bool {
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
