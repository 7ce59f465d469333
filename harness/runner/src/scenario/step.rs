//! A checked step: who does what.

use std::sync::Arc;
use std::time::Duration;

use fhirward_engine::source::{Source, Span};
use serde_json::Value;

use super::expectation::{Assertion, Claim, Expect};
use super::path::Path;
use super::plan::Access;
use super::template::Template;
use crate::client::Need;

/// One thing that one actor does.
#[derive(Debug, Clone)]
pub struct Step {
    /// Unique in the scenario.
    pub id: String,
    /// For people.
    pub title: Option<String>,
    /// Who does it; for what nobody asks a server, `harness`.
    pub actor: String,
    /// What.
    pub action: Action,
    /// What goes along with the request.
    pub extras: Extras,
    /// The names that the answer, or parts of it, get.
    pub captures: Vec<Capture>,
    /// What the server must offer for this step.
    pub needs: Vec<Need>,
    /// Whether it only finds out: recorded, and never a failure.
    pub probe: bool,
    /// Whether one look is enough.
    pub patience: Patience,
    /// What the answer must be.
    pub expect: Expect,
    /// Who must see what afterwards.
    pub see: Vec<Claim>,
    /// Where it stands in `source`.
    pub span: Span,
    /// The file it stands in.
    pub source: Arc<Source>,
}

impl Step {
    /// The name of the whole answer.
    pub fn whole(&self) -> Option<&str> {
        self.captures
            .iter()
            .find(|capture| capture.path.is_none())
            .map(|capture| capture.name.as_str())
    }

    /// All names that it brings about, those of its entries included.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let entries = match &self.action {
            Action::Bundle { entries, .. } => entries.as_slice(),
            _ => &[],
        };
        let own = self.captures.iter().map(|capture| capture.name.as_str());
        own.chain(entries.iter().filter_map(|entry| entry.capture.as_deref()))
    }
}

/// What an answer, or a part of it, is called.
#[derive(Debug, Clone)]
pub struct Capture {
    /// The name.
    pub name: String,
    /// Which part; nothing for the resource as a whole.
    pub path: Option<Path>,
}

/// What goes along with a request.
#[derive(Debug, Clone, Default)]
pub struct Extras {
    /// `If-Match`, the bare version.
    pub if_match: Option<Template>,
    /// `If-None-Exist`, a search.
    pub if_none_exist: Option<Template>,
    /// Other headers.
    pub headers: Vec<(String, Template)>,
}

impl Extras {
    /// Whether nothing goes along.
    pub fn is_empty(&self) -> bool {
        self.if_match.is_none() && self.if_none_exist.is_none() && self.headers.is_empty()
    }
}

/// How long an expectation may take to be met, or has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// At once.
    None,
    /// It is met sooner or later.
    Eventually {
        /// At the latest after this time.
        within: Duration,
        /// How long to wait between two looks.
        every: Duration,
    },
    /// It is met all the time.
    Throughout {
        /// For how long.
        window: Duration,
        /// How long to wait between two looks.
        every: Duration,
    },
}

/// What a request carries that is no FHIR resource of its own.
#[derive(Debug, Clone)]
pub struct Content {
    /// The media type.
    pub media_type: String,
    /// The bytes.
    pub payload: Payload,
}

/// The bytes of a body.
#[derive(Debug, Clone)]
pub enum Payload {
    /// JSON, with templates in its strings.
    Json(Value),
    /// A text with templates.
    Text(Template),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// An entry of a batch or transaction.
#[derive(Debug, Clone)]
pub struct Entry {
    /// One of create, read, update, upsert, patch, delete and search.
    pub action: Action,
    /// `If-Match` and `If-None-Exist`.
    pub extras: Extras,
    /// The name of the resource in its response; for other entries of a transaction its `fullUrl`.
    pub capture: Option<String>,
    /// What its response must be.
    pub expect: Expect,
}

/// Somebody who takes part in a race.
#[derive(Debug, Clone)]
pub struct Racer {
    /// Who.
    pub actor: String,
    /// What.
    pub action: Action,
    /// What goes along with the request.
    pub extras: Extras,
    /// What it must get, whoever wins; left out, it wins or loses.
    pub expect: Option<Expect>,
}

impl Racer {
    /// Whether it may win or lose: not who only looks, and says what they must see.
    pub fn competes(&self) -> bool {
        self.expect.is_none() || self.action.changes()
    }
}

/// The verbs.
#[derive(Debug, Clone)]
pub enum Action {
    /// `POST Type`.
    Create {
        /// The resource type.
        resource_type: String,
        /// The resource, with templates in its strings.
        body: Value,
    },
    /// `POST Type` with something that is no resource, as for a Binary.
    Upload {
        /// The resource type.
        resource_type: String,
        /// What is uploaded.
        content: Content,
    },
    /// `GET Type/id`.
    Read(Template),
    /// `GET Type/id/_history/version`.
    Vread(Template),
    /// `GET Type/id/_history` or `GET Type/_history`, with all its pages.
    History(Template),
    /// `PUT Type/id`, or `PUT Type?query`.
    Update {
        /// The reference, or the search.
        target: Template,
        /// The resource, with templates in its strings.
        body: Value,
    },
    /// `PUT Type?query`, which creates where nothing is found.
    Upsert {
        /// The search.
        target: Template,
        /// The resource, with templates in its strings.
        body: Value,
    },
    /// `PATCH Type/id`, or `PATCH Type?query`, JSON Patch.
    Patch {
        /// The reference, or the search.
        target: Template,
        /// The operations, with templates in their strings.
        body: Value,
    },
    /// `DELETE Type/id`, or `DELETE Type?query`.
    Delete(Template),
    /// `GET Type?query`, with all its pages.
    Search(Template),
    /// `POST [base]` with a Bundle.
    Bundle {
        /// Whether all of it happens or nothing.
        transaction: bool,
        /// The entries.
        entries: Vec<Entry>,
    },
    /// `POST [target/]$name`, or `GET` where nothing but a look is meant.
    Operation {
        /// `$name`, `Type/$name` or `Type/id/$name`.
        target: Template,
        /// The Parameters, or another resource.
        body: Option<Value>,
    },
    /// Any request.
    Raw {
        /// The method.
        method: String,
        /// Relative to the FHIR base; with a slash at its front, to the root of the server.
        target: Template,
        /// The body.
        content: Option<Content>,
    },
    /// The harness changes somebody's membership.
    Grant {
        /// Whose.
        actor: String,
        /// What it grants afterwards, and nothing else.
        access: Vec<Access>,
    },
    /// Several at the same time.
    Race(Vec<Racer>),
    /// Binds a WebSocket to a Subscription.
    Subscribe {
        /// The Subscription.
        subscription: Template,
        /// The sink that takes the notifications.
        sink: String,
    },
    /// Waits for what the server sends.
    Await(Delivery),
}

/// What is waited for.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Where.
    pub sink: String,
    /// What it must hold to count.
    pub matching: Vec<Assertion>,
    /// How many; with 0 there must be none in all the time.
    pub count: usize,
    /// At the latest after this time.
    pub within: Duration,
}

