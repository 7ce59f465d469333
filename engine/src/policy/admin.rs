//! What the administrator of a project may do, and nobody else. Source: policy-semantics 2.5.
//!
//! Entries for the types of [`ADMIN_TYPES`](super::compiled::ADMIN_TYPES) and
//! [`PROTECTED_TYPES`](super::compiled::PROTECTED_TYPES) in a policy have no effect, whoever the
//! member is: an administrator has the entries of this file instead. Projects that are linked to
//! the own one are not known here, so nothing of them is granted.

use super::compiled::{Entry, Grant, PROTECTED_TYPES, is_reserved};
use super::fields::FieldPath;
use super::interaction::{Interaction, Interactions};
use super::membership::Membership;
use crate::criteria::{self, Bindings};
use crate::diagnostic::Diagnostic;
use crate::values::reference;

/// What entries of this file say that they come from.
pub(super) const FROM: &str = "project administration";

/// Everything but `delete`: a project is not deleted from inside.
const NO_DELETE: Interactions = Interactions::READING
    .with(Interaction::Create)
    .with(Interaction::Update);

/// Makes the entries that policies have no say in grant nothing, and adds the administrator's.
pub(super) fn apply(
    membership: &Membership,
    entries: &mut Vec<Entry>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for entry in entries
        .iter_mut()
        .filter(|entry| is_reserved(&entry.resource_type))
    {
        let mut finding = Diagnostic::warning(
            "policy/admin-type",
            format!("an entry for `{}` has no effect", entry.resource_type),
        )
        .with_help("access to this type follows from `ProjectMembership.admin` alone");
        if let (Some(source), Some(span)) = (&entry.origin.source, entry.origin.span) {
            finding = finding
                .with_label(span, "grants nothing")
                .with_source(source);
        }
        diagnostics.push(finding);
        entry.grant = Grant::Nothing(if PROTECTED_TYPES.contains(&entry.resource_type.as_str()) {
            "no member has access to this type".to_owned()
        } else {
            "access to this type follows from `ProjectMembership.admin` alone".to_owned()
        });
    }
    if !membership.admin {
        return;
    }
    for kind in ["AccessPolicy", "Cron"] {
        entries.push(Entry::plain(kind, Interactions::EVERY, FROM));
    }
    for kind in ["Package", "PackageRelease", "PackageInstallation"] {
        entries.push(Entry::plain(kind, Interactions::READING, FROM));
    }
    let reading = Interactions::READING;
    entries.push(Entry::plain("UserSecurityRequest", reading, FROM));
    let Some(project) = &membership.project else {
        diagnostics.push(
            Diagnostic::warning(
                "membership/no-project",
                format!(
                    "`{}` administers a project, but the membership names none",
                    membership.profile
                ),
            )
            .with_help("without `project` nothing of a project, its members and users is granted"),
        );
        return;
    };
    // A value that is no reference to a project never becomes part of criteria.
    let Some(id) = reference::local(project, None).and_then(|own| own.strip_prefix("Project/"))
    else {
        diagnostics.push(
            Diagnostic::error(
                "membership/no-project",
                format!(
                    "`{project}`, which `{}` administers, is no project",
                    membership.profile
                ),
            )
            .with_help("`project` is `Project/id`; without it nothing of a project is granted"),
        );
        return;
    };
    entries.push(Entry {
        readonly_fields: fields(&["features", "link", "systemSetting"]),
        hidden_fields: fields(&["superAdmin", "systemSecret", "strictMode"]),
        ..of_project("Project", &format!("Project?_id={id}"), NO_DELETE)
    });
    let members = format!("ProjectMembership?project=Project/{id}");
    entries.push(Entry {
        readonly_fields: fields(&["project", "user"]),
        ..of_project("ProjectMembership", &members, Interactions::EVERY)
    });
    let users = format!("User?project=Project/{id}");
    entries.push(Entry {
        hidden_fields: fields(&["passwordHash", "mfaSecret"]),
        readonly_fields: fields(&["email", "emailVerified", "mfaEnrolled", "project"]),
        ..of_project("User", &users, Interactions::EVERY)
    });
}

/// The entry for what belongs to one project.
fn of_project(kind: &str, criteria: &str, interactions: Interactions) -> Entry {
    let (parsed, faults) = criteria::parse(criteria, &[]);
    let own = criteria::compile(&parsed, kind, &Bindings::none(), None);
    let broken = own.is_broken() || faults.iter().any(Diagnostic::is_error);
    Entry {
        criteria: Some(criteria.to_owned()),
        grant: if broken {
            Grant::Nothing("the project's id is no id".to_owned())
        } else {
            Grant::Filtered(own.filters.into_iter().collect())
        },
        ..Entry::plain(kind, interactions, FROM)
    }
}

fn fields(names: &[&str]) -> Vec<FieldPath> {
    names.iter().map(|name| FieldPath::member(name)).collect()
}
