//! The shape of the data files: JSON arrays whose fields are these, in order.

use serde::Deserialize;
use std::borrow::Cow;

/// A whole data file.
#[derive(Debug, Deserialize)]
pub(crate) struct File<'a> {
    /// Value sets by name, with their codes.
    #[serde(borrow)]
    pub codes: Vec<(&'a str, Vec<Cow<'a, str>>)>,
    #[serde(borrow)]
    pub types: Vec<TypeRow<'a>>,
    #[serde(borrow)]
    pub params: Vec<ParamRow<'a>>,
    #[serde(borrow)]
    pub compartments: Vec<(&'a str, Vec<ResourceRow<'a>>)>,
}

/// A resource type in a compartment, and the codes of its search parameters.
pub(crate) type ResourceRow<'a> = (&'a str, Vec<&'a str>);

/// A type with the elements that it does not inherit unchanged.
#[derive(Debug, Deserialize)]
pub(crate) struct TypeRow<'a> {
    pub name: &'a str,
    /// `resource`, `abstract-resource`, `complex`, `abstract-complex`, `primitive` or `backbone`.
    pub kind: &'a str,
    /// The type whose elements it inherits. Bases stand before the types derived from them.
    pub base: Option<&'a str>,
    #[serde(borrow)]
    pub elements: Vec<ElementRow<'a>>,
}

/// An element.
#[derive(Debug, Deserialize)]
pub(crate) struct ElementRow<'a> {
    /// With `[x]` for a choice.
    pub name: &'a str,
    pub min: u32,
    pub max: Option<u32>,
    /// Types separated by spaces; targets follow `>`, separated by commas.
    pub types: &'a str,
    /// The name of the value set of a required binding.
    #[serde(default)]
    pub codes: Option<&'a str>,
}

/// A search parameter.
#[derive(Debug, Deserialize)]
pub(crate) struct ParamRow<'a> {
    pub code: &'a str,
    pub param_type: &'a str,
    /// Separated by commas.
    pub targets: &'a str,
    /// Each base type with the part of the expression that concerns it.
    #[serde(borrow)]
    pub bases: Vec<(&'a str, &'a str)>,
    /// Code, type and expression of each component.
    #[serde(default, borrow)]
    pub components: Vec<(&'a str, &'a str, &'a str)>,
}
