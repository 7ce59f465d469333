//! The values of one element.

use serde_json::{Map, Value};

use super::location::Segment;
use super::primitive::{Primitive, Problem};
use super::suggest::{did_you_mean, shortened};
use super::tables::{self, Member, NodeKind, Shape};
use super::validator::Validator;
use crate::diagnostic::Severity;

impl<'r> Validator<'r> {
    /// The value of an element, in an array or alone as its cardinality says.
    pub(super) fn element(
        &mut self,
        parent: &'r Map<String, Value>,
        member: &'static Member,
        value: &'r Value,
    ) {
        let element = member.element;
        let name = &element.name;
        if element.max == Some(0) {
            self.error("not-allowed", "structure", || {
                (format!("`{name}` is not allowed here"), None)
            });
        }
        let Value::Array(items) = value else {
            if member.is_list && !value.is_null() {
                self.error("array-expected", "structure", || {
                    let message = format!("`{name}` may repeat, so it has to be an array");
                    (
                        message,
                        Some("put the value between `[` and `]`".to_owned()),
                    )
                });
                if !is_filled_object(value) {
                    return;
                }
            }
            self.item(member, value);
            return;
        };
        if !member.is_list {
            self.error("array-not-allowed", "structure", || {
                let message = format!("`{name}` cannot repeat, so it must not be an array");
                (
                    message,
                    Some("give the one value without `[` and `]`".to_owned()),
                )
            });
            // What is wrong within an object shows now; the rest is the same mistake again.
            for (index, item) in items
                .iter()
                .enumerate()
                .filter(|(_, item)| is_filled_object(item))
            {
                self.at(Segment::Index(index), |v| v.item(member, item));
            }
            return;
        }
        if items.is_empty() {
            self.error("empty-array", "structure", || {
                (
                    "an array must not be empty".to_owned(),
                    Some("leave the element out".to_owned()),
                )
            });
        }
        for (index, item) in items.iter().enumerate() {
            if item.is_null() && has_sibling(parent, member, index) {
                continue;
            }
            self.at(Segment::Index(index), |v| v.item(member, item));
        }
        self.count(member, items.len());
    }

    /// How many values there are.
    fn count(&mut self, member: &'static Member, count: usize) {
        let element = member.element;
        let too_many = element
            .max
            .and_then(|max| usize::try_from(max).ok())
            .is_some_and(|max| max > 1 && count > max);
        let too_few = count > 0 && usize::try_from(element.min).is_ok_and(|min| count < min);
        if too_many || too_few {
            self.error("wrong-count", "structure", || {
                let message = format!("`{}` has {count} values", element.name);
                let most = element.max.map_or("*".to_owned(), |max| max.to_string());
                (message, Some(format!("allowed: {}..{most}", element.min)))
            });
        }
    }

    /// One value of an element.
    fn item(&mut self, member: &'static Member, value: &'r Value) {
        if value.is_null() {
            self.error("null-value", "structure", || {
                (
                    "null is not a value".to_owned(),
                    Some("leave the element out".to_owned()),
                )
            });
            return;
        }
        let node = match member.shape {
            Shape::Primitive(primitive, _) => {
                self.primitive(member, primitive, value);
                return;
            }
            Shape::Resource => {
                self.inner_resource(member, value);
                return;
            }
            Shape::Object(id) => tables::node(id),
        };
        let (Value::Object(object), Some(node)) = (value, node) else {
            self.error("not-an-object", "structure", || {
                let name = &member.element.name;
                let message = format!("a value of `{name}` has to be a JSON object");
                let help = format!("its type is `{}`", member.element_type.code);
                (message, Some(help))
            });
            return;
        };
        self.object(object, node);
        match node.kind {
            NodeKind::Reference => self.reference(object, member.element_type),
            NodeKind::Extension => self.extension(member, object),
            NodeKind::Coding => self.bound_codings(member, std::slice::from_ref(value)),
            NodeKind::CodeableConcept => {
                if let Some(Value::Array(codings)) = object.get("coding") {
                    self.bound_codings(member, codings);
                }
            }
            NodeKind::Resource | NodeKind::Bundle | NodeKind::Plain => {}
        }
    }

    fn inner_resource(&mut self, member: &'static Member, value: &'r Value) {
        // The outcome of a response is no resource of its own.
        if self.is_container_alone && &*member.element.name == "resource" {
            return;
        }
        let is_contained = &*member.element.name == "contained";
        let outer = std::mem::replace(&mut self.inside_contained, is_contained);
        self.resource(value);
        self.inside_contained = outer;
    }

