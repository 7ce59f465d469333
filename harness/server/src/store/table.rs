//! The resources of one type.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::version::{Change, Draft, Version};

/// The resources of one type, in the order of their creation.
///
/// What is read is read up to a horizon: versions whose sequence lies beyond it are not there.
#[derive(Debug, Default)]
pub(super) struct Table {
    instances: Vec<Instance>,
    places: HashMap<Box<str>, usize>,
}

/// One resource: its versions, oldest first. Never empty.
#[derive(Debug)]
pub(super) struct Instance {
    created: u64,
    versions: Vec<Arc<Version>>,
}

impl Table {
    pub(super) fn instance(&self, id: &str) -> Option<&Instance> {
        self.instances.get(*self.places.get(id)?)
    }

    pub(super) fn current(&self, horizon: u64) -> Vec<Arc<Version>> {
        self.instances
            .iter()
            .filter_map(|instance| instance.newest(horizon))
            .filter(|version| !version.is_deletion())
            .cloned()
            .collect()
    }

    pub(super) fn all_versions(&self, horizon: u64) -> Vec<Vec<Arc<Version>>> {
        self.instances
            .iter()
            .map(|instance| instance.all(horizon).to_vec())
            .filter(|versions| !versions.is_empty())
            .collect()
    }

    /// Adds a version: what was the newest before, and the new one.
    pub(super) fn append(
        &mut self,
        draft: Draft,
        change: Change,
        sequence: u64,
        time: Timestamp,
    ) -> (Option<Arc<Version>>, Arc<Version>) {
        let created = self
            .instance(draft.id())
            .map_or(sequence, |instance| instance.created);
        let version = Arc::new(draft.into_version(change, sequence, created, time));
        (self.push(Arc::clone(&version)), version)
    }

    /// Adds a version that is already made; what was the newest before.
    pub(super) fn push(&mut self, version: Arc<Version>) -> Option<Arc<Version>> {
        let place = self.places.get(&*version.id).copied();
        if let Some(instance) = place.and_then(|place| self.instances.get_mut(place)) {
            let before = instance.versions.last().cloned();
            instance.versions.push(version);
            return before;
        }
        self.places.insert(version.id.clone(), self.instances.len());
        self.instances.push(Instance {
            created: version.created,
            versions: vec![version],
        });
        None
    }

    /// Takes back the version that was added last to the whole table.
    pub(super) fn take_back(&mut self, version: &Version) {
        let Some(&place) = self.places.get(&*version.id) else {
            return;
        };
        let Some(instance) = self.instances.get_mut(place) else {
            return;
        };
        instance.versions.pop();
        // A resource that has no version left was created last, so it stands last.
        if instance.versions.is_empty() {
            self.instances.truncate(place);
            self.places.remove(&*version.id);
        }
    }
}

impl Instance {
    pub(super) fn newest(&self, horizon: u64) -> Option<&Arc<Version>> {
        self.versions
            .iter()
            .rev()
            .find(|version| version.sequence <= horizon)
    }

    pub(super) fn version(&self, version_id: &str, horizon: u64) -> Option<&Arc<Version>> {
        self.all(horizon)
            .iter()
            .find(|version| &*version.version_id == version_id)
    }

    pub(super) fn all(&self, horizon: u64) -> &[Arc<Version>] {
        let end = self
            .versions
            .partition_point(|version| version.sequence <= horizon);
        self.versions.get(..end).unwrap_or_default()
    }
}
