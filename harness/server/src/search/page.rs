//! Pages: how many entries, where the next one starts, and the links.
//!
//! A page starts behind the last resource of the page before, as that resource was when it was
//! shown. What is written between two pages neither repeats a resource nor skips one, unless the
//! resource itself was moved by it.

use std::sync::Arc;

use serde_json::{Value, json};
use url::form_urlencoded;

use crate::app::is_id;
use crate::config::Limits;
use crate::http::outcome::Failure;
use crate::store::{Version, View};

/// The last version of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    id: String,
    version_id: String,
}

impl Position {
    pub(crate) fn of(version: &Version) -> Self {
        Self {
            id: version.id.to_string(),
            version_id: version.version_id.to_string(),
        }
    }

    /// Reads a `_cursor`.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let (id, version_id) = text.split_once('_').ok_or_else(stale_cursor)?;
        if is_id(id) && is_id(version_id) {
            Ok(Self {
                id: id.to_owned(),
                version_id: version_id.to_owned(),
            })
        } else {
            Err(stale_cursor())
        }
    }

    pub(crate) fn is(&self, version: &Version) -> bool {
        *self.id == *version.id && *self.version_id == *version.version_id
    }

    pub(crate) fn version(&self, view: &dyn View, resource_type: &str) -> Option<Arc<Version>> {
        view.version(resource_type, &self.id, &self.version_id)
    }

    fn to_text(&self) -> String {
        format!("{}_{}", self.id, self.version_id)
    }
}

/// The cursor leads nowhere that the actor may see.
pub(crate) fn stale_cursor() -> Failure {
    Failure::invalid("`_cursor` is not that of a page of this search; start again without it")
}

/// Reads `_count`, which is cut to the largest page.
///
/// # Errors
/// 400 when it is no number.
pub(crate) fn count(text: &str, limits: &Limits) -> Result<usize, Failure> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Failure::invalid(format!(
            "`_count` must be a number, not `{text}`"
        )));
    }
    // A number of too many digits is larger than any page.
    Ok(text.parse().unwrap_or(usize::MAX).min(limits.max_page))
}

/// The links of a page.
#[derive(Debug)]
pub(crate) struct Links<'a> {
    pub(crate) base: &'a str,
    pub(crate) path: &'a str,
    /// The parameters as they were given, without those of the page.
    pub(crate) pairs: &'a [(String, String)],
    pub(crate) count: usize,
    /// Where a page without a cursor starts.
    pub(crate) offset: usize,
}

impl Links<'_> {
    pub(crate) fn to_value(&self, this: Option<&Position>, next: Option<&Position>) -> Value {
        let mut links = vec![json!({ "relation": "self", "url": self.url(this) })];
        links.extend(next.map(|next| json!({ "relation": "next", "url": self.url(Some(next)) })));
        Value::Array(links)
    }

    fn url(&self, cursor: Option<&Position>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.pairs);
        query.append_pair("_count", &self.count.to_string());
        match cursor {
            Some(cursor) => {
                query.append_pair("_cursor", &cursor.to_text());
            }
            None if self.offset > 0 => {
                query.append_pair("_offset", &self.offset.to_string());
            }
            None => {}
        }
        format!("{}{}?{}", self.base, self.path, query.finish())
    }
}

/// FHIR has no empty arrays: a Bundle without entries has no `entry`.
pub(crate) fn without_empty_entry(mut bundle: Value) -> Value {
    if let Some(members) = bundle.as_object_mut()
        && members
            .get("entry")
            .and_then(Value::as_array)
            .is_some_and(Vec::is_empty)
    {
        members.shift_remove("entry");
    }
    bundle
}
