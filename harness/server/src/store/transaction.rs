//! One writer's decision and its writes: all of them, or none.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::Batch;
use super::records::{RecordWrite, Rows};
use super::state::Horizon;
use super::version::{Change, Draft, Version};
use super::{Store, StoreError, View};

/// What became of one resource: its newest version before, and the one that was written.
pub(crate) type Changed = (Option<Arc<Version>>, Arc<Version>);

/// What a transaction wrote, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Committed {
    /// The reference of the profile that wrote it; the server itself has none.
    pub(crate) author: Option<String>,
    pub(crate) changes: Vec<Changed>,
}

/// The right to write, which one has at a time. What it writes only it sees, until it commits;
/// dropped, it was never there.
#[derive(Debug)]
pub(crate) struct Transaction<'a> {
    store: &'a Store,
    /// Given back before a commit waits for the disk, so that others go on meanwhile.
    writer: Option<MutexGuard<'a, ()>>,
    /// The last write before those of this transaction.
    start: u64,
    /// How often unpublished writes were lost before: what this one saw of them has to last.
    losses: u64,
    author: Option<String>,
    staged: Mutex<Staged>,
}

#[derive(Debug, Default)]
struct Staged {
    changes: Vec<Changed>,
    records: Vec<RecordWrite>,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(store: &'a Store, writer: MutexGuard<'a, ()>) -> Self {
        let (start, losses) = {
            let state = store.reading();
            (state.sequence(), state.losses())
        };
        Self {
            store,
            writer: Some(writer),
            start,
            losses,
            author: None,
            staged: Mutex::default(),
        }
    }

    /// Names the profile in whose name is written.
    #[must_use]
    pub(crate) fn by(mut self, author: &str) -> Self {
        self.author = Some(author.to_owned());
        self
    }

    /// Adds a resource that does not exist yet.
    pub(crate) fn insert(&self, draft: Draft) -> Arc<Version> {
        self.append(draft, Change::Create)
    }

    /// Adds a version of a resource, or brings back what was deleted.
    pub(crate) fn replace(&self, draft: Draft) -> Arc<Version> {
        self.append(draft, Change::Update)
    }

    /// Deletes the resource that this is the newest version of.
    pub(crate) fn delete(&self, newest: &Version) -> Arc<Version> {
        self.append(Draft::deletion(newest), Change::Delete)
    }

    fn append(&self, draft: Draft, change: Change) -> Arc<Version> {
        let (before, after) = self.store.writing().append(draft, change);
        self.staged().changes.push((before, Arc::clone(&after)));
        after
    }

    /// Writes a record, or removes it.
    pub(crate) fn put_record(&self, table: &'static str, key: &str, value: Option<Vec<u8>>) {
        let write = self
            .store
            .writing()
            .put_record(table, key, value.map(Arc::from));
        self.staged().records.push(write);
    }

    /// A record, as this transaction sees it.
    pub(crate) fn record(&self, table: &'static str, key: &str) -> Option<Arc<[u8]>> {
        self.store.reading().record(Horizon::All, table, key)
    }

    /// All records of a table, by key.
    pub(crate) fn records(&self, table: &'static str) -> Rows {
        self.store.reading().records(Horizon::All, table)
    }

    /// Makes it lasting, then visible. It waits for the disk, where there is one.
    ///
    /// # Errors
    /// When it cannot be made lasting. Then nothing of it is.
    pub(crate) fn commit(mut self) -> Result<Committed, StoreError> {
        let staged = std::mem::take(&mut *self.staged());
        let committed = Committed {
            author: self.author.take(),
            changes: staged.changes,
        };
        let mut state = self.store.writing();
        if state.losses() != self.losses {
            return Err(StoreError::Lost);
        }
        let end = state.sequence();
        let Some(log) = &self.store.log else {
            state.publish(end, &committed);
            drop(state);
            // Nothing is left to be rolled back.
            self.writer = None;
            return Ok(committed);
        };
        let nothing = committed.changes.is_empty() && staged.records.is_empty();
        // Who wrote nothing still waits for what it has seen and answers by.
        if nothing && state.horizon() >= end {
            return Ok(committed);
        }
        drop(state);
        let ticket = log.append(Batch {
            losses: self.losses,
            end,
            committed: committed.clone(),
            records: staged.records,
        })?;
        // From here on the log publishes it or takes it back, and others write meanwhile.
        self.writer = None;
        ticket.wait()?;
        Ok(committed)
    }

    fn staged(&self) -> MutexGuard<'_, Staged> {
        // A push cannot leave it half written.
        self.staged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.writer.is_none() {
            return;
        }
        let mut state = self.store.writing();
        // After a loss the start is gone, and all that is left unpublished is of this transaction.
        let start = if state.losses() == self.losses {
            self.start
        } else {
            state.horizon()
        };
        state.roll_back(start);
    }
}

impl View for Transaction<'_> {
    fn newest(&self, resource_type: &str, id: &str) -> Option<Arc<Version>> {
        let state = self.store.reading();
        state.newest(Horizon::All, resource_type, id)
    }

    fn version(&self, resource_type: &str, id: &str, version_id: &str) -> Option<Arc<Version>> {
        let state = self.store.reading();
        state.version(Horizon::All, resource_type, id, version_id)
    }

    fn versions(&self, resource_type: &str, id: &str) -> Vec<Arc<Version>> {
        let state = self.store.reading();
        state.versions(Horizon::All, resource_type, id)
    }

    fn all_versions(&self, resource_type: Option<&str>) -> Vec<Vec<Arc<Version>>> {
        self.store
            .reading()
            .all_versions(Horizon::All, resource_type)
    }

    fn scan(&self, resource_type: &str) -> Vec<Arc<Version>> {
        self.store.reading().scan(Horizon::All, resource_type)
    }
}
