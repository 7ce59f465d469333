//! What the scopes of a token leave of a policy. Source: policy-semantics 2.4.

use fhirward_spec::member;
use serde_json::Value;

use super::compiled::Grant;
use super::interaction::{Interaction, Interactions};
use super::scopes::{Meaning, Scope, ScopeContext, Scopes};
use super::{Assembled, Entry, Options, Policy};
use crate::diagnostic::Diagnostic;

/// What the scopes of a token cover, compiled.
#[derive(Debug, Clone)]
pub(super) struct Limit {
    pub(super) text: String,
    pub(super) patient: Option<String>,
    pub(super) scopes: Vec<Covered>,
}

/// What one scope covers.
#[derive(Debug, Clone)]
pub(super) struct Covered {
    pub(super) text: String,
    pub(super) resource_type: String,
    pub(super) interactions: Interactions,
    pub(super) grant: Grant,
    pub(super) sign_in: bool,
}

impl Limit {
    /// The scopes for the patient of a launch, `Patient/id`.
    pub(super) fn new(
        scopes: &Scopes,
        patient: Option<&str>,
        base: Option<&str>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let covered = scopes
            .all()
            .iter()
            .map(|scope| Covered::new(scope, scopes, patient, base, diagnostics))
            .collect();
        Self {
            text: scopes.as_str().to_owned(),
            patient: patient.map(str::to_owned),
            scopes: covered,
        }
    }

    /// Whether some scope covers the interaction on this resource.
    pub(super) fn covers(&self, interaction: Interaction, kind: &str, resource: &Value) -> bool {
        self.scopes
            .iter()
            .any(|scope| scope.is_about(kind, interaction) && scope.grant.accepts(kind, resource))
    }

    /// Whether some scope covers the interaction on some resource of the type.
    pub(super) fn covers_type(&self, kind: &str, interaction: Interaction) -> bool {
        self.scopes
            .iter()
            .any(|scope| scope.is_about(kind, interaction) && scope.grant.may_grant(kind))
    }

    /// What the scopes leave of the interactions of an entry on a type, or on `*`.
    pub(super) fn left(&self, kind: &str, interactions: Interactions) -> Interactions {
        let about = |scope: &&Covered| {
            kind == "*" || scope.resource_type == "*" || scope.resource_type == kind
        };
        let covered = self
            .scopes
            .iter()
            .filter(about)
            .filter(|scope| !matches!(scope.grant, Grant::Nothing(_)))
            .filter(|scope| kind == "*" || scope.grant.may_grant(kind))
            .fold(Interactions::default(), |all, scope| {
                all.union(scope.interactions)
            });
        covered.intersection(interactions)
    }
}

impl Covered {
    fn new(
        scope: &Scope,
        scopes: &Scopes,
        patient: Option<&str>,
        base: Option<&str>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let nothing = |reason: String, sign_in| Self {
            text: scope.text.clone(),
            resource_type: String::new(),
            interactions: Interactions::default(),
            grant: Grant::Nothing(reason),
            sign_in,
        };
        let resource = match &scope.meaning {
            Meaning::SignIn => return nothing("it is about signing in".to_owned(), true),
            Meaning::Nothing(reason) => return nothing(reason.clone(), false),
            Meaning::Resource(resource) => resource,
        };
        let mut grant = match resource.compile(base) {
            None => Grant::All,
            Some((compiled, _)) if compiled.is_broken() => {
                Grant::Nothing("its criteria cannot be used".to_owned())
            }
            Some((compiled, _)) => Grant::Filtered(compiled.filters.into_iter().collect()),
        };
        if resource.context == ScopeContext::Patient {
            let local = patient
                .and_then(|patient| crate::values::reference::local(patient, base))
                .filter(|local| local.starts_with("Patient/"));
            grant = match local {
                Some(local) => grant.in_compartment(&resource.resource_type, local, base),
                None => {
                    let reason = match patient {
                        Some(other) => format!("`{other}` is no patient"),
                        None => "the patient of the launch is not known".to_owned(),
                    };
                    diagnostics.push(
                        Diagnostic::error(
                            "scope/no-patient",
                            format!("`{}` covers nothing: {reason}", scope.text),
                        )
                        .with_label(scope.span, "limited to one patient")
                        .with_source(scopes.source())
                        .with_help("a `patient/` scope needs a launch context, `Patient/id`"),
                    );
                    Grant::Nothing(reason)
                }
            };
        }
        Self {
            text: scope.text.clone(),
            resource_type: resource.resource_type.clone(),
            interactions: resource.interactions,
            grant,
            sign_in: false,
        }
    }

    /// A scope for `*` is for every type; which of them the member has at all the policy says.
    fn is_about(&self, kind: &str, interaction: Interaction) -> bool {
        (self.resource_type == "*" || self.resource_type == kind)
            && self.interactions.contains(interaction)
    }
}

impl Policy {
    /// The policy as far as the scopes of a token cover it, for the patient of the launch. Field
    /// rules stay those of the policy: the entry that gives them is the same with and without
    /// scopes. Source: policy-semantics 2.4.
    ///
    /// ```
    /// use fhirward_engine::policy::{Interaction, Membership, Options, Scopes, assemble};
    ///
    /// let everything = assemble(&Membership::of("Patient/homer", &[]), &|_| None, &Options::default());
    /// let (scopes, _) = Scopes::parse("launch/patient patient/Observation.rs");
    /// let launched = everything.policy.within(&scopes, Some("Patient/homer"), &Options::default());
    /// assert!(launched.policy.grants_type("Observation", Interaction::Search));
    /// assert!(!launched.policy.grants_type("Observation", Interaction::Create));
    /// assert!(!launched.policy.grants_type("Patient", Interaction::Read));
    /// ```
    #[must_use]
    pub fn within(self, scopes: &Scopes, patient: Option<&str>, options: &Options) -> Assembled {
        let mut diagnostics = Vec::new();
        if !scopes.limit() {
            return Assembled {
                policy: self,
                diagnostics,
            };
        }
        let base = options.base_url.as_deref();
        let limit = Limit::new(scopes, patient, base, &mut diagnostics);
        let mut policy = if self.is_full_access() {
            self.spelled_out()
        } else {
            self
        };
        policy.limits.push(limit);
        Assembled {
            policy,
            diagnostics,
        }
    }

    /// Whether the scopes of the token, if any limit it, cover an interaction on some resource of
    /// the type: for what a server allows for another reason than an entry.
    pub fn covers_type(&self, resource_type: &str, interaction: Interaction) -> bool {
        self.in_scope_of_type(resource_type, interaction)
    }

    /// The same on one resource.
    pub fn covers(&self, interaction: Interaction, resource: &Value) -> bool {
        let kind = member(resource, "resourceType").and_then(|kind| kind.as_str());
        self.in_scope(interaction, kind.unwrap_or_default(), resource)
    }

    /// What the scopes leave of an entry's interactions; all of them where none limit.
    pub(super) fn left_by_scopes(&self, entry: &Entry) -> Interactions {
        self.limits.iter().fold(entry.interactions, |left, limit| {
            limit.left(&entry.resource_type, left)
        })
    }
}
