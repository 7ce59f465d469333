//! A policy that only answers questions.

use std::collections::HashMap;

use fhirward_spec::{SearchParam, member, spec};
use serde_json::Value;

use super::fields::{self, FieldPath};
use super::interaction::{Interaction, Interactions};
use super::kinds::{Kind, Kinds};
use super::limit::Limit;
use super::origin::{Origin, Terms};
use crate::criteria::reader::Reader;
use crate::criteria::reading::Reading;
use crate::criteria::{self, Bindings, Filter};
use crate::diagnostic::Diagnostic;

/// Types that only a project's administrator may touch; `*` does not cover them. Source: R.2, with
/// the types that count among them since Medplum 5.2.
pub const ADMIN_TYPES: [&str; 9] = [
    "AccessPolicy",
    "Cron",
    "Package",
    "PackageInstallation",
    "PackageRelease",
    "Project",
    "ProjectMembership",
    "User",
    "UserSecurityRequest",
];
/// Types that no member may touch.
pub const PROTECTED_TYPES: [&str; 4] = ["DomainConfiguration", "Enterprise", "JsonWebKey", "Login"];

/// Whether access to the type follows from the project, and not from policies.
pub(super) fn is_reserved(resource_type: &str) -> bool {
    ADMIN_TYPES.contains(&resource_type) || PROTECTED_TYPES.contains(&resource_type)
}

/// The policies of one member, assembled and compiled. Plain data: shared freely between threads.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(super) profile: String,
    pub(super) entries: Vec<Entry>,
    kinds: Kinds,
    superuser: bool,
    pub(super) terms: Terms,
    /// The scopes of tokens; all must cover what is asked.
    pub(super) limits: Vec<Limit>,
}

/// The entries about one type, found.
#[derive(Debug, Clone, Copy)]
pub(super) struct OfType<'p> {
    resource_type: &'p str,
    /// `None` when no entry is about it.
    own: Option<&'p Kind>,
}

impl<'p> OfType<'p> {
    /// What a [`Reading`] of a resource of the type has to know.
    pub(super) fn patient(&self) -> &'p [&'static SearchParam] {
        self.own.map_or(&[], Kind::patient)
    }

    /// Whether what is read of a resource should be kept for the next question.
    pub(super) fn keeps(&self) -> bool {
        self.own.is_some_and(Kind::keeps)
    }
}

/// A compiled entry.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The resource type, or `*`.
    pub resource_type: String,
    /// What it allows.
    pub interactions: Interactions,
    /// The criteria as written, if any.
    pub criteria: Option<String>,
    /// Fields that no output shows.
    pub hidden_fields: Vec<FieldPath>,
    /// Fields that no write changes.
    pub readonly_fields: Vec<FieldPath>,
    /// FHIRPath expressions that a write must satisfy.
    pub write_constraints: Vec<String>,
    /// Where it comes from.
    pub origin: Origin,
    pub(super) grant: Grant,
}

/// On which resources of its types an entry works.
#[derive(Debug, Clone)]
pub(super) enum Grant {
    /// On all.
    All,
    /// On those that pass the filters of their type.
    Filtered(HashMap<&'static str, Vec<Filter>>),
    /// On none, because something is wrong with it.
    Nothing(String),
}

impl Entry {
    /// An entry that no policy has.
    pub(super) fn plain(resource_type: &str, interactions: Interactions, from: &str) -> Self {
        Self {
            resource_type: resource_type.to_owned(),
            interactions,
            criteria: None,
            hidden_fields: Vec::new(),
            readonly_fields: Vec::new(),
            write_constraints: Vec::new(),
            origin: Origin::beside_policies(from),
            grant: Grant::All,
        }
    }

    /// Why it grants nothing, if something is wrong with it.
    pub fn broken(&self) -> Option<&str> {
        match &self.grant {
            Grant::Nothing(reason) => Some(reason),
            _ => None,
        }
    }

    /// Whether it is about resources of the type.
    pub fn covers(&self, resource_type: &str) -> bool {
        if self.resource_type == "*" {
            !is_reserved(resource_type)
        } else {
            self.resource_type == resource_type
        }
    }

    pub(super) fn filters(&self, resource_type: &str) -> Option<&[Filter]> {
        self.grant.filters(resource_type)
    }

    fn accepts(&self, resource_type: &str, resource: &Value) -> bool {
        self.grant.accepts(resource_type, resource)
    }
}

impl Grant {
    pub(super) fn filters(&self, resource_type: &str) -> Option<&[Filter]> {
        match self {
            Self::Filtered(filters) => filters.get(resource_type).map(Vec::as_slice),
            _ => None,
        }
    }

