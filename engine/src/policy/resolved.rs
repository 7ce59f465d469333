//! The policy that a member really has, with the origin of everything in it.
//!
//! What a server assembles from a membership is nowhere to be seen: which policy an entry comes
//! from, what its variables became, which entries grant nothing and why, what the project's rules
//! and the token's scopes change. [`Policy::resolved`] is that, as data and as text.

use std::fmt;

use serde::Serialize;

use super::admin;
use super::compiled::{Entry, Grant, Policy};
use super::fields::FieldPath;
use super::ip::{IpAction, IpRule};
use super::limit::{Covered, Limit};
use super::membership::ParameterValue;
use super::origin::AccessOrigin;

/// A policy with the origin of everything in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resolved {
    /// Who acts, `Type/id`.
    pub profile: String,
    /// Whether it is no policy but full access.
    pub full_access: bool,
    /// The policies that it is made of, with their parameters.
    pub accesses: Vec<AccessOrigin>,
    /// The account of what the member creates.
    pub account: Option<String>,
    /// The entries, in order.
    pub entries: Vec<ResolvedEntry>,
    /// From where the member may sign in.
    pub ip_rules: Vec<ResolvedIpRule>,
    /// The scopes that limit the token.
    pub scopes: Vec<ResolvedScopes>,
}

/// What kind of thing an entry comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryOrigin {
    /// A policy.
    Policy,
    /// The membership has no policy, or there is none to limit it.
    FullAccess,
    /// The member administers the project.
    ProjectAdministration,
    /// Every member has it.
    Default,
}

/// An entry with its origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResolvedEntry {
    /// Its number in the resolved policy, from 1: the order that decides about field rules.
    pub number: usize,
    /// What kind of thing it comes from.
    pub from: EntryOrigin,
    /// The policy's name, or what else it comes from.
    pub policy: String,
    /// Its number in that policy, from 1.
    pub entry: Option<usize>,
    /// Which of [`Resolved::accesses`] brings it, from 0.
    pub access: Option<usize>,
    /// The resource type, or `*`.
    pub resource_type: String,
    /// What it allows.
    pub interactions: Vec<&'static str>,
    /// What the scopes of the token leave of that; the same where none limit it.
    pub left_by_scopes: Vec<&'static str>,
    /// The criteria as written.
    pub criteria: Option<String>,
    /// The filters with the values of the variables, a deprecated `compartment` among them. For
    /// `*` those of one type, which differ from others only in what they read.
    pub filters: Vec<String>,
    /// The types that an entry for `*` can grant, where its filters do not fit all.
    pub types: Option<usize>,
    /// Fields that no output shows.
    pub hidden_fields: Vec<String>,
    /// Fields that no write changes.
    pub readonly_fields: Vec<String>,
    /// What a write must satisfy, with the values of the variables.
    pub write_constraints: Vec<String>,
    /// Why it grants nothing.
    pub grants_nothing: Option<String>,
}

/// A rule about addresses with its origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResolvedIpRule {
    /// The policy.
    pub policy: String,
    /// Its number in that policy, from 1.
    pub rule: usize,
    /// Its name.
    pub name: Option<String>,
    /// `*`, an address, or the beginning of one.
    pub value: String,
    /// What it does.
    pub action: IpAction,
    /// Why it cannot be understood.
    pub broken: Option<String>,
}

/// The scopes of one token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResolvedScopes {
    /// As written.
    pub text: String,
    /// The patient of the launch.
    pub patient: Option<String>,
    /// Each of them.
    pub scopes: Vec<ResolvedScope>,
}

/// One scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResolvedScope {
    /// As written.
    pub scope: String,
    /// Whether it is about signing in, and limits nothing.
    pub sign_in: bool,
    /// What it covers.
    pub interactions: Vec<&'static str>,
    /// Why it covers nothing.
    pub covers_nothing: Option<String>,
}

impl Policy {
    /// Everything in the policy, in order, with its origin.
    pub fn resolved(&self) -> Resolved {
        Resolved {
            profile: self.profile().to_owned(),
            full_access: self.is_full_access(),
            accesses: self.accesses().to_vec(),
            account: self.account().map(str::to_owned),
            entries: self
                .entries()
                .iter()
                .enumerate()
                .map(|(at, entry)| self.resolved_entry(at, entry))
                .collect(),
            ip_rules: self.ip_rules().iter().map(ResolvedIpRule::new).collect(),
            scopes: self.limits.iter().map(ResolvedScopes::new).collect(),
        }
    }

    fn resolved_entry(&self, at: usize, entry: &Entry) -> ResolvedEntry {
        let (mut filters, mut types) = (Vec::new(), None);
        if let Grant::Filtered(of) = &entry.grant {
            // The same text for every type, so the first by name stands for all.
            if let Some((_, list)) = of.iter().min_by_key(|(kind, _)| **kind) {
                filters = list
                    .iter()
                    .map(|filter| filter.resolved().to_owned())
                    .collect();
            }
            types = (entry.resource_type == "*").then_some(of.len());
        }
        let fields = |list: &[FieldPath]| list.iter().map(|f| f.as_str().to_owned()).collect();
        ResolvedEntry {
            number: at + 1,
            from: match (entry.origin.number, entry.origin.policy.as_str()) {
                (Some(_), _) => EntryOrigin::Policy,
                (None, admin::FROM) => EntryOrigin::ProjectAdministration,
                (None, "default") => EntryOrigin::Default,
                (None, _) => EntryOrigin::FullAccess,
            },
            policy: entry.origin.policy.clone(),
            entry: entry.origin.number,
            access: entry.origin.access,
            resource_type: entry.resource_type.clone(),
            interactions: entry.interactions.codes(),
            left_by_scopes: self.left_by_scopes(entry).codes(),
            criteria: entry.criteria.clone(),
            filters,
            types,
            hidden_fields: fields(&entry.hidden_fields),
            readonly_fields: fields(&entry.readonly_fields),
            write_constraints: entry.write_constraints.clone(),
            grants_nothing: entry.broken().map(str::to_owned),
        }
    }
}

