//! The filter that most policies consist of: a member that refers to a resource of this server
//! (`recipient=Practitioner/x`), in the form in which it is asked soonest.

use fhirward_spec::{items, member};
use serde_json::Value;

use crate::values::reference;

/// Asks whether some item of a member points at a resource.
#[derive(Debug, Clone)]
pub(crate) struct Refers {
    pub(super) member: &'static str,
    /// `Type/id`.
    pub(super) local: Box<str>,
    /// The FHIR base of this server, on which absolute references are local ones.
    pub(super) base: Option<Box<str>>,
}

impl Refers {
    /// Whether a resource passes: what [`Probe::passes`](super::probe::Probe::passes) answers,
    /// without a step in between.
    #[inline]
    pub(crate) fn holds(&self, resource: &Value) -> bool {
        let base = self.base.as_deref();
        items(resource, self.member).iter().any(|item| {
            let stored = match item {
                Value::String(text) => text,
                _ => match member(item, "reference") {
                    Some(Value::String(text)) => text,
                    _ => return false,
                },
            };
            reference::is_to(stored, &self.local, base)
        })
    }
}
