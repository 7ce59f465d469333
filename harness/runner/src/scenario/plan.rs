//! The checked plan: plain data that a run follows.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::step::{Action, Step};
use super::suite::SnapshotFile;
use super::template::Template;
use crate::client::Need;
use fhirward_engine::source::{Source, Span};

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
    /// What the server must offer, those of the given states included. Without, nothing is played.
    pub needs: Vec<Need>,
    /// The state that it starts from.
    pub state: Option<String>,
    /// That state, played once in a run for all scenarios that share it. It has no steps of its
    /// own, and its actors are the first of this scenario.
    pub shares: Option<Arc<Scenario>>,
    /// Where the server sends messages to.
    pub sinks: Vec<Sink>,
    /// The actors of the given states and its own, in the order they are written. Without the
    /// admin.
    pub actors: Vec<Actor>,
    /// The steps of the given states, in order.
    pub given: Vec<Step>,
    /// The steps.
    pub steps: Vec<Step>,
    /// The snapshot beside the file, where there is one.
    pub snapshot: Option<SnapshotFile>,
    /// The snapshots of server profiles on which it goes otherwise, by the profile's name in the
    /// file's name.
    pub profile_snapshots: BTreeMap<String, SnapshotFile>,
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

    /// The file of its snapshot for one server profile, whether it exists or not.
    pub fn profile_snapshot_path(&self, profile: &str) -> PathBuf {
        let stem = self.file.file_stem().unwrap_or_default().to_string_lossy();
        let name = format!("{stem}@{}.snap.yaml", in_file_name(profile));
        self.file.with_file_name(name)
    }

    /// What a run on a server profile is compared with: the profile's own snapshot where there is
    /// one, else the common one.
    pub fn accepted(&self, profile: &str) -> Option<&SnapshotFile> {
        let own = self.profile_snapshots.get(&in_file_name(profile));
        own.or(self.snapshot.as_ref())
    }
}

/// A profile in the name of a file. Those that somebody wrote may have any name.
pub(crate) fn in_file_name(profile: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    profile
        .chars()
        .map(|c| if plain(c) { c } else { '-' })
        .collect()
}

/// A place that takes what the server sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sink {
    /// What steps call it; as `${name}` its address.
    pub name: String,
    /// How messages arrive.
    pub kind: SinkKind,
    /// The statuses of the answers, one after the other; the last one stays.
    pub replies: Vec<u16>,
}

/// How messages arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkKind {
    /// The server posts to a URL.
    Http,
    /// The server writes into a WebSocket that a `subscribe` step has bound.
    Websocket,
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
    /// The name of credentials that exist already; then nothing is provisioned for them.
    pub credentials: Option<String>,
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
    /// A program, like a bot: the login stands for itself.
    ClientApplication,
}

impl ProfileType {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Practitioner,
        Self::Patient,
        Self::RelatedPerson,
        Self::ClientApplication,
    ];

    /// The resource type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Practitioner => "Practitioner",
            Self::Patient => "Patient",
            Self::RelatedPerson => "RelatedPerson",
            Self::ClientApplication => "ClientApplication",
        }
    }
}

impl fmt::Display for ProfileType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
