//! The resources, with every version they had.
//!
//! One writer at a time decides and writes, inside a [`Transaction`]; readers see what is
//! committed and never wait for what a writer works on. The lock around the state is held only to
//! look up or to add a version, never while anything is decided.

mod disk;
mod log;
mod records;
mod row;
mod state;
mod table;
mod transaction;
mod version;
mod view;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use thiserror::Error;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub use disk::DataError;
use disk::Disk;
use log::Log;
use records::Rows;
use state::{Horizon, State};
pub(crate) use transaction::{Committed, Transaction};
pub(crate) use version::{Change, Draft, Version, instant};
pub(crate) use view::View;

/// Why a transaction was not committed.
#[derive(Debug, Clone, Error)]
pub(crate) enum StoreError {
    /// What the transaction had seen was taken back.
    #[error("writes before this one could not be stored")]
    Lost,
    /// The disk is full, or gone, or broken.
    #[error("the data file could not be written: {0}")]
    Disk(Arc<str>),
    /// There is nobody left to write it.
    #[error("the store has stopped")]
    Stopped,
}

/// All resources of the server.
#[derive(Debug, Default)]
pub(crate) struct Store {
    state: Arc<RwLock<State>>,
    /// Who writes.
    writer: Mutex<()>,
    feed_taken: AtomicBool,
    /// Makes commits lasting; a store in memory has none.
    log: Option<Log>,
}

impl Store {
    /// The store of a data folder, with all that is in it.
    ///
    /// # Errors
    /// When the folder cannot be used, or is used, or is damaged.
    pub(crate) fn open(folder: &Path) -> Result<Self, DataError> {
        let (disk, state) = Disk::open(folder)?;
        Self::on(disk, state).map_err(|source| DataError::Folder {
            folder: folder.to_owned(),
            source,
        })
    }

    fn on(disk: Disk, state: State) -> std::io::Result<Self> {
        let state = Arc::new(RwLock::new(state));
        Ok(Self {
            log: Some(Log::start(disk, Arc::clone(&state))?),
            state,
            ..Self::default()
        })
    }

    fn reading(&self) -> RwLockReadGuard<'_, State> {
        // Nothing under the lock can leave it half written, so a poisoned lock is still sound.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the right to write.
    pub(crate) fn begin(&self) -> Transaction<'_> {
        // Who lost it to a panic has rolled back.
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        Transaction::new(self, writer)
    }

    /// Every commit from now on, in order. There is one feed, and who asks first has it.
    pub(crate) fn take_feed(&self) -> Option<UnboundedReceiver<Committed>> {
        if self.feed_taken.swap(true, Ordering::AcqRel) {
            return None;
        }
        let (sender, receiver) = unbounded_channel();
        self.writing().set_feed(sender);
        Some(receiver)
    }

    /// A committed record.
    pub(crate) fn record(&self, table: &'static str, key: &str) -> Option<Arc<[u8]>> {
        self.reading().record(Horizon::Committed, table, key)
    }

    /// All committed records of a table, by key.
    pub(crate) fn records(&self, table: &'static str) -> Rows {
        self.reading().records(Horizon::Committed, table)
    }

    /// Changes whenever access decisions may have changed.
    pub(crate) fn access_generation(&self) -> u64 {
        self.reading().access_generation()
    }
}

impl View for Store {
    fn newest(&self, resource_type: &str, id: &str) -> Option<Arc<Version>> {
        self.reading().newest(Horizon::Committed, resource_type, id)
    }

    fn version(&self, resource_type: &str, id: &str, version_id: &str) -> Option<Arc<Version>> {
        let state = self.reading();
        state.version(Horizon::Committed, resource_type, id, version_id)
    }

    fn versions(&self, resource_type: &str, id: &str) -> Vec<Arc<Version>> {
        self.reading()
            .versions(Horizon::Committed, resource_type, id)
    }

    fn all_versions(&self, resource_type: Option<&str>) -> Vec<Vec<Arc<Version>>> {
        self.reading()
            .all_versions(Horizon::Committed, resource_type)
    }

    fn scan(&self, resource_type: &str) -> Vec<Arc<Version>> {
        self.reading().scan(Horizon::Committed, resource_type)
    }
}

#[cfg(test)]
mod tests;
