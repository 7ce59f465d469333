//! Medplum's extensions of a Subscription.
//!
//! Source: <https://www.medplum.com/docs/subscriptions/subscription-extensions>. Some URLs stand
//! there in several spellings; each is understood.

use serde_json::Value;

/// `create`, `update` or `delete`; may repeat. Without it a Subscription fires on all three.
pub(crate) const INTERACTION: &[&str] = &[
    "https://medplum.com/fhir/StructureDefinition/subscription-supported-interaction",
    "http://medplum.com/fhir/StructureDefinition/subscription-supported-interaction",
];

/// FHIRPath on `%previous` and `%current`, which must be true.
pub(crate) const EXPRESSION: &[&str] =
    &["https://medplum.com/fhir/StructureDefinition/fhir-path-criteria-expression"];

/// The key of `X-Signature`.
pub(crate) const SECRET: &[&str] = &[
    "https://www.medplum.com/fhir/StructureDefinition/subscription-secret",
    "https://medplum.com/fhir/StructureDefinition/subscription-secret",
    "https://www.medplum.com/fhir/StructureDefinition-subscriptionSecret",
];

/// How often a delivery is attempted.
pub(crate) const MAX_ATTEMPTS: &[&str] = &[
    "https://medplum.com/fhir/StructureDefinition/subscription-max-attempts",
    "http://medplum.com/fhir/StructureDefinition/subscription-max-attempts",
];

/// The statuses that are a success: `200,201,300-399`.
pub(crate) const SUCCESS_CODES: &[&str] = &[
    "https://medplum.com/fhir/StructureDefinition/subscription-success-codes",
    "http://medplum.com/fhir/StructureDefinition/subscription-success-codes",
];

/// The extensions of one of these URLs, and their places.
pub(crate) fn all<'v>(
    subscription: &'v Value,
    urls: &'static [&'static str],
) -> impl Iterator<Item = (String, &'v Value)> {
    let extensions = subscription.get("extension").and_then(Value::as_array);
    extensions
        .into_iter()
        .flatten()
        .enumerate()
        .filter(|(_, extension)| {
            let url = extension.get("url").and_then(Value::as_str);
            url.is_some_and(|url| urls.contains(&url))
        })
        .map(|(index, extension)| (format!("Subscription.extension[{index}]"), extension))
}
