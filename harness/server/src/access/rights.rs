//! The compiled policy of an actor. Only this module's parent sees it whole; the rest of the server
//! asks one of the questions here, or through an [`Access`](super::Access).

use std::sync::Arc;

use fhirward_engine::policy::{Interaction, Options, Policy, Resolved, Scopes};
use serde_json::Value;

/// What an actor may do.
#[derive(Debug, Clone)]
pub(crate) struct Rights(Arc<Policy>);

impl Rights {
    pub(crate) fn new(policy: Policy) -> Self {
        Self(Arc::new(policy))
    }

    /// What decides about resources.
    pub(super) fn policy(&self) -> &Policy {
        &self.0
    }

    /// These rights within the scopes of a token, which only take away; `patient` is the one of
    /// the launch.
    pub(crate) fn within(&self, scopes: &Scopes, patient: Option<&str>, options: &Options) -> Self {
        Self::new(
            Policy::clone(&self.0)
                .within(scopes, patient, options)
                .policy,
        )
    }

    /// Whether somebody may sign in from this address.
    pub(crate) fn admits(&self, address: Option<&str>) -> bool {
        self.0.admits(address).admitted
    }

    /// Whether the token, whatever the policy grants, leaves an interaction with a type.
    pub(crate) fn covers_type(&self, resource_type: &str, interaction: Interaction) -> bool {
        self.0.covers_type(resource_type, interaction)
    }

    /// Whether the token, whatever the policy grants, leaves an interaction with a resource.
    pub(crate) fn covers(&self, interaction: Interaction, resource: &Value) -> bool {
        self.0.covers(interaction, resource)
    }

    /// The entries, to be shown.
    pub(crate) fn resolved(&self) -> Resolved {
        self.0.resolved()
    }
}
