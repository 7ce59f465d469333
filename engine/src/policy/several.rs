//! Decisions about many resources, and about many requests at once.

use serde_json::Value;

use super::compiled::Policy;
use super::decide::{Decision, Request};
use super::interaction::Interaction;

impl Policy {
    /// The resources of which the policy allows an interaction: what a search, an include or a
    /// history may show. Of every interaction but create, a resource counts as it is stored; what
    /// else a request needs (reading before a write) [`Policy::decide`] asks. A Binary with a
    /// `securityContext` is left out.
    ///
    /// ```
    /// use fhirward_engine::policy::{Interaction, Membership, Options, assemble};
    /// use serde_json::json;
    ///
    /// let policy = assemble(&Membership::of("Practitioner/a", &[]), &|_| None, &Options::default()).policy;
    /// let all = [json!({"resourceType": "Patient"}), json!({"resourceType": "Login"})];
    /// assert_eq!(policy.filter_many(Interaction::Search, &all).count(), 1);
    /// ```
    pub fn filter_many<'a, I>(
        &self,
        interaction: Interaction,
        resources: I,
    ) -> impl Iterator<Item = &'a Value> + use<'_, 'a, I>
    where
        I: IntoIterator<Item = &'a Value>,
    {
        resources.into_iter().filter(move |resource| {
            self.is_full_access()
                || (self.first_entry(interaction, resource).is_some() && !Self::is_closed(resource))
        })
    }

    /// Decides the entries of a batch, each on its own: no right is needed for the batch itself,
    /// and a refused entry refuses no other. Source: policy-semantics 3.2.
    pub fn decide_batch(&self, requests: &[Request<'_>]) -> Vec<Decision> {
        requests
            .iter()
            .map(|request| self.decide(request))
            .collect()
    }

    /// Decides a transaction: all of it, or nothing. `requests` are its entries with the states
    /// that they lead from and to.
    ///
    /// # Errors
    /// The first entry that is refused, by its index, with the answer that the whole gets.
    pub fn decide_transaction(&self, requests: &[Request<'_>]) -> Result<(), (usize, Decision)> {
        requests
            .iter()
            .map(|request| self.decide(request))
            .enumerate()
            .find(|(_, decision)| !decision.is_allowed())
            .map_or(Ok(()), Err)
    }
}
