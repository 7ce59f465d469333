//! From the tree of a file to its parts, and to the list of names that they use.

use std::path::Path;
use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::{Source, Span};

use super::node::{Entry, Kind, Node};
use super::parse_actor::actor;
use super::parse_step::needs;
use super::parse_step::step;
use super::plan::{Actor, Sink, SinkKind};
use super::read::{Fields, Findings, Lost};
use super::step::Step;
use super::template::{Field, is_name};
use super::{ADMIN, ANONYMOUS, vocabulary};
use crate::client::Need;

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
    /// A sink of a kind, or of any.
    Sink(Option<SinkKind>),
}

/// A name that a step brings about.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) kind: MadeKind,
}

/// What the name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MadeKind {
    /// A resource that everybody looks at.
    Watched,
    /// A resource.
    Resource,
    /// A part of an answer.
    Value,
}

/// A step, with the names that it uses.
#[derive(Debug, Clone)]
pub(crate) struct ParsedStep {
    pub(crate) step: Step,
    pub(crate) id_span: Span,
    pub(crate) verb_span: Span,
    pub(crate) made: Vec<Made>,
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

/// The state that a file builds on.
#[derive(Debug, Clone)]
pub(crate) struct ParsedGiven {
    pub(crate) state: String,
    pub(crate) span: Span,
    /// Where it says that others may use it at the same time.
    pub(crate) share: Option<Span>,
}

/// A file by itself: names are not resolved yet.
#[derive(Debug, Clone)]
pub(crate) struct Parsed {
    pub(crate) source: Arc<Source>,
    pub(crate) is_state: bool,
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) page: String,
    pub(crate) about: String,
    pub(crate) needs: Vec<Need>,
    pub(crate) given: Option<ParsedGiven>,
    pub(crate) outputs: Option<Vec<(String, Span)>>,
    pub(crate) sinks: Vec<(Sink, Span)>,
    pub(crate) actors: Vec<ParsedActor>,
    /// Where it says that the admin acts too.
    pub(crate) uses_admin: Option<Span>,
    pub(crate) steps: Vec<ParsedStep>,
    /// What could not be read.
    pub(crate) lost: Lost,
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
    let (id_key, object) = match kind {
        FileKind::Scenario => ("scenario", &vocabulary::SCENARIO),
        FileKind::State => ("state", &vocabulary::STATE),
    };
    let fields = Fields::read(node, object, findings);
    if !matches!(node.kind, Kind::Map(_)) {
        return None;
    }
    // It may be any of the keys that declare names.
    findings.lost.any |= fields.is_strange();
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
    let needs = needs(&fields, findings);
    let given = fields.get("given").and_then(|node| {
        let given = given(node, kind, findings);
        findings.lost.any |= given.is_none();
        given
    });
    let outputs = fields.get("outputs").map(|node| outputs(node, findings));
    let mut sinks = Vec::new();
    if let Some(node) = fields.get("sinks").filter(|_| kind == FileKind::Scenario) {
        for entry in findings.map(node, "`sinks`") {
            let faults = findings.list.len();
            if is_valid_name(&entry.key, entry.key_span, "a sink", findings) {
                sinks.push((sink(&entry.key, &entry.value, findings), entry.key_span));
            }
            if findings.list.len() > faults {
                findings.lost.names.insert(entry.key.clone());
            }
        }
    }
    let mut actors = Vec::new();
    if let Some(node) = fields.get("actors") {
        findings.lost.any |= !matches!(node.kind, Kind::Map(_));
        for entry in findings.map(node, "`actors`") {
            if let Some(who) = reserved(&entry.key) {
                findings.error(
                    "scenario/name",
                    format!("`{}` is always there and cannot be declared", entry.key),
                    entry.key_span,
                    who,
                    "give the actor another name",
                );
            } else if is_valid_name(&entry.key, entry.key_span, "an actor", findings)
                && let Some(parsed) = actor(&entry.key, entry.key_span, &entry.value, findings)
            {
                actors.push(parsed);
            } else {
                findings.lost.names.insert(entry.key.clone());
            }
        }
    }
    // Whoever writes another word there has said that the admin acts.
    let declares = |entry: &&Entry| !matches!(entry.value.kind, Kind::Bool(false));
    let uses_admin = fields.entry("uses-admin").filter(declares);
    let uses_admin = uses_admin.map(|entry| entry.key_span);
    fields.flag("uses-admin", findings);
    let default_actor = (kind == FileKind::State).then_some(ADMIN);
    let mut steps = Vec::new();
    let list = if kind == FileKind::Scenario {
        fields.require("steps", findings)
    } else {
        fields.get("steps")
    };
    if let Some(node) = list {
        findings.lost.any |= !matches!(node.kind, Kind::List(_));
        for item in findings.list(node, "`steps`") {
            steps.extend(step(item, default_actor, findings));
        }
    }
    Some(Parsed {
        source: Arc::clone(&findings.source),
        is_state: kind == FileKind::State,
        id: id.unwrap_or_default(),
        title: title.unwrap_or_default(),
        page: page.unwrap_or_default(),
        about: about.unwrap_or_default().trim().to_owned(),
        needs,
        given,
        outputs,
        sinks,
        actors,
        uses_admin,
        steps,
        lost: std::mem::take(&mut findings.lost),
    })
}

