//! Conditional interactions: those that name a resource by a search. Source: R.3.
//!
//! Whoever names a resource by a search needs the right to search, and then that of the plain
//! interaction on what was found. A resource that the actor's searches do not find is no match:
//! several matches of which one is visible are one match.

use fhirward_spec::member;
use serde_json::Value;

use super::compiled::Policy;
use super::decide::{Decision, Reason, Request, Verdict};
use super::interaction::Interaction;

/// What is asked of the resource that a search finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Conditional {
    /// Read the one match.
    Read,
    /// Create, unless there is a match (`If-None-Exist`).
    Create,
    /// Replace the one match; nothing is created.
    Update,
    /// Replace the one match, or create (`PUT Type?…`). Needs search, create and update, whichever
    /// of them it comes to.
    Upsert,
    /// Patch the one match.
    Patch,
    /// Delete the one match.
    Delete,
}

impl Conditional {
    /// Every conditional interaction.
    pub const ALL: [Self; 6] = [
        Self::Read,
        Self::Create,
        Self::Update,
        Self::Upsert,
        Self::Patch,
        Self::Delete,
    ];

    /// What the type must be granted for, in the order in which it is asked.
    pub const fn gates(self) -> &'static [Interaction] {
        use Interaction::{Create, Delete, Patch, Read, Search, Update};
        match self {
            Self::Read => &[Search, Read],
            Self::Create => &[Search, Create],
            Self::Update => &[Search, Read, Update],
            Self::Upsert => &[Search, Create, Read, Update],
            Self::Patch => &[Search, Read, Patch],
            Self::Delete => &[Search, Read, Delete],
        }
    }
}

/// What the search of a conditional interaction comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Match<'a> {
    /// Nothing that the actor may find.
    None,
    /// One resource.
    One(&'a Value),
    /// Several: 412, and nothing is done.
    Several,
}

/// What comes of a conditional interaction.
#[derive(Debug, Clone, PartialEq)]
pub struct ConditionalDecision<'a> {
    /// What the search came to; `None` where the type is not even granted.
    pub found: Option<Match<'a>>,
    /// The plain interaction that it comes to; `None` where nothing is done.
    pub interaction: Option<Interaction>,
    /// Whether it is allowed. Several matches are *allowed* as far as the policy is concerned.
    pub decision: Decision,
    /// What would be stored, for a write.
    pub result: Option<Value>,
}

