//! The resources under check, and how they point at each other.

use std::collections::HashMap;

use serde_json::Value;

use super::classify::{ThreadRole, classify, has};
use crate::resource::{Literal, literal};

/// All resources, with what the rules ask about them.
#[derive(Debug)]
pub(super) struct Context<'r> {
    communications: Vec<Communication<'r>>,
    /// Type and id of a resource, to its place in `communications`.
    by_id: HashMap<&'r str, usize>,
}

/// One of the Communications.
#[derive(Debug)]
pub(super) struct Communication<'r> {
    /// Which of the given resources.
    pub index: usize,
    pub resource: &'r Value,
    pub role: ThreadRole,
    /// Whether the `partOf` of another given Communication is this one.
    pub has_parts: bool,
}

impl<'r> Context<'r> {
    pub fn new(resources: &[&'r Value]) -> Self {
        let mut communications = Vec::new();
        let mut by_id = HashMap::new();
        for (index, resource) in resources.iter().copied().enumerate() {
            if resource.get("resourceType").and_then(Value::as_str) != Some("Communication") {
                continue;
            }
            if let Some(id) = resource.get("id").and_then(Value::as_str) {
                by_id.entry(id).or_insert(communications.len());
            }
            communications.push(Communication {
                index,
                resource,
                role: classify(resource),
                has_parts: false,
            });
        }
        let mut context = Context {
            communications,
            by_id,
        };
        let parents: Vec<usize> = context
            .communications
            .iter()
            .flat_map(|c| c.references("partOf"))
            .filter_map(|(_, text)| context.place(text))
            .collect();
        for place in parents {
            if let Some(parent) = context.communications.get_mut(place) {
                parent.has_parts = true;
            }
        }
        context
    }

    pub fn all(&self) -> impl Iterator<Item = &Communication<'r>> {
        self.communications.iter()
    }

    pub fn headers(&self) -> impl Iterator<Item = &Communication<'r>> {
        self.all().filter(|c| c.role == ThreadRole::Header)
    }

    pub fn messages(&self) -> impl Iterator<Item = &Communication<'r>> {
        self.all().filter(|c| c.role == ThreadRole::Message)
    }

    /// The given Communication that a reference points at.
    pub fn find(&self, reference: &str) -> Option<&Communication<'r>> {
        self.place(reference)
            .and_then(|at| self.communications.get(at))
    }

    fn place(&self, reference: &str) -> Option<usize> {
        match literal(reference) {
            Literal::Resource {
                type_name: "Communication",
                id,
            } => self.by_id.get(id).copied(),
            _ => None,
        }
    }

    /// The messages whose `partOf` is this header.
    pub fn messages_of<'c>(
        &'c self,
        header: &'c Communication<'r>,
    ) -> impl Iterator<Item = &'c Communication<'r>> {
        self.messages().filter(move |message| {
            let mut parents = message.references("partOf");
            parents.any(|(_, text)| {
                self.find(text)
                    .is_some_and(|parent| parent.index == header.index)
            })
        })
    }
}

impl<'r> Communication<'r> {
    pub fn text(&self, name: &str) -> Option<&'r str> {
        self.resource.get(name).and_then(Value::as_str)
    }

    pub fn has(&self, name: &str) -> bool {
        has(self.resource, name)
    }

    /// The items of an array member; one value that is no array counts as an item.
    pub fn items(&self, name: &str) -> &'r [Value] {
        match self.resource.get(name) {
            Some(Value::Array(items)) => items,
            Some(Value::Null) | None => &[],
            Some(value) => std::slice::from_ref(value),
        }
    }

    /// The literal references in a member, with their places.
    pub fn references(&self, name: &str) -> impl Iterator<Item = (usize, &'r str)> + use<'r> {
        self.items(name)
            .iter()
            .enumerate()
            .filter_map(|(at, item)| Some((at, item.get("reference")?.as_str()?)))
    }

    /// How messages name it: its id, or its number among the given resources.
    pub fn name(&self) -> String {
        match self.text("id") {
            Some(id) => format!("Communication/{id}"),
            None => format!("resource {}", self.index),
        }
    }
}

/// Whether two references say the same target. A version says nothing about the target; a base URL
/// does, where both have one.
pub(super) fn same_target(a: &str, b: &str) -> bool {
    let (a, b) = (unversioned(a), unversioned(b));
    if a == b {
        return true;
    }
    match (a.contains("://"), b.contains("://")) {
        (true, false) => ends_in(a, b),
        (false, true) => ends_in(b, a),
        _ => false,
    }
}

fn unversioned(text: &str) -> &str {
    text.split_once("/_history/")
        .map_or(text, |(before, _)| before)
}

fn ends_in(absolute: &str, relative: &str) -> bool {
    absolute
        .strip_suffix(relative)
        .is_some_and(|base| base.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::same_target;

    #[test]
    fn targets() {
        assert!(same_target("Patient/1", "Patient/1/_history/2"));
        assert!(same_target("https://h/fhir/Patient/1", "Patient/1"));
        assert!(!same_target(
            "https://h/Patient/1",
            "https://other/Patient/1"
        ));
        assert!(!same_target("https://h/MyPatient/1", "Patient/1"));
        assert!(!same_target("Patient/1", "Practitioner/1"));
    }
}
