//! Where what a policy says comes from, and what it says beside its entries.

use std::sync::Arc;

use serde::Serialize;

use super::ip::{IpDecision, IpRule};
use super::membership::Parameter;
use crate::source::{Source, Span};

/// Where an entry comes from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The policy's name, or what gives the entry without a policy.
    pub policy: String,
    /// Its number in the policy, from 1; `None` for an entry that no policy has.
    pub number: Option<usize>,
    /// The text of the policy.
    pub source: Option<Arc<Source>>,
    /// The place of the criteria in it, or of the entry.
    pub span: Option<Span>,
    /// Which of [`Policy::accesses`](super::Policy::accesses) brings the policy.
    pub access: Option<usize>,
    /// Where the membership names the policy, if it does so more than once.
    pub place: Option<Arc<str>>,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.number {
            Some(number) => write!(f, "{} #{number}", self.policy)?,
            None => f.write_str(&self.policy)?,
        }
        match &self.place {
            Some(place) => write!(f, " ({place})"),
            None => Ok(()),
        }
    }
}

impl Origin {
    /// What gives an entry that no policy has.
    pub(super) fn beside_policies(from: &str) -> Self {
        Self {
            policy: from.to_owned(),
            number: None,
            source: None,
            span: None,
            access: None,
            place: None,
        }
    }
}

/// A policy as a membership names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessOrigin {
    /// `accessPolicy` or `access[0]`.
    pub place: String,
    /// `AccessPolicy/id`.
    pub reference: String,
    /// The policy's name, or its reference.
    pub policy: String,
    /// The parameters that are given there.
    pub parameters: Vec<Parameter>,
}

/// What policies say beside their entries.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    pub(super) accesses: Vec<AccessOrigin>,
    pub(super) account: Option<String>,
    pub(super) ip_rules: Vec<IpRule>,
}

impl super::Policy {
    /// The policies that it was assembled from, in order, with their parameters.
    pub fn accesses(&self) -> &[AccessOrigin] {
        &self.terms.accesses
    }

    /// The reference that is set as account on what is created, and on nothing else: the
    /// `compartment` of the policies. `None` where no policy has one, or where they disagree:
    /// setting the account of one tenant on what is another's would show it to the wrong people.
    /// Source: R.8, policy-semantics 2.6.
    pub fn account(&self) -> Option<&str> {
        self.terms.account.as_deref()
    }

    /// The `ipAccessRule`s of the policies, in order.
    pub fn ip_rules(&self) -> &[IpRule] {
        &self.terms.ip_rules
    }

    /// Whether somebody may sign in from an address; `None` when it is not known. Asked when a
    /// session begins; decisions do not ask again. Source: policy-semantics 2.3.
    pub fn admits(&self, address: Option<&str>) -> IpDecision {
        super::ip::decide(self.ip_rules(), address)
    }
}
