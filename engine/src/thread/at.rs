//! The resource at hand in the second pass, and what the rules ask about it.

use serde_json::Value;

use super::index::coding_list;
use super::pool::Symbol;
use super::record::{Communication, Moment, Purpose, Role, Status, Task, has};
use super::reference::{items, references};
use super::threads::{Known, Threads};
use crate::policy::{Policy, Request};

/// A rule looks at so many versions of another resource, the newest first; with more, what was at an
/// older time counts as unknown.
pub(super) const MAX_VERSIONS: usize = 100;

/// The extension of a header that says who has read how far.
const READ_STATE: &str = "https://medplum.com/fhir/StructureDefinition/thread-read-state";

/// The code of SMS among the channels.
const SMS: &str = "SMSWRIT";

/// Somebody with a policy, for the rules about who sees what.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'p> {
    /// Who acts, `Type/id`.
    pub profile: &'p str,
    /// What they may do.
    pub policy: &'p Policy,
}

impl<'p> Actor<'p> {
    /// The member whom a policy was assembled for.
    pub fn of(policy: &'p Policy) -> Self {
        Actor {
            profile: policy.profile(),
            policy,
        }
    }

    /// Whether they may read a resource.
    pub fn reads(&self, resource: &Value) -> bool {
        self.policy.decide(&Request::Read(resource)).is_allowed()
    }
}

/// A resource with its keys.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    pub resource: &'a Value,
    pub known: Known<'a>,
    pub actors: &'a [Actor<'a>],
}

