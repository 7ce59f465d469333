//! The values of one element.

use fhirward_spec::{Element, ElementType, TypeKind, spec};
use serde_json::{Map, Value};

use super::location::Segment;
use super::primitive::{Problem, problem};
use super::reference::{Literal, is_known_type, literal};
use super::validator::{Validator, is_primitive};
use crate::diagnostic::Severity;

impl<'r> Validator<'r> {
    /// The value of an element, in an array or alone as its cardinality says.
    pub(super) fn element(
        &mut self,
        element: &'static Element,
        element_type: &'static ElementType,
        value: &'r Value,
        sibling: Option<&'r Value>,
    ) {
        let name = &element.name;
        if element.max == Some(0) {
            let message = format!("`{name}` is not allowed here");
            self.error("not-allowed", "structure", message, None);
        }
        let Value::Array(items) = value else {
            if element.is_list() && !value.is_null() {
                let message = format!("`{name}` may repeat, so it has to be an array");
                self.error("array-expected", "structure", message, None);
            }
            self.item(element, element_type, value);
            return;
        };
        if !element.is_list() {
            let message = format!("`{name}` cannot repeat, so it must not be an array");
            self.error("array-not-allowed", "structure", message, None);
        }
        if items.is_empty() {
            let message = "an array must not be empty".to_owned();
            let help = Some("leave the element out".to_owned());
            self.error("empty-array", "structure", message, help);
        }
        let siblings = sibling.and_then(Value::as_array);
        for (index, item) in items.iter().enumerate() {
            let has_extension = siblings
                .and_then(|s| s.get(index))
                .is_some_and(Value::is_object);
            if item.is_null() && has_extension && is_primitive(element_type) {
                continue;
            }
            self.at(Segment::Index(index), |v| {
                v.item(element, element_type, item)
            });
        }
        let too_many = element
            .max
            .is_some_and(|max| max > 1 && items.len() > max as usize);
        if too_many || (!items.is_empty() && items.len() < element.min as usize) {
            let message = format!("`{name}` has {} values", items.len());
            self.error("wrong-count", "structure", message, None);
        }
    }

    /// One value of an element.
    fn item(
        &mut self,
        element: &'static Element,
        element_type: &'static ElementType,
        value: &'r Value,
    ) {
        let code = &*element_type.code;
        if value.is_null() {
            let message = "null is not a value".to_owned();
            let help = Some("leave the element out".to_owned());
            self.error("null-value", "structure", message, help);
            return;
        }
        if code == "Resource" {
            self.inner_resource(element, value);
            return;
        }
        // The tables know every type that they name.
        let Some(type_def) = spec().type_def(code) else {
            return;
        };
        if type_def.kind == TypeKind::Primitive {
            self.primitive(element, code, value);
            return;
        }
        let Value::Object(object) = value else {
            let message = format!("a value of `{}` has to be a JSON object", element.name);
            self.error("not-an-object", "structure", message, None);
            return;
        };
        self.object(object, type_def);
        match code {
            "Reference" => self.reference(object, element_type),
            "Extension" => self.extension(object),
            "Coding" => self.bound_codings(element, std::slice::from_ref(value)),
            "CodeableConcept" => {
                if let Some(Value::Array(codings)) = object.get("coding") {
                    self.bound_codings(element, codings);
                }
            }
            _ => {}
        }
    }

    fn inner_resource(&mut self, element: &'static Element, value: &'r Value) {
        let is_contained = &*element.name == "contained";
        if is_contained && value.get("contained").is_some() {
            let message = "a contained resource must not contain others".to_owned();
            self.error("nested-contained", "structure", message, None);
        }
        let outer = std::mem::replace(&mut self.inside_contained, is_contained);
        self.resource(value);
        self.inside_contained = outer;
    }

    fn primitive(&mut self, element: &'static Element, type_name: &str, value: &'r Value) {
        let name = &element.name;
        match problem(type_name, value) {
            Some(Problem::Kind(wanted)) => {
                let message = format!("`{name}` has to be {wanted}");
                let help = Some(format!("its type is `{type_name}`"));
                self.error("wrong-json-type", "structure", message, help);
            }
            Some(Problem::Empty) => {
                let message = "a string must not be empty".to_owned();
                let help = Some("leave the element out".to_owned());
                self.error("empty-string", "structure", message, help);
            }
            Some(Problem::Format(wanted)) => {
                let message = format!("`{}` is no valid `{type_name}`", shown(value));
                self.error(
                    "invalid-format",
                    "value",
                    message,
                    Some(format!("give {wanted}")),
                );
            }
            None => self.bound_code(element, type_name, value),
        }
    }

