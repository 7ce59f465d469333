//! The thread model: what belongs to what, by keys.

mod known;

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::groups::Groups;
use super::index::ThreadIndex;
use super::pool::{Pool, Symbol};
use super::record::{Moment, Place, Purpose, Record, Role, State, Status, What, hash64};
use super::reference::target;
use super::shelves::Shelves;

pub(super) use known::Known;

/// Conversations found in a pile of resources: headers, their messages, and what is in no thread.
///
/// Resources are named by their numbers, which [`ThreadIndex::add`] gave them.
#[derive(Debug)]
pub struct Threads {
    texts: Pool<u8>,
    lists: Pool<Symbol>,
    records: Shelves<Record>,
    /// The newest version of each id.
    newest: Vec<Option<Place>>,
    /// Communications by their `partOf`, in the order of `sent`.
    parts: Groups,
    /// Tasks by their focus.
    tasks: Groups,
    /// Open Tasks that say who shall answer, by their focus.
    open_routing: Groups,
    /// Open reminders, by their focus.
    open_reminders: Groups,
    /// Encounters by their `partOf`.
    inner_encounters: Groups,
    /// Headers by their Encounter.
    sessions: Groups,
    provenances: Groups,
    /// Versions of headers with another status than the version before, by header and time.
    closings: Vec<(Symbol, Moment, Status)>,
    identifiers: Vec<(u64, Place)>,
    task_systems: BTreeSet<(Purpose, u32)>,
    deleted: Vec<Symbol>,
    has_binaries: bool,
}

/// How many there are of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Threads: headers, each counted once however many versions there are.
    pub threads: usize,
    /// Messages whose header is among the resources.
    pub messages: usize,
    /// Messages whose header is not among the resources.
    pub orphans: usize,
    /// Communications with a payload that are part of no thread.
    pub standalone: usize,
}

impl Threads {
    pub(super) fn of(index: ThreadIndex) -> Self {
        let ThreadIndex {
            texts,
            lists,
            mut records,
            mut identifiers,
            provenances,
            task_systems,
            mut deleted,
            has_binaries,
            ..
        } = index;
        let newest = order_versions(&mut records, texts.len());
        let mut parts = Vec::new();
        let mut tasks = Vec::new();
        let mut open_routing = Vec::new();
        let mut open_reminders = Vec::new();
        let mut inner_encounters = Vec::new();
        let mut sessions = Vec::new();
        let places = (0..records.len()).map_while(Place::behind);
        for (place, record) in places.zip(records.iter()) {
            if record.state == State::Old {
                continue;
            }
            match &record.what {
                What::Communication(communication) => {
                    parts.extend(communication.parent.map(|parent| (parent, place)));
                    sessions.extend(communication.encounter.map(|session| (session, place)));
                }
                What::Task(task) => {
                    let entry = task.focus.map(|focus| (focus, place));
                    tasks.extend(entry);
                    match task.purpose {
                        Purpose::Routing if task.status.is_open() => open_routing.extend(entry),
                        Purpose::Reminder if task.status.is_open() => open_reminders.extend(entry),
                        _ => {}
                    }
                }
                What::Encounter(encounter) => {
                    inner_encounters.extend(encounter.part_of.map(|outer| (outer, place)));
                }
                What::Binary { .. } | What::Other => {}
            }
        }
        let sent = |place: Place| match records.get(place.at()).map(|record| &record.what) {
            Some(What::Communication(communication)) => communication.sent,
            _ => Moment::NONE,
        };
        let unordered = |pairs| Groups::new(pairs, |_| Moment::NONE);
        let parts = Groups::new(parts, sent);
        let is_header = |record: &Record| match &record.what {
            What::Communication(communication) => {
                let has_parts = || record.id.is_some_and(|id| parts.has(id));
                communication.role.is_header(has_parts)
            }
            _ => false,
        };
        sessions.retain(|(_, place)| records.get(place.at()).is_some_and(is_header));
        let mut closings: Vec<_> = records
            .iter()
            .filter_map(|record| {
                let older = records.get(record.older?.at())?;
                match (&older.what, &record.what) {
                    (What::Communication(then), What::Communication(now))
                        if is_header(record) && then.status != now.status =>
                    {
                        Some((record.id?, record.updated, now.status))
                    }
                    _ => None,
                }
            })
            .collect();
        closings.sort_unstable_by_key(|change| (change.0, change.1));
        // An old version answers for itself alone.
        identifiers.retain(|(_, place)| {
            let record = records.get(place.at());
            record.is_some_and(|record| record.state != State::Old)
        });
        identifiers.sort_unstable();
        identifiers.dedup();
        deleted.sort_unstable();
        Threads {
            parts,
            tasks: unordered(tasks),
            open_routing: unordered(open_routing),
            open_reminders: unordered(open_reminders),
            inner_encounters: unordered(inner_encounters),
            sessions: unordered(sessions),
            provenances: unordered(provenances),
            texts,
            lists,
            records,
            newest,
            closings,
            identifiers,
            task_systems,
            deleted,
            has_binaries,
        }
    }