impl Action {
    /// The keys of the language.
    pub const VERBS: [&'static str; 17] = [
        "create",
        "read",
        "vread",
        "history",
        "update",
        "upsert",
        "patch",
        "delete",
        "search",
        "batch",
        "transaction",
        "operation",
        "request",
        "grant",
        "race",
        "subscribe",
        "await",
    ];

    /// The key that makes it.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Create { .. } | Self::Upload { .. } => "create",
            Self::Read(_) => "read",
            Self::Vread(_) => "vread",
            Self::History(_) => "history",
            Self::Update { .. } => "update",
            Self::Upsert { .. } => "upsert",
            Self::Patch { .. } => "patch",
            Self::Delete(_) => "delete",
            Self::Search(_) => "search",
            Self::Bundle {
                transaction: true, ..
            } => "transaction",
            Self::Bundle { .. } => "batch",
            Self::Operation { .. } => "operation",
            Self::Raw { .. } => "request",
            Self::Grant { .. } => "grant",
            Self::Race(_) => "race",
            Self::Subscribe { .. } => "subscribe",
            Self::Await(_) => "await",
        }
    }

    /// What the verb is done to, as written in the file.
    pub fn target(&self) -> String {
        match self {
            Self::Create { resource_type, .. } | Self::Upload { resource_type, .. } => {
                resource_type.clone()
            }
            Self::Read(t)
            | Self::Vread(t)
            | Self::History(t)
            | Self::Delete(t)
            | Self::Search(t)
            | Self::Update { target: t, .. }
            | Self::Upsert { target: t, .. }
            | Self::Patch { target: t, .. }
            | Self::Operation { target: t, .. }
            | Self::Subscribe {
                subscription: t, ..
            } => t.text().to_owned(),
            Self::Raw { method, target, .. } => format!("{method} {}", target.text()),
            Self::Grant { actor, .. } => actor.clone(),
            Self::Bundle { entries, .. } => list(entries.iter().map(|entry| &entry.action)),
            Self::Race(racers) => list(racers.iter().map(|racer| &racer.action)),
            Self::Await(delivery) => delivery.sink.clone(),
        }
    }

    /// Whether it can change what anybody sees.
    pub fn changes(&self) -> bool {
        match self {
            Self::Create { .. }
            | Self::Upload { .. }
            | Self::Update { .. }
            | Self::Upsert { .. }
            | Self::Patch { .. }
            | Self::Delete(_)
            | Self::Grant { .. }
            | Self::Operation { body: Some(_), .. } => true,
            Self::Bundle { entries, .. } => entries.iter().any(|entry| entry.action.changes()),
            Self::Race(racers) => racers.iter().any(|racer| racer.action.changes()),
            Self::Raw { method, .. } => !matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS"),
            Self::Read(_)
            | Self::Vread(_)
            | Self::History(_)
            | Self::Search(_)
            | Self::Operation { .. }
            | Self::Subscribe { .. }
            | Self::Await(_) => false,
        }
    }

    /// Whether a success may have created something.
    pub fn creates(&self) -> bool {
        match self {
            Self::Create { .. } | Self::Upload { .. } | Self::Upsert { .. } => true,
            Self::Race(racers) => racers.iter().all(|racer| racer.action.creates()),
            _ => false,
        }
    }

    /// What a success of it is about, where the file tells: the type of the resource.
    pub fn resource_type(&self) -> Option<&str> {
        match self {
            Self::Create { resource_type, .. } | Self::Upload { resource_type, .. } => {
                Some(resource_type)
            }
            Self::Upsert { target, .. } => target.text().split('?').next(),
            Self::Race(racers) => racers
                .first()
                .and_then(|racer| racer.action.resource_type()),
            _ => None,
        }
    }
}

fn list<'a>(actions: impl Iterator<Item = &'a Action>) -> String {
    let words: Vec<String> = actions
        .map(|action| format!("{} {}", action.verb(), action.target()))
        .collect();
    words.join(", ")
}
