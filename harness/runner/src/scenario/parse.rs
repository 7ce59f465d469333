//! From the tree of a file to its parts, and to the list of names that they use.

use std::path::Path;
use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::{Source, Span};

use super::ADMIN;
use super::node::{Kind, Node};
use super::parse_actor::actor;
use super::parse_step::step;
use super::plan::{Actor, Step};
use super::read::{Fields, Findings};
use super::template::{Field, is_name};

const SCENARIO_KEYS: [&str; 7] = [
    "scenario", "title", "page", "about", "given", "actors", "steps",
];
const STATE_KEYS: [&str; 5] = ["state", "about", "given", "actors", "steps"];

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    Scenario,
    State,
}

/// A name that must exist where it is used.
#[derive(Debug, Clone)]
pub(crate) struct Use {
    pub(crate) wanted: Wanted,
    pub(crate) name: String,
    pub(crate) span: Span,
}

/// What the name must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Somebody who acts: an actor or the admin.
    Acting,
    /// A row of the matrix.
    Actor,
    /// A captured resource.
    Capture,
    /// An actor or a captured resource, and one of its texts.
    Reference(Field),
    /// A policy file.
    Policy,
}

/// A step, with the names that it uses.
#[derive(Debug, Clone)]
pub(crate) struct ParsedStep {
    pub(crate) step: Step,
    pub(crate) id_span: Span,
    pub(crate) capture_span: Option<Span>,
    /// Used before the step's own capture exists.
    pub(crate) before: Vec<Use>,
    /// Used after it exists.
    pub(crate) after: Vec<Use>,
}

/// An actor, with the names that it uses.
#[derive(Debug, Clone)]
pub(crate) struct ParsedActor {
    pub(crate) actor: Actor,
    pub(crate) uses: Vec<Use>,
}

/// A file by itself: names are not resolved yet.
#[derive(Debug, Clone)]
pub(crate) struct Parsed {
    pub(crate) source: Arc<Source>,
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) page: String,
    pub(crate) about: String,
    pub(crate) given: Option<(String, Span)>,
    pub(crate) actors: Vec<ParsedActor>,
    pub(crate) steps: Vec<ParsedStep>,
}

/// Reads a scenario or a state.
pub(crate) fn parse(source: &Arc<Source>, kind: FileKind) -> (Option<Parsed>, Vec<Diagnostic>) {
    let node = match Node::parse(source) {
        Ok(node) => node,
        Err(error) => return (None, vec![error]),
    };
    let mut findings = Findings::new(source);
    let parsed = file(&node, kind, &mut findings);
    (parsed, findings.list)
}

fn file(node: &Node, kind: FileKind, findings: &mut Findings) -> Option<Parsed> {
    let (what, id_key, keys): (_, _, &[&str]) = match kind {
        FileKind::Scenario => ("a scenario", "scenario", &SCENARIO_KEYS),
        FileKind::State => ("a state", "state", &STATE_KEYS),
    };
    let fields = Fields::read(node, what, keys, findings);
    if !matches!(node.kind, Kind::Map(_)) {
        return None;
    }
    let id = fields.require_text(id_key, findings);
    if let (Some(id), Some(entry)) = (&id, fields.entry(id_key)) {
        same_as_stem(id, entry.value.span, id_key, findings);
    }
    let (title, page) = if kind == FileKind::Scenario {
        let title = fields.require_text("title", findings);
        (title, fields.require_text("page", findings))
    } else {
        (None, None)
    };
    let about = fields.optional_text("about", findings);
    let given = fields.get("given").and_then(|node| {
        let name = findings.text(node, "`given`")?;
        Some((name, node.span))
    });
    let mut actors = Vec::new();
    if let Some(node) = fields.get("actors") {
        for entry in findings.map(node, "`actors`") {
            if entry.key == ADMIN {
                findings.error(
                    "scenario/name",
                    "`admin` is always there and cannot be declared",
                    entry.key_span,
                    "the project admin",
                    "give the actor another name",
                );
            } else if is_valid_name(&entry.key, entry.key_span, "an actor", findings)
                && let Some(parsed) = actor(&entry.key, entry.key_span, &entry.value, findings)
            {
                actors.push(parsed);
            }
        }
    }
    let default_actor = (kind == FileKind::State).then_some(ADMIN);
    let mut steps = Vec::new();
    let list = if kind == FileKind::Scenario {
        fields.require("steps", findings)
    } else {
        fields.get("steps")
    };
    if let Some(node) = list {
        for item in findings.list(node, "`steps`") {
            steps.extend(step(item, default_actor, findings));
        }
    }
    Some(Parsed {
        source: Arc::clone(&findings.source),
        id: id.unwrap_or_default(),
        title: title.unwrap_or_default(),
        page: page.unwrap_or_default(),
        about: about.unwrap_or_default().trim().to_owned(),
        given,
        actors,
        steps,
    })
}

fn same_as_stem(id: &str, span: Span, key: &str, findings: &mut Findings) {
    let stem = Path::new(&findings.source.name)
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default()
        .to_owned();
    if stem != id {
        findings.error(
            "scenario/name",
            format!("`{key}: {id}` stands in a file called `{stem}`"),
            span,
            "not the file's name",
            format!("write `{key}: {stem}`, or rename the file"),
        );
    }
}

pub(super) fn is_valid_name(name: &str, span: Span, what: &str, findings: &mut Findings) -> bool {
    if is_name(name) {
        return true;
    }
    findings.error(
        "scenario/name",
        format!("`{name}` cannot name {what}"),
        span,
        "not a name",
        "a name is letters, digits, `-` and `_`, and starts with a letter",
    );
    false
}