    /// How many there are of what.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for known in self.all().filter(|known| known.is_current()) {
            let Some(communication) = known.communication() else {
                continue;
            };
            match communication.role {
                _ if known.is_header() => summary.threads += 1,
                Role::Standalone => summary.standalone += 1,
                _ if known.header().is_some() => summary.messages += 1,
                _ if known.parent().is_none() => summary.orphans += 1,
                // A message of another message, which H-03 reports.
                _ => {}
            }
        }
        summary
    }

    /// The headers, in the order of the input.
    pub fn headers(&self) -> impl Iterator<Item = usize> + '_ {
        self.current()
            .filter(|known| known.is_header())
            .map(Known::number)
    }

    /// The messages of a header, in the order of `sent`; those without it first.
    pub fn messages_of(&self, header: usize) -> Vec<usize> {
        let known = self.numbered(header);
        known
            .into_iter()
            .flat_map(|header| header.messages().collect::<Vec<_>>())
            .map(Known::number)
            .collect()
    }

    /// The current Tasks about a header.
    pub fn tasks_of(&self, header: usize) -> Vec<usize> {
        let known = self.numbered(header);
        known
            .into_iter()
            .flat_map(|header| header.tasks().collect::<Vec<_>>())
            .map(Known::number)
            .collect()
    }

    /// Whether it is the header of a thread.
    pub fn is_header(&self, number: usize) -> bool {
        self.numbered(number).is_some_and(Known::is_header)
    }

    /// Messages whose header is not among the resources, in the order of the input.
    pub fn orphans(&self) -> impl Iterator<Item = usize> + '_ {
        self.current()
            .filter(|known| known.is_message() && !known.has_role(Role::Standalone))
            .filter(|message| message.parent().is_none())
            .map(Known::number)
    }

    /// Communications with a payload that are part of no thread, in the order of the input.
    pub fn standalone(&self) -> impl Iterator<Item = usize> + '_ {
        self.current()
            .filter(|known| known.has_role(Role::Standalone) && !known.has_parts())
            .map(Known::number)
    }

    /// The number of the newest version of `Type/id`.
    pub fn find(&self, reference: &str) -> Option<usize> {
        self.known(reference).map(Known::number)
    }

    /// Whether two resources of the input have the same id and nothing tells which is newer: the
    /// number of the other.
    pub fn duplicate_of(&self, number: usize) -> Option<usize> {
        let known = self.numbered(number)?;
        if known.record.state != State::Duplicate {
            return None;
        }
        let first = self.newest.get(known.record.id?.at()).copied().flatten()?;
        Some(self.at(first)?.number())
    }

    /// The `Type/id` of the conversation that a resource belongs to: of its header, where a Task,
    /// an Encounter or a message points at one.
    pub fn thread_of(&self, number: usize) -> Option<String> {
        let known = self.numbered(number)?;
        let header = match &known.record.what {
            What::Communication(communication) => match communication.parent {
                // A message of a message belongs where that one does, by mistake (H-03).
                Some(parent) if !known.is_header() => {
                    let message = |parent| self.newest(parent).filter(|known| !known.is_header());
                    let parent_of = |parent| message(parent)?.communication()?.parent;
                    Some(parent_of(parent).unwrap_or(parent))
                }
                _ => known.record.id,
            },
            What::Task(task) => task.focus,
            What::Encounter(encounter) => {
                let session = encounter.part_of.or(known.record.id)?;
                let header = self.sessions.of(session).next();
                header.and_then(|header| self.at(header)?.record.id)
            }
            What::Binary { .. } | What::Other => None,
        }?;
        Some(self.text(header).to_owned())
    }

    /// The resource with this number.
    pub(super) fn numbered(&self, number: usize) -> Option<Known<'_>> {
        let wanted = u32::try_from(number).ok()?;
        let is_there = |record: &Record| record.number == wanted;
        // Unless something without a type was given, a record stands under its number.
        let at = if self.records.get(number).is_some_and(is_there) {
            number
        } else {
            let is_before = |record: &Record| record.number < wanted;
            let at = self.records.partition_point(is_before);
            self.records.get(at).is_some_and(is_there).then_some(at)?
        };
        self.at(Place::behind(at)?)
    }

    /// The newest version of the target of a reference.
    pub(super) fn known(&self, reference: &str) -> Option<Known<'_>> {
        self.symbol(reference)
            .and_then(|symbol| self.newest(symbol))
    }

    pub(super) fn symbol(&self, reference: &str) -> Option<Symbol> {
        self.texts.find(target(reference)?.as_bytes())
    }

    pub(super) fn coding(&self, text: &str) -> Option<Symbol> {
        self.texts.find(text.as_bytes())
    }

    pub(super) fn text(&self, symbol: Symbol) -> &str {
        // Only whole texts are put in.
        std::str::from_utf8(self.texts.get(symbol)).unwrap_or_default()
    }

    pub(super) fn list(&self, list: Option<Symbol>) -> &[Symbol] {
        list.map_or(&[], |list| self.lists.get(list))
    }

    pub(super) fn has_binaries(&self) -> bool {
        self.has_binaries
    }

    pub(super) fn is_deleted(&self, symbol: Symbol) -> bool {
        self.deleted.binary_search(&symbol).is_ok()
    }

    /// Under how many systems the code of such Tasks stands.
    pub(super) fn systems_of(&self, purpose: Purpose) -> usize {
        self.task_systems
            .iter()
            .filter(|(other, _)| *other == purpose)
            .count()
    }

    /// Whether a version of a header changed its status to this one at some time in the range.
    pub(super) fn header_became(
        &self,
        header: Symbol,
        status: Status,
        when: RangeInclusive<i64>,
    ) -> bool {
        let of = |change: &(Symbol, Moment, Status)| (change.0, change.1);
        let earliest = Moment::at(*when.start());
        let start = self
            .closings
            .partition_point(|change| of(change) < (header, earliest));
        let rest = self.closings.get(start..).unwrap_or_default();
        rest.iter()
            .take_while(|(other, moment, _)| {
                *other == header && moment.known().is_some_and(|moment| moment <= *when.end())
            })
            .any(|(_, _, became)| *became == status)
    }

    /// The Communications with an identifier, `system|value`.
    pub(super) fn identified(&self, text: &str) -> impl Iterator<Item = Known<'_>> {
        let hash = hash64(text);
        let start = self.identifiers.partition_point(|(other, _)| *other < hash);
        let rest = self.identifiers.get(start..).unwrap_or_default();
        rest.iter()
            .take_while(move |(other, _)| *other == hash)
            .filter_map(|(_, place)| self.at(*place))
    }

    fn newest(&self, symbol: Symbol) -> Option<Known<'_>> {
        let place = self.newest.get(symbol.at()).copied().flatten()?;
        self.at(place)
    }

    fn at(&self, place: Place) -> Option<Known<'_>> {
        #[cfg(test)]
        crate::work::count();
        let record = self.records.get(place.at())?;
        Some(Known {
            threads: self,
            place,
            record,
        })
    }

    fn all(&self) -> impl Iterator<Item = Known<'_>> {
        (0..self.records.len())
            .map_while(Place::behind)
            .filter_map(|place| self.at(place))
    }

    /// The Communications, each in its newest version.
    fn current(&self) -> impl Iterator<Item = Known<'_>> {
        self.all()
            .filter(|known| known.is_current() && known.communication().is_some())
    }
}

