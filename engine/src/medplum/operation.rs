//! What a user may ask of the server.

use serde_json::Value;

/// A request, without the user.
#[derive(Debug, Clone)]
pub enum Operation<'a> {
    /// `GET target`.
    Read {
        /// `Type/id`.
        target: &'a str,
    },
    /// `GET target/_history/version`.
    Vread {
        /// `Type/id`.
        target: &'a str,
        /// Which version.
        version: ResourceVersion,
    },
    /// `GET target/_history`.
    History {
        /// `Type/id`.
        target: &'a str,
    },
    /// A reference to the target is resolved: `_include`, GraphQL, the check of references on a write.
    Reference {
        /// `Type/id`.
        target: &'a str,
    },
    /// A search brings the target in by `_revinclude`.
    Revinclude {
        /// `Type/id`.
        target: &'a str,
    },
    /// `GET Type`.
    Search {
        /// The type.
        resource_type: &'a str,
    },
    /// `POST Type`.
    Create {
        /// The resource without an id.
        input: &'a Value,
        /// The id that it gets.
        id: &'a str,
    },
    /// `PUT target`.
    Update {
        /// `Type/id`.
        target: &'a str,
        /// The resource.
        input: &'a Value,
    },
    /// `PATCH target`.
    Patch {
        /// `Type/id`.
        target: &'a str,
        /// A JSON Patch.
        patch: &'a Value,
    },
    /// `DELETE target`.
    Delete {
        /// `Type/id`.
        target: &'a str,
    },
}

/// A version of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceVersion {
    /// The current one.
    Current,
    /// Counted from 0, the oldest.
    Index(usize),
}