    fn primitive(&mut self, member: &'static Member, primitive: Primitive, value: &'r Value) {
        let Some(problem) = primitive.problem(value) else {
            if let Value::String(text) = value {
                self.text(member, primitive, text);
            }
            return;
        };
        let name = &member.element.name;
        let code = &member.element_type.code;
        match problem {
            Problem::Kind(wanted) => self.error("wrong-json-type", "structure", || {
                let message = format!("`{name}` has to be {wanted}");
                (message, Some(format!("its type is `{code}`")))
            }),
            Problem::Empty => self.error("empty-string", "structure", || {
                (
                    "a string must not be empty".to_owned(),
                    Some("leave the element out".to_owned()),
                )
            }),
            Problem::Format(wanted) => self.error("invalid-format", "value", || {
                let message = format!("`{}` is no valid `{code}`", shown(value));
                (message, Some(format!("give {wanted}")))
            }),
        }
    }

    /// What is asked about a text whose format is good.
    fn text(&mut self, member: &'static Member, primitive: Primitive, text: &'r str) {
        match primitive {
            Primitive::Code => self.bound_code(member, text),
            Primitive::Xhtml => self.narrative(text),
            Primitive::String | Primitive::Markdown if is_blank(text) => {
                self.report(Severity::Warning, "blank-string", "value", || {
                    (
                        "the text is only spaces".to_owned(),
                        Some("leave the element out".to_owned()),
                    )
                });
            }
            _ => {}
        }
    }

    fn bound_code(&mut self, member: &'static Member, code: &'r str) {
        let Some(codes) = member.element.required_codes else {
            return;
        };
        if !codes.iter().any(|c| **c == *code) {
            self.error("unknown-code", "code-invalid", || {
                let name = &member.element.name;
                let message = format!("`{}` is not a code that `{name}` may have", shortened(code));
                (message, one_of(codes).or_else(|| near_code(code, codes)))
            });
        }
    }

    /// Of the codings of a required binding, one has to be from the value set.
    fn bound_codings(&mut self, member: &'static Member, codings: &'r [Value]) {
        let Some(codes) = member.element.required_codes else {
            return;
        };
        let mut given = codings
            .iter()
            .filter_map(|coding| coding.get("code").and_then(Value::as_str))
            .peekable();
        if given.peek().is_none() || given.any(|code| codes.iter().any(|c| **c == *code)) {
            return;
        }
        self.error("unknown-code", "code-invalid", || {
            let name = &member.element.name;
            let message = format!("`{name}` has none of the codes that it may have");
            (message, one_of(codes))
        });
    }

    /// ext-1, and where the URL of an extension may be relative.
    fn extension(&mut self, member: &'static Member, object: &'r Map<String, Value>) {
        let value = |name: &String| name.starts_with("value") || name.starts_with("_value");
        let (has_value, nested) = (object.keys().any(value), object.contains_key("extension"));
        if has_value == nested && object.contains_key("url") {
            self.error("ext-1", "invariant", || {
                let message = if nested {
                    "an extension has either a value or extensions, not both"
                } else {
                    "an extension needs a value or extensions"
                };
                (message.to_owned(), None)
            });
        }
        let inside_extension = self.location.is_inside_extension();
        let Some(Value::String(url)) = object.get("url") else {
            return;
        };
        if !inside_extension && !url.is_empty() && !url.contains(':') {
            self.at(Segment::Name("url"), |v| {
                v.error("relative-extension-url", "value", || {
                    let name = &member.element.name;
                    let message = format!("`{}` does not say which `{name}` it is", shortened(url));
                    let help = "give an absolute URL; only an extension inside of another has a \
                                short name";
                    (message, Some(help.to_owned()))
                });
            });
        }
    }
}

/// Whether a value that is null has its extensions in `_name`.
fn has_sibling(parent: &Map<String, Value>, member: &Member, index: usize) -> bool {
    matches!(member.shape, Shape::Primitive(..))
        && parent
            .get(&*format!("_{}", member.name))
            .and_then(Value::as_array)
            .and_then(|siblings| siblings.get(index))
            .is_some_and(Value::is_object)
}

/// More codes than this are not listed.
const MAX_LISTED: usize = 12;

pub(super) fn one_of(codes: &[Box<str>]) -> Option<String> {
    (codes.len() <= MAX_LISTED).then(|| format!("one of `{}`", codes.join("`, `")))
}

fn near_code(code: &str, codes: &[Box<str>]) -> Option<String> {
    did_you_mean(code, codes.iter())
}

fn is_blank(text: &str) -> bool {
    text.starts_with(char::is_whitespace) && text.trim().is_empty()
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => shortened(text),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        other => shortened(&other.to_string()),
    }
}

fn is_filled_object(value: &Value) -> bool {
    value.as_object().is_some_and(|object| !object.is_empty())
}
