//! The walk over a resource, object by object.

use std::collections::HashMap;

use fhirward_spec::{Element, TypeDef};
use serde_json::{Map, Value};

use super::location::{Location, Segment};
use super::suggest::{did_you_mean, shortened};
use super::tables::{self, Node, NodeKind};
use super::{Finding, MAX_DEPTH, MAX_FINDINGS};
use crate::diagnostic::Severity;
use crate::words::nearest;

/// The state of one validation.
pub(super) struct Validator<'r> {
    pub(super) location: Location<'r>,
    /// The resources contained in the resource by their ids, which `#id` may name, with their types.
    pub(super) contained: HashMap<&'r str, Option<&'r str>>,
    /// Whether the resource at hand is contained in another.
    pub(super) inside_contained: bool,
    /// Whether the resources in it are not looked at.
    pub(super) is_container_alone: bool,
    findings: Vec<Finding>,
    /// Those beyond the limit.
    unreported: usize,
}

/// What is wrong, and what to do about it. Made only for findings that are listed.
pub(super) type Words = (String, Option<String>);

impl<'r> Validator<'r> {
    pub fn new(resource: &'r Value) -> Self {
        let root = resource.get("resourceType").and_then(Value::as_str);
        Validator {
            location: Location::new(root.unwrap_or_default()),
            contained: HashMap::new(),
            inside_contained: false,
            is_container_alone: false,
            findings: Vec::new(),
            unreported: 0,
        }
    }

    pub fn finish(mut self) -> Vec<Finding> {
        if self.unreported > 0 {
            self.findings.push(Finding {
                code: "too-many-findings",
                severity: Severity::Error,
                issue_type: "structure",
                expression: self.location.root_name().into_owned(),
                pointer: String::new(),
                message: format!("{} more findings are not listed", self.unreported),
                help: None,
                meant: None,
            });
        }
        self.findings
    }

    /// Reports an error at the place at hand.
    pub fn error(
        &mut self,
        code: &'static str,
        issue_type: &'static str,
        words: impl FnOnce() -> Words,
    ) {
        self.report(Severity::Error, code, issue_type, words);
    }

    pub fn report(
        &mut self,
        severity: Severity,
        code: &'static str,
        issue_type: &'static str,
        words: impl FnOnce() -> Words,
    ) {
        self.add(severity, code, issue_type, || (words(), None));
    }

