//! Which members of a resource of each type a policy reads.

use fhirward_spec::spec;

use super::super::compiled::{Entry, Policy};
use super::super::index::QuickMap;
use super::super::interaction::Interaction;
use super::build::Keep;
use crate::source::json::scan::Written;

/// What is read of a resource of each type, beside its `resourceType`.
#[derive(Debug, Clone, Default)]
pub(super) struct Reads<'p> {
    by_type: QuickMap<&'p str, OfType>,
}

/// What is read of a resource of one type.
#[derive(Debug, Clone)]
pub(super) enum OfType {
    Everything,
    /// The members by name.
    Members(Vec<Member>),
}

#[derive(Debug, Clone)]
pub(super) struct Member {
    name: &'static str,
    /// `_name`, which has the extensions of a primitive.
    sibling: String,
    keep: Keep,
}

impl<'p> Reads<'p> {
    pub(super) fn of(policy: &'p Policy, interaction: Interaction) -> Self {
        let mut kinds: Vec<&'p str> = vec!["Binary"];
        for entry in policy.entries() {
            kinds.push(&entry.resource_type);
        }
        if !policy.limits.is_empty() || kinds.contains(&"*") {
            kinds.extend(spec().resource_types().map(|kind| -> &'p str { kind }));
        }
        kinds.sort_unstable();
        kinds.dedup();
        let mut by_type = QuickMap::default();
        for kind in kinds {
            by_type.insert(kind, OfType::of(policy, kind, interaction));
        }
        Self { by_type }
    }

    /// What is read of a resource of the type; `None` for nothing more.
    pub(super) fn of_type(&self, kind: &str) -> Option<&OfType> {
        self.by_type.get(kind)
    }
}

impl OfType {
    /// How much of the member is read, if anything.
    pub(super) fn keep(&self, member: Written<'_>) -> Option<Keep> {
        match self {
            Self::Everything => Some(Keep::Whole),
            Self::Members(members) => members
                .iter()
                .find(|known| member.is(known.name) || member.is(&known.sibling))
                .map(|known| known.keep),
        }
    }

    fn of(policy: &Policy, kind: &str, interaction: Interaction) -> Self {
        let constrained = |entry: &Entry| {
            interaction == Interaction::Create && !entry.write_constraints.is_empty()
        };
        let mut members: Vec<Member> = Vec::new();
        let mut add =
            |name: &'static str, keep| match members.iter_mut().find(|known| known.name == name) {
                Some(known) if known.keep == Keep::Target => known.keep = keep,
                Some(_) => {}
                None => members.push(Member {
                    name,
                    sibling: format!("_{name}"),
                    keep,
                }),
            };
        if kind == "Binary" {
            add("securityContext", Keep::Whole);
        }
        let scopes = policy.limits.iter().flat_map(|limit| &limit.scopes);
        let scopes = scopes.filter_map(|scope| scope.grant.filters(kind));
        let mut entries = Vec::new();
        for (_, entry) in policy.entries_for(kind) {
            if constrained(entry) {
                return Self::Everything;
            }
            entries.extend(entry.grant.filters(kind));
        }
        for filter in entries.into_iter().chain(scopes).flatten() {
            for (name, is_reference) in filter.probe.members(kind) {
                add(
                    name,
                    match is_reference {
                        true => Keep::Target,
                        false => Keep::Whole,
                    },
                );
            }
        }
        Self::Members(members)
    }
}
