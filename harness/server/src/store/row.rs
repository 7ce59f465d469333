//! A version as bytes: one line of JSON about it, then the resource. A deletion has no resource of
//! its own; it is that of the version before.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::version::{Change, Version};

/// What stands in the first line.
#[derive(Serialize, Deserialize)]
struct Head<'a> {
    #[serde(rename = "type")]
    resource_type: &'a str,
    id: &'a str,
    version: &'a str,
    /// Milliseconds since 1970.
    time: i64,
    change: &'a str,
}

/// A row that nobody here wrote.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowError {
    #[error("no version: {0}")]
    Json(#[from] serde_json::Error),
    #[error("no line about the version")]
    NoHead,
    #[error("a version is made by `{0}`")]
    Change(String),
    #[error("no time: {0}")]
    Time(#[from] jiff::Error),
    #[error("{0} is deleted, but was never there")]
    NothingDeleted(String),
}

pub(super) fn encode(version: &Version) -> Result<Vec<u8>, RowError> {
    let head = Head {
        resource_type: &version.resource_type,
        id: &version.id,
        version: &version.version_id,
        time: version.last_updated.as_millisecond(),
        change: match version.change {
            Change::Create => "create",
            Change::Update => "update",
            Change::Delete => "delete",
        },
    };
    let mut bytes = serde_json::to_vec(&head)?;
    bytes.push(b'\n');
    if !version.is_deletion() {
        serde_json::to_writer(&mut bytes, &*version.resource)?;
    }
    Ok(bytes)
}

/// Reads a row. `before` gives the newest version, so far, of a resource.
pub(super) fn decode(
    sequence: u64,
    bytes: &[u8],
    before: impl FnOnce(&str, &str) -> Option<Arc<Version>>,
) -> Result<Version, RowError> {
    let end = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .ok_or(RowError::NoHead)?;
    let (head, resource) = bytes.split_at_checked(end).ok_or(RowError::NoHead)?;
    let head: Head<'_> = serde_json::from_slice(head)?;
    let change = match head.change {
        "create" => Change::Create,
        "update" => Change::Update,
        "delete" => Change::Delete,
        other => return Err(RowError::Change(other.to_owned())),
    };
    let before = before(head.resource_type, head.id);
    let resource = match (change, &before) {
        (Change::Delete, Some(before)) => Arc::clone(&before.resource),
        (Change::Delete, None) => {
            let deleted = format!("{}/{}", head.resource_type, head.id);
            return Err(RowError::NothingDeleted(deleted));
        }
        _ => Arc::new(serde_json::from_slice::<Value>(resource)?),
    };
    Ok(Version {
        resource_type: head.resource_type.into(),
        id: head.id.into(),
        version_id: head.version.into(),
        last_updated: Timestamp::from_millisecond(head.time)?,
        sequence,
        created: before.map_or(sequence, |before| before.created),
        change,
        resource,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::store::{Draft, Store};

    #[test]
    fn a_row_gives_back_the_version() {
        let store = Store::default();
        let transaction = store.begin();
        let content = json!({ "resourceType": "Task", "note": [{ "text": "a\nb \u{1F600}" }] });
        let mut content = content;
        // As it was sent, with its trailing zero.
        content["x"] = serde_json::from_str("1.50").unwrap();
        let first = transaction.insert(Draft::new("Task", "a".into(), content));
        let second = transaction.delete(&first);
        for (version, before) in [(&first, None), (&second, Some(&first))] {
            let bytes = encode(version).unwrap();
            let read = decode(version.sequence, &bytes, |_, _| before.cloned()).unwrap();
            assert_eq!(format!("{read:?}"), format!("{version:?}"));
        }
    }

    #[rstest]
    #[case::empty(b"")]
    #[case::no_resource(
        b"{\"type\":\"Task\",\"id\":\"a\",\"version\":\"1\",\"time\":0,\"change\":\"create\"}\n"
    )]
    #[case::other_change(
        b"{\"type\":\"Task\",\"id\":\"a\",\"version\":\"1\",\"time\":0,\"change\":\"touch\"}\n{}"
    )]
    #[case::delete_of_nothing(
        b"{\"type\":\"Task\",\"id\":\"a\",\"version\":\"1\",\"time\":0,\"change\":\"delete\"}\n"
    )]
    #[case::no_head(b"[]\n{}")]
    fn what_is_no_row_is_refused(#[case] bytes: &[u8]) {
        assert!(decode(1, bytes, |_, _| None).is_err());
    }
}
