//! Entries of a policy.

use serde_json::Value;

use super::filter::{CriteriaView, FilterView};
use super::text::{Node, TextView};
use crate::lint::report::Place;
use crate::policy::compiled::{ADMIN_TYPES, PROTECTED_TYPES};
use crate::policy::fields::FieldPath;
use crate::policy::{Interaction, Interactions};

/// An element of `AccessPolicy.resource`.
#[derive(Debug, Clone)]
pub struct EntryView {
    /// Its number in the policy, from 1, as messages name it.
    pub number: usize,
    /// The entry itself.
    pub node: Node,
    /// The resource type, or `*`; empty where there is none.
    pub resource_type: String,
    /// The criteria.
    pub criteria: Option<CriteriaView>,
    /// What it allows; words that are no interaction allow nothing.
    pub interactions: Interactions,
    /// Whether `readonly` is `true`.
    pub readonly: bool,
    /// `interaction`, where it is written.
    pub interaction_list: Option<Node>,
    /// `hiddenFields`.
    pub hidden_fields: Vec<FieldView>,
    /// `readonlyFields`.
    pub readonly_fields: Vec<FieldView>,
    /// The expressions of `writeConstraint`.
    pub write_constraints: Vec<TextView>,
    /// `compartment.reference`, the deprecated form of a `_compartment` filter.
    pub compartment: Option<TextView>,
}

/// A field of `hiddenFields` or `readonlyFields`.
#[derive(Debug, Clone)]
pub struct FieldView {
    /// The path.
    pub text: TextView,
}

impl FieldView {
    /// The path.
    pub fn path(&self) -> &str {
        &self.text.text
    }

    /// Its place.
    pub fn place(&self) -> Place<'_> {
        self.text.place()
    }

    /// Whether the type has it. One that it has not is a finding of its own, and neither hides nor
    /// keeps anything.
    pub fn exists(&self, resource_type: &str) -> bool {
        FieldPath::parse(self.path(), resource_type, false).is_ok()
    }
}

impl EntryView {
    pub(super) fn new(number: usize, node: Node, variables: &[&str]) -> Self {
        let item = node.value();
        let resource_type = item
            .get("resourceType")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let readonly = item.get("readonly") == Some(&Value::Bool(true));
        let interaction_list = node.get("interaction");
        let interactions = match item.get("interaction") {
            None if readonly => Interactions::READING,
            None => Interactions::EVERY,
            Some(list) => list
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|code| code.as_str())
                .filter(|code| Interaction::POLICY_CODES.contains(code))
                .filter_map(|code| code.parse().ok())
                .fold(Interactions::default(), Interactions::with),
        };
        let fields = |name: &str| -> Vec<FieldView> {
            node.items(name)
                .iter()
                .filter_map(Node::as_text)
                .map(|text| FieldView { text })
                .collect()
        };
        let criteria = node
            .text("criteria")
            .map(|text| CriteriaView::new(text, &resource_type, variables));
        Self {
            number,
            criteria,
            interactions,
            readonly,
            interaction_list,
            hidden_fields: fields("hiddenFields"),
            readonly_fields: fields("readonlyFields"),
            write_constraints: node
                .items("writeConstraint")
                .iter()
                .filter_map(|item| item.text("expression"))
                .collect(),
            compartment: node.reference("compartment"),
            resource_type,
            node,
        }
    }

    /// Whether it allows the interaction.
    pub fn allows(&self, interaction: Interaction) -> bool {
        self.interactions.contains(interaction)
    }

    /// Whether it allows creating, updating or deleting.
    pub fn allows_writing(&self) -> bool {
        [
            Interaction::Create,
            Interaction::Update,
            Interaction::Delete,
        ]
        .into_iter()
        .any(|interaction| self.allows(interaction))
    }

    /// Whether it is about every type.
    pub fn is_wildcard(&self) -> bool {
        self.resource_type == "*"
    }

    /// Whether it is about resources of the type.
    pub fn covers(&self, resource_type: &str) -> bool {
        if self.is_wildcard() {
            !ADMIN_TYPES.contains(&resource_type) && !PROTECTED_TYPES.contains(&resource_type)
        } else {
            self.resource_type == resource_type
        }
    }

    /// Whether it is about every type that another entry is about.
    pub fn covers_all_of(&self, other: &Self) -> bool {
        if other.is_wildcard() {
            self.is_wildcard()
        } else {
            self.covers(&other.resource_type)
        }
    }

    /// Whether it takes every resource of its type: neither criteria nor compartment restrict it.
    pub fn is_unrestricted(&self) -> bool {
        self.compartment.is_none()
            && self
                .criteria
                .as_ref()
                .is_none_or(|criteria| criteria.text.text.is_empty())
    }

    /// Whether it has hidden or read-only fields.
    pub fn has_field_rules(&self) -> bool {
        !self.hidden_fields.is_empty() || !self.readonly_fields.is_empty()
    }

    /// The filters of its criteria.
    pub fn filters(&self) -> impl Iterator<Item = &FilterView> {
        self.criteria.iter().flat_map(|criteria| &criteria.filters)
    }

    /// Where to point for the entry as a whole: at its type.
    pub fn place(&self) -> Place<'_> {
        // The member's place borrows from a node that is made here, so the span is all that leaves.
        let span = self
            .node
            .get("resourceType")
            .map_or_else(|| self.node.place().span, |node| node.place().span);
        Place {
            source: self.node.source(),
            span,
        }
    }
}
