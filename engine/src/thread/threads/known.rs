//! A resource among the others: what it points at, and what points at it.

use super::Threads;
use crate::thread::record::{Communication, Moment, Place, Record, Role, State, Task, What};

/// A resource of the input, by its keys.
#[derive(Debug, Clone, Copy)]
pub(in crate::thread) struct Known<'t> {
    pub threads: &'t Threads,
    pub place: Place,
    pub record: &'t Record,
}

impl<'t> Known<'t> {
    pub fn number(self) -> usize {
        usize::try_from(self.record.number).unwrap_or(usize::MAX)
    }

    /// How messages name it: type and id, or its number among the given resources. What stands in
    /// the place of an id may be anything that somebody wrote, and is not repeated.
    pub fn name(self) -> String {
        let is_id = |b: u8| b.is_ascii_alphanumeric() || b"-./_".contains(&b);
        let name = self.record.id.map(|id| self.threads.text(id));
        match name.filter(|name| name.bytes().all(is_id)) {
            Some(name) => name.to_owned(),
            None => format!("resource {}", self.number()),
        }
    }

    pub fn is_current(self) -> bool {
        self.record.state != State::Old
    }

    pub fn communication(self) -> Option<&'t Communication> {
        match &self.record.what {
            What::Communication(communication) => Some(communication),
            _ => None,
        }
    }

    pub fn task(self) -> Option<&'t Task> {
        match &self.record.what {
            What::Task(task) => Some(task),
            _ => None,
        }
    }

    pub fn has_role(self, role: Role) -> bool {
        self.communication().is_some_and(|c| c.role == role)
    }

    /// Whether it is the header of a thread: by its form, or because others are part of it, though
    /// it has what a header has not (H-01, H-02).
    pub fn is_header(self) -> bool {
        self.communication()
            .is_some_and(|c| c.role.is_header(|| self.has_parts()))
    }

    /// Whether it is a message, also one that lacks its payload (M-01) or its thread (M-02).
    pub fn is_message(self) -> bool {
        self.communication().is_some() && !self.is_header()
    }

    /// The version before this one.
    pub fn older(self) -> Option<Known<'t>> {
        self.record.older.and_then(|older| self.threads.at(older))
    }

    /// Whether there is no newer version of it.
    pub fn is_newest(self) -> bool {
        let newest = self.record.id.and_then(|id| self.threads.newest(id));
        newest.is_none_or(|newest| newest.place == self.place)
    }

    /// What was sent before it in the same thread.
    pub fn part_before(self) -> Option<Known<'t>> {
        let communication = self.communication()?;
        let threads = self.threads;
        let own = (communication.sent, self.place);
        let before = threads.parts.before(communication.parent?, |place| {
            let sent = threads.at(place).and_then(Known::communication);
            (sent.map_or(Moment::NONE, |other| other.sent), place) < own
        })?;
        threads.at(before)
    }

    /// All versions of the resource, the newest first.
    pub fn versions(self) -> impl Iterator<Item = Known<'t>> {
        let newest = self
            .record
            .id
            .and_then(|id| self.threads.newest(id))
            .unwrap_or(self);
        std::iter::successors(Some(newest), |known| known.older())
    }

    /// What its `partOf` points at, where that is among the resources.
    pub fn parent(self) -> Option<Known<'t>> {
        let parent = match &self.record.what {
            What::Communication(communication) => communication.parent,
            What::Encounter(encounter) => encounter.part_of,
            _ => None,
        };
        self.threads.newest(parent?)
    }

    /// The header of a message.
    pub fn header(self) -> Option<Known<'t>> {
        self.parent().filter(|parent| parent.is_header())
    }

    /// The Communications that are part of it, in the order of `sent`.
    pub fn parts(self) -> impl DoubleEndedIterator<Item = Known<'t>> {
        let threads = self.threads;
        let id = self.record.id.into_iter();
        id.flat_map(|id| threads.parts.of(id))
            .filter_map(|place| threads.at(place))
    }

    /// Whether a Communication is part of it.
    pub fn has_parts(self) -> bool {
        self.record.id.is_some_and(|id| self.threads.parts.has(id))
    }

    /// The messages among its parts.
    pub fn messages(self) -> impl DoubleEndedIterator<Item = Known<'t>> {
        self.parts().filter(|part| part.is_message())
    }

    /// The current Tasks that focus it.
    pub fn tasks(self) -> impl Iterator<Item = Known<'t>> {
        let threads = self.threads;
        let id = self.record.id.into_iter();
        id.flat_map(|id| threads.tasks.of(id))
            .filter_map(|place| threads.at(place))
    }

    /// The open Tasks that say who shall answer in this thread.
    pub fn open_routing(self) -> impl Iterator<Item = (Known<'t>, &'t Task)> {
        let threads = self.threads;
        let id = self.record.id.into_iter();
        id.flat_map(|id| threads.open_routing.of(id))
            .filter_map(|place| threads.at(place))
            .filter_map(|known| Some((known, known.task()?)))
    }

    /// The open reminders of this thread.
    pub fn open_reminders(self) -> impl Iterator<Item = Known<'t>> {
        let threads = self.threads;
        let id = self.record.id.into_iter();
        id.flat_map(|id| threads.open_reminders.of(id))
            .filter_map(|place| threads.at(place))
    }

    /// Of an Encounter: the Encounters that are part of it.
    pub fn inner_encounters(self) -> impl Iterator<Item = Known<'t>> {
        let threads = self.threads;
        let id = self.record.id.into_iter();
        id.flat_map(|id| threads.inner_encounters.of(id))
            .filter_map(|place| threads.at(place))
    }

    /// Of an Encounter: the headers that it is the session of.
    pub fn session_headers(self) -> impl Iterator<Item = Known<'t>> {
        let threads = self.threads;
        let id = self.record.id.into_iter();
        id.flat_map(|id| threads.sessions.of(id))
            .filter_map(|place| threads.at(place))
    }

    /// Whether a Provenance is about it.
    pub fn has_provenance(self) -> bool {
        self.record
            .id
            .is_some_and(|id| self.threads.provenances.has(id))
    }
}
