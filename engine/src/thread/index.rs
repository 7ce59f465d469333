//! The first pass: of each resource its keys.

use std::collections::BTreeSet;

use serde_json::Value;

use super::pool::{Pool, Symbol};
use super::record::has;
use super::record::{
    Communication, Encounter, Moment, Place, Purpose, Record, Role, State, Status, Task,
    TaskStatus, Version, What, hash_value, hash32, hash64,
};
use super::reference::{is_participant, items, references, target};
use super::shelves::Shelves;
use super::threads::Threads;

/// The category of a correction, by its code.
pub(super) const CORRECTION: &str = "correction";
/// The code of a read receipt's Task.
pub(super) const READ_RECEIPT: &str = "read-receipt";
/// The code of a reminder's Task.
pub(super) const REMINDER: &str = "respond-to-old-message";

/// The resources of the input by their keys: who points at whom, by whom, when.
///
/// The index is filled in a first pass over the resources, in any order. Sealed, it is the thread
/// model that the rules ask in a second pass, with one resource at a time at hand. It keeps about
/// 200 bytes a resource, whatever the resource's size.
///
/// ```
/// use fhirward_engine::thread::ThreadIndex;
/// use serde_json::json;
///
/// let resources = [
///     json!({"resourceType": "Communication", "id": "m", "status": "in-progress", "payload": [{"contentString": "Hello"}],
///         "partOf": [{"reference": "Communication/h"}], "sent": "2024-04-10T10:00:00Z",
///         "sender": {"reference": "Patient/homer"}, "recipient": [{"reference": "Patient/homer"}]}),
///     json!({"resourceType": "Communication", "id": "h", "status": "in-progress", "topic": {"text": "Knee"},
///         "subject": {"reference": "Patient/homer"}, "sender": {"reference": "Patient/homer"},
///         "recipient": [{"reference": "Patient/homer"}, {"reference": "Practitioner/alice"}]}),
/// ];
/// let mut index = ThreadIndex::new();
/// for resource in &resources {
///     index.add(resource);
/// }
/// let threads = index.seal();
/// let found: Vec<_> = (0..).zip(&resources).flat_map(|(number, r)| threads.check(number, r, &[])).collect();
/// assert_eq!((found[0].rule, found[0].resource), ("M-05", 0));
/// ```
#[derive(Debug)]
pub struct ThreadIndex {
    pub(super) texts: Pool<u8>,
    pub(super) lists: Pool<Symbol>,
    pub(super) records: Shelves<Record>,
    /// `system|value` of each identifier, with the record that has it.
    pub(super) identifiers: Vec<(u64, Place)>,
    /// What a Provenance is about.
    pub(super) provenances: Vec<(Symbol, Place)>,
    /// Code and system of receipts and reminders, each pair once.
    pub(super) task_systems: BTreeSet<(Purpose, u32)>,
    /// What a history says was deleted.
    pub(super) deleted: Vec<Symbol>,
    pub(super) has_binaries: bool,
    count: usize,
}

impl Default for ThreadIndex {
    fn default() -> Self {
        Self::new()
    }
}

impl ThreadIndex {
    /// Without any resource.
    pub fn new() -> Self {
        ThreadIndex {
            texts: Pool::new(),
            lists: Pool::new(),
            records: Shelves::new(),
            identifiers: Vec::new(),
            provenances: Vec::new(),
            task_systems: BTreeSet::new(),
            deleted: Vec::new(),
            has_binaries: false,
            count: 0,
        }
    }

    /// Takes the next resource, and says its number: 0 for the first.
    pub fn add(&mut self, resource: &Value) -> usize {
        let number = self.count;
        self.count += 1;
        let Some(kind) = resource.get("resourceType").and_then(Value::as_str) else {
            return number;
        };
        let (Ok(short), Some(place)) = (u32::try_from(number), Place::behind(self.records.len()))
        else {
            return number;
        };
        let what = match kind {
            "Communication" => What::Communication(self.communication(resource, place)),
            "Task" => What::Task(self.task(resource)),
            "Encounter" => What::Encounter(Encounter {
                part_of: self.reference(resource, "partOf"),
            }),
            "Binary" => {
                self.has_binaries = true;
                What::Binary {
                    secured: has(resource, "securityContext"),
                }
            }
            "Provenance" => {
                for (_, text) in references(resource, "target") {
                    if let Some(symbol) = self.symbol(text) {
                        self.provenances.push((symbol, place));
                    }
                }
                What::Other
            }
            _ => What::Other,
        };
        let id = resource.get("id").and_then(Value::as_str);
        let id = id.and_then(|id| self.texts.put(format!("{kind}/{id}").as_bytes()));
        let meta = |name| resource.get("meta").and_then(|meta| meta.get(name));
        self.records.push(Record {
            number: short,
            id,
            updated: Moment::of(meta("lastUpdated")),
            version: Version::of(meta("versionId")),
            older: None,
            state: State::Current,
            what,
        });
        number
    }