/// Links each version to the one before it, and says which is the newest of each id.
fn order_versions(records: &mut Shelves<Record>, ids: usize) -> Vec<Option<Place>> {
    let mut newest: Vec<Option<Place>> = vec![None; ids];
    let mut repeated = Vec::new();
    let places = (0..records.len()).map_while(Place::behind);
    for (place, record) in places.zip(records.iter()) {
        let Some(slot) = record.id.and_then(|id| newest.get_mut(id.at())) else {
            continue;
        };
        match *slot {
            None => *slot = Some(place),
            Some(first) => repeated.extend([first, place]),
        }
    }
    let order = |records: &Shelves<Record>, place: Place| {
        let record = records.get(place.at());
        record.map(|r| (r.id, r.updated, r.version.number()))
    };
    repeated.sort_unstable_by_key(|place| (order(records, *place), *place));
    repeated.dedup();
    let mut before: Option<Place> = None;
    for place in repeated {
        let key = |records: &Shelves<Record>, place: Place| {
            let record = records.get(place.at());
            record.map(|r| (r.id, r.updated, r.version))
        };
        let id = order(records, place).and_then(|(id, _, _)| id);
        let is_same_id =
            before.filter(|before| order(records, *before).and_then(|(id, _, _)| id) == id);
        let is_copy = is_same_id.is_some_and(|b| key(records, b) == key(records, place));
        if is_copy {
            if let Some(record) = records.get_mut(place.at()) {
                record.state = State::Duplicate;
            }
            continue;
        }
        if let Some(older) = is_same_id.and_then(|older| records.get_mut(older.at())) {
            older.state = State::Old;
        }
        if let Some(record) = records.get_mut(place.at()) {
            record.older = is_same_id;
        }
        if let Some(slot) = id.and_then(|id| newest.get_mut(id.at())) {
            *slot = Some(place);
        }
        before = Some(place);
    }
    newest
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{thread, work};

    /// How many resources are looked at to check a thread.
    fn looked_at(messages: usize) -> usize {
        let reference = |to: &str| json!({ "reference": to });
        let mut resources = vec![json!({
            "resourceType": "Communication", "id": "h", "status": "in-progress",
            "topic": { "text": "Knee" }, "subject": reference("Patient/homer"),
            "sender": reference("Practitioner/alice"),
            "recipient": [reference("Patient/homer"), reference("Practitioner/alice")],
            "sent": "2024-04-10T09:00:00Z",
        })];
        resources.extend((0..messages).map(|n| {
            json!({
                "resourceType": "Communication", "id": format!("m{n}"), "status": "in-progress",
                "partOf": [reference("Communication/h")], "sender": reference("Patient/homer"),
                "recipient": [reference("Practitioner/alice")],
                "payload": [{ "contentString": "Hello" }],
                "sent": format!("2024-04-10T10:{:02}:{:02}Z", n / 60, n % 60),
            })
        }));
        let resources: Vec<&Value> = resources.iter().collect();
        work::of(|| assert_eq!(thread::check(&resources), []))
    }

    /// Beside a constant number for each, the place of a message in its thread is searched for,
    /// which takes as many looks as the count of messages has bits.
    #[test]
    fn the_check_is_linear_in_the_messages_of_a_thread() {
        let (few, many) = (looked_at(150), looked_at(3_000));
        // Quadratic would be 400 times as many.
        assert!((few * 15..few * 40).contains(&many), "{few}, {many}");
    }
}