    /// Reports, with the name that was meant in the place of this one.
    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        issue_type: &'static str,
        words: impl FnOnce() -> (Words, Option<String>),
    ) {
        if self.findings.len() >= MAX_FINDINGS {
            self.unreported = self.unreported.saturating_add(1);
            return;
        }
        let ((message, help), meant) = words();
        self.findings.push(Finding {
            code,
            severity,
            issue_type,
            expression: self.location.expression(),
            pointer: self.location.pointer(),
            message,
            help,
            meant,
        });
    }

    /// Does something with the location one step further.
    pub fn at(&mut self, segment: Segment<'r>, check: impl FnOnce(&mut Self)) {
        self.location.push(segment);
        check(self);
        self.location.pop();
    }

    /// A value that has to be a resource.
    pub fn resource(&mut self, value: &'r Value) {
        let Value::Object(object) = value else {
            self.error("not-an-object", "structure", || {
                ("a resource has to be a JSON object".to_owned(), None)
            });
            return;
        };
        let Some(Value::String(name)) = object.get("resourceType") else {
            self.error("missing-resource-type", "required", || {
                ("`resourceType` is missing or no string".to_owned(), None)
            });
            return;
        };
        let Some(node) = tables::resource(name) else {
            self.at(Segment::Name("resourceType"), |v| {
                v.error("unknown-resource-type", "structure", || {
                    let known = fhirward_spec::spec().resource_types();
                    let message = format!("`{}` is no resource type", shortened(name));
                    (message, did_you_mean(name, known))
                });
            });
            return;
        };
        if self.inside_contained {
            // A contained resource shares the ids of its container.
            self.object(object, node);
            return;
        }
        let outer = std::mem::take(&mut self.contained);
        self.contained_resources(object);
        self.object(object, node);
        self.contained = outer;
    }

    /// An object of a type: each member, then what is missing.
    pub fn object(&mut self, object: &'r Map<String, Value>, node: &'static Node) {
        if self.location.depth() > MAX_DEPTH {
            self.error("too-deep", "structure", || {
                (format!("nested deeper than {MAX_DEPTH} levels"), None)
            });
            return;
        }
        if object.is_empty() {
            self.error("empty-object", "structure", || {
                (
                    "an object must not be empty".to_owned(),
                    Some("leave the element out".to_owned()),
                )
            });
            return;
        }
        let mut seen = 0u128;
        let mut again = false;
        let mut meant: Vec<String> = Vec::new();
        for (name, value) in object {
            let Some(member) = node.member(name) else {
                if name != "resourceType" || !node.is_resource() {
                    self.at(Segment::Name(name), |v| {
                        meant.extend(v.unknown(node.def, name));
                    });
                }
                continue;
            };
            again |= seen & member.bit != 0 && member.element.choice;
            seen |= member.bit;
            self.at(Segment::Name(name), |v| {
                if member.is_sibling {
                    v.sibling(object, member, value);
                } else {
                    v.element(object, member, value);
                }
            });
        }
        if again {
            self.choices(object, node);
        }
        let missing = node.required & !seen;
        if missing != 0 {
            self.missing(missing, node.def, &meant);
        }
        // With what is missing it would have content.
        if missing == 0 && object.len() == 1 && !node.is_resource() && object.contains_key("id") {
            self.error("ele-1", "invariant", || {
                (
                    "an `id` alone is no content".to_owned(),
                    Some("give a value or an extension, or leave the element out".to_owned()),
                )
            });
        }
        for invariant in &node.invariants {
            if !invariant.holds(object) {
                self.error(invariant.key, "invariant", || {
                    (invariant.human.to_owned(), None)
                });
            }
        }
        if node.kind == NodeKind::Bundle {
            self.bundle(object);
        }
    }

    /// Returns the name that was meant.
    fn unknown(&mut self, type_def: &'static TypeDef, name: &str) -> Option<String> {
        let mut found = None;
        self.add(Severity::Error, "unknown-element", "structure", || {
            let message = format!("`{}` has no element `{}`", type_def.name, shortened(name));
            found = meant(type_def, name);
            let help = known_names(type_def, name, found.as_deref());
            ((message, help), found.clone())
        });
        found
    }

    /// Choices that are made twice: `valueString` and `valueCode`, but not `_valueString`.
    fn choices(&mut self, object: &'r Map<String, Value>, node: &'static Node) {
        for element in node.def.elements.iter().filter(|e| e.choice) {
            let mut given = object
                .keys()
                .map(|name| name.strip_prefix('_').unwrap_or(name))
                .filter(|name| element.type_named(name).is_some());
            let Some(first) = given.next() else { continue };
            if let Some(second) = given.find(|name| *name != first) {
                self.error("choice-twice", "structure", || {
                    let message =
                        format!("`{first}` and `{second}` are given, but only one is allowed");
                    (message, Some("keep one of them".to_owned()))
                });
            }
        }
    }

    /// What is required and not there; what is there under a name like it is said once.
    fn missing(&mut self, missing: u128, type_def: &'static TypeDef, meant: &[String]) {
        let is_meant = |element: &Element| {
            let is_of = |name: &String| {
                *name == *element.name || element.json_names().any(|(own, _)| own == *name)
            };
            meant.iter().any(is_of)
        };
        for (place, element) in type_def.elements.iter().enumerate() {
            if missing & tables::bit(place) == 0 || is_meant(element) {
                continue;
            }
            self.at(Segment::Name(&element.name), |v| {
                v.error("missing-element", "required", || {
                    let x = if element.choice { "[x]" } else { "" };
                    let message = format!("`{}{x}` is required but missing", element.name);
                    (message, needed(element))
                });
            });
        }
    }
}

/// What is allowed in the place of an element that is missing.
fn needed(element: &Element) -> Option<String> {
    if element.choice {
        return Some(choice_help(element));
    }
    super::element::one_of(element.required_codes?)
}

/// The element whose name is this without its type, or near.
fn meant(type_def: &'static TypeDef, name: &str) -> Option<String> {
    if type_def.element_named(name).is_some_and(|e| e.choice) {
        return Some(name.to_owned());
    }
    let bare = name.strip_prefix('_').unwrap_or(name);
    let names = |e: &Element| e.json_names().map(|(name, _)| name).collect::<Vec<_>>();
    let names = type_def.elements.iter().flat_map(names);
    nearest(bare, names).filter(|near| near != bare)
}

fn known_names(type_def: &'static TypeDef, name: &str, meant: Option<&str>) -> Option<String> {
    if let Some(element) = type_def.element_named(name).filter(|e| e.choice) {
        return Some(choice_help(element));
    }
    let bare = name.strip_prefix('_').unwrap_or(name);
    if bare != name && type_def.element(bare).is_some() {
        return Some(format!(
            "`{bare}` is no primitive: extensions go into its object"
        ));
    }
    meant.map(|near| format!("did you mean `{near}`?"))
}

fn choice_help(element: &Element) -> String {
    const MAX_LISTED: usize = 6;
    let names: Vec<String> = element.json_names().map(|(name, _)| name).collect();
    if names.len() <= MAX_LISTED {
        format!("the name ends in the type: `{}`", names.join("`, `"))
    } else {
        let first = names.first().map_or("", |name| name);
        format!("the name ends in the type, such as `{first}`")
    }
}
