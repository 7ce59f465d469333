//! Actors, and the policies that they are granted.

use std::sync::Arc;

use fhirward_engine::source::Span;

use super::body;
use super::node::{Kind, Node};
use super::parse::{ParsedActor, Use, Wanted};
use super::plan::{Access, Actor, ProfileType};
use super::read::{Fields, Findings, known_names};
use super::template::Template;
use super::vocabulary;

pub(super) fn actor(
    name: &str,
    span: Span,
    node: &Node,
    findings: &mut Findings,
) -> Option<ParsedActor> {
    let fields = Fields::read(node, &vocabulary::ACTOR, findings);
    let mut uses = Vec::new();
    let profile = fields
        .require("profile", findings)
        .and_then(|node| profile(node, findings));
    let display = fields.require_text("name", findings);
    let credentials = fields.optional_text("credentials", findings);
    let access = match (fields.get("policy"), &credentials) {
        (None, Some(_)) => Some(Vec::new()),
        (None, None) => {
            fields.require("policy", findings);
            None
        }
        (Some(node), _) => Some(access(node, findings, &mut uses)),
    };
    let patient = fields.get("patient").and_then(|node| {
        let patient = findings.text(node, "`patient`")?;
        uses.push(Use {
            wanted: Wanted::Actor,
            name: patient.clone(),
            span: node.span,
        });
        Some(patient)
    });
    if profile == Some(ProfileType::RelatedPerson) && patient.is_none() {
        findings.error(
            "scenario/missing-key",
            "a RelatedPerson has no `patient`",
            fields.start(),
            "`patient` is missing here",
            "name the actor whose relative this is: `patient: homer`",
        );
    }
    Some(ParsedActor {
        actor: Actor {
            name: name.to_owned(),
            profile: profile?,
            display: display?,
            access: access?,
            credentials,
            patient,
            span,
            source: Arc::clone(&findings.source),
        },
        uses,
    })
}

fn profile(node: &Node, findings: &mut Findings) -> Option<ProfileType> {
    let text = findings.text(node, "`profile`")?;
    let found = ProfileType::ALL
        .into_iter()
        .find(|profile| profile.name() == text);
    if found.is_none() {
        findings.error(
            "scenario/value",
            format!("`{text}` is no kind of actor"),
            node.span,
            "not a profile",
            known_names(&text, ProfileType::ALL.map(ProfileType::name)),
        );
    }
    found
}

/// `policy: participant`, a list of such, or `{policy, parameters}`.
pub(super) fn access(node: &Node, findings: &mut Findings, uses: &mut Vec<Use>) -> Vec<Access> {
    match &node.kind {
        Kind::List(items) if items.is_empty() => {
            findings.error(
                "scenario/value",
                "an actor must have a policy",
                node.span,
                "grants everything: a membership without a policy has full access",
                "name a file in `policies/`",
            );
            Vec::new()
        }
        Kind::List(items) => items
            .iter()
            .flat_map(|item| one_access(item, Vec::new(), findings, uses))
            .collect(),
        _ => one_access(node, Vec::new(), findings, uses)
            .into_iter()
            .collect(),
    }
}

/// The parameters of a policy.
pub(super) fn granted(
    node: &Node,
    findings: &mut Findings,
    uses: &mut Vec<Use>,
) -> Vec<(String, Template)> {
    let mut parameters = Vec::new();
    for entry in findings.map(node, "`parameters`") {
        let what = format!("the parameter `{}`", entry.key);
        if let Some(text) = findings.text(&entry.value, &what)
            && let Some(template) = body::template(&text, &entry.value, findings, uses)
        {
            parameters.push((entry.key.clone(), template));
        }
    }
    parameters
}

/// A policy, with parameters that stand beside it or in it.
pub(super) fn one_access(
    node: &Node,
    mut parameters: Vec<(String, Template)>,
    findings: &mut Findings,
    uses: &mut Vec<Use>,
) -> Option<Access> {
    let name_node = if let Kind::Map(_) = &node.kind {
        let fields = Fields::read(node, &vocabulary::ACCESS, findings);
        if let Some(node) = fields.get("parameters") {
            parameters = granted(node, findings, uses);
        }
        fields.require("policy", findings)?
    } else {
        node
    };
    let policy = findings.text(name_node, "`policy`")?;
    uses.push(Use {
        wanted: Wanted::Policy,
        name: policy.clone(),
        span: name_node.span,
    });
    Some(Access { policy, parameters })
}