impl ResolvedIpRule {
    fn new(rule: &IpRule) -> Self {
        Self {
            policy: rule.policy.clone(),
            rule: rule.number,
            name: rule.name.clone(),
            value: rule.value.clone(),
            action: rule.action,
            broken: rule.broken.clone(),
        }
    }
}

impl ResolvedScopes {
    fn new(limit: &Limit) -> Self {
        let scope = |covered: &Covered| ResolvedScope {
            scope: covered.text.clone(),
            sign_in: covered.sign_in,
            interactions: covered.interactions.codes(),
            covers_nothing: match &covered.grant {
                Grant::Nothing(reason) if !covered.sign_in => Some(reason.clone()),
                _ => None,
            },
        };
        Self {
            text: limit.text.clone(),
            patient: limit.patient.clone(),
            scopes: limit.scopes.iter().map(scope).collect(),
        }
    }
}

impl fmt::Display for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "policy of {}", self.profile)?;
        if self.full_access {
            return writeln!(f, "  full access, to every type");
        }
        for access in &self.accesses {
            write!(f, "  {} = {}", access.place, access.reference)?;
            if access.policy != access.reference {
                write!(f, " `{}`", access.policy)?;
            }
            writeln!(f)?;
            for parameter in &access.parameters {
                let kind = match parameter.value {
                    ParameterValue::String(_) => "a text",
                    ParameterValue::Reference(_) => "a reference",
                };
                let value = parameter.value.as_str();
                writeln!(f, "    %{} = {value} ({kind})", parameter.name)?;
            }
        }
        if let Some(account) = &self.account {
            writeln!(f, "  account of what is created: {account}")?;
        }
        for scopes in &self.scopes {
            let patient = match &scopes.patient {
                Some(patient) => format!(", launched for {patient}"),
                None => String::new(),
            };
            writeln!(f, "\nscopes `{}`{patient}", scopes.text)?;
            for scope in &scopes.scopes {
                let what = match &scope.covers_nothing {
                    _ if scope.sign_in => "about signing in".to_owned(),
                    Some(reason) => format!("covers nothing: {reason}"),
                    None => format!("covers {}", scope.interactions.join(", ")),
                };
                writeln!(f, "  {}  {what}", scope.scope)?;
            }
        }
        if !self.ip_rules.is_empty() {
            writeln!(f, "\naddresses, the first rule that matches")?;
        }
        for rule in &self.ip_rules {
            write!(f, "  {} {}", rule.action, rule.value)?;
            if let Some(name) = &rule.name {
                write!(f, " `{name}`")?;
            }
            writeln!(f, "  {} ipAccessRule #{}", rule.policy, rule.rule)?;
            if let Some(reason) = &rule.broken {
                let effect = match rule.action {
                    IpAction::Allow => "allows nobody",
                    IpAction::Block => "blocks everybody",
                };
                writeln!(f, "    {effect}: {reason}")?;
            }
        }
        let noun = if self.entries.len() == 1 {
            "entry"
        } else {
            "entries"
        };
        writeln!(f, "\n{} {noun}", self.entries.len())?;
        for entry in &self.entries {
            self.write_entry(f, entry)?;
        }
        Ok(())
    }
}

impl Resolved {
    fn write_entry(&self, f: &mut fmt::Formatter<'_>, entry: &ResolvedEntry) -> fmt::Result {
        writeln!(f, "  {}. {}", entry.number, entry.resource_type)?;
        let place = entry.access.and_then(|access| self.accesses.get(access));
        match (entry.entry, place) {
            (Some(number), Some(access)) => {
                writeln!(f, "     from {} #{number}, {}", entry.policy, access.place)?;
            }
            (Some(number), None) => writeln!(f, "     from {} #{number}", entry.policy)?,
            (None, _) => writeln!(f, "     from {}", entry.policy)?,
        }
        if let Some(reason) = &entry.grants_nothing {
            writeln!(f, "     grants nothing: {reason}")?;
        }
        write!(f, "     {}", entry.interactions.join(", "))?;
        if entry.left_by_scopes == entry.interactions {
            writeln!(f)?;
        } else if entry.left_by_scopes.is_empty() {
            writeln!(f, "; the scopes leave nothing")?;
        } else {
            writeln!(f, "; the scopes leave {}", entry.left_by_scopes.join(", "))?;
        }
        if let Some(criteria) = &entry.criteria {
            writeln!(f, "     {criteria}")?;
        }
        let resolved = format!("{}?{}", entry.resource_type, entry.filters.join("&"));
        if !entry.filters.is_empty() && entry.criteria.as_deref() != Some(&*resolved) {
            writeln!(f, "     = {resolved}")?;
        }
        if let Some(types) = entry.types {
            writeln!(f, "     on {types} types that have all of its parameters")?;
        }
        for (what, list) in [
            ("hidden", &entry.hidden_fields),
            ("read-only", &entry.readonly_fields),
        ] {
            if !list.is_empty() {
                writeln!(f, "     {what}: {}", list.join(", "))?;
            }
        }
        for constraint in &entry.write_constraints {
            writeln!(f, "     writes only where {constraint}")?;
        }
        Ok(())
    }
}
