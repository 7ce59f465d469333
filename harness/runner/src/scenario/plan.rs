//! The checked plan: plain data that a run follows.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use fhirward_engine::source::{Source, Span};
use serde_json::Value;
use serde_json_path::JsonPath;

use super::suite::SnapshotFile;
use super::template::Template;

/// One flow: who acts, what is given, what happens, what is expected.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The flow's name; the file's stem.
    pub id: String,
    /// For people.
    pub title: String,
    /// The documentation page that promises it.
    pub page: String,
    /// Why anybody should care.
    pub about: String,
    /// The file.
    pub file: PathBuf,
    /// Its text.
    pub source: Arc<Source>,
    /// The actors of the given states and its own, in the order they are written. Without the
    /// admin.
    pub actors: Vec<Actor>,
    /// The steps of the given states, in order.
    pub given: Vec<Step>,
    /// The steps.
    pub steps: Vec<Step>,
    /// The snapshot beside the file, where there is one.
    pub snapshot: Option<SnapshotFile>,
}

impl Scenario {
    /// The names of the policies that it uses, sorted, each once.
    pub fn policies(&self) -> Vec<&str> {
        let granted = self.given.iter().chain(&self.steps).filter_map(|step| {
            if let Action::Grant { access, .. } = &step.action {
                Some(access)
            } else {
                None
            }
        });
        let mut names: Vec<&str> = self
            .actors
            .iter()
            .map(|actor| &actor.access)
            .chain(granted)
            .flatten()
            .map(|access| access.policy.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The actor of a name.
    pub fn actor(&self, name: &str) -> Option<&Actor> {
        self.actors.iter().find(|actor| actor.name == name)
    }

    /// The file of its snapshot, whether it exists or not.
    pub fn snapshot_path(&self) -> PathBuf {
        self.file.with_extension("snap.yaml")
    }
}

/// Somebody with a profile resource, a login and policies.
#[derive(Debug, Clone)]
pub struct Actor {
    /// What steps call them.
    pub name: String,
    /// The type of the profile resource.
    pub profile: ProfileType,
    /// The name on the profile resource.
    pub display: String,
    /// What the membership grants.
    pub access: Vec<Access>,
    /// For a RelatedPerson, the actor whose relative they are.
    pub patient: Option<String>,
    /// Where they stand in `source`.
    pub span: Span,
    /// The file they stand in.
    pub source: Arc<Source>,
}

/// A policy, with the values of its parameters.
#[derive(Debug, Clone)]
pub struct Access {
    /// The stem of a file in `policies/`.
    pub policy: String,
    /// Name and value. A value of the form `Type/id` becomes a reference.
    pub parameters: Vec<(String, Template)>,
}

/// The kinds of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileType {
    /// A clinician.
    Practitioner,
    /// A patient.
    Patient,
    /// A relative of a patient.
    RelatedPerson,
}

impl ProfileType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Practitioner, Self::Patient, Self::RelatedPerson];

    /// The resource type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Practitioner => "Practitioner",
            Self::Patient => "Patient",
            Self::RelatedPerson => "RelatedPerson",
        }
    }
}

impl fmt::Display for ProfileType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One thing that one actor does.
#[derive(Debug, Clone)]
pub struct Step {
    /// Unique in the scenario.
    pub id: String,
    /// For people.
    pub title: Option<String>,
    /// Who does it.
    pub actor: String,
    /// What.
    pub action: Action,
    /// `If-Match`, the bare version.
    pub if_match: Option<Template>,
    /// The name that the answer gets.
    pub capture: Option<String>,
    /// What the answer must be.
    pub expect: Expect,
    /// Who must see what afterwards.
    pub see: Vec<Claim>,
    /// Where it stands in `source`.
    pub span: Span,
    /// The file it stands in.
    pub source: Arc<Source>,
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
    /// `GET Type/id`.
    Read(Template),
    /// `GET Type/id/_history/version`.
    Vread(Template),
    /// `GET Type/id/_history`.
    History(Template),
    /// `PUT Type/id`.
    Update {
        /// The reference.
        target: Template,
        /// The resource, with templates in its strings.
        body: Value,
    },
    /// `PATCH Type/id`, JSON Patch.
    Patch {
        /// The reference.
        target: Template,
        /// The operations, with templates in their strings.
        body: Value,
    },
    /// `DELETE Type/id`.
    Delete(Template),
    /// `GET Type?query`.
    Search(Template),
    /// The harness changes somebody's membership.
    Grant {
        /// Whose.
        actor: String,
        /// What it grants afterwards, and nothing else.
        access: Vec<Access>,
    },
}

impl Action {
    /// The keys of the language.
    pub const VERBS: [&'static str; 9] = [
        "create", "read", "vread", "history", "update", "patch", "delete", "search", "grant",
    ];

    /// The key that makes it.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Read(_) => "read",
            Self::Vread(_) => "vread",
            Self::History(_) => "history",
            Self::Update { .. } => "update",
            Self::Patch { .. } => "patch",
            Self::Delete(_) => "delete",
            Self::Search(_) => "search",
            Self::Grant { .. } => "grant",
        }
    }

    /// What the verb is done to, as written in the file.
    pub fn target(&self) -> &str {
        match self {
            Self::Create { resource_type, .. } => resource_type,
            Self::Read(t)
            | Self::Vread(t)
            | Self::History(t)
            | Self::Delete(t)
            | Self::Search(t)
            | Self::Update { target: t, .. }
            | Self::Patch { target: t, .. } => t.text(),
            Self::Grant { actor, .. } => actor,
        }
    }

    /// Whether it can change what anybody sees.
    pub fn changes(&self) -> bool {
        matches!(
            self,
            Self::Create { .. }
                | Self::Update { .. }
                | Self::Patch { .. }
                | Self::Delete(_)
                | Self::Grant { .. }
        )
    }
}

/// What the answer to a step must be.
#[derive(Debug, Clone)]
pub struct Expect {
    /// The status.
    pub status: ExpectedStatus,
    /// The code of the first issue of the OperationOutcome.
    pub outcome: Option<String>,
    /// What the body must hold.
    pub body: Vec<Assertion>,
    /// The names of exactly the resources that a search must find.
    pub matches: Option<Vec<String>>,
    /// Whether in this order.
    pub order: bool,
}

/// The statuses that satisfy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedStatus {
    /// 200 to 299.
    Success,
    /// This one.
    Exactly(u16),
    /// Any way of not showing it: 403, 404, 410, or a search without it.
    Hidden,
    /// Refused: 403, or what the server profile calls a refusal.
    Denied,
}

impl ExpectedStatus {
    /// Whether it says that the actor must not get through.
    pub fn is_denial(self) -> bool {
        match self {
            Self::Success => false,
            Self::Exactly(status) => matches!(status, 401 | 403 | 404 | 410),
            Self::Hidden | Self::Denied => true,
        }
    }
}

impl fmt::Display for ExpectedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success => f.write_str("success (2xx)"),
            Self::Exactly(status) => write!(f, "{status}"),
            Self::Hidden => f.write_str("hidden"),
            Self::Denied => f.write_str("denied"),
        }
    }
}

/// A JSONPath and what it must select.
#[derive(Debug, Clone)]
pub struct Assertion {
    /// As written.
    pub text: String,
    /// Compiled.
    pub path: JsonPath,
    /// A list is compared with the list of what is selected, anything else with the only thing
    /// selected. Templates in its strings.
    pub expected: Value,
}

/// One cell of the matrix that the scenario itself fixes.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Who.
    pub actor: String,
    /// A capture.
    pub resource: String,
    /// Whether they must see it.
    pub visible: bool,
}
