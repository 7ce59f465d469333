//! The resources of a JSON value, and their places.

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::Span;
use serde_json::Value;

use crate::input::Part;

/// What a JSON value holds.
#[derive(Debug)]
pub enum Item<'p> {
    /// A resource, and where in the value it stands, as a JSON pointer.
    Resource(String, &'p Value),
    /// A Bundle, or Parameters with resources, before what is in it.
    Container(String, &'p Value),
    /// What a history says was deleted, `Type/id`.
    Deleted(&'p str),
    /// Something else, in the place of a resource.
    NoResource(String),
}

/// A resource and where it stands.
#[derive(Debug)]
pub struct Found<'p> {
    /// The value it is in.
    pub part: &'p Part,
    /// Where in it, as a JSON pointer.
    pub pointer: String,
    /// The resource.
    pub value: &'p Value,
}

impl Found<'_> {
    /// Where to point: at a simple value itself; at the key of anything larger; at the resource's
    /// id for what is missing from it. A frame around a whole resource shows nothing.
    pub fn place(&self, pointer: &str) -> Span {
        let whole = |pointer: &str| format!("{}{pointer}", self.pointer);
        match self.value.pointer(pointer) {
            Some(value) if !value.is_object() && !value.is_array() => {
                self.part.span(&whole(pointer))
            }
            Some(_) if !pointer.is_empty() => self.part.key(&whole(pointer)),
            _ => match pointer.rfind('/').and_then(|cut| pointer.get(..cut)) {
                Some(around) if !around.is_empty() => self.place(around),
                _ => ["/id", "/resourceType"]
                    .into_iter()
                    .find(|name| self.value.pointer(name).is_some())
                    .map_or_else(
                        || self.part.span(&self.pointer),
                        |name| self.part.span(&whole(name)),
                    ),
            },
        }
    }
}

/// The resources of a JSON value: itself, the items of an array, the entries of a Bundle, what
/// Parameters hold; and of such in such, as a batch-response has Bundles.
pub fn each<'p>(value: &'p Value, visit: &mut dyn FnMut(Item<'p>)) {
    within(String::new(), value, visit);
}

fn within<'p>(pointer: String, value: &'p Value, visit: &mut dyn FnMut(Item<'p>)) {
    if let Some(items) = value.as_array() {
        for (at, item) in items.iter().enumerate() {
            within(format!("{pointer}/{at}"), item, visit);
        }
        return;
    }
    let Some(kind) = value.get("resourceType").and_then(Value::as_str) else {
        visit(Item::NoResource(pointer));
        return;
    };
    match kind {
        "Bundle" => {
            visit(Item::Container(pointer.clone(), value));
            entries(&pointer, value, visit);
        }
        "Parameters" if holds_resources(value, "parameter") => {
            visit(Item::Container(pointer.clone(), value));
            parameters(&pointer, value, "parameter", visit);
        }
        _ => visit(Item::Resource(pointer, value)),
    }
}

fn entries<'p>(pointer: &str, bundle: &'p Value, visit: &mut dyn FnMut(Item<'p>)) {
    for (at, entry) in items(pointer, bundle, "entry") {
        if let Some(resource) = entry.get("resource") {
            within(format!("{at}/resource"), resource, visit);
        }
    }
    // An entry of a history may be a deletion, which has no resource.
    for (_, entry) in items(pointer, bundle, "entry") {
        let request = |name| entry.get("request").and_then(|request| request.get(name));
        let is_delete = request("method").and_then(Value::as_str) == Some("DELETE");
        if let Some(url) = request("url").and_then(Value::as_str)
            && is_delete
            && entry.get("resource").is_none()
        {
            visit(Item::Deleted(url));
        }
    }
}

fn parameters<'p>(
    pointer: &str,
    around: &'p Value,
    name: &'static str,
    visit: &mut dyn FnMut(Item<'p>),
) {
    for (at, parameter) in items(pointer, around, name) {
        if let Some(resource) = parameter.get("resource") {
            within(format!("{at}/resource"), resource, visit);
        }
        parameters(&at, parameter, "part", visit);
    }
}

fn holds_resources(around: &Value, name: &'static str) -> bool {
    items("", around, name).any(|(_, parameter)| {
        parameter.get("resource").is_some() || holds_resources(parameter, "part")
    })
}

/// The items of a member with their places; one that should be in an array, and is not, as well.
fn items<'p>(
    pointer: &str,
    around: &'p Value,
    name: &'static str,
) -> impl Iterator<Item = (String, &'p Value)> + use<'p> {
    let pointer = format!("{pointer}/{name}");
    let member = around.get(name);
    let alone = member.filter(|member| member.is_object());
    let alone = alone.map(|member| (pointer.clone(), member));
    let listed = member.and_then(Value::as_array).into_iter().flatten();
    let listed = listed.enumerate();
    alone
        .into_iter()
        .chain(listed.map(move |(at, item)| (format!("{pointer}/{at}"), item)))
}

/// Whether the value is one resource, and holds no others.
pub fn is_one(value: &Value) -> bool {
    let kind = value.get("resourceType").and_then(Value::as_str);
    kind.is_some_and(|kind| kind != "Bundle" && kind != "Parameters")
}

/// The finding that something in the place of a resource is none.
pub fn no_resource(part: &Part, pointer: &str) -> Diagnostic {
    Diagnostic::error("thread/no-resource", "this is no FHIR resource")
        .with_label(part.key(pointer), "")
        .with_source(&part.file)
        .with_help("a resource is a JSON object with a `resourceType`")
}
