//! A question: may this member do this to that resource?

use std::sync::Arc;

use serde_json::Value;

use super::{Answer, Departed, Path, Semantics, departure, medplum, r4};
use crate::diagnostic::Diagnostic;
use crate::policy::{
    Assembled, Interaction, Membership, Options, Policy, PolicyDocument, Request, assemble,
};

/// A member, policies, an interaction and the resource it is about.
#[derive(Debug)]
pub struct Question {
    pub(super) membership: Value,
    pub(super) policies: Vec<Value>,
    pub(super) interaction: Interaction,
    pub(super) resource: Value,
    pub(super) other: Option<Value>,
    pub(super) member: Option<Membership>,
    pub(super) documents: Vec<Arc<PolicyDocument>>,
    pub(super) documented: Policy,
    pub(super) options: Options,
    /// What a write would store, by the documented rules for fields: R4 search has none, and a
    /// server has its own.
    written: Option<Value>,
}

impl Question {
    /// A question. `membership` is a ProjectMembership, `policies` are the AccessPolicies that it
    /// may refer to, by id.
    pub fn new(
        membership: &Value,
        policies: Vec<Value>,
        interaction: Interaction,
        resource: &Value,
    ) -> Self {
        let documents = policies
            .iter()
            .map(|policy| Arc::new(PolicyDocument::from_value(policy).0))
            .collect();
        let member = Membership::from_value(membership).ok();
        let mut question = Self {
            membership: membership.clone(),
            policies,
            interaction,
            resource: resource.clone(),
            other: None,
            member,
            documents,
            documented: Policy::nothing(""),
            options: Options::default(),
            written: None,
        };
        question.compile();
        question
    }

    /// With the other state of the resource: what is sent for an update, or what a patch makes of
    /// it, or the old version that is asked for. What a write may not change each semantics puts
    /// back before it decides.
    #[must_use]
    pub fn with_other(mut self, other: Option<Value>) -> Self {
        self.other = other;
        self.merge();
        self
    }

    /// With what is known of the server.
    #[must_use]
    pub fn with_options(mut self, options: Options) -> Self {
        self.options = options;
        self.compile();
        self
    }

    fn compile(&mut self) {
        // A membership that cannot be read grants nothing.
        if let Some(member) = &self.member {
            let assembled: Assembled =
                assemble(member, &|reference| self.document(reference), &self.options);
            self.documented = assembled.policy;
        }
        self.merge();
    }

    fn merge(&mut self) {
        let other = self.other.as_ref();
        let written = self
            .documented
            .written(self.interaction, &self.resource, other);
        self.written = written.map(|written| written.result);
    }

    pub(super) fn document(&self, reference: &str) -> Option<Arc<PolicyDocument>> {
        let id = reference.strip_prefix("AccessPolicy/")?;
        self.documents.iter().find(|d| d.id() == Some(id)).cloned()
    }

    /// What is wrong with the membership itself.
    pub fn membership_fault(&self) -> Option<Diagnostic> {
        Membership::from_value(&self.membership).err()
    }

    /// The request as the policy takes it.
    pub(super) fn request(&self) -> Request<'_> {
        match (&self.written, self.interaction) {
            (Some(result), Interaction::Create) => Request::Create(result),
            (Some(result), interaction) => {
                Request::about(interaction, &self.resource, Some(result))
            }
            (None, interaction) => Request::about(interaction, &self.resource, self.other.as_ref()),
        }
    }

    /// The answer of a semantics on each path of the interaction.
    pub fn answers(&self, semantics: Semantics) -> Vec<(Path, Answer)> {
        let paths = Path::of(self.interaction);
        match semantics {
            Semantics::Documented => {
                let decision = self.documented.decide(&self.request());
                let answer = Answer::plain(decision.verdict.into());
                paths.iter().map(|path| (*path, answer.clone())).collect()
            }
            Semantics::R4 => {
                let answer = r4::answer(self);
                paths.iter().map(|path| (*path, answer.clone())).collect()
            }
            Semantics::Medplum(version) => medplum::answers(self, version, paths),
        }
    }

    /// Where a semantics parts from the documented one, path by path, with the causes that are
    /// known by name.
    pub fn departures(&self, semantics: Semantics) -> Vec<Departed> {
        let documented = self.documented.decide(&self.request()).verdict.into();
        self.answers(semantics)
            .into_iter()
            .filter(|(_, answer)| answer.verdict != documented)
            .map(|(path, answer)| Departed {
                path,
                documented,
                causes: departure::causes(self, semantics, path),
                answer,
            })
            .collect()
    }
}
