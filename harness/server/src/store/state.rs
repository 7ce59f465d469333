//! What the store holds: everything visible, and behind it, in order, what is not yet.
//!
//! There is one list of versions for both. A reader looks no further than the horizon; the one
//! writer sees all. To publish is to move the horizon; to roll back is to take versions off the
//! end. So neither costs more than the change itself, and nothing is copied.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;

use super::records::{RecordWrite, Records, Rows};
use super::row::{self, RowError};
use super::table::Table;
use super::transaction::Committed;
use super::version::{Change, Draft, Version};

/// How far a reader looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Horizon {
    /// To the last commit.
    Committed,
    /// To the last write, whoever's it is: for the one writer.
    All,
}

/// One step of the unpublished end.
#[derive(Debug)]
enum Step {
    Version(Arc<Version>),
    Record(RecordWrite),
}

impl Step {
    fn sequence(&self) -> u64 {
        match self {
            Self::Version(version) => version.sequence,
            Self::Record(write) => write.sequence,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct State {
    tables: HashMap<Box<str>, Table>,
    records: Records,
    /// Counts the writes, over all types and records; later is larger.
    sequence: u64,
    /// The sequence of the last write that is committed.
    horizon: u64,
    /// The writes behind the horizon, in order.
    unpublished: VecDeque<Step>,
    /// The time of the last write. Time never runs backwards between two versions.
    last: Timestamp,
    /// Counts the committed writes to types that access decisions are made of.
    access_generation: u64,
    /// Counts how often the unpublished end was lost since it could not be made durable.
    losses: u64,
    /// Who wants to hear of each commit.
    feed: Option<UnboundedSender<Committed>>,
}

/// The types whose content decides who may do what.
const ACCESS_TYPES: [&str; 4] = [
    "AccessPolicy",
    "ClientApplication",
    "Project",
    "ProjectMembership",
];

impl State {
    fn reach(&self, horizon: Horizon) -> u64 {
        match horizon {
            Horizon::Committed => self.horizon,
            Horizon::All => u64::MAX,
        }
    }

    pub(super) fn newest(
        &self,
        horizon: Horizon,
        resource_type: &str,
        id: &str,
    ) -> Option<Arc<Version>> {
        let instance = self.tables.get(resource_type)?.instance(id)?;
        instance.newest(self.reach(horizon)).cloned()
    }

    pub(super) fn version(
        &self,
        horizon: Horizon,
        resource_type: &str,
        id: &str,
        version_id: &str,
    ) -> Option<Arc<Version>> {
        let instance = self.tables.get(resource_type)?.instance(id)?;
        instance.version(version_id, self.reach(horizon)).cloned()
    }

    pub(super) fn versions(
        &self,
        horizon: Horizon,
        resource_type: &str,
        id: &str,
    ) -> Vec<Arc<Version>> {
        let table = self.tables.get(resource_type);
        let instance = table.and_then(|table| table.instance(id));
        instance
            .map(|instance| instance.all(self.reach(horizon)).to_vec())
            .unwrap_or_default()
    }

    pub(super) fn all_versions(
        &self,
        horizon: Horizon,
        resource_type: Option<&str>,
    ) -> Vec<Vec<Arc<Version>>> {
        let reach = self.reach(horizon);
        match resource_type {
            Some(name) => self
                .tables
                .get(name)
                .map(|table| table.all_versions(reach))
                .unwrap_or_default(),
            None => self
                .tables
                .values()
                .flat_map(|table| table.all_versions(reach))
                .collect(),
        }
    }

    pub(super) fn scan(&self, horizon: Horizon, resource_type: &str) -> Vec<Arc<Version>> {
        self.tables
            .get(resource_type)
            .map(|table| table.current(self.reach(horizon)))
            .unwrap_or_default()
    }

    pub(super) fn record(&self, horizon: Horizon, table: &str, key: &str) -> Option<Arc<[u8]>> {
        let written = self
            .unpublished_records(horizon)
            .rev()
            .find(|write| write.is_at(table, key));
        match written {
            Some(write) => write.value.clone(),
            None => self.records.get(table, key).cloned(),
        }
    }

    pub(super) fn records(&self, horizon: Horizon, table: &str) -> Rows {
        let mut rows = self.records.all(table);
        for write in self.unpublished_records(horizon) {
            if *write.table == *table {
                match &write.value {
                    Some(value) => rows.insert(write.key.clone(), Arc::clone(value)),
                    None => rows.remove(&write.key),
                };
            }
        }
        rows
    }

    fn unpublished_records(
        &self,
        horizon: Horizon,
    ) -> impl DoubleEndedIterator<Item = &RecordWrite> {
        let steps = match horizon {
            Horizon::Committed => None,
            Horizon::All => Some(self.unpublished.iter()),
        };
        steps.into_iter().flatten().filter_map(|step| match step {
            Step::Record(write) => Some(write),
            Step::Version(_) => None,
        })
    }

    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    pub(super) fn horizon(&self) -> u64 {
        self.horizon
    }

    pub(super) fn losses(&self) -> u64 {
        self.losses
    }

    pub(super) fn access_generation(&self) -> u64 {
        self.access_generation
    }

    /// Writes a version behind the horizon: what was the newest before, and the new one.
    pub(super) fn append(
        &mut self,
        draft: Draft,
        change: Change,
    ) -> (Option<Arc<Version>>, Arc<Version>) {
        self.sequence += 1;
        self.last = self.last.max(Draft::time());
        let table = self.tables.entry(draft.resource_type().into()).or_default();
        let (before, after) = table.append(draft, change, self.sequence, self.last);
        self.unpublished
            .push_back(Step::Version(Arc::clone(&after)));
        (before, after)
    }

    /// Writes a record behind the horizon.
    pub(super) fn put_record(
        &mut self,
        table: &str,
        key: &str,
        value: Option<Arc<[u8]>>,
    ) -> RecordWrite {
        self.sequence += 1;
        let write = RecordWrite {
            sequence: self.sequence,
            table: table.into(),
            key: key.into(),
            value,
        };
        self.unpublished.push_back(Step::Record(write.clone()));
        write
    }

    /// Takes back all that was written behind `sequence`.
    pub(super) fn roll_back(&mut self, sequence: u64) {
        while let Some(step) = self.unpublished.back() {
            if step.sequence() <= sequence {
                break;
            }
            if let Some(Step::Version(version)) = self.unpublished.pop_back()
                && let Some(table) = self.tables.get_mut(&*version.resource_type)
            {
                table.take_back(&version);
            }
        }
        self.sequence = self.sequence.min(sequence.max(self.horizon));
    }

    /// Takes back everything behind the horizon, and tells the transactions that saw it.
    pub(super) fn lose(&mut self) {
        self.losses += 1;
        self.roll_back(self.horizon);
    }

    /// Makes visible what was written up to `sequence`, and tells who wants to hear of it.
    pub(super) fn publish(&mut self, sequence: u64, committed: &Committed) {
        while let Some(step) = self.unpublished.front() {
            if step.sequence() > sequence {
                break;
            }
            match self.unpublished.pop_front() {
                // Here an index of the committed resources learns of each version; what the one
                // writer sees beside it is in `unpublished`.
                Some(Step::Version(version)) => {
                    let decides = ACCESS_TYPES.contains(&&*version.resource_type);
                    self.access_generation += u64::from(decides);
                }
                Some(Step::Record(write)) => self.records.apply(write),
                None => {}
            }
        }
        self.horizon = self.horizon.max(sequence);
        if committed.changes.is_empty() {
            return;
        }
        // Whoever asked for the feed may be gone.
        if let Some(feed) = &self.feed
            && feed.send(committed.clone()).is_err()
        {
            self.feed = None;
        }
    }

    /// Adds a version from the disk, visible at once.
    pub(super) fn load(&mut self, sequence: u64, bytes: &[u8]) -> Result<(), RowError> {
        let version = row::decode(sequence, bytes, |resource_type, id| {
            self.newest(Horizon::All, resource_type, id)
        })?;
        self.sequence = self.sequence.max(sequence);
        self.horizon = self.sequence;
        self.last = self.last.max(version.last_updated);
        let table = self
            .tables
            .entry(version.resource_type.clone())
            .or_default();
        table.push(Arc::new(version));
        Ok(())
    }

    /// Adds a record from the disk.
    pub(super) fn load_record(&mut self, table: &str, key: &str, value: &[u8]) {
        self.records.apply(RecordWrite {
            sequence: 0,
            table: table.into(),
            key: key.into(),
            value: Some(Arc::from(value)),
        });
    }

    /// Every committed record.
    pub(super) fn all_records(&self) -> Vec<RecordWrite> {
        self.records.writes()
    }

    pub(super) fn set_feed(&mut self, feed: UnboundedSender<Committed>) {
        self.feed = Some(feed);
    }
}
