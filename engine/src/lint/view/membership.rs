//! ProjectMemberships.

use super::text::{Node, TextView};
use crate::lint::report::Place;

/// A ProjectMembership.
#[derive(Debug, Clone)]
pub struct MembershipView {
    /// The resource.
    pub node: Node,
    /// `profile.reference`: who acts.
    pub profile: Option<TextView>,
    /// Whether the member administers the project.
    pub admin: bool,
    /// `accessPolicy` first, then `access[]`.
    pub access: Vec<AccessView>,
}

/// A policy of a membership, with parameters.
#[derive(Debug, Clone)]
pub struct AccessView {
    /// The element of `access`, or `accessPolicy`.
    pub node: Node,
    /// The reference to the policy.
    pub policy: Option<TextView>,
    /// The parameters, in order.
    pub parameters: Vec<ParameterView>,
}

/// A parameter of a policy.
#[derive(Debug, Clone)]
pub struct ParameterView {
    /// The element of `parameter`.
    pub node: Node,
    /// The name, without `%`.
    pub name: TextView,
    /// `valueString`.
    pub string: Option<TextView>,
    /// `valueReference.reference`.
    pub reference: Option<TextView>,
}

impl MembershipView {
    pub(crate) fn new(node: Node) -> Self {
        let mut access = Vec::new();
        if let Some(element) = node.get("accessPolicy") {
            access.push(AccessView {
                policy: element.text("reference"),
                parameters: Vec::new(),
                node: element,
            });
        }
        for element in node.items("access") {
            let parameters = element
                .items("parameter")
                .into_iter()
                .filter_map(|item| {
                    Some(ParameterView {
                        name: item.text("name")?,
                        string: item.text("valueString"),
                        reference: item.reference("valueReference"),
                        node: item,
                    })
                })
                .collect();
            access.push(AccessView {
                policy: element.reference("policy"),
                parameters,
                node: element,
            });
        }
        Self {
            profile: node.reference("profile"),
            admin: node.value().get("admin") == Some(&serde_json::Value::Bool(true)),
            access,
            node,
        }
    }

    /// Where to point for the membership as a whole: at who acts.
    pub fn place(&self) -> Place<'_> {
        self.profile
            .as_ref()
            .map_or_else(|| self.node.place(), TextView::place)
    }

    /// Who acts, for messages.
    pub fn title(&self) -> String {
        match &self.profile {
            Some(profile) => format!("the membership of `{}`", profile.text),
            None => "a membership".to_owned(),
        }
    }
}
