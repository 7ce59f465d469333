//! Which members of a resource of each type a policy reads.

use fhirward_spec::spec;

use super::super::compiled::{Entry, Policy};
use super::super::index::QuickMap;
use super::super::interaction::Interaction;
use super::build::Keep;

/// What is read of a resource of each type, beside its `resourceType`.
#[derive(Debug, Clone, Default)]
pub(super) struct Reads<'p> {
    by_type: QuickMap<&'p str, OfType>,
}

#[derive(Debug, Clone)]
enum OfType {
    Everything,
    /// The members by name.
    Members(Vec<(&'static str, Keep)>),
}

impl<'p> Reads<'p> {
    pub(super) fn of(policy: &'p Policy, interaction: Interaction) -> Self {
        let mut kinds: Vec<&'p str> = Vec::new();
        for entry in policy.entries() {
            kinds.push(&entry.resource_type);
            if entry.resource_type == "*" {
                kinds.extend(spec().resource_types().map(|kind| -> &'p str { kind }));
            }
        }
        kinds.sort_unstable();
        kinds.dedup();
        let mut by_type = QuickMap::default();
        for kind in kinds {
            by_type.insert(kind, OfType::of(policy, kind, interaction));
        }
        Self { by_type }
    }

    /// How much of the member of a resource of the type is read, if anything.
    pub(super) fn keep(&self, kind: &str, member: &str) -> Option<Keep> {
        match self.by_type.get(kind)? {
            OfType::Everything => Some(Keep::Whole),
            OfType::Members(members) => {
                // `_name` has the extensions of a primitive `name`.
                let element = member.strip_prefix('_').unwrap_or(member);
                let (_, keep) = members.iter().find(|(name, _)| *name == element)?;
                Some(match element == member {
                    true => *keep,
                    false => Keep::Whole,
                })
            }
        }
    }
}

impl OfType {
    fn of(policy: &Policy, kind: &str, interaction: Interaction) -> Self {
        let constrained = |entry: &Entry| {
            interaction == Interaction::Create && !entry.write_constraints.is_empty()
        };
        // Scopes have criteria and compartments of their own, and a Binary has its context.
        if !policy.limits.is_empty() || kind == "Binary" {
            return Self::Everything;
        }
        let mut members: Vec<(&'static str, Keep)> = Vec::new();
        for (_, entry) in policy.entries_for(kind) {
            if constrained(entry) {
                return Self::Everything;
            }
            for filter in entry.filters(kind).unwrap_or_default() {
                for (name, is_reference) in filter.probe.members(kind) {
                    let keep = match is_reference {
                        true => Keep::Target,
                        false => Keep::Whole,
                    };
                    match members.iter_mut().find(|(known, _)| *known == name) {
                        Some((_, Keep::Whole)) => {}
                        Some((_, known)) => *known = keep,
                        None => members.push((name, keep)),
                    }
                }
            }
        }
        Self::Members(members)
    }
}
