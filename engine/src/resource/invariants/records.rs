//! Invariants of administration and workflow: people, appointments, tasks, consents, lists.

use super::{
    Invariant, Object, any, chosen, has, in_order, is, is_one_of, items, needs, not_both, objects,
};

pub(super) const INVARIANTS: &[Invariant] = &[
    Invariant::new(
        "Patient.contact",
        "pat-1",
        "a contact needs a name, telecom, address or organization",
        |o| any(o, &["name", "telecom", "address", "organization"]),
    ),
    Invariant::new(
        "Organization",
        "org-1",
        "an organization needs a name or an identifier",
        |o| any(o, &["identifier", "name"]),
    ),
    Invariant::new(
        "Organization",
        "org-2",
        "an address of an organization is not of use `home`",
        |o| no_home(o, "address"),
    ),
    Invariant::new(
        "Organization",
        "org-3",
        "a contact of an organization is not of use `home`",
        |o| no_home(o, "telecom"),
    ),
    Invariant::new(
        "Group",
        "grp-1",
        "only an `actual` group has members",
        |o| !has(o, "member") || o.get("actual").is_none_or(|a| a == true),
    ),
    Invariant::new(
        "Appointment",
        "app-2",
        "`start` and `end` come together",
        |o| has(o, "start") == has(o, "end"),
    ),
    Invariant::new(
        "Appointment",
        "app-3",
        "only a proposed, cancelled or waitlisted appointment has no `start` and `end`",
        |o| {
            (has(o, "start") && has(o, "end"))
                || is_one_of(o, "status", &["proposed", "cancelled", "waitlist"])
        },
    ),
    Invariant::new(
        "Appointment",
        "app-4",
        "only a cancelled or missed appointment has a `cancelationReason`",
        |o| !has(o, "cancelationReason") || is_one_of(o, "status", &["no-show", "cancelled"]),
    ),
    Invariant::new(
        "Appointment.participant",
        "app-1",
        "a participant needs a `type` or an `actor`",
        |o| any(o, &["type", "actor"]),
    ),
    Invariant::new(
        "AppointmentResponse",
        "apr-1",
        "a response needs a `participantType` or an `actor`",
        |o| any(o, &["participantType", "actor"]),
    ),
    Invariant::new(
        "Task",
        "inv-1",
        "`lastModified` must not be before `authoredOn`",
        |o| in_order(o, "authoredOn", "lastModified"),
    ),
    Invariant::new(
        "AuditEvent.entity",
        "sev-1",
        "either `name` or `query`, not both",
        |o| not_both(o, "name", "query"),
    ),
    Invariant::new(
        "Consent",
        "ppc-1",
        "a consent needs a `policy` or a `policyRule`",
        |o| any(o, &["policy", "policyRule"]),
    ),
    Invariant::new(
        "List",
        "lst-1",
        "a list with entries has no `emptyReason`",
        |o| not_both(o, "emptyReason", "entry"),
    ),
    Invariant::new(
        "List",
        "lst-2",
        "only a list of changes has deleted entries",
        |o| is(o, "mode", "changes") || !objects(o, "entry").any(|e| has(e, "deleted")),
    ),
    Invariant::new(
        "List",
        "lst-3",
        "only a working list has entries with a date",
        |o| is(o, "mode", "working") || !objects(o, "entry").any(|e| has(e, "date")),
    ),
    Invariant::new(
        "Composition.section",
        "cmp-1",
        "a section needs text, entries or sections",
        |o| any(o, &["text", "entry", "section"]),
    ),
    Invariant::new(
        "Composition.section",
        "cmp-2",
        "a section with entries has no `emptyReason`",
        |o| not_both(o, "emptyReason", "entry"),
    ),
    Invariant::new(
        "CarePlan.activity",
        "cpl-3",
        "either `detail` or `reference`, not both",
        |o| not_both(o, "detail", "reference"),
    ),
    Invariant::new(
        "CoverageEligibilityResponse.insurance.item",
        "ces-1",
        "either `category` or `productOrService`",
        |o| has(o, "category") != has(o, "productOrService"),
    ),
    Invariant::new(
        "InsurancePlan",
        "ipn-1",
        "an insurance plan needs a name or an identifier",
        |o| any(o, &["identifier", "name"]),
    ),
    Invariant::new(
        "Linkage",
        "lnk-1",
        "a linkage needs two items or more",
        |o| items(o, "item").len() != 1,
    ),
    Invariant::new(
        "Parameters.parameter",
        "inv-1",
        "a parameter has one of `value[x]`, `resource` and `part`",
        |o| {
            let given = [chosen(o, "value"), has(o, "resource"), has(o, "part")];
            given.into_iter().filter(|is_given| *is_given).count() == 1
        },
    ),
    Invariant::new(
        "ServiceRequest",
        "prr-1",
        "an `orderDetail` needs a `code`",
        |o| needs(o, "orderDetail", "code"),
    ),
    Invariant::new(
        "RequestGroup.action",
        "rqg-1",
        "either a `resource` or actions",
        |o| has(o, "resource") != has(o, "action"),
    ),
];

fn no_home(object: &Object, name: &str) -> bool {
    !objects(object, name).any(|item| is(item, "use", "home"))
}