impl<'a> At<'a> {
    pub fn threads(&self) -> &'a Threads {
        self.known.threads
    }

    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.resource.get(name).and_then(Value::as_str)
    }

    pub fn has(&self, name: &str) -> bool {
        has(self.resource, name)
    }

    pub fn items(&self, name: &str) -> &'a [Value] {
        items(self.resource, name)
    }

    /// The references in a member, with their places.
    pub fn references(&self, name: &str) -> impl Iterator<Item = (usize, &'a str)> + use<'a> {
        references(self.resource, name)
    }

    /// The first reference in a member.
    pub fn reference(&self, name: &str) -> Option<&'a str> {
        self.references(name).next().map(|(_, text)| text)
    }

    /// The moment of a member.
    pub fn moment(&self, name: &str) -> Moment {
        Moment::of(self.resource.get(name))
    }

    pub fn status(&self) -> Status {
        self.known
            .communication()
            .map_or(Status::Invalid, |communication| communication.status)
    }

    pub fn communication(&self) -> Option<&'a Communication> {
        self.known.communication()
    }

    pub fn task(&self) -> Option<&'a Task> {
        self.known.task()
    }

    /// The header of the message at hand.
    pub fn header(&self) -> Option<Known<'a>> {
        self.known.header()
    }

    /// The message that a correction corrects.
    pub fn corrected(&self) -> Option<(Known<'a>, &'a Communication)> {
        if !self.communication()?.is_correction {
            return None;
        }
        let original = self.threads().known(self.reference("inResponseTo")?)?;
        Some((original, original.communication()?))
    }

    /// The thread header that the Task at hand focuses.
    pub fn focus(&self) -> Option<Known<'a>> {
        self.threads().known(self.reference("focus")?)
    }

    pub fn has_role(&self, role: Role) -> bool {
        self.known.has_role(role)
    }

    /// Whether the header at hand is one by its form alone: H-26 says it once, and the rules about
    /// each of the elements do not repeat it.
    pub fn is_bare_header(&self) -> bool {
        !(self.has("topic") || self.has("subject") || self.has("recipient"))
    }

    /// Whether a reroute has taken the participants of the header at hand away, or put the new
    /// owner in their place (H-24).
    pub fn is_rerouted(&self) -> bool {
        is_rerouted(self.known)
    }

    /// Whether it goes over SMS, the channel with identifiers of its own.
    pub fn is_by_sms(&self) -> bool {
        self.items("medium")
            .iter()
            .flat_map(|concept| coding_list(Some(concept)))
            .any(|coding| coding.get("code").and_then(Value::as_str) == Some(SMS))
    }

    /// The Encounter of the message at hand, if its header is known and is not linked to it.
    pub fn encounter_without_header(&self) -> Option<Symbol> {
        let encounter = self.communication()?.encounter?;
        let header = self.header()?.communication()?;
        (header.encounter != Some(encounter)).then_some(encounter)
    }

    /// The extensions that say who has read how far, with their places.
    pub fn read_states(&self) -> impl Iterator<Item = (usize, &'a Value)> + use<'a> {
        self.items("extension")
            .iter()
            .enumerate()
            .filter(|(_, block)| block.get("url").and_then(Value::as_str) == Some(READ_STATE))
    }

    /// The attachments of the payload, with the places of their entries.
    pub fn attachments(&self) -> impl Iterator<Item = (usize, &'a Value)> + use<'a> {
        self.items("payload")
            .iter()
            .enumerate()
            .filter_map(|(n, entry)| Some((n, entry.get("contentAttachment")?)))
    }

    /// Another Communication of the input with an identifier.
    pub fn another_with(
        &self,
        identifier: &str,
        counts: impl Fn(Known<'a>) -> bool,
    ) -> Option<Known<'a>> {
        let own = self.known;
        self.threads()
            .identified(identifier)
            .take(MAX_VERSIONS)
            .find(|other| {
                let is_same = other.place == own.place
                    || (other.record.id.is_some() && other.record.id == own.record.id);
                !is_same && counts(*other)
            })
    }

    /// Whether the Task at hand says who shall answer.
    pub fn is_routing(&self) -> bool {
        self.task()
            .is_some_and(|task| task.purpose == Purpose::Routing)
    }

    /// The routing Task at hand with the version before it.
    pub fn routing_versions(&self) -> Option<(&'a Task, &'a Task)> {
        let task = self.task().filter(|_| self.is_routing())?;
        Some((task, self.known.older()?.task()?))
    }

    /// Whether the Encounter at hand is the session of a thread.
    pub fn is_session(&self) -> bool {
        self.known.session_headers().next().is_some()
    }
}

/// The same of any header.
pub(super) fn is_rerouted(header: Known<'_>) -> bool {
    let recipients = header.communication().and_then(|header| header.recipients);
    let listed = header.threads.list(recipients);
    header.open_routing().any(|(_, task)| match task.owner {
        None => listed.is_empty(),
        Some(owner) => listed.len() <= 1 && listed.iter().all(|only| *only == owner),
    })
}

/// Whether H-10 says of somebody that they write and are not listed. It is asked of so many messages.
pub(super) fn writes_unlisted(header: Known<'_>, who: Symbol) -> bool {
    let Some(own) = header.communication() else {
        return false;
    };
    let is_listed = header
        .threads
        .list(own.recipients)
        .binary_search(&who)
        .is_ok();
    let is_sender = |message: Known<'_>| {
        message
            .communication()
            .is_some_and(|m| m.sender == Some(who))
    };
    let mut messages = header.messages().take(MAX_VERSIONS);
    !is_listed && !is_rerouted(header) && (own.sender == Some(who) || messages.any(is_sender))
}

/// `system|code` of a concept's codings that have both.
pub(super) fn codings_of(concept: &Value) -> impl Iterator<Item = String> + '_ {
    coding_list(Some(concept)).iter().filter_map(|coding| {
        let text = |name| coding.get(name).and_then(Value::as_str);
        Some(format!("{}|{}", text("system")?, text("code")?))
    })
}

/// The reference in a part of a complex extension.
pub(super) fn reference_in<'r>(extension: &'r Value, url: &str) -> Option<&'r str> {
    items(extension, "extension")
        .iter()
        .find(|part| part.get("url").and_then(Value::as_str) == Some(url))?
        .get("valueReference")?
        .get("reference")?
        .as_str()
}
