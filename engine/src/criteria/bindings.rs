//! The values of a policy's variables. Source: R.7.

use std::collections::BTreeMap;

use crate::values::reference;

/// The values of variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bindings {
    values: BTreeMap<String, Bound>,
    pub(super) open: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Bound {
    text: String,
    id: Option<String>,
}

impl Bindings {
    /// No variable has a value.
    pub fn none() -> Self {
        Self::default()
    }

    /// Nothing is known of any membership: names may be parameters of one, and values that hold a
    /// variable are not looked into. For checking a policy on its own.
    pub fn open() -> Self {
        let mut bindings = Self {
            values: BTreeMap::new(),
            open: true,
        };
        bindings.bind_reference("profile", "");
        bindings.bind_reference("patient", "");
        bindings
    }

    /// Gives a variable a text; it has no `.id`.
    pub fn bind_text(&mut self, name: &str, text: &str) {
        self.values.insert(
            name.to_owned(),
            Bound {
                text: text.to_owned(),
                id: None,
            },
        );
    }

    /// Gives a variable a reference, `Type/id`; `.id` is what follows the last slash.
    pub fn bind_reference(&mut self, name: &str, text: &str) {
        let local = reference::local(text, None).unwrap_or(text);
        let id = local.rsplit('/').next().map(str::to_owned);
        self.values.insert(
            name.to_owned(),
            Bound {
                text: text.to_owned(),
                id,
            },
        );
    }

    /// Takes a variable's value away.
    pub fn unbind(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// Whether the variable has a value.
    pub fn knows(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The names of the variables that have a value.
    pub fn names(&self) -> Vec<&str> {
        self.values.keys().map(String::as_str).collect()
    }

    pub(crate) fn value(&self, name: &str, id: bool) -> Option<&str> {
        let bound = self.values.get(name)?;
        if id {
            bound.id.as_deref()
        } else {
            Some(&bound.text)
        }
    }
}