fn given(node: &Node, kind: FileKind, findings: &mut Findings) -> Option<ParsedGiven> {
    if kind == FileKind::State || !matches!(node.kind, Kind::Map(_)) {
        return Some(ParsedGiven {
            state: findings.text(node, "`given`")?,
            span: node.span,
            share: None,
        });
    }
    let fields = Fields::read(node, &vocabulary::SHARED, findings);
    let state = fields.require("state", findings)?;
    let shares = fields.flag("share", findings);
    Some(ParsedGiven {
        state: findings.text(state, "`state`")?,
        span: state.span,
        share: fields
            .entry("share")
            .filter(|_| shares)
            .map(|entry| entry.key_span),
    })
}

/// What a name that needs no declaration stands for.
pub(super) fn reserved(name: &str) -> Option<&'static str> {
    match name {
        ADMIN => Some("the project admin"),
        ANONYMOUS => Some("somebody without a login"),
        _ => None,
    }
}

fn outputs(node: &Node, findings: &mut Findings) -> Vec<(String, Span)> {
    let mut names = Vec::new();
    for entry in findings.map(node, "`outputs`") {
        findings.text(&entry.value, &format!("what `{}` stands for", entry.key));
        names.push((entry.key.clone(), entry.key_span));
    }
    names
}

fn sink(name: &str, node: &Node, findings: &mut Findings) -> Sink {
    let mut sink = Sink {
        name: name.to_owned(),
        kind: SinkKind::Http,
        replies: Vec::new(),
    };
    // `inbox:` alone is a sink with nothing to say about it.
    if matches!(node.kind, Kind::Null) {
        return sink;
    }
    let fields = Fields::read(node, &vocabulary::SINK, findings);
    if let Some(node) = fields.get("kind")
        && let Some(word) = findings.text(node, "`kind`")
    {
        match word.as_str() {
            "http" => {}
            "websocket" => sink.kind = SinkKind::Websocket,
            _ => findings.error(
                "scenario/value",
                format!("`{word}` is no kind of sink"),
                node.span,
                "not a kind",
                super::read::known_names(&word, ["http", "websocket"]),
            ),
        }
    }
    if let Some(node) = fields.get("replies") {
        for item in findings.list(node, "`replies`") {
            sink.replies.extend(super::parse_expect::number(
                item,
                "a reply",
                200..=599,
                findings,
            ));
        }
        if sink.kind == SinkKind::Websocket {
            findings.error(
                "scenario/value",
                "nobody answers over a WebSocket",
                node.span,
                "goes with `kind: http`",
                "",
            );
        }
    }
    sink
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