    pub(super) fn accepts(&self, resource_type: &str, resource: &Value) -> bool {
        match self {
            Self::All => true,
            Self::Nothing(_) => false,
            Self::Filtered(filters) => filters
                .get(resource_type)
                .is_some_and(|filters| filters.iter().all(|filter| filter.matches(resource))),
        }
    }

    /// The same, limited to one compartment, `Type/id`.
    pub(super) fn in_compartment(self, kind: &str, compartment: &str, base: Option<&str>) -> Self {
        let text = format!("{kind}?_compartment={compartment}");
        let (parsed, faults) = criteria::parse(&text, &[]);
        let extra = criteria::compile(&parsed, kind, &Bindings::none(), base);
        if extra.is_broken() || faults.iter().any(Diagnostic::is_error) {
            return Self::Nothing(format!("`{compartment}` is no compartment"));
        }
        let extra: HashMap<&'static str, Vec<Filter>> = extra.filters.into_iter().collect();
        match self {
            Self::Nothing(reason) => Self::Nothing(reason),
            Self::All => Self::Filtered(extra),
            Self::Filtered(mut filters) => {
                filters.retain(|kind, _| extra.contains_key(kind));
                for (kind, list) in &mut filters {
                    list.extend(extra.get(kind).into_iter().flatten().cloned());
                }
                Self::Filtered(filters)
            }
        }
    }

    pub(super) fn may_grant(&self, resource_type: &str) -> bool {
        match self {
            Self::All => true,
            Self::Nothing(_) => false,
            Self::Filtered(filters) => filters.contains_key(resource_type),
        }
    }
}

impl Policy {
    pub(super) fn new(profile: String, entries: Vec<Entry>) -> Self {
        let kinds = Kinds::new(&entries);
        Self {
            profile,
            entries,
            kinds,
            superuser: false,
            terms: Terms::default(),
            limits: Vec::new(),
        }
    }

    /// A policy that allows everything, protected types included: for the server itself.
    pub fn full_access() -> Self {
        Self {
            superuser: true,
            ..Self::new(String::new(), Vec::new())
        }
    }

    /// Full access as entries, which can be limited.
    pub(super) fn spelled_out(self) -> Self {
        let all = ["*"].into_iter().chain(ADMIN_TYPES).chain(PROTECTED_TYPES);
        let entries = all
            .map(|kind| Entry::plain(kind, Interactions::EVERY, "full access"))
            .collect();
        Self {
            terms: self.terms,
            ..Self::new(self.profile, entries)
        }
    }

    /// A policy that allows nothing.
    pub fn nothing(profile: &str) -> Self {
        Self::new(profile.to_owned(), Vec::new())
    }

    /// Whether it was made by [`Policy::full_access`].
    pub fn is_full_access(&self) -> bool {
        self.superuser
    }

    /// The acting person, `Type/id`.
    pub fn profile(&self) -> &str {
        &self.profile
    }

    /// The entries in order; decisions name them by index.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries that are about a type, in order, with their indices.
    pub(super) fn entries_for(&self, resource_type: &str) -> impl Iterator<Item = (usize, &Entry)> {
        let list = self.kinds.get(resource_type).map_or(&[][..], Kind::list);
        list.iter()
            .filter_map(|at| self.entries.get(*at).map(|entry| (*at, entry)))
    }

    /// Whether any entry grants the interaction on the type at all. Without one, the answer is 403
    /// whatever the resource. Source: R.4.
    pub fn grants_type(&self, resource_type: &str, interaction: Interaction) -> bool {
        self.superuser || self.grants(&self.of_type(resource_type), interaction)
    }

    /// The first entry in order that allows the interaction on this one resource. Source: R.1, R.2.
    pub fn first_entry(&self, interaction: Interaction, resource: &Value) -> Option<usize> {
        let of_type = self.of_type(member(resource, "resourceType")?.as_str()?);
        self.first_entry_of(&of_type, interaction, resource)
    }

    /// The entries about a type, looked up once for all questions of a decision.
    #[inline]
    pub(super) fn of_type<'t>(&'t self, resource_type: &'t str) -> OfType<'t> {
        OfType {
            resource_type,
            own: self.kinds.get(resource_type),
        }
    }

    #[inline]
    pub(super) fn grants(&self, of_type: &OfType<'_>, interaction: Interaction) -> bool {
        of_type.own.is_some_and(|own| own.grants(interaction))
            && self.in_scope_of_type(of_type.resource_type, interaction)
    }

