//! Whether every name exists where it is used.

use std::collections::BTreeMap;
use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::{Source, Span};

use super::ADMIN;
use super::parse::{Parsed, Use, Wanted};
use super::plan::{Action, Actor, Step};
use super::read::{Findings, known_names};
use super::template::Field;

/// Where a name was made.
#[derive(Debug, Clone)]
struct Origin {
    source: Arc<Source>,
    span: Span,
}

/// What exists at a point of a scenario.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    pub(crate) actors: Vec<Actor>,
    pub(crate) steps: Vec<Step>,
    captures: BTreeMap<String, Origin>,
    created: Vec<String>,
    ids: BTreeMap<String, Origin>,
}

impl Scope {
    /// Adds a file to what is given; every name that is not there is a finding.
    pub(crate) fn extend(&mut self, parsed: &Parsed, policies: &[&str]) -> Vec<Diagnostic> {
        let mut findings = Findings::new(&parsed.source);
        for new in &parsed.actors {
            if let Some(known) = self.actors.iter().find(|a| a.name == new.actor.name) {
                let origin = Origin {
                    source: Arc::clone(&known.source),
                    span: known.span,
                };
                let what = format!("the actor `{}` is declared twice", new.actor.name);
                twice(what, new.actor.span, &origin, &mut findings);
            } else {
                self.actors.push(new.actor.clone());
            }
        }
        for new in &parsed.actors {
            for usage in &new.uses {
                self.check(usage, &[], policies, &mut findings);
                if matches!(usage.wanted, Wanted::Reference(_))
                    && self.captures.contains_key(&usage.name)
                {
                    findings.error(
                        "scenario/capture-order",
                        format!("`{}` does not exist when actors are made", usage.name),
                        usage.span,
                        "made by a step",
                        "actors come first; use `grant` in a step",
                    );
                }
            }
        }
        let later: Vec<(String, Span)> = parsed
            .steps
            .iter()
            .filter_map(|step| Some((step.step.capture.clone()?, step.capture_span?)))
            .collect();
        for parsed_step in &parsed.steps {
            let step = &parsed_step.step;
            if let Some(origin) = self.ids.get(&step.id) {
                let what = format!("two steps are called `{}`", step.id);
                twice(what, parsed_step.id_span, origin, &mut findings);
            } else {
                let origin = Origin {
                    source: Arc::clone(&parsed.source),
                    span: parsed_step.id_span,
                };
                self.ids.insert(step.id.clone(), origin);
            }
            for usage in &parsed_step.before {
                self.check(usage, &later, policies, &mut findings);
            }
            if let (Some(name), Some(span)) = (&step.capture, parsed_step.capture_span) {
                self.capture(name, span, step, &mut findings);
            }
            for usage in &parsed_step.after {
                self.check(usage, &later, policies, &mut findings);
            }
            self.steps.push(step.clone());
        }
        findings.list
    }

    fn capture(&mut self, name: &str, span: Span, step: &Step, findings: &mut Findings) {
        let origin = if let Some(actor) = self.actors.iter().find(|a| a.name == name) {
            Some(Origin {
                source: Arc::clone(&actor.source),
                span: actor.span,
            })
        } else {
            self.captures.get(name).cloned()
        };
        if name == ADMIN {
            findings.error(
                "scenario/name",
                "`admin` is the project admin and cannot name a resource",
                span,
                "taken",
                "",
            );
        } else if let Some(origin) = origin {
            twice(
                format!("the name `{name}` is taken"),
                span,
                &origin,
                findings,
            );
        } else {
            let origin = Origin {
                source: Arc::clone(&findings.source),
                span,
            };
            self.captures.insert(name.to_owned(), origin);
            if matches!(step.action, Action::Create { .. }) {
                self.created.push(name.to_owned());
            }
        }
    }

    fn check(
        &self,
        usage: &Use,
        later: &[(String, Span)],
        policies: &[&str],
        findings: &mut Findings,
    ) {
        let name = usage.name.as_str();
        let actors = || self.actors.iter().map(|actor| actor.name.as_str());
        let is_actor = actors().any(|actor| actor == name);
        let is_capture = self.captures.contains_key(name);
        let (known, code, what): (Vec<&str>, _, _) = match usage.wanted {
            Wanted::Acting if is_actor || name == ADMIN => return,
            Wanted::Acting => (
                actors().chain([ADMIN]).collect(),
                "scenario/unknown-actor",
                "actor",
            ),
            Wanted::Actor if is_actor => return,
            Wanted::Actor if name == ADMIN => {
                findings.error(
                    "scenario/unknown-actor",
                    "`admin` sees everything and is no row of the matrix",
                    usage.span,
                    "the project admin",
                    "",
                );
                return;
            }
            Wanted::Actor => (actors().collect(), "scenario/unknown-actor", "actor"),
            Wanted::Policy if policies.contains(&name) => return,
            Wanted::Policy => (policies.to_vec(), "scenario/unknown-policy", "policy"),
            Wanted::Capture if self.created.iter().any(|known| known == name) => return,
            Wanted::Capture if is_capture => {
                findings.error(
                    "scenario/unknown-capture",
                    format!("`{name}` is not watched: only what a `create` captured is"),
                    usage.span,
                    "captured by another verb",
                    known_names(name, self.created.iter().map(String::as_str)),
                );
                return;
            }
            Wanted::Reference(Field::Version) if is_actor => {
                findings.error(
                    "scenario/template",
                    format!("`{name}` is an actor and has no version"),
                    usage.span,
                    "an actor",
                    format!("allowed: `${{{name}}}` and `${{{name}.id}}`"),
                );
                return;
            }
            Wanted::Reference(_) if is_actor || is_capture => return,
            Wanted::Reference(_) if name == ADMIN => {
                findings.error(
                    "scenario/template",
                    "`admin` is no resource",
                    usage.span,
                    "the project admin",
                    "",
                );
                return;
            }
            Wanted::Capture | Wanted::Reference(_) => {
                if let Some((_, made)) = later.iter().find(|(made, _)| made == name) {
                    let diagnostic = Diagnostic::error(
                        "scenario/capture-order",
                        format!("`{name}` is used before it exists"),
                    )
                    .with_label(usage.span, "used here")
                    .with_label(*made, "captured here, later")
                    .with_source(&findings.source);
                    findings.list.push(diagnostic);
                    return;
                }
                let known = if usage.wanted == Wanted::Capture {
                    self.created.iter().map(String::as_str).collect()
                } else {
                    actors()
                        .chain(self.captures.keys().map(String::as_str))
                        .collect()
                };
                (known, "scenario/unknown-capture", "resource")
            }
        };
        findings.error(
            code,
            format!("unknown {what} `{name}`"),
            usage.span,
            format!("no such {what}"),
            known_names(name, known.iter().copied()),
        );
    }
}

/// Two of a kind: the second is the error, and the first is shown or named.
fn twice(message: String, span: Span, first: &Origin, findings: &mut Findings) {
    let mut diagnostic = Diagnostic::error("scenario/duplicate-name", message)
        .with_label(span, "again")
        .with_source(&findings.source);
    if first.source.name == findings.source.name {
        diagnostic = diagnostic.with_label(first.span, "first");
    } else {
        let (line, _) = first.source.line_column(first.span.start);
        diagnostic = diagnostic.with_help(format!("first in {}:{line}", first.source.name));
    }
    findings.list.push(diagnostic);
}
