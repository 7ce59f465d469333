//! One version of a resource, and what becomes one.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

/// What made a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Create,
    Update,
    Delete,
}

/// A version as it is stored. Never changes.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) resource_type: Box<str>,
    pub(crate) id: Box<str>,
    pub(crate) version_id: Box<str>,
    pub(crate) last_updated: Timestamp,
    /// The place of this version among all versions of the server.
    pub(crate) sequence: u64,
    /// The place of the resource among all resources, by creation.
    pub(crate) created: u64,
    pub(crate) change: Change,
    /// The content with `id` and `meta`; of a deletion, what was deleted.
    pub(crate) resource: Arc<Value>,
}

impl Version {
    pub(crate) fn is_deletion(&self) -> bool {
        self.change == Change::Delete
    }

    /// `Type/id`.
    pub(crate) fn reference(&self) -> String {
        format!("{}/{}", self.resource_type, self.id)
    }

    /// The URL of this version.
    pub(crate) fn location(&self, base: &str) -> String {
        format!("{base}{}/_history/{}", self.reference(), self.version_id)
    }

    /// The value of the `ETag` header.
    pub(crate) fn etag(&self) -> String {
        format!("W/\"{}\"", self.version_id)
    }
}

/// A version that is decided upon but not yet stored.
#[derive(Debug)]
pub(crate) struct Draft {
    resource_type: Box<str>,
    id: Box<str>,
    version_id: Box<str>,
    resource: Arc<Value>,
}

impl Draft {
    /// The content as it will be stored: with `id`, `meta.versionId` and a first
    /// `meta.lastUpdated`, which the store raises when another write came between.
    pub(crate) fn new(resource_type: &str, id: String, content: Value) -> Self {
        let version_id = Uuid::new_v4().to_string().into_boxed_str();
        let resource = stamped(resource_type, &id, &version_id, Self::time(), content);
        Self {
            resource_type: resource_type.into(),
            id: id.into_boxed_str(),
            version_id,
            resource: Arc::new(resource),
        }
    }

    pub(super) fn deletion(of: &Version) -> Self {
        Self {
            resource_type: of.resource_type.clone(),
            id: of.id.clone(),
            version_id: Uuid::new_v4().to_string().into_boxed_str(),
            resource: Arc::clone(&of.resource),
        }
    }

    pub(crate) fn resource(&self) -> &Value {
        &self.resource
    }

    pub(crate) fn resource_type(&self) -> &str {
        &self.resource_type
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Now, to the millisecond that `meta.lastUpdated` shows.
    pub(super) fn time() -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    pub(super) fn into_version(
        mut self,
        change: Change,
        sequence: u64,
        created: u64,
        time: Timestamp,
    ) -> Version {
        if change != Change::Delete {
            let resource = Arc::make_mut(&mut self.resource);
            if let Some(meta) = resource.get_mut("meta").and_then(Value::as_object_mut) {
                meta.insert("lastUpdated".into(), Value::String(instant(time)));
            }
        }
        Version {
            resource_type: self.resource_type,
            id: self.id,
            version_id: self.version_id,
            last_updated: time,
            sequence,
            created,
            change,
            resource: self.resource,
        }
    }
}

/// RFC 3339, UTC, milliseconds.
pub(crate) fn instant(time: Timestamp) -> String {
    format!("{time:.3}")
}

fn stamped(
    resource_type: &str,
    id: &str,
    version_id: &str,
    time: Timestamp,
    content: Value,
) -> Value {
    let mut content = match content {
        Value::Object(content) => content,
        _ => Map::new(),
    };
    let mut meta = Map::new();
    meta.insert("versionId".into(), version_id.into());
    meta.insert("lastUpdated".into(), instant(time).into());
    if let Some(Value::Object(given)) = content.shift_remove("meta") {
        for (name, value) in given {
            meta.entry(name).or_insert(value);
        }
    }
    let mut resource = Map::new();
    resource.insert("resourceType".into(), resource_type.into());
    resource.insert("id".into(), id.into());
    resource.insert("meta".into(), Value::Object(meta));
    for (name, value) in content {
        resource.entry(name).or_insert(value);
    }
    Value::Object(resource)
}