    /// [`Policy::first_entry`] of a resource whose type has been looked up.
    #[inline]
    pub(super) fn first_entry_of(
        &self,
        of_type: &OfType<'_>,
        interaction: Interaction,
        resource: &Value,
    ) -> Option<usize> {
        let own = of_type.own?;
        if !self.in_scope(interaction, of_type.resource_type, resource) {
            return None;
        }
        own.first(interaction, resource)
    }

    /// The same of a resource that is being read.
    pub(super) fn first_entry_in<'r>(
        &'r self,
        of_type: &OfType<'r>,
        interaction: Interaction,
        reading: &mut Reading<'r>,
    ) -> Option<usize> {
        let own = of_type.own?;
        if !self.in_scope(interaction, of_type.resource_type, reading.resource()) {
            return None;
        }
        own.first_in(interaction, reading)
    }

    /// The same as [`Policy::first_entry`], by asking every entry in turn: slow and obvious, the
    /// oracle of the index.
    pub fn first_entry_by_walking(
        &self,
        interaction: Interaction,
        resource: &Value,
    ) -> Option<usize> {
        let kind = member(resource, "resourceType")?.as_str()?;
        if !self.in_scope(interaction, kind, resource) {
            return None;
        }
        self.entries_for(kind)
            .map(|(at, _)| at)
            .find(|at| self.allows(*at, kind, interaction, resource))
    }

    fn allows(&self, at: usize, kind: &str, interaction: Interaction, resource: &Value) -> bool {
        self.entries.get(at).is_some_and(|entry| {
            entry.interactions.contains(interaction) && entry.accepts(kind, resource)
        })
    }

    /// Whether the scopes of the token, if any limit it, cover the interaction on the resource.
    #[inline]
    pub(super) fn in_scope(&self, interaction: Interaction, kind: &str, resource: &Value) -> bool {
        self.limits.is_empty() || self.limits_cover(interaction, kind, resource)
    }

    #[inline(never)]
    fn limits_cover(&self, interaction: Interaction, kind: &str, resource: &Value) -> bool {
        self.limits
            .iter()
            .all(|limit| limit.covers(interaction, kind, resource))
    }

    #[inline]
    pub(super) fn in_scope_of_type(&self, kind: &str, interaction: Interaction) -> bool {
        self.limits.is_empty() || self.limits_cover_type(kind, interaction)
    }

    #[inline(never)]
    fn limits_cover_type(&self, kind: &str, interaction: Interaction) -> bool {
        self.limits
            .iter()
            .all(|limit| limit.covers_type(kind, interaction))
    }

    /// The fields that an output after `interaction` must not show. `None` when no entry allows
    /// the interaction.
    pub fn hidden_fields(
        &self,
        interaction: Interaction,
        resource: &Value,
    ) -> Option<&[FieldPath]> {
        if self.superuser {
            return Some(&[]);
        }
        let entry = self.entries.get(self.first_entry(interaction, resource)?)?;
        Some(&entry.hidden_fields)
    }

    /// The resource as the actor may see it. Of a resource on which no entry allows the
    /// interaction nothing remains but type, id and version.
    pub fn mask(&self, interaction: Interaction, resource: &Value) -> Value {
        match self.hidden_fields(interaction, resource) {
            Some([]) => resource.clone(),
            Some(hidden) => fields::without(resource, hidden),
            None => {
                let mut left = serde_json::Map::new();
                for key in ["resourceType", "id"] {
                    if let Some(value) = resource.get(key) {
                        left.insert(key.to_owned(), value.clone());
                    }
                }
                let version: serde_json::Map<String, Value> = ["versionId", "lastUpdated"]
                    .into_iter()
                    .filter_map(|key| {
                        let value = resource.get("meta")?.get(key)?;
                        Some((key.to_owned(), value.clone()))
                    })
                    .collect();
                if !version.is_empty() {
                    left.insert("meta".to_owned(), Value::Object(version));
                }
                Value::Object(left)
            }
        }
    }

    /// Whether the actor may search or sort by a parameter: not when it reads a field that some
    /// entry hides from their searches.
    pub fn may_filter_by(&self, resource_type: &str, code: &str) -> bool {
        self.may_filter(resource_type, code, None)
    }

    /// The same for a filter with a modifier, which may read more of an element than one without.
    pub fn may_filter(&self, resource_type: &str, code: &str, modifier: Option<&str>) -> bool {
        let mut hidden = self
            .entries_for(resource_type)
            .filter(|(_, entry)| entry.interactions.contains(Interaction::Search))
            .flat_map(|(_, entry)| &entry.hidden_fields);
        if code == "_compartment" {
            return !hidden.any(|field| field.tells_compartment(resource_type));
        }
        match spec().search_param(resource_type, code) {
            Some(param) => !hidden.any(|field| field.is_read_by(param, modifier)),
            None => true,
        }
    }
}
