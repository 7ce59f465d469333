//! The resources, with every version they had.
//!
//! One lock around all of it, held only to look up or to swap in what was computed outside. A
//! write names the version it was computed from, and is refused when that is no longer the
//! current one: checking and writing are one step.

mod table;
mod version;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::Timestamp;

use table::{Instance, Table};
pub(crate) use version::{Change, Draft, Version, instant};

/// Somebody else wrote first: the version that a write was computed from is not current.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Conflict;

/// All resources of the server.
#[derive(Debug, Default)]
pub(crate) struct Store {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    tables: HashMap<String, Table>,
    /// Counts versions over all types; later is larger.
    sequence: u64,
    /// The time of the last write. Time never runs backwards between two versions.
    last: Timestamp,
    /// Counts the writes to types that access decisions are made of.
    access_generation: u64,
}

/// The types whose content decides who may do what.
const ACCESS_TYPES: [&str; 4] = [
    "AccessPolicy",
    "ClientApplication",
    "Project",
    "ProjectMembership",
];

impl Store {
    fn reading(&self) -> RwLockReadGuard<'_, Inner> {
        // Nothing under the lock can leave it half written, so a poisoned lock is still sound.
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes whenever access decisions may have changed.
    pub(crate) fn access_generation(&self) -> u64 {
        self.reading().access_generation
    }

    /// The newest version, which may be a deletion.
    pub(crate) fn newest(&self, resource_type: &str, id: &str) -> Option<Arc<Version>> {
        self.reading()
            .tables
            .get(resource_type)?
            .instance(id)?
            .newest()
    }

    /// The current version, unless the resource is missing or deleted.
    pub(crate) fn current(&self, resource_type: &str, id: &str) -> Option<Arc<Version>> {
        self.newest(resource_type, id)
            .filter(|version| !version.is_deletion())
    }

    /// The current version of what `Type/id` refers to.
    pub(crate) fn resolve(&self, reference: &str) -> Option<Arc<Version>> {
        let (resource_type, id) = reference.split_once('/')?;
        self.current(resource_type, id)
    }

    /// One version by its id.
    pub(crate) fn version(
        &self,
        resource_type: &str,
        id: &str,
        version: &str,
    ) -> Option<Arc<Version>> {
        self.reading()
            .tables
            .get(resource_type)?
            .instance(id)?
            .version(version)
    }

    /// Every version of one resource, oldest first.
    pub(crate) fn versions(&self, resource_type: &str, id: &str) -> Vec<Arc<Version>> {
        let inner = self.reading();
        let instance = inner
            .tables
            .get(resource_type)
            .and_then(|table| table.instance(id));
        instance.map(Instance::all).unwrap_or_default()
    }

    /// Every version of every resource of a type (of all types without one), grouped by resource.
    pub(crate) fn all_versions(&self, resource_type: Option<&str>) -> Vec<Vec<Arc<Version>>> {
        let inner = self.reading();
        match resource_type {
            Some(name) => inner
                .tables
                .get(name)
                .map(Table::all_versions)
                .unwrap_or_default(),
            None => inner
                .tables
                .values()
                .flat_map(Table::all_versions)
                .collect(),
        }
    }

    /// The current resources of a type, in the order of their creation.
    pub(crate) fn scan(&self, resource_type: &str) -> Vec<Arc<Version>> {
        self.reading()
            .tables
            .get(resource_type)
            .map(Table::current)
            .unwrap_or_default()
    }

    /// Adds a resource that does not exist yet.
    pub(crate) fn insert(&self, draft: Draft) -> Arc<Version> {
        self.writing().append(draft, Change::Create)
    }

    /// Replaces the version `expected`, or brings back what was deleted by it.
    pub(crate) fn replace(
        &self,
        draft: Draft,
        expected: &Version,
    ) -> Result<Arc<Version>, Conflict> {
        let mut inner = self.writing();
        inner.check(expected)?;
        Ok(inner.append(draft, Change::Update))
    }

    /// Deletes the resource whose current version is `expected`.
    pub(crate) fn delete(&self, expected: &Version) -> Result<Arc<Version>, Conflict> {
        let mut inner = self.writing();
        inner.check(expected)?;
        let draft = Draft::deletion(expected);
        Ok(inner.append(draft, Change::Delete))
    }
}

impl Inner {
    fn check(&self, expected: &Version) -> Result<(), Conflict> {
        let newest = self
            .tables
            .get(&*expected.resource_type)
            .and_then(|table| table.instance(&expected.id))
            .and_then(Instance::newest);
        match newest {
            Some(newest) if newest.version_id == expected.version_id => Ok(()),
            _ => Err(Conflict),
        }
    }

    fn append(&mut self, draft: Draft, change: Change) -> Arc<Version> {
        self.sequence += 1;
        self.last = self.last.max(Draft::time());
        if ACCESS_TYPES.contains(&draft.resource_type()) {
            self.access_generation += 1;
        }
        let table = self
            .tables
            .entry(draft.resource_type().to_owned())
            .or_default();
        table.append(draft, change, self.sequence, self.last)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn draft(id: &str, status: &str) -> Draft {
        Draft::new(
            "Task",
            id.into(),
            json!({ "resourceType": "Task", "status": status }),
        )
    }

    #[test]
    fn the_second_writer_of_a_version_is_refused() {
        let store = Store::default();
        let first = store.insert(draft("a", "draft"));
        store.replace(draft("a", "ready"), &first).unwrap();
        assert_eq!(
            store.replace(draft("a", "failed"), &first).unwrap_err(),
            Conflict
        );
        assert_eq!(store.delete(&first).unwrap_err(), Conflict);
        assert_eq!(
            store.current("Task", "a").unwrap().resource["status"],
            "ready"
        );
        assert_eq!(store.versions("Task", "a").len(), 2);
    }

    #[test]
    fn what_is_deleted_is_no_longer_current_but_keeps_its_versions() {
        let store = Store::default();
        let first = store.insert(draft("a", "draft"));
        store.delete(&first).unwrap();
        assert!(store.current("Task", "a").is_none());
        assert!(store.scan("Task").is_empty());
        let newest = store.newest("Task", "a").unwrap();
        assert!(newest.is_deletion());
        assert_eq!(newest.resource["status"], "draft");
    }

    #[test]
    fn writes_to_other_types_leave_decisions_alone() {
        let store = Store::default();
        store.insert(draft("a", "draft"));
        assert_eq!(store.access_generation(), 0);
        store.insert(Draft::new(
            "AccessPolicy",
            "p".into(),
            json!({ "resourceType": "AccessPolicy" }),
        ));
        assert_eq!(store.access_generation(), 1);
    }

    #[test]
    fn time_and_sequence_never_run_backwards() {
        let store = Store::default();
        let versions: Vec<_> = (0..50)
            .map(|n| store.insert(draft(&format!("t{n}"), "draft")))
            .collect();
        for pair in versions.windows(2) {
            assert!(pair[0].sequence < pair[1].sequence);
            assert!(pair[0].last_updated <= pair[1].last_updated);
        }
    }
}