impl Policy {
    /// What the search of a conditional interaction may find among the resources that match it.
    /// `names` are the parameters of the search, each as `code` or `code:modifier`.
    ///
    /// # Errors
    /// The refusal, where the type is not granted for all that the interaction may need, or the
    /// search is by a field that is hidden from the actor.
    pub fn find_match<'a, 'n>(
        &self,
        conditional: Conditional,
        resource_type: &str,
        names: impl IntoIterator<Item = &'n str>,
        matching: impl IntoIterator<Item = &'a Value>,
    ) -> Result<Match<'a>, Decision> {
        let forbidden = |reason| {
            Err(Decision {
                verdict: Verdict::Forbidden,
                entry: None,
                reason,
            })
        };
        let refused = |gate: &&Interaction| !self.grants_type(resource_type, **gate);
        if let Some(gate) = conditional.gates().iter().find(refused) {
            return forbidden(Reason::TypeNotGranted(*gate));
        }
        if self.may_search(resource_type, names).is_err() {
            return forbidden(Reason::HiddenParameter);
        }
        let matching = matching.into_iter().filter(|one| {
            member(one, "resourceType").and_then(Value::as_str) == Some(resource_type)
        });
        let mut visible = self.filter_many(Interaction::Search, matching);
        Ok(match (visible.next(), visible.next()) {
            (None, _) => Match::None,
            (Some(one), None) => Match::One(one),
            (Some(_), Some(_)) => Match::Several,
        })
    }

    /// Decides a conditional interaction. `names` are the parameters of its search, each as `code`
    /// or `code:modifier`; `matching` are the resources of the type that match the
    /// search, visible or not; `write` makes what would be stored from the one match, or from
    /// nothing, before field rules are applied.
    ///
    /// ```
    /// use fhirward_engine::policy::{Conditional, Match, Membership, Options, assemble};
    /// use serde_json::json;
    ///
    /// let policy = assemble(&Membership::of("Practitioner/a", &[]), &|_| None, &Options::default()).policy;
    /// let stored = json!({"resourceType": "Patient", "id": "a"});
    /// let input = json!({"resourceType": "Patient"});
    /// let decided = policy.decide_conditional(Conditional::Create, "Patient", [], [&stored], |_| input.clone());
    /// assert_eq!(decided.found, Some(Match::One(&stored)));
    /// assert_eq!(decided.interaction, None, "it is there, so nothing is created");
    /// ```
    pub fn decide_conditional<'a, 'n>(
        &self,
        conditional: Conditional,
        resource_type: &str,
        names: impl IntoIterator<Item = &'n str>,
        matching: impl IntoIterator<Item = &'a Value>,
        write: impl FnOnce(Option<&Value>) -> Value,
    ) -> ConditionalDecision<'a> {
        let found = match self.find_match(conditional, resource_type, names, matching) {
            Ok(found) => found,
            Err(decision) => {
                return ConditionalDecision {
                    found: None,
                    interaction: None,
                    decision,
                    result: None,
                };
            }
        };
        let answer = |interaction, decision, result| ConditionalDecision {
            found: Some(found),
            interaction,
            decision,
            result,
        };
        match (conditional, found) {
            // Nothing is done, so nothing is refused; that there are several the search tells.
            (_, Match::Several) | (Conditional::Create, Match::One(_)) => {
                answer(None, Decision::nothing_asked(), None)
            }
            (Conditional::Create | Conditional::Upsert, Match::None) => {
                let result = self.merge_write(None, write(None));
                let decision = self.decide_typed(resource_type, &Request::Create(&result));
                answer(Some(Interaction::Create), decision, Some(result))
            }
            (_, Match::None) => answer(None, Decision::not_found(), None),
            (Conditional::Read, Match::One(one)) => {
                let decision = self.decide(&Request::Read(one));
                answer(Some(Interaction::Read), decision, None)
            }
            (Conditional::Delete, Match::One(one)) => {
                let decision = self.decide(&Request::Delete(one));
                answer(Some(Interaction::Delete), decision, None)
            }
            (Conditional::Patch, Match::One(existing)) => {
                let result = self.merge_write(Some(existing), write(Some(existing)));
                let request = Request::Patch {
                    existing,
                    result: &result,
                };
                let decision = self.decide(&request);
                answer(Some(Interaction::Patch), decision, Some(result))
            }
            (Conditional::Update | Conditional::Upsert, Match::One(existing)) => {
                let result = self.merge_write(Some(existing), write(Some(existing)));
                let request = Request::Update {
                    existing,
                    result: &result,
                };
                let decision = self.decide(&request);
                answer(Some(Interaction::Update), decision, Some(result))
            }
        }
    }

    /// The decision, unless what is asked about is of another type than the path names.
    fn decide_typed(&self, resource_type: &str, request: &Request<'_>) -> Decision {
        if request.resource_type() == resource_type {
            return self.decide(request);
        }
        Decision {
            verdict: Verdict::Forbidden,
            entry: None,
            reason: Reason::AnotherResource,
        }
    }
}

impl Decision {
    /// Nothing is done, so nothing is refused.
    const fn nothing_asked() -> Self {
        Self {
            verdict: Verdict::Allowed,
            entry: None,
            reason: Reason::NothingAsked,
        }
    }

    /// The search finds nothing for the actor: the same answer as for a resource that is hidden.
    const fn not_found() -> Self {
        Self {
            verdict: Verdict::Hidden,
            entry: None,
            reason: Reason::NoMatch,
        }
    }
}
