//! What is kept of a resource between the two passes: keys, no texts of people.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU32;

use serde_json::Value;

use super::pool::Symbol;
use crate::resource::instant_of;

/// The place of a [`Record`] among the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place(NonZeroU32);

impl Place {
    /// The place of the next record behind `count` others.
    pub fn behind(count: usize) -> Option<Self> {
        u32::try_from(count + 1)
            .ok()
            .and_then(NonZeroU32::new)
            .map(Place)
    }

    pub fn at(self) -> usize {
        usize::try_from(self.0.get() - 1).unwrap_or(usize::MAX)
    }
}

/// A moment in microseconds since 1970, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(i64);

impl Moment {
    pub const NONE: Self = Moment(i64::MIN);

    /// Of a date with time and zone; anything less names no moment.
    pub fn of(value: Option<&Value>) -> Self {
        value
            .and_then(Value::as_str)
            .and_then(instant_of)
            .and_then(|nanos| i64::try_from(nanos / 1000).ok())
            .map_or(Self::NONE, Moment)
    }

    /// Of microseconds since 1970.
    pub fn at(micros: i64) -> Self {
        Moment(micros)
    }

    pub fn known(self) -> Option<i64> {
        (self != Self::NONE).then_some(self.0)
    }

    /// Whether both are known and this one is later.
    pub fn is_after(self, other: Self) -> bool {
        self.known().zip(other.known()).is_some_and(|(a, b)| a > b)
    }
}

/// One resource of the input.
#[derive(Debug)]
pub(super) struct Record {
    /// Its number in the input.
    pub number: u32,
    /// `Type/id`.
    pub id: Option<Symbol>,
    /// `meta.lastUpdated`.
    pub updated: Moment,
    pub version: Version,
    /// The version before this one.
    pub older: Option<Place>,
    pub state: State,
    pub what: What,
}

impl Record {
    /// The same under another number, and with other symbols for its texts and lists.
    pub fn renumbered(
        &self,
        number: u32,
        text: &dyn Fn(Symbol) -> Option<Symbol>,
        list: &dyn Fn(Symbol) -> Option<Symbol>,
    ) -> Self {
        let what = match &self.what {
            What::Communication(own) => What::Communication(Communication {
                parent: own.parent.and_then(text),
                sender: own.sender.and_then(text),
                subject: own.subject.and_then(text),
                encounter: own.encounter.and_then(text),
                recipients: own.recipients.and_then(list),
                categories: own.categories.and_then(list),
                ..*own
            }),
            What::Task(own) => What::Task(Task {
                focus: own.focus.and_then(text),
                owner: own.owner.and_then(text),
                ..*own
            }),
            What::Encounter(own) => What::Encounter(Encounter {
                part_of: own.part_of.and_then(text),
            }),
            What::Binary { secured } => What::Binary { secured: *secured },
            What::Other => What::Other,
        };
        Record {
            number,
            id: self.id.and_then(text),
            what,
            ..*self
        }
    }
}

/// Which of several with the same id it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The newest version, or the only one.
    Current,
    /// There is a newer one.
    Old,
    /// Another resource has the id and nothing tells which is newer.
    Duplicate,
}

/// `meta.versionId`, as far as it is asked for: numbers have an order, other texts are equal or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version(u32);

const IS_HASH: u32 = 1 << 31;

impl Version {
    pub fn of(value: Option<&Value>) -> Self {
        match value.and_then(Value::as_str) {
            None => Version(0),
            Some(text) => match text.parse::<u32>() {
                Ok(number) if number < IS_HASH - 1 => Version(number + 1),
                _ => Version(hash32(text) | IS_HASH),
            },
        }
    }

    /// Its place in the order of versions, where it has one.
    pub fn number(self) -> u32 {
        if self.0 & IS_HASH == 0 { self.0 } else { 0 }
    }
}

/// The keys, by type.
#[derive(Debug)]
pub(super) enum What {
    Communication(Communication),
    Task(Task),
    Encounter(Encounter),
    Binary {
        /// Whether it has a `securityContext`.
        secured: bool,
    },
    Other,
}

/// A Communication by its parts alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Neither payload nor `partOf`.
    Header,
    /// Both.
    Message,
    /// A payload alone.
    Standalone,
    /// `partOf` alone.
    Empty,
}

