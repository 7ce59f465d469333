//! AccessPolicies.

use super::entry::EntryView;
use super::text::{Node, TextView};
use crate::policy::document::MAX_ENTRIES;

/// An AccessPolicy.
#[derive(Debug, Clone)]
pub struct PolicyView {
    /// The resource.
    pub node: Node,
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// `compartment.reference`.
    pub compartment: Option<TextView>,
    /// The entries, in order; none of a policy with more than the limit.
    pub entries: Vec<EntryView>,
}

impl PolicyView {
    /// `variables` are the names that have a value for some member.
    pub(crate) fn new(node: Node, variables: &[&str]) -> Self {
        let text = |key: &str| node.text(key).map(|text| text.text.into());
        let items = node.items("resource");
        let entries = if items.len() > MAX_ENTRIES {
            Vec::new()
        } else {
            items
                .into_iter()
                .enumerate()
                .map(|(at, item)| EntryView::new(at + 1, item, variables))
                .collect()
        };
        Self {
            id: text("id"),
            name: text("name"),
            compartment: node.reference("compartment"),
            entries,
            node,
        }
    }

    /// Whether a membership's `AccessPolicy/x` means this policy: by id, or by name where it has
    /// no id, as a policy that was never on a server.
    pub fn is_called(&self, reference: &str) -> bool {
        let wanted = reference.strip_prefix("AccessPolicy/").unwrap_or(reference);
        match &self.id {
            Some(id) => id == wanted,
            None => self.name.as_deref() == Some(wanted),
        }
    }
}
