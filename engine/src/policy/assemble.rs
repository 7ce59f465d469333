//! From a membership and its policies to one compiled policy. Source: R.7, R.8, 2.5.

use std::collections::HashMap;
use std::sync::Arc;

use super::compiled::{ADMIN_TYPES, Entry, Grant, Origin, PROTECTED_TYPES, Policy};
use super::document::{EntryDocument, MAX_ENTRIES, PolicyDocument};
use super::fields::FieldPath;
use super::interaction::Interactions;
use super::membership::{Access, Membership, ParameterValue};
use crate::criteria::{self, Bindings};
use crate::diagnostic::Diagnostic;
use crate::values::reference;

/// What a decision may know of the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The FHIR base. A stored absolute reference on it is the same as the relative one.
    pub base_url: Option<String>,
}

/// A compiled policy and what was found on the way.
#[derive(Debug, Clone)]
pub struct Assembled {
    /// The policy.
    pub policy: Policy,
    /// Errors concern entries that grant nothing.
    pub diagnostics: Vec<Diagnostic>,
}

/// Assembles the policies of a member. `find` looks up `AccessPolicy/id`.
///
/// A policy that cannot be found makes the whole membership grant nothing. A membership without
/// any policy has full access but for the protected types, which is Medplum's rule and a warning.
pub fn assemble(
    membership: &Membership,
    find: &dyn Fn(&str) -> Option<Arc<PolicyDocument>>,
    options: &Options,
) -> Assembled {
    let mut diagnostics = Vec::new();
    let mut entries = Vec::new();
    if membership.access.is_empty() {
        diagnostics.push(
            Diagnostic::warning(
                "membership/full-access",
                format!(
                    "the membership of `{}` has no policy: it has full access",
                    membership.profile
                ),
            )
            .with_help("name a policy in `accessPolicy` or `access`"),
        );
        entries.push(plain("*", Interactions::EVERY, "membership without policy"));
    }
    for access in &membership.access {
        let Some(document) = find(&access.policy) else {
            diagnostics.push(
                Diagnostic::error(
                    "membership/no-such-policy",
                    format!(
                        "`{}`, which `{}` refers to, does not exist",
                        access.policy, membership.profile
                    ),
                )
                .with_help("a membership with a missing policy grants nothing at all"),
            );
            return Assembled {
                policy: Policy::nothing(&membership.profile),
                diagnostics,
            };
        };
        let bindings = bindings(membership, access, &mut diagnostics);
        if entries.len() + document.entries().len() > MAX_ENTRIES {
            diagnostics.push(
                Diagnostic::error(
                    "membership/too-many-entries",
                    format!(
                        "the policies of `{}` have more than {MAX_ENTRIES} entries together",
                        membership.profile
                    ),
                )
                .with_help("such a membership grants nothing at all"),
            );
            return Assembled {
                policy: Policy::nothing(&membership.profile),
                diagnostics,
            };
        }
        for entry in document.entries() {
            entries.push(compile(
                &document,
                entry,
                &bindings,
                options,
                &mut diagnostics,
            ));
        }
    }
    admin_rules(membership, &mut entries, &mut diagnostics);
    for kind in ["SearchParameter", "StructureDefinition"] {
        if !entries.iter().any(|entry| entry.resource_type == kind) {
            entries.push(plain(kind, Interactions::READING, "default"));
        }
    }
    Assembled {
        policy: Policy::new(membership.profile.clone(), entries),
        diagnostics,
    }
}

fn bindings(
    membership: &Membership,
    access: &Access,
    diagnostics: &mut Vec<Diagnostic>,
) -> Bindings {
    let mut bindings = Bindings::none();
    bindings.bind_reference("profile", &membership.profile);
    bindings.bind_reference("patient", &membership.profile);
    let mut given: HashMap<&str, usize> = HashMap::new();
    for parameter in &access.parameters {
        let times = given.entry(&parameter.name).or_insert(0);
        *times += 1;
        if *times == 2 {
            diagnostics.push(
                Diagnostic::error(
                    "membership/repeated-parameter",
                    format!(
                        "the parameter `{}` is given twice for `{}`",
                        parameter.name, access.policy
                    ),
                )
                .with_help("use one `access` entry for each value; grants add up"),
            );
        }
        match &parameter.value {
            ParameterValue::String(text) => bindings.bind_text(&parameter.name, text),
            ParameterValue::Reference(reference) => {
                bindings.bind_reference(&parameter.name, reference)
            }
        }
    }
    for (name, _) in given.into_iter().filter(|(_, times)| *times > 1) {
        // Which of the values counts would be a guess; without one, its entries grant nothing.
        bindings.unbind(name);
    }
    bindings
}

