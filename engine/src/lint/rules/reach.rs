//! What the policies of a member grant together, by type.

use std::collections::HashMap;

use crate::lint::Context;
use crate::lint::view::{EntryView, PolicyView};
use crate::policy::compiled::{ADMIN_TYPES, PROTECTED_TYPES};
use crate::policy::{Interaction, Interactions};

/// The interactions that some entries allow on each type, whatever their criteria.
#[derive(Debug, Default)]
pub(super) struct Reach {
    typed: HashMap<String, Interactions>,
    wildcard: Interactions,
}

impl Reach {
    /// Of a policy together with the policies that some member has beside it: grants add up.
    pub(super) fn of(context: &Context<'_>, policy: &PolicyView) -> Self {
        let mut reach = Self::default();
        reach.add(&policy.entries);
        let mut seen = vec![std::ptr::from_ref(policy)];
        for (membership, _) in context.members_of(policy) {
            for access in &membership.access {
                let other = access.policy.as_ref().and_then(|p| context.policy(&p.text));
                if let Some(other) = other
                    && !seen.contains(&std::ptr::from_ref(other))
                {
                    seen.push(std::ptr::from_ref(other));
                    reach.add(&other.entries);
                }
            }
        }
        reach
    }

    fn add(&mut self, entries: &[EntryView]) {
        for entry in entries {
            let set = if entry.is_wildcard() {
                &mut self.wildcard
            } else {
                self.typed.entry(entry.resource_type.clone()).or_default()
            };
            *set = set.union(entry.interactions);
        }
    }

    /// Whether some entry allows the interaction on some resource of the type.
    pub(super) fn allows(&self, resource_type: &str, interaction: Interaction) -> bool {
        let reserved =
            ADMIN_TYPES.contains(&resource_type) || PROTECTED_TYPES.contains(&resource_type);
        let own = self.typed.get(resource_type);
        own.is_some_and(|set| set.contains(interaction))
            || (!reserved && self.wildcard.contains(interaction))
    }

    /// Whether some entry for every type allows the interaction.
    pub(super) fn allows_everywhere(&self, interaction: Interaction) -> bool {
        self.wildcard.contains(interaction)
    }
}
