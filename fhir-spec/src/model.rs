//! Types and their elements.

/// Where a type, element or search parameter comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// FHIR R4 4.0.1.
    R4,
    /// Medplum: its own resource types, and what it adds to R4's.
    Medplum,
}

/// What sort of type a [`TypeDef`] describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TypeKind {
    /// A resource type.
    Resource,
    /// A datatype with elements, such as `CodeableConcept`.
    Complex,
    /// A primitive such as `code`. Its elements are those of the `_name` sibling: `id`, `extension`.
    Primitive,
    /// A type that exists only at one place, named by its path, such as `Communication.payload`.
    Backbone,
}

/// A type and all its elements, the inherited ones first.
#[derive(Debug, Clone)]
pub struct TypeDef {
    /// The name: `Communication`, `Period`, `code`, `Communication.payload`.
    pub name: Box<str>,
    /// What sort of type it is.
    pub kind: TypeKind,
    /// Where it comes from.
    pub origin: Origin,
    /// True for `Resource`, `DomainResource`, `Element` and `BackboneElement`.
    pub is_abstract: bool,
    /// The type it is derived from.
    pub base: Option<Box<str>>,
    /// The elements. Names are unique.
    pub elements: Box<[Element]>,
}

/// An element of a type.
#[derive(Debug, Clone)]
pub struct Element {
    /// The name; for a choice without the type: `value`, not `valueString` and not `value[x]`.
    pub name: Box<str>,
    /// True for `value[x]`: the JSON name ends in the type.
    pub choice: bool,
    /// The least number of values.
    pub min: u32,
    /// The greatest number of values; `None` is `*`. The JSON form is an array unless this is 1 or 0.
    pub max: Option<u32>,
    /// The possible types: exactly one unless `choice`.
    pub types: Box<[ElementType]>,
    /// The codes of a required binding, where the value set can be enumerated.
    pub required_codes: Option<&'static [Box<str>]>,
    /// Where the element comes from.
    pub origin: Origin,
}

/// A type that an element may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementType {
    /// The type's name, to be looked up with [`Spec::type_def`](crate::Spec::type_def).
    pub code: Box<str>,
    /// The resource types that a `Reference` or `canonical` may point at; empty or `Resource`: any.
    pub targets: Box<[Box<str>]>,
}

impl TypeDef {
    /// The element with this JSON name, and its type: `valueString` finds the choice `value`.
    ///
    /// `_status`, the sibling that carries a primitive's extensions, is not found here.
    pub fn element(&self, json_name: &str) -> Option<(&Element, &ElementType)> {
        self.elements
            .iter()
            .find_map(|element| element.type_named(json_name).map(|t| (element, t)))
    }

    /// The element with this name, a choice by its bare name (`value`).
    pub fn element_named(&self, name: &str) -> Option<&Element> {
        self.elements.iter().find(|e| *e.name == *name)
    }
}

impl Element {
    /// The type that this JSON name stands for, if it is a name of this element.
    pub fn type_named(&self, json_name: &str) -> Option<&ElementType> {
        if !self.choice {
            return self.types.first().filter(|_| *self.name == *json_name);
        }
        let suffix = json_name.strip_prefix(&*self.name)?;
        self.types.iter().find(|t| is_suffix(suffix, &t.code))
    }

    /// The JSON names: one, or for a choice one for each type.
    pub fn json_names(&self) -> impl Iterator<Item = (String, &ElementType)> {
        self.types.iter().map(|t| {
            let name = if self.choice {
                choice_name(&self.name, &t.code)
            } else {
                self.name.to_string()
            };
            (name, t)
        })
    }

    /// Whether the JSON form is an array.
    pub fn is_list(&self) -> bool {
        self.max.is_none_or(|max| max > 1)
    }
}

/// `value` and `dateTime` make `valueDateTime`.
fn choice_name(element: &str, type_code: &str) -> String {
    let mut name = String::from(element);
    let mut chars = type_code.chars();
    name.extend(chars.next().map(|c| c.to_ascii_uppercase()));
    name.push_str(chars.as_str());
    name
}

fn is_suffix(suffix: &str, type_code: &str) -> bool {
    let (mut a, mut b) = (suffix.chars(), type_code.chars());
    a.next() == b.next().map(|c| c.to_ascii_uppercase()) && a.as_str() == b.as_str()
}

#[cfg(test)]
mod tests {
    use super::{choice_name, is_suffix};

    #[test]
    fn choice_names() {
        assert_eq!(choice_name("value", "dateTime"), "valueDateTime");
        assert!(is_suffix("DateTime", "dateTime"));
        assert!(!is_suffix("dateTime", "dateTime"));
        assert!(!is_suffix("", "dateTime"));
        assert!(!is_suffix("Date", "dateTime"));
    }
}
