//! The element tables, arranged for the walk: one lookup by JSON name says all about a member.

use std::collections::HashMap;
use std::sync::LazyLock;

use fhirward_spec::{Element, ElementType, TypeDef, TypeKind, spec};

use super::invariants::{self, Invariant};
use super::primitive::Primitive;

static TABLES: LazyLock<Tables> = LazyLock::new(Tables::build);

/// All types.
#[derive(Debug)]
struct Tables {
    nodes: Vec<Node>,
    by_name: Names,
}

/// The names are R4's, so nobody can choose them to be in each other's way.
type Names = HashMap<&'static str, NodeId, foldhash::fast::FixedState>;

/// The place of a type in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NodeId(usize);

/// A type, with what is asked about its objects.
#[derive(Debug)]
pub(super) struct Node {
    pub def: &'static TypeDef,
    pub kind: NodeKind,
    /// Sorted by length, then by bytes: most comparisons end at the length.
    members: Box<[Member]>,
    /// One bit for each required element, by its place in `def.elements`.
    pub required: u128,
    pub invariants: Box<[&'static Invariant]>,
}

/// The types that have rules of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeKind {
    Resource,
    Bundle,
    Reference,
    Extension,
    Coding,
    CodeableConcept,
    Plain,
}

/// What a JSON name means in a type.
#[derive(Debug)]
pub(super) struct Member {
    pub name: Box<str>,
    pub element: &'static Element,
    pub element_type: &'static ElementType,
    /// The bit of the element.
    pub bit: u128,
    pub shape: Shape,
    pub is_list: bool,
    /// `_name`, which carries the id and extensions of the primitive `name`.
    pub is_sibling: bool,
}

/// What a value of an element is in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// With the type of the object in the sibling.
    Primitive(Primitive, NodeId),
    Object(NodeId),
    Resource,
}

/// A concrete resource type.
pub(super) fn resource(name: &str) -> Option<&'static Node> {
    let id = TABLES.by_name.get(name)?;
    let node = node(*id)?;
    (node.def.kind == TypeKind::Resource && !node.def.is_abstract).then_some(node)
}

pub(super) fn node(id: NodeId) -> Option<&'static Node> {
    TABLES.nodes.get(id.0)
}

impl Tables {
    fn build() -> Self {
        let mut names: Vec<&'static TypeDef> = spec().type_defs().collect();
        names.sort_by(|a, b| a.name.cmp(&b.name));
        let by_name: Names = names
            .iter()
            .enumerate()
            .map(|(at, def)| (&*def.name, NodeId(at)))
            .collect();
        let nodes = names.iter().map(|def| Node::new(def, &by_name)).collect();
        Tables { nodes, by_name }
    }
}

impl Node {
    fn new(def: &'static TypeDef, by_name: &Names) -> Self {
        let mut members = Vec::new();
        let mut required = 0;
        for (place, element) in def.elements.iter().enumerate() {
            let bit = bit(place);
            if element.min > 0 {
                required |= bit;
            }
            for (name, element_type) in element.json_names() {
                let Some(shape) = shape(element_type, by_name) else {
                    continue;
                };
                let member = |name: String, is_sibling| Member {
                    name: name.into(),
                    element,
                    element_type,
                    bit,
                    shape,
                    is_list: element.is_list(),
                    is_sibling,
                };
                // Ids, of resources and of elements, are plain strings that cannot be extended.
                if matches!(shape, Shape::Primitive(..)) && name != "id" {
                    members.push(member(format!("_{name}"), true));
                }
                members.push(member(name, false));
            }
        }
        members.sort_by(|a, b| order(&a.name, &b.name));
        let is_resource = def.kind == TypeKind::Resource;
        Node {
            def,
            kind: match &*def.name {
                "Bundle" => NodeKind::Bundle,
                "Reference" => NodeKind::Reference,
                "Extension" => NodeKind::Extension,
                "Coding" => NodeKind::Coding,
                "CodeableConcept" => NodeKind::CodeableConcept,
                _ if is_resource => NodeKind::Resource,
                _ => NodeKind::Plain,
            },
            members: members.into(),
            required,
            invariants: invariants::of(&def.name),
        }
    }

    /// What a JSON name means here.
    pub fn member(&self, name: &str) -> Option<&Member> {
        let at = self
            .members
            .binary_search_by(|member| order(&member.name, name))
            .ok()?;
        self.members.get(at)
    }

    /// Whether its objects are resources.
    pub fn is_resource(&self) -> bool {
        matches!(self.kind, NodeKind::Resource | NodeKind::Bundle)
    }
}

/// No type has 128 elements; a test says so.
pub(super) fn bit(place: usize) -> u128 {
    u32::try_from(place)
        .ok()
        .and_then(|place| 1u128.checked_shl(place))
        .unwrap_or_default()
}

fn order(a: &str, b: &str) -> std::cmp::Ordering {
    a.len()
        .cmp(&b.len())
        .then_with(|| a.as_bytes().cmp(b.as_bytes()))
}

fn shape(element_type: &'static ElementType, by_name: &Names) -> Option<Shape> {
    let code = &*element_type.code;
    if code == "Resource" {
        return Some(Shape::Resource);
    }
    // The tables know every type that they name.
    let id = *by_name.get(code)?;
    let kind = spec().type_def(code)?.kind;
    Some(if kind == TypeKind::Primitive {
        Shape::Primitive(Primitive::of(code), id)
    } else {
        Shape::Object(id)
    })
}

#[cfg(test)]
mod tests {
    use super::{NodeKind, Shape, TABLES, resource};
    use fhirward_spec::spec;

    #[test]
    fn every_element_has_a_bit_and_a_shape() {
        for node in &TABLES.nodes {
            assert!(node.def.elements.len() < 128, "{}", node.def.name);
            for element in &node.def.elements {
                for (name, _) in element.json_names() {
                    let member = node.member(&name);
                    assert!(member.is_some(), "{}.{name}", node.def.name);
                }
            }
        }
    }

    #[test]
    fn every_resource_type_is_there() {
        for name in spec().resource_types() {
            assert!(resource(name).is_some_and(|node| node.is_resource()));
        }
        assert!(resource("Resource").is_none());
        assert!(resource("Period").is_none());
    }

    #[test]
    fn siblings_of_primitives_only() {
        let node = resource("Communication").unwrap();
        assert!(node.member("_status").is_some_and(|m| m.is_sibling));
        assert!(node.member("_topic").is_none());
        assert!(node.member("_id").is_none() && node.member("id").is_some());
        let topic = node.member("topic").map(|m| m.shape);
        let Some(Shape::Object(id)) = topic else {
            panic!("{topic:?}")
        };
        assert_eq!(
            super::node(id).map(|n| n.kind),
            Some(NodeKind::CodeableConcept)
        );
    }
}
