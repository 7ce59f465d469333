//! From a membership and its policies to one compiled policy. Source: R.7, R.8,
//! policy-semantics 2.1, 2.6.

use std::collections::HashMap;
use std::sync::Arc;

use super::admin;
use super::compiled::{Entry, Grant, Policy};
use super::document::{
    EntryDocument, MAX_ENTRIES, MAX_WILDCARD_TEXT, MAX_WILDCARDS, PolicyDocument, constraint_help,
    too_many_wildcards,
};
use super::interaction::Interactions;
use super::membership::{Access, Membership, ParameterValue};
use super::origin::{AccessOrigin, Origin, Terms};
use super::variables::{Unknown, fill, fill_constraint};
use crate::criteria::Bindings;
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
/// any policy has full access but for the types that `*` does not cover (R.2), which is Medplum's
/// rule and a warning.
pub fn assemble(
    membership: &Membership,
    find: &dyn Fn(&str) -> Option<Arc<PolicyDocument>>,
    options: &Options,
) -> Assembled {
    let mut diagnostics = Vec::new();
    let mut entries = Vec::new();
    let mut terms = Terms::default();
    let mut accounts = Vec::new();
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
        let from = "membership without policy";
        entries.push(Entry::plain("*", Interactions::EVERY, from));
    }
    let refused = |finding: Diagnostic, mut diagnostics: Vec<Diagnostic>| {
        diagnostics.push(finding);
        Assembled {
            policy: Policy::nothing(&membership.profile),
            diagnostics,
        }
    };
    let (mut wildcards, mut wildcard_text) = (0, 0);
    for (index, access) in membership.access.iter().enumerate() {
        let Some(document) = find(&access.policy) else {
            let finding = Diagnostic::error(
                "membership/no-such-policy",
                format!(
                    "`{}`, which `{}` refers to, does not exist",
                    access.policy, membership.profile
                ),
            )
            .with_help("a membership with a missing policy grants nothing at all");
            return refused(finding, diagnostics);
        };
        let bindings = bindings(membership, access, &mut diagnostics);
        if entries.len() + document.entries().len() > MAX_ENTRIES {
            let finding = Diagnostic::error(
                "membership/too-many-entries",
                format!(
                    "the policies of `{}` have more than {MAX_ENTRIES} entries together",
                    membership.profile
                ),
            )
            .with_help("such a membership grants nothing at all");
            return refused(finding, diagnostics);
        }
        let (count, bytes) = document.wildcards();
        wildcards += count;
        wildcard_text += bytes;
        if wildcards > MAX_WILDCARDS || wildcard_text > MAX_WILDCARD_TEXT {
            let who_has = format!("the policies of `{}` have", membership.profile);
            let finding = too_many_wildcards("membership/too-many-wildcards", &who_has);
            return refused(finding, diagnostics);
        }
        let place = membership.place(index);
        let repeated = membership
            .access
            .iter()
            .enumerate()
            .any(|(other, named)| other != index && named.policy == access.policy);
        let part = Part {
            document: &document,
            bindings,
            base: options.base_url.as_deref(),
            access: index,
            place: repeated.then(|| place.as_str().into()),
        };
        for entry in document.entries() {
            entries.push(part.compile(entry, &mut diagnostics));
        }
        accounts.extend(part.account(&mut diagnostics));
        terms.ip_rules.extend(document.ip_rules().iter().cloned());
        terms.accesses.push(AccessOrigin {
            place,
            reference: access.policy.clone(),
            policy: document.title(),
            parameters: access.parameters.clone(),
        });
    }
    terms.account = one_account(membership, accounts, &mut diagnostics);
    admin::apply(membership, &mut entries, &mut diagnostics);
    for kind in ["SearchParameter", "StructureDefinition"] {
        if !entries.iter().any(|entry| entry.resource_type == kind) {
            entries.push(Entry::plain(kind, Interactions::READING, "default"));
        }
    }
    let mut policy = Policy::new(membership.profile.clone(), entries);
    policy.terms = terms;
    Assembled {
        policy,
        diagnostics,
    }
}

