//! The resources of one type.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::version::{Change, Draft, Version};

/// The resources of one type, in the order of their creation.
#[derive(Debug, Default)]
pub(super) struct Table {
    instances: Vec<Instance>,
    places: HashMap<String, usize>,
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

    pub(super) fn current(&self) -> Vec<Arc<Version>> {
        self.instances
            .iter()
            .filter_map(Instance::newest)
            .filter(|version| !version.is_deletion())
            .collect()
    }

    pub(super) fn all_versions(&self) -> Vec<Vec<Arc<Version>>> {
        self.instances.iter().map(Instance::all).collect()
    }

    pub(super) fn append(
        &mut self,
        draft: Draft,
        change: Change,
        sequence: u64,
        time: Timestamp,
    ) -> Arc<Version> {
        let place = self.places.get(draft.id()).copied();
        if let Some(instance) = place.and_then(|place| self.instances.get_mut(place)) {
            let version = Arc::new(draft.into_version(change, sequence, instance.created, time));
            instance.versions.push(Arc::clone(&version));
            return version;
        }
        let version = Arc::new(draft.into_version(change, sequence, sequence, time));
        self.places
            .insert(version.id.to_string(), self.instances.len());
        self.instances.push(Instance {
            created: sequence,
            versions: vec![Arc::clone(&version)],
        });
        version
    }
}

impl Instance {
    pub(super) fn newest(&self) -> Option<Arc<Version>> {
        self.versions.last().cloned()
    }

    pub(super) fn version(&self, version_id: &str) -> Option<Arc<Version>> {
        self.versions
            .iter()
            .find(|version| &*version.version_id == version_id)
            .cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Version>> {
        self.versions.clone()
    }
}
