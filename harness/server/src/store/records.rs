//! Small durable things that are no resources: hashes of secrets, refresh tokens, the signing key.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The records of one table, by key.
pub(crate) type Rows = BTreeMap<Box<str>, Arc<[u8]>>;

/// A table of records and the key in it, with what is written there; `None` removes it.
#[derive(Debug, Clone)]
pub(super) struct RecordWrite {
    pub(super) sequence: u64,
    pub(super) table: Box<str>,
    pub(super) key: Box<str>,
    pub(super) value: Option<Arc<[u8]>>,
}

impl RecordWrite {
    pub(super) fn is_at(&self, table: &str, key: &str) -> bool {
        *self.table == *table && *self.key == *key
    }
}

/// The committed records.
#[derive(Default)]
pub(super) struct Records {
    tables: HashMap<Box<str>, Rows>,
}

/// Records are secrets, so only their number is shown.
impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = self.tables.iter().map(|(name, rows)| (name, rows.len()));
        f.debug_map().entries(counts).finish()
    }
}

impl Records {
    pub(super) fn get(&self, table: &str, key: &str) -> Option<&Arc<[u8]>> {
        self.tables.get(table)?.get(key)
    }

    /// All of one table, by key.
    pub(super) fn all(&self, table: &str) -> Rows {
        self.tables.get(table).cloned().unwrap_or_default()
    }

    /// Every record, as if it were written now.
    pub(super) fn writes(&self) -> Vec<RecordWrite> {
        let tables = self.tables.iter();
        let rows = tables.flat_map(|(table, rows)| {
            rows.iter().map(|(key, value)| RecordWrite {
                sequence: 0,
                table: table.clone(),
                key: key.clone(),
                value: Some(Arc::clone(value)),
            })
        });
        rows.collect()
    }

    pub(super) fn apply(&mut self, write: RecordWrite) {
        let rows = self.tables.entry(write.table).or_default();
        match write.value {
            Some(value) => rows.insert(write.key, value),
            None => rows.remove(&write.key),
        };
    }
}
