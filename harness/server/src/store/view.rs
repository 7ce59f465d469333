//! What can be looked up: the committed state, or that of a transaction with its own writes.

use std::fmt::Debug;
use std::sync::Arc;

use super::Version;

/// The resources as one observer sees them.
///
/// [`Store`](super::Store) shows what is committed; [`Transaction`](super::Transaction) shows that,
/// all that was decided before it, and what it has written itself.
pub(crate) trait View: Debug + Sync {
    /// The newest version, which may be a deletion.
    fn newest(&self, resource_type: &str, id: &str) -> Option<Arc<Version>>;

    /// One version by its id.
    fn version(&self, resource_type: &str, id: &str, version_id: &str) -> Option<Arc<Version>>;

    /// Every version of one resource, oldest first.
    fn versions(&self, resource_type: &str, id: &str) -> Vec<Arc<Version>>;

    /// Every version of every resource of a type (of all types without one), grouped by resource.
    fn all_versions(&self, resource_type: Option<&str>) -> Vec<Vec<Arc<Version>>>;

    /// The current resources of a type, in the order of their creation.
    fn scan(&self, resource_type: &str) -> Vec<Arc<Version>>;

    /// The current version, unless the resource is missing or deleted.
    fn current(&self, resource_type: &str, id: &str) -> Option<Arc<Version>> {
        self.newest(resource_type, id)
            .filter(|version| !version.is_deletion())
    }

    /// The current version of what `Type/id` refers to.
    fn resolve(&self, reference: &str) -> Option<Arc<Version>> {
        let (resource_type, id) = reference.split_once('/')?;
        self.current(resource_type, id)
    }
}
