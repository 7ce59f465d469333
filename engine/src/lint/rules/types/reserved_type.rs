//! L40: entries for types that no policy grants. Source: policy-semantics 2.5, 6, case 11.

use crate::diagnostic::Severity;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};
use crate::policy::compiled::{ADMIN_TYPES, PROTECTED_TYPES};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L40",
    slug: "reserved-type",
    category: Category::Types,
    level: Severity::Error,
    summary: "an entry is for an administrative or protected type, which policies do not grant",
    why: "\
Access to projects, memberships and users follows from `ProjectMembership.admin` alone. A server removes \
entries for these types from every policy: of a member who is no administrator without a replacement, of an \
administrator in favour of fixed entries. Keys and logins are for nobody.

The entry has no effect; delete it. Who has to read memberships needs to be an administrator of the \
project, or a bot that hands out what they need.",
    versions: "\
Every Medplum version: `Project`, `ProjectMembership`, `User`, `UserSecurityRequest` (administrative), \
`DomainConfiguration`, `JsonWebKey`, `Login` (protected). From 5.2 also `AccessPolicy`, `Cron`, \
`Package`, `PackageRelease` and `PackageInstallation`, so entries that worked before an update are dead \
after it.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "who works here",
  "resource": [{ "resourceType": "ProjectMembership", "interaction": ["search", "read"] }]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "who works here",
  "resource": [{ "resourceType": "Practitioner", "interaction": ["search", "read"] }]
}"#,
    )],
    adopts: &[Adopts::all("policy/admin-type")],
    check,
};

/// Types that became administrative with 5.2.
const SINCE_5_2: [&str; 5] = [
    "AccessPolicy",
    "Cron",
    "Package",
    "PackageRelease",
    "PackageInstallation",
];

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    let features = context.server().features();
    for (_, entry) in context.entries() {
        let kind = entry.resource_type.as_str();
        let why = if SINCE_5_2.contains(&kind) && !features.is_admin_type(kind) {
            "Medplum removes it from 5.2 on at the latest, and the documentation has it so now"
        } else if SINCE_5_2.contains(&kind) {
            "Medplum removes it since 5.2 at the latest"
        } else if ADMIN_TYPES.contains(&kind) {
            "servers remove it; administrators of the project have fixed entries instead"
        } else if PROTECTED_TYPES.contains(&kind) {
            "servers keep this type from everybody"
        } else {
            continue;
        };
        report
            .find(
                entry.place(),
                "removed",
                format!("the entry for `{kind}` grants nothing: {why}"),
            )
            .help("delete the entry; access to this type follows from `ProjectMembership.admin` alone");
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found_on, policy};

    #[rstest]
    #[case::admin_type("Project", "", true)]
    #[case::membership("ProjectMembership", "5.0", true)]
    #[case::protected("Login", "", true)]
    #[case::since_5_2("AccessPolicy", "5.2", true)]
    #[case::before_5_2("AccessPolicy", "5.1.24", true)]
    #[case::newest("Cron", "", true)]
    #[case::ordinary("Patient", "", false)]
    fn case_11(#[case] kind: &str, #[case] server: &str, #[case] expected: bool) {
        let json = policy(&format!(r#"{{"resourceType": "{kind}"}}"#));
        assert_eq!(found_on("L40", &json, server).len(), usize::from(expected));
    }
}
