//! Which entries concern a request: by type, by interaction, by content in memory.

use serde_json::Value;

use super::memory;
use super::parse::{BadCriteria, parse};
use super::policy::{AccessPolicy, Entry};
use super::version::Features;
use crate::policy::Interaction;

impl Entry {
    /// Whether the entry is for this type: by name, or by `*` where that covers it.
    pub fn covers(&self, resource_type: &str, features: &Features) -> bool {
        self.resource_type == resource_type
            || (self.resource_type == "*" && !features.is_admin_type(resource_type))
    }
}

impl AccessPolicy {
    /// Whether some entry allows the interaction on the type at all.
    pub fn grants_type(&self, resource_type: &str, interaction: Interaction) -> bool {
        !self.features.is_protected_type(resource_type)
            && self.entries.iter().any(|entry| {
                entry.covers(resource_type, &self.features) && entry.allows(interaction)
            })
    }

    /// Whether `_revinclude` brings in resources of the type, as far as the database condition lets
    /// them.
    pub fn revincludes_type(&self, resource_type: &str) -> bool {
        !self.features.revinclude_gate || self.grants_type(resource_type, Interaction::Search)
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
        let index = self.first_index(resource, interaction)?;
        Ok(index.and_then(|index| self.entries.get(index)))
    }

    /// The same, by its place in the list.
    ///
    /// # Errors
    /// As [`AccessPolicy::first`].
    pub fn first_index(
        &self,
        resource: &Value,
        interaction: Interaction,
    ) -> Result<Option<usize>, BadCriteria> {
        let resource_type = resource
            .get("resourceType")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if self.features.is_protected_type(resource_type) {
            return Ok(None);
        }
        for (index, entry) in self.entries.iter().enumerate() {
            if entry.covers(resource_type, &self.features)
                && entry.allows(interaction)
                && matches_entry(entry, resource_type, resource, &self.features)?
            {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }
}

fn matches_entry(
    entry: &Entry,
    resource_type: &str,
    resource: &Value,
    features: &Features,
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
        Some(criteria) => memory::matches(&parse(criteria, features)?, resource, features),
    }
}
