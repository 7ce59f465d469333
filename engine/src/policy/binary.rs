//! Binary: whoever may do something with it must also be able to read its `securityContext`.
//! Source: R.11.

use std::borrow::Cow;

use serde_json::Value;

use super::compiled::Policy;
use super::decide::{Decision, Reason, Request, Side, Verdict};
use super::explain::Explanation;
use super::interaction::Interaction;
use crate::values::reference;

/// How far the right to a Binary is followed, where the context of one is another.
pub const MAX_CONTEXT_DEPTH: usize = 8;

/// Finds a resource by `Type/id`, the current version.
pub type Resolve<'r> = dyn Fn(&str) -> Option<Cow<'r, Value>> + 'r;

impl Policy {
    /// Decides a request, and of a Binary asks whether the actor may
    /// read its `securityContext`: that of the stored resource (else it is hidden), of an old
    /// version that would be shown, and of what would be stored (else it is forbidden). A context
    /// that leads nowhere is nobody's.
    ///
    /// `base` is the FHIR base of the server, on which absolute references are local ones.
    #[inline]
    pub fn decide_with(
        &self,
        request: &Request<'_>,
        base: Option<&str>,
        resolve: &Resolve<'_>,
    ) -> Decision {
        match request.resource_type() {
            "Binary" => self.decide_binary(request, base, resolve),
            kind => self.decide_by_entries(request, kind),
        }
    }

    #[inline(never)]
    fn decide_binary(
        &self,
        request: &Request<'_>,
        base: Option<&str>,
        resolve: &Resolve<'_>,
    ) -> Decision {
        let decision = self.decide_by_entries(request, "Binary");
        if !decision.is_allowed() || self.is_full_access() {
            return decision;
        }
        for step in request.steps().into_iter().flatten() {
            if !self.reads_context(step.resource, base, resolve, 0) {
                let verdict = match step.side {
                    Side::Stored | Side::Version => Verdict::Hidden,
                    Side::Result => Verdict::Forbidden,
                };
                return Decision {
                    verdict,
                    entry: None,
                    reason: Reason::SecurityContext(step.side),
                };
            }
        }
        decision
    }

    /// Tells why, as [`Policy::explain`] does, with the security context of a Binary.
    pub fn explain_with(
        &self,
        request: &Request<'_>,
        base: Option<&str>,
        resolve: &Resolve<'_>,
    ) -> Explanation {
        let mut told = self.explain_entries(request);
        let decision = self.decide_with(request, base, resolve);
        if decision.verdict != told.verdict {
            told.verdict = decision.verdict;
            told.reason = self.reason(request, &decision, request.resource_type());
            told.granted_by = None;
            told.hidden_fields.clear();
            told.readonly_fields.clear();
        }
        told
    }

    /// Whether a resource is one that a `securityContext` keeps from everybody who cannot look the
    /// context up.
    pub(super) fn is_closed(resource: &Value) -> bool {
        resource.get("securityContext").is_some()
            && resource.get("resourceType").and_then(Value::as_str) == Some("Binary")
    }

    fn reads_context(
        &self,
        resource: &Value,
        base: Option<&str>,
        resolve: &Resolve<'_>,
        depth: usize,
    ) -> bool {
        let context = resource
            .get("securityContext")
            .filter(|_| Self::is_closed(resource));
        let Some(context) = context else {
            return true;
        };
        let target = context
            .get("reference")
            .and_then(Value::as_str)
            .and_then(|text| reference::local(text, base));
        let Some(context) = target.and_then(resolve) else {
            return false;
        };
        depth < MAX_CONTEXT_DEPTH
            && self.grants_type(
                context
                    .get("resourceType")
                    .and_then(Value::as_str)
                    .unwrap_or_default(),
                Interaction::Read,
            )
            && self.first_entry(Interaction::Read, &context).is_some()
            && self.reads_context(&context, base, resolve, depth + 1)
    }
}
