//! What the names of a scenario stand for in this run.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::scenario::{Field, Reference, Template, fill_value};

/// A named resource.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    pub(super) reference: String,
    pub(super) version: Option<String>,
}

/// The names, and those that will never be there, with the reason.
#[derive(Debug, Clone, Default)]
pub(super) struct Bindings {
    bound: BTreeMap<String, Bound>,
    missing: BTreeMap<String, String>,
}

impl Bindings {
    pub(super) fn bind(&mut self, name: &str, reference: String, version: Option<String>) {
        self.bound
            .insert(name.to_owned(), Bound { reference, version });
    }

    /// A name that its step did not bring about.
    pub(super) fn give_up(&mut self, name: &str, step: &str) {
        self.missing.insert(name.to_owned(), step.to_owned());
    }

    pub(super) fn get(&self, name: &str) -> Option<&Bound> {
        self.bound.get(name)
    }

    /// Why a step cannot be played without this name.
    pub(super) fn blocked_by(&self, name: &str) -> String {
        match self.missing.get(name) {
            Some(step) => format!("needs `{name}`, which step {step} did not bring about"),
            None => format!("needs `{name}`, which does not exist"),
        }
    }

    pub(super) fn fill(&self, template: &Template) -> Result<String, String> {
        template
            .fill(&|reference| self.text(reference))
            .map_err(|reference| self.blocked_by(&reference.name))
    }

    pub(super) fn fill_value(&self, value: &Value) -> Result<Value, String> {
        fill_value(value, &|reference| self.text(reference))
            .map_err(|reference| self.blocked_by(&reference.name))
    }

    fn text(&self, reference: &Reference) -> Option<String> {
        let bound = self.get(&reference.name)?;
        match reference.field {
            Field::Reference => Some(bound.reference.clone()),
            Field::Id => bound.reference.split_once('/').map(|(_, id)| id.to_owned()),
            Field::Version => bound.version.clone(),
        }
    }
}
