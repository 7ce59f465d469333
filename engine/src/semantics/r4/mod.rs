//! `r4`: what R4 search, strictly, makes of a policy's criteria.
//!
//! Entries, interactions and the order of checks are the documented ones; only what criteria mean
//! is R4's (hl7.org/fhir/R4/search.html). Values are compared by the same filters, through
//! [`crate::search::Query`]; what R4 adds to them stands in [`condition`] and [`matcher`]. What R4
//! leaves to a server or to a terminology, or what needs other resources, is unknown.

mod condition;
mod matcher;

use serde_json::Value;

use super::{Answer, Question, Verdict};
use crate::criteria::{self, Bindings};
use crate::policy::compiled::{ADMIN_TYPES, PROTECTED_TYPES};
use crate::policy::decide::Side;
use crate::policy::{
    Access, EntryDocument, Interaction, Interactions, Membership, ParameterValue, Request,
};
use condition::Condition;

/// What is true of a resource, as far as R4 says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Truth {
    True,
    False,
    /// R4 does not say; with the reason.
    Unknown(String),
    /// R4 has servers refuse this; with the reason.
    Refused(String),
}

impl Truth {
    fn of(truth: bool) -> Self {
        if truth { Self::True } else { Self::False }
    }

    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            other => other,
        }
    }

    /// Both; what is refused is refused whatever stands beside it.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (refused @ Self::Refused(_), _) | (_, refused @ Self::Refused(_)) => refused,
            (Self::False, _) | (_, Self::False) => Self::False,
            (unknown @ Self::Unknown(_), _) | (_, unknown @ Self::Unknown(_)) => unknown,
            (Self::True, Self::True) => Self::True,
        }
    }

    /// Either.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::True, _) | (_, Self::True) => Self::True,
            (unknown @ Self::Unknown(_), _) | (_, unknown @ Self::Unknown(_)) => unknown,
            (refused @ Self::Refused(_), _) | (_, refused @ Self::Refused(_)) => refused,
            (Self::False, Self::False) => Self::False,
        }
    }
}

/// One entry, for one resource type.
struct Entry {
    resource_type: String,
    interactions: Interactions,
    has_constraint: bool,
    conditions: Vec<Condition>,
}

/// The answer to a question, the same on every path.
pub(super) fn answer(question: &Question) -> Answer {
    let request = question.request();
    let kind = request.resource_type();
    let Some(member) = &question.member else {
        return documented(question);
    };
    // R4 knows no members, no administrators and no policies that are missing.
    let reserved = ADMIN_TYPES.contains(&kind) || PROTECTED_TYPES.contains(&kind);
    let missing = |access: &Access| question.document(&access.policy).is_none();
    if reserved || member.access.is_empty() || member.access.iter().any(missing) {
        return documented(question);
    }
    decide(&request, kind, &entries(question, member, kind))
}

fn documented(question: &Question) -> Answer {
    let decision = question.documented.decide(&question.request());
    Answer::plain(decision.verdict.into())
}

fn decide(request: &Request<'_>, kind: &str, entries: &[Entry]) -> Answer {
    let of_type = |interaction| {
        entries
            .iter()
            .any(|entry| entry.interactions.contains(interaction))
    };
    if request.gates().iter().any(|gate| !of_type(*gate)) {
        return Answer::plain(Verdict::Forbidden);
    }
    if let Request::Update { existing, result } | Request::Patch { existing, result } = request {
        let same = |name| existing.get(name) == result.get(name);
        if !same("resourceType") || (result.get("id").is_some() && !same("id")) {
            return Answer::plain(Verdict::Forbidden);
        }
    }
    for step in request.steps().into_iter().flatten() {
        let result = step.side == Side::Result;
        match granted(entries, step.interaction, step.resource, kind, result) {
            Truth::True => {}
            Truth::False => return Answer::plain(step.otherwise.into()),
            Truth::Unknown(reason) => return Answer::because(Verdict::Unknown, reason),
            Truth::Refused(reason) => return Answer::because(Verdict::Error, reason),
        }
    }
    Answer::plain(Verdict::Allowed)
}

/// Whether some entry allows it.
fn granted(
    entries: &[Entry],
    interaction: Interaction,
    resource: &Value,
    kind: &str,
    result: bool,
) -> Truth {
    let mut all = Truth::False;
    for entry in entries {
        if !entry.interactions.contains(interaction) {
            continue;
        }
        let mut one = entry.conditions.iter().fold(Truth::True, |sum, condition| {
            sum.and(condition.truth(kind, resource))
        });
        if result && entry.has_constraint && one == Truth::True {
            one = Truth::Unknown("R4 search has no write constraints".to_owned());
        }
        all = all.or(one);
    }
    all
}

fn entries(question: &Question, member: &Membership, kind: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut named = false;
    for access in &member.access {
        let Some(document) = question.document(&access.policy) else {
            continue;
        };
        let bindings = bindings(member, access);
        for entry in document.entries() {
            named |= entry.resource_type == kind;
            if entry.resource_type == kind || entry.resource_type == "*" {
                entries.push(compile(entry, kind, &bindings, question));
            }
        }
    }
    if !named && matches!(kind, "SearchParameter" | "StructureDefinition") {
        entries.push(Entry {
            resource_type: kind.to_owned(),
            interactions: Interactions::READING,
            has_constraint: false,
            conditions: Vec::new(),
        });
    }
    entries.retain(|entry| entry.resource_type == kind || entry.resource_type == "*");
    entries
}

/// The values of variables, as in [`crate::policy::assemble`].
fn bindings(member: &Membership, access: &Access) -> Bindings {
    let mut bindings = Bindings::none();
    bindings.bind_reference("profile", &member.profile);
    bindings.bind_reference("patient", &member.profile);
    for parameter in &access.parameters {
        match &parameter.value {
            ParameterValue::String(text) => bindings.bind_text(&parameter.name, text),
            ParameterValue::Reference(reference) => {
                bindings.bind_reference(&parameter.name, reference);
            }
        }
    }
    for parameter in &access.parameters {
        let times = access
            .parameters
            .iter()
            .filter(|p| p.name == parameter.name);
        if times.count() > 1 {
            bindings.unbind(&parameter.name);
        }
    }
    bindings
}

fn compile(entry: &EntryDocument, kind: &str, bindings: &Bindings, question: &Question) -> Entry {
    let mut conditions = Vec::new();
    if let Some(reason) = &entry.broken {
        conditions.push(Condition::refused(reason.clone()));
    }
    if let Some(text) = &entry.criteria {
        let (criteria, _) = criteria::parse(text, &bindings.names());
        if criteria.resource_type.text != entry.resource_type {
            conditions.push(Condition::refused(format!(
                "the criteria is about `{}`, its entry about `{}`",
                criteria.resource_type.text, entry.resource_type
            )));
        }
        for pair in &criteria.pairs {
            conditions.push(Condition::compile(pair, kind, bindings, &question.options));
        }
    }
    if let Some(compartment) = &entry.compartment {
        let pair = ("_compartment".to_owned(), compartment.clone());
        conditions.push(Condition::query(kind, pair, &question.options));
    }
    Entry {
        resource_type: entry.resource_type.clone(),
        interactions: entry.interactions,
        has_constraint: !entry.write_constraints.is_empty(),
        conditions,
    }
}
