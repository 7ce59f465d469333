//! What a server holds: resources, versions, who is deleted, what is computed at writing.

use std::collections::BTreeMap;

use serde_json::Value;

/// A stored resource.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// The current content, with `meta.lastUpdated`, `meta.accounts` and `meta.compartment` as the
    /// server has them.
    pub resource: Value,
    /// `meta.compartment`, the project's included, as texts.
    pub compartments: Vec<String>,
    /// Older versions, the oldest first, in the same form as `resource`.
    pub earlier: Vec<Value>,
    /// Whether it is deleted; `resource` is then its last content.
    pub deleted: bool,
}

/// Everything in the project, by `Type/id`, and when it is.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// The resources.
    pub resources: BTreeMap<String, Stored>,
    /// The project, `Project/id`.
    pub project: String,
    /// The time of a write, as an instant.
    pub now: String,
    /// Whether writes are only checked against the JSON schema.
    pub lenient: bool,
    /// Whether this is not a whole server but the resources in question: others exist that are not
    /// known, so chains are not, and any text may stand for a UUID.
    pub partial: bool,
}
