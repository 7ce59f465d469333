//! What a scenario did, in names that hold for every server and every run.
//!
//! ```yaml
//! profile: embedded
//! remove-jackie:
//!   outcome: 200
//!   sees:
//!     alice: [thread, m1]
//!     jackie:
//!       - m1
//!       - read-only-by-id: [m2]
//! alice-lists:
//!   outcome: 200
//!   matches: [m1]
//! ```

use std::sync::Arc;

use fhirward_engine::source::Source;
use serde_json::{Map, Value};

use super::noise::{NOISE, Noise, NoiseOf};
use super::verdict::Sight;
use super::widening::{Widened, Widening};
use crate::scenario::{Kind, Node};

/// The key under which accepted widenings stand.
pub const WIDENING: &str = "widening";
/// The key under which the server profile stands.
pub const PROFILE: &str = "profile";
pub(super) const READ_ONLY: &str = "read-only-by-id";
pub(super) const SEARCH_ONLY: &str = "search-only";

/// What a scenario did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// The server profile of the run that it was accepted from.
    pub profile: Option<String>,
    /// In the order of the plan.
    pub steps: Vec<StepSnapshot>,
    /// Widenings that somebody accepted, and why.
    pub widening: Vec<Widening>,
    /// What a comparison does not look at, and why.
    pub noise: Vec<Noise>,
}

/// What one step did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StepSnapshot {
    /// The step, or `given`.
    pub step: String,
    /// `200`, or `404 not-found`.
    pub outcome: Option<String>,
    /// What a search found.
    pub matches: Option<Vec<String>>,
    /// What the step asserts about the answer: the path, and what it selected as compact JSON.
    pub fields: Vec<(String, String)>,
    /// Who sees what afterwards.
    pub sees: Option<Vec<ActorSees>>,
}

/// What one actor sees. Names in the order of first appearance.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActorSees {
    /// Who.
    pub actor: String,
    /// By id and by search.
    pub visible: Vec<String>,
    /// By id only.
    pub read_only_by_id: Vec<String>,
    /// By search only.
    pub search_only: Vec<String>,
}

impl ActorSees {
    /// How a resource is seen.
    pub fn sight(&self, resource: &str) -> Sight {
        let within = |names: &[String]| names.iter().any(|name| name == resource);
        if within(&self.visible) {
            Sight::Visible
        } else {
            Sight::of(within(&self.read_only_by_id), within(&self.search_only))
        }
    }

    /// Adds a resource.
    pub fn add(&mut self, resource: &str, sight: Sight) {
        let list = match sight {
            Sight::Visible => &mut self.visible,
            Sight::ReadOnlyById => &mut self.read_only_by_id,
            Sight::SearchOnly => &mut self.search_only,
            Sight::Hidden => return,
        };
        list.push(resource.to_owned());
    }

    /// Every name in it.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.visible
            .iter()
            .chain(&self.read_only_by_id)
            .chain(&self.search_only)
            .map(String::as_str)
    }
}

/// Why a snapshot file says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct UnreadableSnapshot {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl Snapshot {
    /// The step of a name.
    pub fn step(&self, id: &str) -> Option<&StepSnapshot> {
        self.steps.iter().find(|step| step.step == id)
    }

    /// Reads a snapshot file.
    ///
    /// # Errors
    /// The first thing in it that no snapshot has.
    pub fn parse(source: &Arc<Source>) -> Result<Self, UnreadableSnapshot> {
        let node = Node::parse(source).map_err(|error| UnreadableSnapshot {
            file: source.name.clone(),
            line: error.line_column().map_or(1, |(line, _)| line),
            message: error.message,
        })?;
        Reader { source }.snapshot(&node)
    }
}

struct Reader<'s> {
    source: &'s Source,
}