    /// Takes note that a history says that a resource, `Type/id`, was deleted.
    pub fn delete(&mut self, reference: &str) {
        if let Some(symbol) = self.symbol(reference) {
            self.deleted.push(symbol);
        }
    }

    /// Takes everything that was given to another index, as if it were given to this one now. So an
    /// input can be indexed in parts, at the same time.
    ///
    /// ```
    /// use fhirward_engine::thread::ThreadIndex;
    /// use serde_json::json;
    ///
    /// let (mut index, mut next) = (ThreadIndex::new(), ThreadIndex::new());
    /// index.add(&json!({"resourceType": "Communication", "id": "h", "status": "in-progress"}));
    /// next.add(&json!({"resourceType": "Task", "id": "t", "focus": {"reference": "Communication/h"}}));
    /// index.append(&next);
    /// assert_eq!(index.seal().tasks_of(0), [1]);
    /// ```
    pub fn append(&mut self, next: &ThreadIndex) {
        let texts: Vec<Option<Symbol>> =
            next.texts.all().map(|text| self.texts.put(text)).collect();
        let text = |symbol: Symbol| texts.get(symbol.at()).copied().flatten();
        let mut lists: Vec<Option<Symbol>> = Vec::with_capacity(next.lists.len());
        for list in next.lists.all() {
            let list = self.list(list.iter().filter_map(|symbol| text(*symbol)).collect());
            lists.push(list);
        }
        let list = |symbol: Symbol| lists.get(symbol.at()).copied().flatten();
        let behind = self.records.len();
        let place = |place: Place| Place::behind(behind + place.at());
        for record in next.records.iter() {
            let number = usize::try_from(record.number).ok();
            let number = number.and_then(|number| u32::try_from(self.count + number).ok());
            let Some(number) = number.filter(|_| Place::behind(self.records.len()).is_some())
            else {
                break;
            };
            self.records.push(record.renumbered(number, &text, &list));
        }
        let placed = |at: &Place| place(*at).filter(|place| place.at() < self.records.len());
        let identifiers = next.identifiers.iter();
        self.identifiers
            .extend(identifiers.filter_map(|(hash, at)| Some((*hash, placed(at)?))));
        let provenances = next.provenances.iter();
        self.provenances
            .extend(provenances.filter_map(|(about, at)| Some((text(*about)?, placed(at)?))));
        self.task_systems.extend(&next.task_systems);
        let deleted = next.deleted.iter();
        self.deleted
            .extend(deleted.filter_map(|symbol| text(*symbol)));
        self.has_binaries |= next.has_binaries;
        self.count += next.count;
    }

    /// How many resources were given.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether no resource was given.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether there were more than can be told apart, about four thousand million. What did not
    /// fit is not checked against the rest.
    pub fn is_full(&self) -> bool {
        self.texts.is_full() || self.lists.is_full() || u32::try_from(self.count).is_err()
    }

    /// The thread model of what was given.
    pub fn seal(self) -> Threads {
        Threads::of(self)
    }

