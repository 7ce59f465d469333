//! A person's membership of a project: which policies apply, with which parameters.

use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::source::{Source, Span};

/// Entries that all memberships of one check together may come to, each membership with the entries
/// of all its policies.
pub const MAX_ASSEMBLED: usize = 1_000_000;

/// What a ProjectMembership says about access.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Membership {
    /// The id of the resource.
    pub id: Option<String>,
    /// Who acts, `Type/id`.
    pub profile: String,
    /// `accessPolicy` first, then `access[]`, in order. Empty: full access.
    pub access: Vec<Access>,
    /// Whether the first of `access` is `accessPolicy`.
    pub has_access_policy: bool,
    /// Whether the member administers the project.
    pub admin: bool,
    /// The project, `Project/id`.
    pub project: Option<String>,
}

/// A policy with the values of its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// `AccessPolicy/id`.
    pub policy: String,
    /// The parameters, in order.
    pub parameters: Vec<Parameter>,
}

/// A named value for the variables of a policy.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Parameter {
    /// The name, without `%`.
    pub name: String,
    /// Its value.
    #[serde(flatten)]
    pub value: ParameterValue,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub enum ParameterValue {
    /// `valueString`.
    #[serde(rename = "valueString")]
    String(String),
    /// `valueReference.reference`.
    #[serde(rename = "valueReference")]
    Reference(String),
}

impl ParameterValue {
    /// The text of either.
    pub fn as_str(&self) -> &str {
        match self {
            Self::String(text) | Self::Reference(text) => text,
        }
    }
}

impl Membership {
    /// A membership with policies and no parameters.
    pub fn of(profile: &str, policies: &[&str]) -> Self {
        Self {
            profile: profile.to_owned(),
            access: policies
                .iter()
                .map(|policy| Access {
                    policy: (*policy).to_owned(),
                    parameters: Vec::new(),
                })
                .collect(),
            ..Self::default()
        }
    }

    /// What the membership calls the policy at an index of `access`: `accessPolicy` or `access[0]`.
    pub fn place(&self, index: usize) -> String {
        match (self.has_access_policy, index) {
            (true, 0) => "accessPolicy".to_owned(),
            (true, index) => format!("access[{}]", index - 1),
            (false, index) => format!("access[{index}]"),
        }
    }

    /// Reads a ProjectMembership resource.
    ///
    /// # Errors
    /// The first part that is missing or has the wrong shape, with its JSON pointer as code help.
    pub fn from_value(resource: &Value) -> Result<Self, Diagnostic> {
        let fault = |message: String, help: &str| {
            Diagnostic::error("membership/shape", message).with_help(help.to_owned())
        };
        if resource.get("resourceType").and_then(Value::as_str) != Some("ProjectMembership") {
            return Err(fault(
                "not a ProjectMembership".to_owned(),
                "`resourceType` must be `ProjectMembership`",
            ));
        }
        let reference = |value: Option<&Value>| {
            value
                .and_then(|v| v.get("reference"))
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let profile = reference(resource.get("profile")).ok_or_else(|| {
            fault(
                "the membership has no `profile.reference`".to_owned(),
                "the profile is who acts: `\"profile\": {\"reference\": \"Practitioner/123\"}`",
            )
        })?;
        let mut access = Vec::new();
        let has_access_policy = resource.get("accessPolicy").is_some();
        if let Some(policy) = resource.get("accessPolicy") {
            let policy = reference(Some(policy)).ok_or_else(|| {
                fault(
                    "`accessPolicy` has no `reference`".to_owned(),
                    "write `{\"reference\": \"AccessPolicy/123\"}`",
                )
            })?;
            access.push(Access {
                policy,
                parameters: Vec::new(),
            });
        }
        match resource.get("access") {
            None => {}
            Some(Value::Array(items)) => {
                for (at, item) in items.iter().enumerate() {
                    let policy = reference(item.get("policy")).ok_or_else(|| {
                        fault(
                            format!("`access[{at}]` has no `policy.reference`"),
                            "write `{\"policy\": {\"reference\": \"AccessPolicy/123\"}}`",
                        )
                    })?;
                    let parameters = match item.get("parameter") {
                        None => Vec::new(),
                        Some(Value::Array(items)) => items
                            .iter()
                            .enumerate()
                            .map(|(n, item)| parameter(item).ok_or_else(|| fault(
                                format!("`access[{at}].parameter[{n}]` has no name or no value"),
                                "a parameter has `name` and either `valueString` or `valueReference.reference`",
                            )))
                            .collect::<Result<_, _>>()?,
                        Some(_) => return Err(fault(format!("`access[{at}].parameter` is no array"), "parameters stand in `[…]`")),
                    };
                    access.push(Access { policy, parameters });
                }
            }
            Some(_) => {
                return Err(fault(
                    "`access` is no array".to_owned(),
                    "access entries stand in `[…]`",
                ));
            }
        }
        Ok(Self {
            id: resource
                .get("id")
                .and_then(Value::as_str)
                .map(str::to_owned),
            profile,
            access,
            has_access_policy,
            admin: resource.get("admin") == Some(&Value::Bool(true)),
            project: reference(resource.get("project")),
        })
    }
}

fn parameter(item: &Value) -> Option<Parameter> {
    let name = item.get("name")?.as_str()?.to_owned();
    let value = match (item.get("valueString"), item.get("valueReference")) {
        (Some(text), None) => ParameterValue::String(text.as_str()?.to_owned()),
        (None, Some(reference)) => {
            ParameterValue::Reference(reference.get("reference")?.as_str()?.to_owned())
        }
        _ => return None,
    };
    Some(Parameter { name, value })
}

/// From a membership on those of a check are too many to be put together with their policies.
pub(crate) fn too_many_members(source: &Arc<Source>, from: Span, most: usize) -> Diagnostic {
    Diagnostic::error(
        "membership/too-many-members",
        format!("the memberships come to more than {most} entries together"),
    )
    .with_label(
        from,
        "from here on they are not put together with their policies",
    )
    .with_source(source)
    .with_help("check the policies with some of the memberships at a time")
}