impl Role {
    /// Whether it is the header of a thread: what is no whole message is one if others are part of
    /// it.
    pub fn is_header(self, has_parts: impl FnOnce() -> bool) -> bool {
        match self {
            Self::Header => true,
            Self::Message => false,
            Self::Standalone | Self::Empty => has_parts(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Communication {
    pub role: Role,
    pub status: Status,
    pub has_medium: bool,
    pub is_correction: bool,
    pub parent: Option<Symbol>,
    pub sent: Moment,
    pub sender: Option<Symbol>,
    pub subject: Option<Symbol>,
    pub encounter: Option<Symbol>,
    /// The recipients, sorted, each once; a list of symbols.
    pub recipients: Option<Symbol>,
    /// The categories, likewise.
    pub categories: Option<Symbol>,
    /// The title, or the whole topic without one; 0 without a topic.
    pub topic: u32,
    /// The whole payload; 0 without one.
    pub payload: u64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Task {
    pub purpose: Purpose,
    pub status: TaskStatus,
    /// Whether it has `performerType`.
    pub is_pool: bool,
    pub notes: u32,
    pub focus: Option<Symbol>,
    pub owner: Option<Symbol>,
}

/// What a Task is for, by its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    /// Somebody shall answer.
    Routing,
    /// `read-receipt`.
    Receipt,
    /// `respond-to-old-message`.
    Reminder,
}

#[derive(Debug)]
pub(super) struct Encounter {
    pub part_of: Option<Symbol>,
}

/// A code of R4's event status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Preparation,
    InProgress,
    Completed,
    EnteredInError,
    /// `not-done`, `on-hold`, `stopped` or `unknown`.
    Rare,
    /// None of them, or none at all.
    Invalid,
}

impl Status {
    pub fn of(resource: &Value) -> Self {
        match resource.get("status").and_then(Value::as_str) {
            Some("preparation") => Self::Preparation,
            Some("in-progress") => Self::InProgress,
            Some("completed") => Self::Completed,
            Some("entered-in-error") => Self::EnteredInError,
            Some("not-done" | "on-hold" | "stopped" | "unknown") => Self::Rare,
            _ => Self::Invalid,
        }
    }
}

/// A code of R4's task status, as far as the flows tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TaskStatus {
    Requested,
    Accepted,
    Completed,
    Cancelled,
    Other,
}

impl TaskStatus {
    pub fn of(resource: &Value) -> Self {
        match resource.get("status").and_then(Value::as_str) {
            Some("requested") => Self::Requested,
            Some("accepted") => Self::Accepted,
            Some("completed") => Self::Completed,
            Some("cancelled") => Self::Cancelled,
            _ => Self::Other,
        }
    }

    /// Whether somebody has still to act.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Requested | Self::Accepted)
    }
}

/// Whether a member is there and holds something.
pub(super) fn has(resource: &Value, name: &str) -> bool {
    match resource.get(name) {
        None | Some(Value::Null) => false,
        Some(Value::Array(items)) => !items.is_empty(),
        Some(_) => true,
    }
}

/// The number under which a text is compared; never 0.
pub(super) fn hash32(text: &str) -> u32 {
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    let bytes = hasher.finish();
    u32::try_from(bytes & u64::from(u32::MAX))
        .unwrap_or(1)
        .max(1)
}

/// The number under which a text is compared among millions; never 0.
pub(super) fn hash64(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    hasher.finish().max(1)
}

/// The number under which a value is compared; 0 for none.
pub(super) fn hash_value(value: Option<&Value>) -> u64 {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return 0;
    };
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish().max(1)
}

#[cfg(test)]
mod tests {
    use super::{Moment, Record, Version};
    use serde_json::json;

    #[test]
    fn a_million_records_fit_into_a_hundred_megabytes() {
        assert!(size_of::<Record>() <= 88, "{}", size_of::<Record>());
    }

    #[test]
    fn versions_have_an_order_where_they_are_numbers() {
        let version = |text| Version::of(Some(&json!(text)));
        assert!(version("2").number() < version("10").number());
        assert_eq!(version("a-b").number(), 0);
        assert_ne!(version("a-b"), version("a-c"));
    }

    #[test]
    fn moments_need_a_zone() {
        let moment = |text| Moment::of(Some(&json!(text)));
        assert_eq!(moment("2024-04-10"), Moment::NONE);
        assert!(moment("2024-04-10T10:00:01Z").is_after(moment("2024-04-10T12:00:00+02:00")));
        assert!(!Moment::NONE.is_after(moment("2024-04-10T10:00:01Z")));
    }
}