impl Reader<'_> {
    fn error(&self, node: &Node, message: impl Into<String>) -> UnreadableSnapshot {
        UnreadableSnapshot {
            file: self.source.name.clone(),
            line: self.source.line_column(node.span.start).0,
            message: message.into(),
        }
    }

    fn members<'n>(
        &self,
        node: &'n Node,
        what: &str,
    ) -> Result<Vec<(&'n str, &'n Node)>, UnreadableSnapshot> {
        match &node.kind {
            Kind::Map(entries) => {
                let mut members: Vec<(&str, &Node)> = Vec::new();
                for entry in entries {
                    if members.iter().any(|(key, _)| *key == entry.key) {
                        let message = format!("`{}` stands twice", entry.key);
                        return Err(self.error(&entry.value, message));
                    }
                    members.push((&entry.key, &entry.value));
                }
                Ok(members)
            }
            Kind::Null => Ok(Vec::new()),
            _ => Err(self.error(node, format!("{what} must be a map"))),
        }
    }

    fn text(&self, node: &Node) -> Result<String, UnreadableSnapshot> {
        match &node.kind {
            Kind::Text(text) => Ok(text.clone()),
            Kind::Number(number) => Ok(number.as_str().to_owned()),
            _ => Err(self.error(node, "text is expected here")),
        }
    }

    /// What an assertion selected: a list is kept as compact JSON.
    fn field(&self, node: &Node) -> Result<String, UnreadableSnapshot> {
        match &node.kind {
            Kind::List(_) => Ok(self.json(node)?.to_string()),
            _ => self.text(node),
        }
    }

    fn json(&self, node: &Node) -> Result<Value, UnreadableSnapshot> {
        Ok(match &node.kind {
            Kind::Null => Value::Null,
            Kind::Bool(flag) => Value::Bool(*flag),
            Kind::Number(number) => Value::Number(number.clone()),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => items
                .iter()
                .map(|item| self.json(item))
                .collect::<Result<Value, _>>()?,
            Kind::Map(_) => {
                let mut members = Map::new();
                for (key, value) in self.members(node, "a value")? {
                    members.insert(key.to_owned(), self.json(value)?);
                }
                Value::Object(members)
            }
        })
    }

    fn items<'n>(&self, node: &'n Node) -> Result<&'n [Node], UnreadableSnapshot> {
        match &node.kind {
            Kind::List(items) => Ok(items),
            _ => Err(self.error(node, "a list is expected here")),
        }
    }

    fn names(&self, node: &Node) -> Result<Vec<String>, UnreadableSnapshot> {
        self.items(node)?
            .iter()
            .map(|item| self.text(item))
            .collect()
    }

    fn snapshot(&self, node: &Node) -> Result<Snapshot, UnreadableSnapshot> {
        let mut snapshot = Snapshot::default();
        for (key, value) in self.members(node, "a snapshot")? {
            if key == PROFILE {
                snapshot.profile = Some(self.text(value)?);
            } else if key == WIDENING {
                for item in self.items(value)? {
                    snapshot.widening.push(self.widening(item)?);
                }
            } else if key == NOISE {
                for item in self.items(value)? {
                    snapshot.noise.push(self.noise(item)?);
                }
            } else {
                snapshot.steps.push(self.step(key, value)?);
            }
        }
        Ok(snapshot)
    }

    fn step(&self, id: &str, node: &Node) -> Result<StepSnapshot, UnreadableSnapshot> {
        let mut step = StepSnapshot {
            step: id.to_owned(),
            ..StepSnapshot::default()
        };
        for (key, value) in self.members(node, "a step")? {
            match key {
                "outcome" => step.outcome = Some(self.text(value)?),
                "matches" => step.matches = Some(self.names(value)?),
                "fields" => {
                    for (path, value) in self.members(value, "`fields`")? {
                        step.fields.push((path.to_owned(), self.field(value)?));
                    }
                }
                "sees" => {
                    step.sees = Some(
                        self.members(value, "`sees`")?
                            .into_iter()
                            .map(|(actor, value)| self.actor(actor, value))
                            .collect::<Result<_, _>>()?,
                    );
                }
                _ => return Err(self.error(value, format!("`{key}` is no key of a step"))),
            }
        }
        Ok(step)
    }

    fn actor(&self, actor: &str, node: &Node) -> Result<ActorSees, UnreadableSnapshot> {
        let mut sees = ActorSees {
            actor: actor.to_owned(),
            ..ActorSees::default()
        };
        for item in self.items(node)? {
            if !matches!(item.kind, Kind::Map(_)) {
                sees.visible.push(self.text(item)?);
                continue;
            }
            for (key, value) in self.members(item, "an item")? {
                match key {
                    READ_ONLY => sees.read_only_by_id = self.names(value)?,
                    SEARCH_ONLY => sees.search_only = self.names(value)?,
                    _ => {
                        let message = format!("`{key}` is no way of seeing");
                        return Err(self.error(value, message));
                    }
                }
            }
        }
        Ok(sees)
    }

    fn widening(&self, node: &Node) -> Result<Widening, UnreadableSnapshot> {
        let (mut step, mut reason) = (String::new(), String::new());
        let (mut actor, mut resource) = (None, None);
        for (key, value) in self.members(node, "a widening")? {
            let text = self.text(value)?;
            match key {
                "step" => step = text,
                "actor" => actor = Some(text),
                "resource" => resource = Some(text),
                "reason" => reason = text,
                _ => {
                    return Err(self.error(value, format!("`{key}` is no key of a widening")));
                }
            }
        }
        if reason.trim().is_empty() {
            return Err(self.error(node, "a widening has no reason"));
        }
        let of = match (actor, resource) {
            (Some(actor), Some(resource)) => Widened::Sight { actor, resource },
            (None, Some(resource)) => Widened::Match { resource },
            (None, None) => Widened::Step,
            (Some(_), None) => {
                return Err(self.error(node, "a widening with an `actor` names a `resource`"));
            }
        };
        Ok(Widening { step, of, reason })
    }

    fn noise(&self, node: &Node) -> Result<Noise, UnreadableSnapshot> {
        let (mut step, mut of, mut reason) = (String::new(), None, String::new());
        for (key, value) in self.members(node, "noise")? {
            let text = self.text(value)?;
            match key {
                "step" => step = text,
                "of" => {
                    let message = format!("`{text}` is nothing of a step: outcome, order, field …");
                    of = Some(NoiseOf::parse(&text).ok_or_else(|| self.error(value, message))?);
                }
                "reason" => reason = text,
                _ => return Err(self.error(value, format!("`{key}` is no key of noise"))),
            }
        }
        let Some(of) = of else {
            return Err(self.error(node, "noise without `of`: outcome, order, field …"));
        };
        if reason.trim().is_empty() {
            return Err(self.error(node, "noise has no reason"));
        }
        Ok(Noise { step, of, reason })
    }
}
