//! What a `Reference` points at.

use fhirward_spec::{ElementType, spec};
use serde_json::{Map, Value};

use super::location::Segment;
use super::primitive::is_uuid_urn;
use super::reference::{Literal, is_known_type, literal};
use super::suggest::{did_you_mean, shortened};
use super::validator::Validator;
use crate::diagnostic::Severity;

/// With more contained resources, a near id is looked for among these only.
const MAX_COMPARED: usize = 100;

impl<'r> Validator<'r> {
    pub(super) fn reference(
        &mut self,
        object: &'r Map<String, Value>,
        element_type: &'static ElementType,
    ) {
        let declared = object.get("type").and_then(Value::as_str);
        let Some(Value::String(text)) = object.get("reference") else {
            if let Some(declared) = declared {
                self.at(Segment::Name("type"), |v| {
                    v.declared_type(declared, element_type);
                });
            }
            return;
        };
        self.at(Segment::Name("reference"), |v| match literal(text) {
            Literal::Resource { type_name, .. } | Literal::Conditional(type_name) => {
                v.target(text, type_name, declared, element_type);
            }
            Literal::Fragment(id) => v.fragment(id, element_type),
            Literal::Urn => v.urn(text),
            Literal::OtherUrl => {}
            Literal::Malformed if text.is_empty() => {}
            Literal::Malformed => v.error("malformed-reference", "value", || {
                let message = format!("`{}` is no reference", shortened(text));
                let help = "give `Type/id`, an absolute URL, `urn:uuid:…` or `#id`";
                (message, Some(help.to_owned()))
            }),
        });
    }

    /// ref-1.
    fn fragment(&mut self, id: &'r str, element_type: &'static ElementType) {
        if id.is_empty() && self.inside_contained {
            return;
        }
        if let Some(kind) = self.contained.get(id).copied().filter(|_| !id.is_empty()) {
            // A type that there is not is said where it stands.
            if let Some(kind) = kind.filter(|kind| is_known_type(kind)) {
                self.allowed_type(kind, element_type);
            }
            return;
        }
        let help = did_you_mean(id, self.contained.keys().take(MAX_COMPARED));
        self.error("ref-1", "invariant", || {
            if id.is_empty() {
                let message = "`#` is the container of a contained resource; here is none";
                return (message.to_owned(), None);
            }
            let message = format!("no contained resource has the id `{}`", shortened(id));
            (message, help)
        });
    }

    fn urn(&mut self, text: &'r str) {
        if text.starts_with("urn:uuid:") && !is_uuid_urn(text) {
            self.report(Severity::Warning, "malformed-uuid", "value", || {
                let message = format!("`{}` holds no UUID", shortened(text));
                let help = "give `urn:uuid:` and a UUID in lower case".to_owned();
                (message, Some(help))
            });
        }
    }

    /// `type` where there is no `reference`, which would say it too.
    fn declared_type(&mut self, declared: &'r str, element_type: &'static ElementType) {
        if declared.contains(':') {
            // A logical model, by its URL.
            return;
        }
        self.allowed_type(declared, element_type);
    }

    fn target(
        &mut self,
        text: &'r str,
        type_name: &'r str,
        declared: Option<&'r str>,
        element_type: &'static ElementType,
    ) {
        // Elsewhere there may be other types than R4's.
        let is_elsewhere = text.contains("://");
        if !is_elsewhere || is_known_type(type_name) {
            self.allowed_type(type_name, element_type);
        }
        if let Some(declared) = declared.filter(|declared| *declared != type_name) {
            self.report(Severity::Warning, "type-mismatch", "value", || {
                let declared = shortened(declared);
                let message = format!("`type` says `{declared}`, the reference says `{type_name}`");
                (message, Some("leave `type` out, or correct it".to_owned()))
            });
        }
    }

    fn allowed_type(&mut self, type_name: &'r str, element_type: &'static ElementType) {
        let targets = &element_type.targets;
        if targets.iter().any(|target| **target == *type_name) {
            return;
        }
        if !is_known_type(type_name) {
            self.error("unknown-target-type", "value", || {
                let message = format!("`{}` is no resource type", shortened(type_name));
                (message, did_you_mean(type_name, spec().resource_types()))
            });
            return;
        }
        let any = targets.is_empty() || targets.iter().any(|target| &**target == "Resource");
        if !any {
            self.error("wrong-target-type", "value", || {
                let message = format!("a `{type_name}` cannot be the target here");
                let help = format!("allowed: `{}`", targets.join("`, `"));
                (message, Some(help))
            });
        }
    }
}
