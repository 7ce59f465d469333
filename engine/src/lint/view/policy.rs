//! AccessPolicies.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::entry::EntryView;
use super::text::{Node, TextView};
use crate::policy::document::MAX_ENTRIES;

/// An AccessPolicy.
#[derive(Debug, Clone)]
pub struct PolicyView {
    /// Its number among the policies of the check, from 0.
    pub(crate) index: usize,
    /// The resource.
    pub node: Node,
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// `compartment.reference`.
    pub compartment: Option<TextView>,
    /// The entries, in order; none of a policy with more than the limit.
    pub entries: Vec<EntryView>,
    /// The accesses of memberships that use it. None: nothing is known of its parameters.
    pub members: usize,
    /// The parameters that those give, and `profile` and `patient`.
    pub variables: BTreeMap<String, VariableView>,
    /// The words after a `%` anywhere in it.
    mentioned: BTreeSet<String>,
}

/// What is known of a variable of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VariableView {
    /// How many accesses give it as a reference.
    pub references: usize,
    /// How many give it as a text.
    pub texts: usize,
    /// Whether it has a value for everyone: `profile` and `patient`.
    pub built_in: bool,
}

impl VariableView {
    /// Whether its value is a reference for whoever has one.
    pub fn is_reference(self) -> bool {
        self.texts == 0 && (self.references > 0 || self.built_in)
    }
}

impl PolicyView {
    pub(crate) fn new(
        index: usize,
        node: Node,
        members: usize,
        variables: BTreeMap<String, VariableView>,
    ) -> Self {
        let names: Vec<&str> = variables.keys().map(String::as_str).collect();
        let text = |key: &str| node.text(key).map(|text| text.text.into());
        let count = node
            .value()
            .get("resource")
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        let entries = if count > MAX_ENTRIES {
            Vec::new()
        } else {
            node.items("resource")
                .into_iter()
                .enumerate()
                .map(|(at, item)| EntryView::new(at + 1, item, &names))
                .collect()
        };
        Self {
            index,
            id: text("id"),
            name: text("name"),
            compartment: node.reference("compartment"),
            entries,
            members,
            variables,
            mentioned: if members > 0 {
                mentioned(node.value())
            } else {
                BTreeSet::new()
            },
            node,
        }
    }

    /// Whether `%name`, alone or as the beginning of a longer name, stands anywhere in the policy.
    /// Only known of a policy with members.
    pub fn mentions(&self, name: &str) -> bool {
        let mut from = self.mentioned.range(name.to_owned()..);
        from.next().is_some_and(|word| word.starts_with(name))
    }

    /// Whether every member is known to give the variable a value.
    pub fn gives(&self, name: &str) -> bool {
        self.variables.get(name).is_some_and(|variable| {
            variable.built_in
                || (self.members > 0 && variable.references + variable.texts >= self.members)
        })
    }

    /// Whether the variable is known to be a reference.
    pub fn is_reference(&self, name: &str) -> bool {
        self.variables
            .get(name)
            .copied()
            .is_some_and(VariableView::is_reference)
    }
}

fn mentioned(policy: &Value) -> BTreeSet<String> {
    let text = policy.to_string();
    let word = |rest: &str| {
        rest.chars()
            .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
            .collect()
    };
    text.split('%').skip(1).map(word).collect()
}