/// The account that all policies agree on. Several that disagree name none: whichever was taken
/// would show what is created to the people of one tenant though it may be for another's.
fn one_account(
    membership: &Membership,
    accounts: Vec<Option<String>>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<String> {
    let mut known: Vec<String> = accounts.iter().flatten().cloned().collect();
    known.sort_unstable();
    known.dedup();
    if known.len() > 1 {
        diagnostics.push(
            Diagnostic::warning(
                "membership/several-accounts",
                format!(
                    "what `{}` creates gets no account: the policies name {}",
                    membership.profile,
                    known
                        .iter()
                        .map(|account| format!("`{account}`"))
                        .collect::<Vec<_>>()
                        .join(" and ")
                ),
            )
            .with_help(
                "give the member one `compartment`; a server that takes the last one shows what is \
                 created to that tenant, whoever it is for",
            ),
        );
        return None;
    }
    // One that cannot be told may be another than the one that can.
    if accounts.iter().any(Option::is_none) {
        return None;
    }
    known.pop()
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
    if given.contains_key("profile") {
        diagnostics.push(
            Diagnostic::error(
                "membership/reserved-parameter",
                format!(
                    "the parameter `profile` of `{}` would replace who acts",
                    access.policy
                ),
            )
            .with_help(
                "`%profile` is the profile of the membership; give the parameter another name",
            ),
        );
    }
    let unclear = given
        .into_iter()
        .filter(|(name, times)| *times > 1 || *name == "profile");
    for (name, _) in unclear {
        // Which of the values counts would be a guess; without one, its entries grant nothing.
        bindings.unbind(name);
    }
    bindings
}

/// A policy as one access of a membership brings it.
struct Part<'a> {
    document: &'a PolicyDocument,
    bindings: Bindings,
    base: Option<&'a str>,
    access: usize,
    place: Option<Arc<str>>,
}

impl Part<'_> {
    fn compile(&self, entry: &EntryDocument, diagnostics: &mut Vec<Diagnostic>) -> Entry {
        let span = self.document.criteria_span(entry);
        let mut grant = Grant::All;
        let compiled = self
            .document
            .compile_criteria(entry, &self.bindings, self.base);
        if let Some((compiled, findings)) = compiled {
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
        let place = |below: &str| {
            self.document
                .place(&format!("/resource/{}{below}", entry.index))
        };
        let compartment = entry.compartment.as_ref().map(|text| {
            self.reference(text).inspect_err(|reason| {
                // What is wrong with the text itself is in the findings of the document.
                if text.contains('%') {
                    diagnostics.push(
                        Diagnostic::error("policy/compartment", reason.clone())
                            .with_label(place("/compartment"), "the entry grants nothing")
                            .with_source(self.document.source()),
                    );
                }
            })
        });
        grant = match &compartment {
            None => grant,
            Some(Ok(local)) => grant.in_compartment(&entry.resource_type, local, self.base),
            Some(Err(reason)) => Grant::Nothing(reason.clone()),
        };
        let mut write_constraints = Vec::new();
        for (at, expression) in entry.write_constraints.iter().enumerate() {
            match fill_constraint(expression, &self.bindings) {
                Ok(filled) => write_constraints.push(filled),
                Err(Unknown(variable)) => {
                    let message = format!("`{variable}` has no value in a write constraint");
                    grant = Grant::Nothing(message.clone());
                    write_constraints.push(expression.clone());
                    let below = format!("/writeConstraint/{at}/expression");
                    diagnostics.push(
                        Diagnostic::error("policy/constraint", message)
                            .with_label(place(&below), "the entry grants nothing")
                            .with_source(self.document.source())
                            .with_help(constraint_help()),
                    );
                }
            }
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
            write_constraints,
            origin: Origin {
                policy: self.document.title(),
                number: Some(entry.index + 1),
                source: Some(Arc::clone(self.document.source())),
                span,
                access: Some(self.access),
                place: self.place.clone(),
            },
            grant,
        }
    }

    /// The account of what is created, if the policy has one: `Some(None)` where it has one that
    /// cannot be told.
    fn account(&self, diagnostics: &mut Vec<Diagnostic>) -> Option<Option<String>> {
        let text = self.document.compartment()?;
        let told = self.reference(text).and_then(|local| {
            if local.starts_with("Project/") {
                return Err(format!("`{local}` is a project, and no account"));
            }
            Ok(local)
        });
        Some(match told {
            Ok(account) => Some(account),
            Err(reason) => {
                diagnostics.push(
                    Diagnostic::error("policy/compartment", reason)
                        .with_label(
                            self.document.place("/compartment"),
                            "what is created gets no account",
                        )
                        .with_source(self.document.source())
                        .with_help("an account is `Type/id`, or a parameter that is one"),
                );
                None
            }
        })
    }

    /// A reference with the values of its variables, `Type/id`.
    fn reference(&self, text: &str) -> Result<String, String> {
        let filled = fill(text, &self.bindings)
            .map_err(|Unknown(variable)| format!("`{variable}` has no value"))?;
        match reference::local(&filled, self.base) {
            Some(local) => Ok(local.to_owned()),
            None => Err(format!("`{filled}` is no compartment")),
        }
    }
}