    fn bound_code(&mut self, element: &'static Element, type_name: &str, value: &Value) {
        let (Some(codes), "code", Some(code)) = (element.required_codes, type_name, value.as_str())
        else {
            return;
        };
        if !codes.iter().any(|c| **c == *code) {
            let message = format!(
                "`{}` is not a code that `{}` may have",
                shown(value),
                element.name
            );
            self.error("unknown-code", "code-invalid", message, one_of(codes));
        }
    }

    /// Of the codings of a required binding, one has to be from the value set.
    fn bound_codings(&mut self, element: &'static Element, codings: &[Value]) {
        let Some(codes) = element.required_codes else {
            return;
        };
        let mut given = codings
            .iter()
            .filter_map(|coding| coding.get("code").and_then(Value::as_str))
            .peekable();
        if given.peek().is_none() || given.any(|code| codes.iter().any(|c| **c == *code)) {
            return;
        }
        let message = format!("`{}` has none of the codes that it may have", element.name);
        self.error("unknown-code", "code-invalid", message, one_of(codes));
    }

    fn extension(&mut self, object: &Map<String, Value>) {
        let value = |name: &String| name.starts_with("value") || name.starts_with("_value");
        let (has_value, nested) = (object.keys().any(value), object.contains_key("extension"));
        if has_value == nested && object.contains_key("url") {
            let message = if nested {
                "an extension has either a value or extensions, not both"
            } else {
                "an extension needs a value or extensions"
            };
            self.error("extension-content", "structure", message.to_owned(), None);
        }
    }

    fn reference(&mut self, object: &'r Map<String, Value>, element_type: &'static ElementType) {
        let Some(Value::String(text)) = object.get("reference") else {
            return;
        };
        let declared = object.get("type").and_then(Value::as_str);
        self.at(Segment::Name("reference"), |v| {
            let type_name = match literal(text) {
                Literal::Resource { type_name, .. } | Literal::Conditional(type_name) => type_name,
                Literal::Fragment(id) => {
                    if !id.is_empty() && !v.contained.contains(&id) {
                        let message = format!("no contained resource has the id `{id}`");
                        v.error("unknown-fragment", "value", message, None);
                    }
                    return;
                }
                Literal::Urn | Literal::OtherUrl => return,
                Literal::Malformed => {
                    // The primitive check has reported these.
                    if !text.is_empty() && !text.contains(char::is_whitespace) {
                        let message = format!("`{}` is no reference", shortened(text));
                        let help = Some("give `Type/id`, an absolute URL or `#id`".to_owned());
                        v.error("malformed-reference", "value", message, help);
                    }
                    return;
                }
            };
            v.target(text, type_name, declared, element_type);
        });
    }

    fn target(
        &mut self,
        text: &str,
        type_name: &str,
        declared: Option<&str>,
        element_type: &'static ElementType,
    ) {
        if !is_known_type(type_name) {
            // Elsewhere there may be other types than R4's.
            if !text.contains("://") {
                let message = format!("`{type_name}` is no resource type");
                self.error("unknown-target-type", "value", message, None);
            }
            return;
        }
        let targets = &element_type.targets;
        let any = targets.is_empty() || targets.iter().any(|t| &**t == "Resource");
        if !any && !targets.iter().any(|t| **t == *type_name) {
            let message = format!("a `{type_name}` cannot be the target here");
            let help = Some(format!("allowed: `{}`", targets.join("`, `")));
            self.error("wrong-target-type", "value", message, help);
        }
        if let Some(declared) = declared.filter(|declared| *declared != type_name) {
            let message = format!("`type` says `{declared}`, the reference says `{type_name}`");
            self.report(Severity::Warning, "type-mismatch", "value", message, None);
        }
    }
}

/// More codes than this are not listed.
const MAX_LISTED: usize = 12;

fn one_of(codes: &[Box<str>]) -> Option<String> {
    (codes.len() <= MAX_LISTED).then(|| format!("one of `{}`", codes.join("`, `")))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => shortened(text),
        other => shortened(&other.to_string()),
    }
}

/// Enough of a text to recognise it.
fn shortened(text: &str) -> String {
    const MAX_SHOWN: usize = 60;
    match text.char_indices().nth(MAX_SHOWN) {
        Some((at, _)) => text
            .split_at_checked(at)
            .map(|(start, _)| format!("{start}…"))
            .unwrap_or_default(),
        None => text.to_owned(),
    }
}
