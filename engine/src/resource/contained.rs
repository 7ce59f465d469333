//! Contained resources, and the `#id` that name them (dom-2 to dom-5, ref-1).

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::MAX_DEPTH;
use super::location::Segment;
use super::suggest::shortened;
use super::validator::Validator;

impl<'r> Validator<'r> {
    /// Reads the ids of the contained resources, and checks what concerns all of them together.
    pub(super) fn contained_resources(&mut self, container: &'r Map<String, Value>) {
        let Some(Value::Array(resources)) = container.get("contained") else {
            return;
        };
        let mut fragments = HashSet::new();
        for value in container.values() {
            collect_fragments(value, 0, &mut fragments);
        }
        self.location.push(Segment::Name("contained"));
        for (at, resource) in resources.iter().enumerate() {
            self.location.push(Segment::Index(at));
            self.contained_resource(resource, &fragments);
            self.location.pop();
        }
        self.location.pop();
    }

    fn contained_resource(&mut self, resource: &'r Value, fragments: &HashSet<&'r str>) {
        let Value::Object(object) = resource else {
            return;
        };
        if object.contains_key("contained") {
            self.error("dom-2", "invariant", || {
                let help = "put all of them into the outermost resource".to_owned();
                (
                    "a contained resource must not contain others".to_owned(),
                    Some(help),
                )
            });
        }
        self.contained_meta(object);
        match object.get("id").and_then(Value::as_str) {
            None => self.error("dom-3", "invariant", || {
                let help = "give an `id`, and name it with `#id` in a reference".to_owned();
                (
                    "a contained resource without an `id` cannot be named".to_owned(),
                    Some(help),
                )
            }),
            Some(id) => {
                let kind = object.get("resourceType").and_then(Value::as_str);
                if self.contained.insert(id, kind).is_some() {
                    self.at(Segment::Name("id"), |v| {
                        v.error("duplicate-contained-id", "structure", || {
                            let message = format!(
                                "another contained resource has the id `{}`",
                                shortened(id)
                            );
                            (message, None)
                        });
                    });
                }
                if !fragments.contains(id) && !names_container(resource, 0) {
                    self.error("dom-3", "invariant", || {
                        let id = shortened(id);
                        let message = format!("nothing refers to the contained resource `{id}`");
                        let help = format!("refer to it with `#{id}`, or leave it out");
                        (message, Some(help))
                    });
                }
            }
        }
    }

    fn contained_meta(&mut self, object: &'r Map<String, Value>) {
        let Some(Value::Object(meta)) = object.get("meta") else {
            return;
        };
        self.location.push(Segment::Name("meta"));
        for (name, key) in [
            ("versionId", "dom-4"),
            ("lastUpdated", "dom-4"),
            ("security", "dom-5"),
        ] {
            if meta.contains_key(name) {
                self.at(Segment::Name(name), |v| {
                    v.error(key, "invariant", || {
                        let message = format!("a contained resource has no `meta.{name}`");
                        (message, Some("the container's holds for it".to_owned()))
                    });
                });
            }
        }
        self.location.pop();
    }
}

/// Every text `#id`: a reference, or a canonical, uri or url.
fn collect_fragments<'r>(value: &'r Value, depth: usize, found: &mut HashSet<&'r str>) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::String(text) => {
            if let Some(id) = text.strip_prefix('#') {
                found.insert(id);
            }
        }
        Value::Array(items) => {
            for item in items {
                collect_fragments(item, depth + 1, found);
            }
        }
        Value::Object(object) => {
            for item in object.values() {
                collect_fragments(item, depth + 1, found);
            }
        }
        _ => {}
    }
}

/// Whether a contained resource refers to its container by `#`.
fn names_container(value: &Value, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    match value {
        Value::String(text) => text == "#",
        Value::Array(items) => items.iter().any(|item| names_container(item, depth + 1)),
        Value::Object(object) => object.values().any(|item| names_container(item, depth + 1)),
        _ => false,
    }
}
