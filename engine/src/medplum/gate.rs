//! Which entries concern a request: by type, by interaction, by content in memory.

use serde_json::Value;

use super::memory;
use super::parse::{BadCriteria, parse};
use super::substitute::{AccessPolicy, Entry, is_admin_type, is_protected_type};
use crate::policy::Interaction;

impl Entry {
    /// Whether the entry is for this type: by name, or by `*` where that covers it.
    pub fn covers(&self, resource_type: &str) -> bool {
        self.resource_type == resource_type
            || (self.resource_type == "*" && !is_admin_type(resource_type))
    }
}

impl AccessPolicy {
    /// Whether some entry allows the interaction on the type at all.
    pub fn grants_type(&self, resource_type: &str, interaction: Interaction) -> bool {
        !is_protected_type(resource_type)
            && self
                .entries
                .iter()
                .any(|entry| entry.covers(resource_type) && entry.allows(interaction))
    }

    /// The first entry that allows the interaction and matches the resource in memory.
    ///
    /// # Errors
    /// Criteria that cannot be read, in an entry before the first match.
    pub fn first(
        &self,
        resource: &Value,
        interaction: Interaction,
    ) -> Result<Option<&Entry>, BadCriteria> {
        let resource_type = resource
            .get("resourceType")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if is_protected_type(resource_type) {
            return Ok(None);
        }
        for entry in &self.entries {
            if entry.covers(resource_type)
                && entry.allows(interaction)
                && matches_entry(entry, resource_type, resource)?
            {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }
}

fn matches_entry(
    entry: &Entry,
    resource_type: &str,
    resource: &Value,
) -> Result<bool, BadCriteria> {
    if resource_type == "Binary" {
        return Ok(true);
    }
    if let Some(compartment) = &entry.compartment {
        let inside = resource
            .get("meta")
            .and_then(|meta| meta.get("compartment"))
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .any(|c| c.get("reference").and_then(Value::as_str) == Some(compartment));
        if !inside {
            return Ok(false);
        }
    }
    match &entry.criteria {
        None => Ok(true),
        Some(criteria) => Ok(memory::matches(&parse(criteria)?, resource)),
    }
}