fn compile(
    document: &PolicyDocument,
    entry: &EntryDocument,
    bindings: &Bindings,
    options: &Options,
    diagnostics: &mut Vec<Diagnostic>,
) -> Entry {
    let base = options.base_url.as_deref();
    let mut span = None;
    let mut grant = Grant::All;
    if let Some((compiled, findings)) = document.compile_criteria(entry, bindings, base) {
        span = document.criteria_span(entry);
        let reason = findings
            .iter()
            .find(|f| f.is_error())
            .map(|f| f.message.clone());
        diagnostics.extend(findings);
        grant = match reason {
            Some(reason) => Grant::Nothing(reason),
            None => Grant::Filtered(compiled.filters.into_iter().collect()),
        };
    }
    if let Some(compartment) = &entry.compartment {
        grant = with_compartment(grant, entry, compartment, base);
    }
    if let Some(reason) = &entry.broken {
        grant = Grant::Nothing(reason.clone());
    }
    Entry {
        resource_type: entry.resource_type.clone(),
        interactions: entry.interactions,
        criteria: entry.criteria.clone(),
        hidden_fields: entry.hidden_fields.clone(),
        readonly_fields: entry.readonly_fields.clone(),
        write_constraints: entry.write_constraints.clone(),
        origin: Origin {
            policy: document.title(),
            number: Some(entry.index + 1),
            source: Some(Arc::clone(document.source())),
            span,
        },
        grant,
    }
}

/// The deprecated `compartment` of an entry is one more filter.
fn with_compartment(
    grant: Grant,
    entry: &EntryDocument,
    compartment: &str,
    base: Option<&str>,
) -> Grant {
    let kind = &entry.resource_type;
    let Some(local) = reference::local(compartment, base) else {
        return Grant::Nothing(format!("`{compartment}` is no compartment"));
    };
    let text = format!("{kind}?_compartment={local}");
    let (parsed, faults) = criteria::parse(&text, &[]);
    let extra = criteria::compile(&parsed, kind, &Bindings::none(), base);
    if extra.is_broken() || faults.iter().any(Diagnostic::is_error) {
        return Grant::Nothing(format!("`{compartment}` is no compartment"));
    }
    match grant {
        Grant::Nothing(reason) => Grant::Nothing(reason),
        Grant::All => Grant::Filtered(extra.filters.into_iter().collect()),
        Grant::Filtered(mut filters) => {
            filters.retain(|kind, _| extra.filters.contains_key(kind));
            for (kind, list) in &mut filters {
                list.extend(extra.filters.get(kind).into_iter().flatten().cloned());
            }
            Grant::Filtered(filters)
        }
    }
}

fn plain(resource_type: &str, interactions: Interactions, from: &str) -> Entry {
    Entry {
        resource_type: resource_type.to_owned(),
        interactions,
        criteria: None,
        hidden_fields: Vec::new(),
        readonly_fields: Vec::new(),
        write_constraints: Vec::new(),
        origin: Origin {
            policy: from.to_owned(),
            number: None,
            source: None,
            span: None,
        },
        grant: Grant::All,
    }
}

/// Entries for the admin types are the project's, not the policy's.
fn admin_rules(
    membership: &Membership,
    entries: &mut Vec<Entry>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let reserved = |kind: &str| ADMIN_TYPES.contains(&kind) || PROTECTED_TYPES.contains(&kind);
    for entry in entries
        .iter()
        .filter(|entry| reserved(&entry.resource_type))
    {
        let mut finding = Diagnostic::warning(
            "policy/admin-type",
            format!("an entry for `{}` has no effect", entry.resource_type),
        )
        .with_help("access to this type follows from `ProjectMembership.admin` alone");
        if let (Some(source), Some(span)) = (&entry.origin.source, entry.origin.span) {
            finding = finding.with_label(span, "removed").with_source(source);
        }
        diagnostics.push(finding);
    }
    entries.retain(|entry| !reserved(&entry.resource_type));
    if !membership.admin {
        return;
    }
    let from = "project administration";
    let readonly = |names: &[&str], kind: &str| -> Vec<FieldPath> {
        names
            .iter()
            .filter_map(|name| FieldPath::parse(name, kind, false).ok())
            .collect()
    };
    if let Some(project) = &membership.project {
        let text = format!(
            "Project?_id={}",
            project.rsplit('/').next().unwrap_or_default()
        );
        let (parsed, _) = criteria::parse(&text, &[]);
        let own = criteria::compile(&parsed, "Project", &Bindings::none(), None);
        entries.push(Entry {
            criteria: Some(text),
            readonly_fields: readonly(&["features", "link", "systemSetting"], "Project"),
            hidden_fields: readonly(&["superAdmin", "systemSecret", "strictMode"], "Project"),
            grant: if own.is_broken() {
                Grant::Nothing("the project's id is no id".to_owned())
            } else {
                Grant::Filtered(own.filters.into_iter().collect())
            },
            ..plain("Project", Interactions::EVERY, from)
        });
    }
    entries.push(Entry {
        readonly_fields: readonly(&["project", "user"], "ProjectMembership"),
        ..plain("ProjectMembership", Interactions::EVERY, from)
    });
    entries.push(plain("UserSecurityRequest", Interactions::READING, from));
    entries.push(Entry {
        hidden_fields: readonly(&["passwordHash", "mfaSecret"], "User"),
        readonly_fields: readonly(
            &["email", "emailVerified", "mfaEnrolled", "project"],
            "User",
        ),
        ..plain("User", Interactions::EVERY, from)
    });
}
