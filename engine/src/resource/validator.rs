//! The walk over a resource, object by object.

use fhirward_spec::{Element, ElementType, TypeDef, TypeKind, spec};
use serde_json::{Map, Value};

use super::location::{Location, Segment};
use super::suggest::did_you_mean;
use super::{Finding, MAX_DEPTH, MAX_FINDINGS};
use crate::diagnostic::Severity;

/// The state of one validation.
pub(super) struct Validator<'r> {
    pub(super) location: Location<'r>,
    /// The ids of the resources contained in the resource, which `#id` may name.
    pub(super) contained: Vec<&'r str>,
    /// Whether the resource at hand is contained in another.
    pub(super) inside_contained: bool,
    findings: Vec<Finding>,
    /// Those beyond the limit.
    unreported: usize,
}

impl<'r> Validator<'r> {
    pub fn new(resource: &'r Value) -> Self {
        let root = resource.get("resourceType").and_then(Value::as_str);
        Validator {
            location: Location::new(root.unwrap_or_default()),
            contained: Vec::new(),
            inside_contained: false,
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
                expression: self.location.root.to_owned(),
                pointer: String::new(),
                message: format!("{} more findings are not listed", self.unreported),
                help: None,
            });
        }
        self.findings
    }

    /// Reports an error at the place at hand.
    pub fn error(
        &mut self,
        code: &'static str,
        issue_type: &'static str,
        message: String,
        help: Option<String>,
    ) {
        self.report(Severity::Error, code, issue_type, message, help);
    }

    pub fn report(
        &mut self,
        severity: Severity,
        code: &'static str,
        issue_type: &'static str,
        message: String,
        help: Option<String>,
    ) {
        if self.findings.len() >= MAX_FINDINGS {
            self.unreported += 1;
            return;
        }
        self.findings.push(Finding {
            code,
            severity,
            issue_type,
            expression: self.location.expression(),
            pointer: self.location.pointer(),
            message,
            help,
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
            let message = "a resource has to be a JSON object".to_owned();
            self.error("not-an-object", "structure", message, None);
            return;
        };
        let Some(Value::String(name)) = object.get("resourceType") else {
            let message = "`resourceType` is missing or no string".to_owned();
            self.error("missing-resource-type", "required", message, None);
            return;
        };
        let Some(type_def) = spec().resource(name) else {
            let known = spec().resource_types().map(str::to_owned);
            let help = did_you_mean(name, known);
            self.at(Segment::Name("resourceType"), |v| {
                let message = format!("`{name}` is no resource type");
                v.error("unknown-resource-type", "structure", message, help);
            });
            return;
        };
        let outer = std::mem::take(&mut self.contained);
        self.contained = if self.inside_contained {
            // A contained resource shares the ids of its container.
            outer.clone()
        } else {
            contained_ids(object)
        };
        self.object(object, type_def);
        self.contained = outer;
    }

    /// An object of a type: each member, then what is missing.
    pub fn object(&mut self, object: &'r Map<String, Value>, type_def: &'static TypeDef) {
        if self.location.depth() > MAX_DEPTH {
            let message = format!("nested deeper than {MAX_DEPTH} levels");
            self.error("too-deep", "structure", message, None);
            return;
        }
        if object.is_empty() {
            let message = "an object must not be empty".to_owned();
            self.error("empty-object", "structure", message, None);
            return;
        }
        let is_resource = type_def.kind == TypeKind::Resource;
        for (name, value) in object {
            if is_resource && name == "resourceType" {
                continue;
            }
            self.at(Segment::Name(name), |v| {
                v.member(object, type_def, name, value);
            });
        }
        for element in &type_def.elements {
            self.presence(object, element);
        }
    }

    fn member(
        &mut self,
        object: &'r Map<String, Value>,
        type_def: &'static TypeDef,
        name: &'r str,
        value: &'r Value,
    ) {
        if let Some((element, element_type)) = type_def.element(name) {
            let sibling = object.get(&*format!("_{name}"));
            self.element(element, element_type, value, sibling);
            return;
        }
        let primitive = name
            .strip_prefix('_')
            .and_then(|name| type_def.element(name))
            .filter(|(_, element_type)| is_primitive(element_type));
        match primitive {
            Some((element, element_type)) => self.sibling(element, element_type, value),
            None => self.unknown(type_def, name),
        }
    }

    fn unknown(&mut self, type_def: &'static TypeDef, name: &str) {
        let choice = type_def.element_named(name).filter(|e| e.choice);
        let names = |e: &Element| e.json_names().map(|(n, _)| n).collect::<Vec<_>>();
        let help = match choice {
            Some(element) if element.types.len() <= 6 => Some(format!(
                "the name ends in the type: `{}`",
                names(element).join("`, `")
            )),
            Some(element) => Some(format!(
                "the name ends in the type, such as `{}`",
                names(element).first().map_or("", |n| n)
            )),
            None => did_you_mean(name, type_def.elements.iter().flat_map(names)),
        };
        let message = format!("`{}` has no element `{name}`", type_def.name);
        self.error("unknown-element", "structure", message, help);
    }

    /// Required elements that are missing, and choices that are made twice.
    fn presence(&mut self, object: &'r Map<String, Value>, element: &'static Element) {
        let is_present =
            |name: &str| object.contains_key(name) || object.contains_key(&*format!("_{name}"));
        let mut present = element
            .json_names()
            .map(|(name, _)| name)
            .filter(|name| is_present(name));
        let (first, second) = (present.next(), present.next());
        if let (Some(first), Some(second)) = (&first, &second) {
            let message = format!("`{first}` and `{second}` are given, but only one is allowed");
            self.error("choice-twice", "structure", message, None);
        }
        if element.min > 0 && first.is_none() {
            let name = &element.name;
            let shown = if element.choice {
                format!("{name}[x]")
            } else {
                name.to_string()
            };
            self.at(Segment::Name(name), |v| {
                let message = format!("`{shown}` is required but missing");
                v.error("missing-element", "required", message, None);
            });
        }
    }
}

pub(super) fn is_primitive(element_type: &ElementType) -> bool {
    spec()
        .type_def(&element_type.code)
        .is_some_and(|t| t.kind == TypeKind::Primitive)
}

fn contained_ids(object: &Map<String, Value>) -> Vec<&str> {
    object
        .get("contained")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|resource| resource.get("id").and_then(Value::as_str))
        .collect()
}
