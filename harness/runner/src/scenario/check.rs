//! Whether every name exists where it is used.

use fhirward_engine::words::nearest;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::{Source, Span};

use super::parse::{Made, MadeKind, Parsed, Use, Wanted, reserved};
use super::plan::{Actor, Sink, SinkKind};
use super::read::{Findings, Lost, known_names};
use super::step::Step;
use super::template::Field;
use super::{ADMIN, ANONYMOUS};
use crate::client::Need;

/// Where a name was made.
#[derive(Debug, Clone)]
struct Origin {
    source: Arc<Source>,
    span: Span,
}

/// What exists at a point of a scenario.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    pub(crate) needs: Vec<Need>,
    pub(crate) actors: Vec<Actor>,
    pub(crate) steps: Vec<Step>,
    pub(crate) sinks: Vec<Sink>,
    captures: BTreeMap<String, (Origin, MadeKind)>,
    /// The names that a state keeps to itself, and what it offers instead.
    private: BTreeMap<String, String>,
    ids: BTreeMap<String, Origin>,
    used: BTreeSet<String>,
    /// Names that nobody has.
    unknown: BTreeSet<String>,
    lost: Lost,
}

impl Scope {
    /// Adds a file to what is given; every name that is not there is a finding.
    pub(crate) fn extend(&mut self, parsed: &Parsed, policies: &[&str]) -> Vec<Diagnostic> {
        let mut findings = Findings::new(&parsed.source);
        self.needs.extend(parsed.needs.iter().cloned());
        self.lost.names.extend(parsed.lost.names.iter().cloned());
        self.lost.any |= parsed.lost.any;
        self.used.extend(parsed.lost.used.iter().cloned());
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
        self.add_sinks(parsed, &mut findings);
        let later: Vec<(String, Span)> = parsed
            .steps
            .iter()
            .flat_map(|step| &step.made)
            .map(|made| (made.name.clone(), made.span))
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
            for made in &parsed_step.made {
                self.capture(made, &mut findings);
            }
            for usage in &parsed_step.after {
                self.check(usage, &later, policies, &mut findings);
            }
            let undeclared = super::needed::undeclared(parsed_step, &self.needs, &parsed.source);
            findings.list.extend(undeclared);
            self.steps.push(step.clone());
        }
        self.unused(parsed, &mut findings);
        super::declared::check(parsed, &mut findings);
        if let Some(outputs) = &parsed.outputs {
            self.keep(parsed, outputs, &mut findings);
        }
        findings.list
    }

    fn add_sinks(&mut self, parsed: &Parsed, findings: &mut Findings) {
        for (sink, span) in &parsed.sinks {
            if let Some(origin) = self.origin(&sink.name) {
                let message = format!("the name `{}` is taken", sink.name);
                twice(message, *span, &origin, findings);
            } else {
                self.sinks.push(sink.clone());
            }
        }
    }

    /// What nobody asks for need not be captured; what everybody looks at is asked for.
    fn unused(&self, parsed: &Parsed, findings: &mut Findings) {
        // Whoever builds on a state may use what it captures.
        if parsed.is_state && parsed.outputs.is_none() {
            return;
        }
        let outputs = parsed.outputs.iter().flatten();
        let offered: Vec<&str> = outputs.map(|(name, _)| name.as_str()).collect();
        // Who is asked for under another name is not unused.
        let is_meant = |name: &str| {
            let unknown = self.unknown.iter().map(String::as_str);
            self.lost.any || nearest(name, unknown).is_some()
        };
        for made in parsed.steps.iter().flat_map(|step| &step.made) {
            let used = self.used.contains(&made.name)
                || offered.contains(&made.name.as_str())
                || is_meant(&made.name);
            if made.kind != MadeKind::Watched && !used {
                findings.error(
                    "scenario/unused-capture",
                    format!("`{}` is captured and never used", made.name),
                    made.span,
                    "nobody asks for it",
                    "remove the capture, or use it: `${name}`",
                );
            }
        }
        for (sink, span) in &parsed.sinks {
            if !self.used.contains(&sink.name) && !is_meant(&sink.name) {
                findings.error(
                    "scenario/unused-sink",
                    format!("nobody waits at the sink `{}`", sink.name),
                    *span,
                    "never used",
                    "remove it, or `await` what arrives there",
                );
            }
        }
    }

    /// Only what a state declares can be used by those who build on it.
    fn keep(&mut self, parsed: &Parsed, outputs: &[(String, Span)], findings: &mut Findings) {
        let mut faulty = self.lost.any;
        for (name, span) in outputs {
            if self.lost.names.contains(name) {
                faulty = true;
            } else if !self.captures.contains_key(name) && !self.lost.any {
                faulty = true;
                // Whoever builds on the state may ask for it; that it is not there is told here.
                self.lost.names.insert(name.clone());
                let known: Vec<&str> = self.captures.keys().map(String::as_str).collect();
                findings.error(
                    "scenario/unknown-capture",
                    format!("the state has no `{name}` to offer"),
                    *span,
                    "captured nowhere",
                    known_names(name, known.iter().copied()),
                );
            }
        }
        if faulty {
            // It may be any of them that was to be offered.
            return;
        }
        let hidden: Vec<String> = self
            .captures
            .keys()
            .filter(|name| !outputs.iter().any(|(offered, _)| offered == *name))
            .cloned()
            .collect();
        for name in hidden {
            self.private.insert(name, parsed.id.clone());
        }
    }

    /// Where a name was made.
    fn origin(&self, name: &str) -> Option<Origin> {
        match self.actors.iter().find(|actor| actor.name == name) {
            Some(actor) => Some(Origin {
                source: Arc::clone(&actor.source),
                span: actor.span,
            }),
            None => self.captures.get(name).map(|(origin, _)| origin.clone()),
        }
    }

    fn capture(&mut self, made: &Made, findings: &mut Findings) {
        let (name, span) = (made.name.as_str(), made.span);
        if let Some(who) = reserved(name) {
            findings.error(
                "scenario/name",
                format!("`{name}` is {who} and cannot name a resource"),
                span,
                "taken",
                "",
            );
        } else if self.sinks.iter().any(|sink| sink.name == name) {
            let message = format!("the name `{name}` is taken");
            findings.error("scenario/duplicate-name", message, span, "a sink", "");
        } else if let Some(origin) = self.origin(name) {
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
            self.captures.insert(name.to_owned(), (origin, made.kind));
        }
    }

    /// The names of what everybody looks at.
    fn watched(&self) -> impl Iterator<Item = &str> {
        self.captures
            .iter()
            .filter(|(_, (_, kind))| *kind == MadeKind::Watched)
            .map(|(name, _)| name.as_str())
    }

    fn check(
        &mut self,
        usage: &Use,
        later: &[(String, Span)],
        policies: &[&str],
        findings: &mut Findings,
    ) {
        let name = usage.name.as_str();
        self.used.insert(name.to_owned());
        if self.lost.names.contains(name) {
            return;
        }
        let actors = || self.actors.iter().map(|actor| actor.name.as_str());
        let is_actor = actors().any(|actor| actor == name);
        let captured = self.captures.get(name).map(|(_, kind)| *kind);
        let sink = self.sinks.iter().find(|sink| sink.name == name);
        if let (Some(state), Some(_)) = (self.private.get(name), captured) {
            findings.error(
                "scenario/unknown-capture",
                format!("the state `{state}` keeps `{name}` to itself"),
                usage.span,
                "not one of its `outputs`",
                "add it to the `outputs` of the state",
            );
            return;
        }
        let (known, code, what): (Vec<&str>, _, _) = match usage.wanted {
            Wanted::Acting if is_actor || reserved(name).is_some() => return,
            Wanted::Acting => (
                actors().chain([ADMIN, ANONYMOUS]).collect(),
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
            Wanted::Actor if name == ANONYMOUS => {
                findings.error(
                    "scenario/unknown-actor",
                    "`anonymous` has no policy and is no row of the matrix",
                    usage.span,
                    "somebody without a login",
                    "say it in a step: `as: anonymous`, `expect: { status: 401 }`",
                );
                return;
            }
            Wanted::Sink(kind) => {
                let problem = match (sink, kind) {
                    (Some(sink), Some(kind)) if sink.kind != kind => Some(match kind {
                        SinkKind::Http => "of kind `websocket`, and not `http`",
                        SinkKind::Websocket => "of kind `http`, and not `websocket`",
                    }),
                    (Some(_), _) => return,
                    (None, _) => None,
                };
                match problem {
                    Some(problem) => findings.error(
                        "scenario/value",
                        format!("the sink `{name}` is {problem}"),
                        usage.span,
                        "another kind of sink",
                        "",
                    ),
                    None => {
                        let sinks: Vec<String> =
                            self.sinks.iter().map(|s| s.name.clone()).collect();
                        let what = ("scenario/unknown-sink", "sink");
                        self.report_unknown(usage, what, &sinks, findings);
                    }
                }
                return;
            }
            Wanted::Reference(field) if sink.is_some() => {
                let websocket = sink.is_some_and(|sink| sink.kind == SinkKind::Websocket);
                if field != Field::Reference || websocket {
                    findings.error(
                        "scenario/template",
                        if websocket {
                            format!("`{name}` is a WebSocket and has no address of its own")
                        } else {
                            format!("`{name}` is a sink and has only an address")
                        },
                        usage.span,
                        "a sink",
                        "",
                    );
                }
                return;
            }
            Wanted::Actor => (actors().collect(), "scenario/unknown-actor", "actor"),
            Wanted::Policy if policies.contains(&name) => return,
            Wanted::Policy => (policies.to_vec(), "scenario/unknown-policy", "policy"),
            Wanted::Capture if captured == Some(MadeKind::Watched) => return,
            Wanted::Capture if captured.is_some() => {
                let watched: Vec<&str> = self.watched().collect();
                findings.error(
                    "scenario/unknown-capture",
                    format!(
                        "`{name}` is not watched: only what a `create` or an `upsert` captured is, \
                         and no Binary, which cannot be searched"
                    ),
                    usage.span,
                    "captured, but not watched",
                    known_names(name, watched.iter().copied()),
                );
                return;
            }
            Wanted::Reference(field)
                if captured == Some(MadeKind::Value) && field == Field::Version =>
            {
                findings.error(
                    "scenario/template",
                    format!("`{name}` is a part of an answer and has no version"),
                    usage.span,
                    "a value",
                    format!("allowed: `${{{name}}}`, and `${{{name}.id}}` of a reference"),
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
            Wanted::Reference(_) if is_actor || captured.is_some() => return,
            Wanted::Reference(_) if reserved(name).is_some() => {
                findings.error(
                    "scenario/template",
                    format!("`{name}` is no resource"),
                    usage.span,
                    reserved(name).unwrap_or_default(),
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
                    self.watched().collect()
                } else {
                    actors()
                        .chain(self.captures.keys().map(String::as_str))
                        .collect()
                };
                (known, "scenario/unknown-capture", "resource")
            }
        };
        let known: Vec<String> = known.into_iter().map(str::to_owned).collect();
        self.report_unknown(usage, (code, what), &known, findings);
    }

    /// An unknown name is one mistake, however often it is used.
    fn report_unknown(
        &mut self,
        usage: &Use,
        (code, what): (&'static str, &str),
        known: &[String],
        findings: &mut Findings,
    ) {
        let name = usage.name.as_str();
        let is_new = self.unknown.insert(name.to_owned());
        if self.lost.any {
            return;
        }
        let message = format!("unknown {what} `{name}`");
        if is_new {
            let known = known.iter().map(String::as_str);
            findings.error(
                code,
                message,
                usage.span,
                format!("no such {what}"),
                known_names(name, known),
            );
        } else if let Some(first) = findings.list.iter_mut().find(|f| f.message == message) {
            *first = first.clone().with_label(usage.span, "and here");
        }
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
