//! Whether what actors are granted can be compiled at all, before anybody asks a server.

use std::collections::BTreeMap;
use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::policy::{Membership, Options, PolicyDocument, assemble};
use serde_json::{Value, json};

use super::plan::{Access, Actor, Scenario};
use super::step::{Action, Step};
use super::suite::PolicyFile;
use super::template::{Field, Reference};
use crate::expect::membership_of;

/// Stands for every id that only a run knows.
const ID: &str = "00000000-0000-4000-8000-000000000000";

/// A finding, and who would be granted what it is about.
struct Found {
    finding: Diagnostic,
    holders: Vec<String>,
}

/// Assembles what every actor is granted, at first and by `grant` steps, with ids that stand for
/// those of a run. Each error comes once, with all who hold the policy; what the policy files
/// themselves have brought up already (`known`) is not repeated.
pub(super) fn check(
    scenarios: &[Arc<Scenario>],
    policies: &BTreeMap<String, PolicyFile>,
    known: &[Diagnostic],
) -> Vec<Diagnostic> {
    let mut found: Vec<Found> = Vec::new();
    for scenario in scenarios {
        for (actor, access) in granted(scenario) {
            let holder = format!("`{}` in `{}`", actor.name, scenario.id);
            for finding in assembled(scenario, actor, access, policies) {
                if known.contains(&finding) {
                    continue;
                }
                match found.iter_mut().find(|other| other.finding == finding) {
                    Some(other) if other.holders.contains(&holder) => {}
                    Some(other) => other.holders.push(holder.clone()),
                    None => found.push(Found {
                        finding,
                        holders: vec![holder.clone()],
                    }),
                }
            }
        }
    }
    found.into_iter().map(named).collect()
}

fn named(found: Found) -> Diagnostic {
    let Found {
        mut finding,
        holders,
    } = found;
    let who = match holders.as_slice() {
        [] => return finding,
        [only] => only.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    };
    finding.message = format!("{} (for {who})", finding.message);
    finding
}

/// Who is granted what.
fn granted(scenario: &Scenario) -> Vec<(&Actor, &[Access])> {
    let first = scenario
        .actors
        .iter()
        .filter(|actor| actor.credentials.is_none() || !actor.access.is_empty())
        .map(|actor| (actor, actor.access.as_slice()));
    let later = scenario
        .given
        .iter()
        .chain(&scenario.steps)
        .filter_map(|step| match &step.action {
            Action::Grant { actor, access } => Some((scenario.actor(actor)?, access.as_slice())),
            _ => None,
        });
    first.chain(later).collect()
}

fn assembled(
    scenario: &Scenario,
    actor: &Actor,
    access: &[Access],
    policies: &BTreeMap<String, PolicyFile>,
) -> Vec<Diagnostic> {
    let mut documents: BTreeMap<String, Arc<PolicyDocument>> = BTreeMap::new();
    let mut grants = Vec::new();
    for access in access {
        // A name without a file is a finding of its own.
        let Some(policy) = policies.get(&access.policy) else {
            return Vec::new();
        };
        let reference = format!("AccessPolicy/{}", policy.name);
        documents.insert(reference.clone(), Arc::clone(&policy.document));
        let mut parameters = Vec::new();
        for (name, value) in &access.parameters {
            match value.fill(&|reference| stand_in(scenario, reference)) {
                Ok(text) => parameters.push((name.clone(), text)),
                Err(_) => return Vec::new(),
            }
        }
        grants.push((reference, parameters));
    }
    let mut membership = membership_of(&grants);
    membership.insert("resourceType".into(), "ProjectMembership".into());
    let profile = format!("{}/{ID}", actor.profile);
    membership.insert("profile".into(), json!({ "reference": profile }));
    let membership = match Membership::from_value(&Value::Object(membership)) {
        Ok(membership) => membership,
        Err(error) => return vec![error],
    };
    let find = |reference: &str| documents.get(reference).cloned();
    let mut findings = assemble(&membership, &find, &Options::default()).diagnostics;
    findings.retain(Diagnostic::is_error);
    for finding in &mut findings {
        // The place is better found in the scenario than nowhere.
        if finding.source.is_none() {
            finding.source = Some(Arc::clone(&actor.source));
            finding.labels = vec![fhirward_engine::diagnostic::Label {
                span: actor.span,
                text: "granted here".to_owned(),
            }];
        }
    }
    findings
}

/// The type of what a step captures by a name.
fn type_of<'s>(step: &'s Step, name: &str) -> Option<&'s str> {
    if step.whole() == Some(name) {
        return step.action.resource_type();
    }
    let Action::Bundle { entries, .. } = &step.action else {
        return None;
    };
    entries
        .iter()
        .find(|entry| entry.capture.as_deref() == Some(name))
        .and_then(|entry| entry.action.resource_type())
}

/// What a name will stand for, but for the id; nothing where only a run can tell the type.
fn stand_in(scenario: &Scenario, reference: &Reference) -> Option<String> {
    let kind = match scenario.actor(&reference.name) {
        Some(actor) => actor.profile.name(),
        None => scenario
            .given
            .iter()
            .chain(&scenario.steps)
            .find_map(|step| type_of(step, &reference.name))?,
    };
    Some(match reference.field {
        Field::Reference => format!("{kind}/{ID}"),
        Field::Id => ID.to_owned(),
        Field::Version => "1".to_owned(),
    })
}