    fn communication(&mut self, resource: &Value, place: Place) -> Communication {
        let role = match (has(resource, "payload"), has(resource, "partOf")) {
            (false, false) => Role::Header,
            (true, true) => Role::Message,
            (true, false) => Role::Standalone,
            (false, true) => Role::Empty,
        };
        for identifier in items(resource, "identifier") {
            if let Some(text) = identifier_text(identifier) {
                self.identifiers.push((hash64(&text), place));
            }
        }
        let mut recipients: Vec<Symbol> = Vec::new();
        for (_, text) in references(resource, "recipient") {
            recipients.extend(self.participant(text));
        }
        let sender = references(resource, "sender").next();
        let sender = sender.and_then(|(_, text)| self.participant(text));
        let mut categories: Vec<Symbol> = Vec::new();
        for text in codings(resource, "category") {
            categories.extend(self.texts.put(text.as_bytes()));
        }
        let topic = resource.get("topic").filter(|topic| {
            let members = topic.as_object();
            members.is_some_and(|members| !members.is_empty())
        });
        let title = topic.and_then(|topic| topic.get("text")?.as_str());
        Communication {
            role,
            status: Status::of(resource),
            has_medium: has(resource, "medium"),
            is_correction: is_correction(resource),
            parent: self.reference(resource, "partOf"),
            sent: Moment::of(resource.get("sent")),
            sender,
            subject: self.reference(resource, "subject"),
            encounter: self.reference(resource, "encounter"),
            recipients: self.list(recipients),
            categories: self.list(categories),
            topic: match (title, topic) {
                (Some(title), _) => hash32(title),
                (None, Some(topic)) => hash32(&topic.to_string()),
                (None, None) => 0,
            },
            payload: if role == Role::Message || role == Role::Standalone {
                hash_value(resource.get("payload"))
            } else {
                0
            },
        }
    }

    fn task(&mut self, resource: &Value) -> Task {
        let purpose = purpose(resource);
        if purpose != Purpose::Routing {
            for coding in coding_list(resource.get("code")) {
                let code = coding.get("code").and_then(Value::as_str);
                let system = coding.get("system").and_then(Value::as_str);
                if code.and_then(purpose_of) == Some(purpose) {
                    let system = hash32(system.unwrap_or_default());
                    self.task_systems.insert((purpose, system));
                }
            }
        }
        Task {
            purpose,
            status: TaskStatus::of(resource),
            is_pool: has(resource, "performerType"),
            notes: u32::try_from(items(resource, "note").len()).unwrap_or(u32::MAX),
            focus: self.reference(resource, "focus"),
            owner: self.reference(resource, "owner"),
        }
    }

    /// The first reference of a member.
    fn reference(&mut self, resource: &Value, name: &str) -> Option<Symbol> {
        let (_, text) = references(resource, name).next()?;
        self.symbol(text)
    }

    fn participant(&mut self, text: &str) -> Option<Symbol> {
        let target = target(text).filter(|target| is_participant(target))?;
        self.texts.put(target.as_bytes())
    }

    fn symbol(&mut self, text: &str) -> Option<Symbol> {
        self.texts.put(target(text)?.as_bytes())
    }

    fn list(&mut self, mut items: Vec<Symbol>) -> Option<Symbol> {
        items.sort_unstable();
        items.dedup();
        if items.is_empty() {
            return None;
        }
        self.lists.put(&items)
    }
}

/// `system|value`, where there is a value.
pub(super) fn identifier_text(identifier: &Value) -> Option<String> {
    let value = identifier.get("value")?.as_str()?;
    let system = identifier.get("system").and_then(Value::as_str);
    Some(format!("{}|{value}", system.unwrap_or_default()))
}

/// The codings of a CodeableConcept.
pub(super) fn coding_list(concept: Option<&Value>) -> &[Value] {
    concept
        .and_then(|concept| concept.get("coding")?.as_array())
        .map_or(&[], Vec::as_slice)
}

/// `system|code` of the concepts in a member, without that of a correction.
pub(super) fn codings<'r>(
    resource: &'r Value,
    name: &str,
) -> impl Iterator<Item = String> + use<'r> {
    items(resource, name)
        .iter()
        .flat_map(|concept| coding_list(Some(concept)))
        .filter_map(|coding| {
            let code = coding.get("code")?.as_str()?;
            let system = coding.get("system").and_then(Value::as_str);
            (code != CORRECTION).then(|| format!("{}|{code}", system.unwrap_or_default()))
        })
}

/// Whether a Communication says of itself that it corrects another.
pub(super) fn is_correction(resource: &Value) -> bool {
    items(resource, "category")
        .iter()
        .flat_map(|concept| coding_list(Some(concept)))
        .any(|coding| coding.get("code").and_then(Value::as_str) == Some(CORRECTION))
}

/// What a Task is for.
pub(super) fn purpose(resource: &Value) -> Purpose {
    coding_list(resource.get("code"))
        .iter()
        .filter_map(|coding| coding.get("code")?.as_str())
        .find_map(purpose_of)
        .unwrap_or(Purpose::Routing)
}

fn purpose_of(code: &str) -> Option<Purpose> {
    match code {
        READ_RECEIPT => Some(Purpose::Receipt),
        REMINDER => Some(Purpose::Reminder),
        _ => None,
    }
}
