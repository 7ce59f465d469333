//! What the names of a scenario stand for in this run.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::scenario::{Field, Part, Reference, Template, fill_value};

/// What a name stands for.
#[derive(Debug, Clone)]
pub(super) enum Bound {
    /// A resource.
    Resource {
        /// `Type/id`; in a transaction `urn:uuid:…`, before the server has given an id.
        reference: String,
        /// Its version when it was captured.
        version: Option<String>,
    },
    /// A part of an answer, or the address of a sink.
    Value(Value),
}

impl Bound {
    /// `Type/id`, where it is a resource.
    pub(super) fn reference(&self) -> Option<&str> {
        match self {
            Self::Resource { reference, .. } => Some(reference),
            Self::Value(_) => None,
        }
    }
}

/// Why a name stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing {
    /// In the words of a report.
    pub(super) why: String,
    /// Whether nothing is wrong: the step that makes it needs what the server does not offer.
    pub(super) not_offered: bool,
}

/// The names, and those that will never be there, with the reason.
#[derive(Debug, Clone, Default)]
pub(super) struct Bindings {
    bound: BTreeMap<String, Bound>,
    missing: BTreeMap<String, (String, bool)>,
}

impl Bindings {
    pub(super) fn bind(&mut self, name: &str, reference: String, version: Option<String>) {
        self.put(name, Bound::Resource { reference, version });
    }

    pub(super) fn put(&mut self, name: &str, bound: Bound) {
        self.bound.insert(name.to_owned(), bound);
    }

    /// A name that its step did not bring about.
    pub(super) fn give_up(&mut self, name: &str, step: &str) {
        self.missing
            .insert(name.to_owned(), (step.to_owned(), false));
    }

    /// A name whose step is not played because of what the server does not offer.
    pub(super) fn not_offered(&mut self, name: &str, step: &str) {
        self.missing
            .insert(name.to_owned(), (step.to_owned(), true));
    }

    pub(super) fn get(&self, name: &str) -> Option<&Bound> {
        self.bound.get(name)
    }

    /// `Type/id` of a name.
    pub(super) fn reference(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Bound::reference)
    }

    /// Why a step cannot be played without this name.
    pub(super) fn blocked_by(&self, name: &str) -> Missing {
        match self.missing.get(name) {
            Some((step, false)) => Missing {
                why: format!("needs `{name}`, which step {step} did not bring about"),
                not_offered: false,
            },
            Some((step, true)) => Missing {
                why: format!("needs `{name}` of step {step}, which is not played"),
                not_offered: true,
            },
            None => Missing {
                why: format!("needs `{name}`, which does not exist"),
                not_offered: false,
            },
        }
    }

    pub(super) fn fill(&self, template: &Template) -> Result<String, Missing> {
        template
            .fill(&|reference| self.text(reference))
            .map_err(|reference| self.blocked_by(&reference.name))
    }

    /// Fills in a value. A text that is nothing but the name of a value becomes that value, a number
    /// or an object too.
    pub(super) fn fill_value(&self, value: &Value) -> Result<Value, Missing> {
        fill_value(
            value,
            &|reference| self.text(reference),
            &|template| match template.parts() {
                [
                    Part::Reference(Reference {
                        name,
                        field: Field::Reference,
                    }),
                ] => match self.get(name) {
                    Some(Bound::Value(value)) => Some(value.clone()),
                    _ => None,
                },
                _ => None,
            },
        )
        .map_err(|reference| self.blocked_by(&reference.name))
    }

    fn text(&self, reference: &Reference) -> Option<String> {
        let id = |text: &str| text.rsplit_once('/').map(|(_, id)| id.to_owned());
        match (self.get(&reference.name)?, reference.field) {
            (Bound::Resource { reference, .. }, Field::Reference) => Some(reference.clone()),
            (Bound::Resource { reference, .. }, Field::Id) => id(reference),
            (Bound::Resource { version, .. }, Field::Version) => version.clone(),
            (Bound::Value(Value::String(text)), Field::Reference) => Some(text.clone()),
            (Bound::Value(value), Field::Reference) => Some(value.to_string()),
            (Bound::Value(Value::String(text)), Field::Id) => id(text),
            (Bound::Value(_), Field::Id | Field::Version) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_captured_number_stays_a_number_and_becomes_text_inside_a_text() {
        let mut bindings = Bindings::default();
        bindings.put("count", Bound::Value(json!(1.50)));
        bindings.bind("m", "Communication/1".into(), Some("3".into()));
        let value = json!({"a": "${count}", "b": "is ${count}", "c": "${m.id} ${m} ${m.version}"});
        assert_eq!(
            bindings.fill_value(&value).unwrap().to_string(),
            r#"{"a":1.5,"b":"is 1.5","c":"1 Communication/1 3"}"#
        );
    }

    #[test]
    fn a_missing_name_says_whose_fault_it_is() {
        let mut bindings = Bindings::default();
        bindings.give_up("a", "one");
        bindings.not_offered("b", "two");
        let why = |name| bindings.fill(&Template::parse(name).unwrap()).unwrap_err();
        assert!(!why("${a}").not_offered);
        assert!(why("${b}").not_offered);
        assert_eq!(why("${c}").why, "needs `c`, which does not exist");
    }
}
