//! Search parameters and compartments.

use std::str::FromStr;

use crate::model::Origin;
use crate::program::Program;

/// The type of a search parameter, which decides how values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of R4's search-param-type")]
pub enum ParamType {
    Number,
    Date,
    String,
    Token,
    Reference,
    Composite,
    Quantity,
    Uri,
    Special,
}

impl FromStr for ParamType {
    type Err = String;

    fn from_str(code: &str) -> Result<Self, String> {
        Ok(match code {
            "number" => Self::Number,
            "date" => Self::Date,
            "string" => Self::String,
            "token" => Self::Token,
            "reference" => Self::Reference,
            "composite" => Self::Composite,
            "quantity" => Self::Quantity,
            "uri" => Self::Uri,
            "special" => Self::Special,
            other => return Err(format!("unknown search parameter type `{other}`")),
        })
    }
}

impl ParamType {
    /// The R4 code: `number`, `date`, ….
    pub fn code(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Date => "date",
            Self::String => "string",
            Self::Token => "token",
            Self::Reference => "reference",
            Self::Composite => "composite",
            Self::Quantity => "quantity",
            Self::Uri => "uri",
            Self::Special => "special",
        }
    }
}

/// A search parameter of one resource type.
#[derive(Debug)]
pub struct SearchParam {
    /// The name in a query: `recipient`, `_id`.
    pub code: Box<str>,
    /// How it compares. R4 gives `_text`, `_content` and `_query` no expression; they are
    /// `Special` here, because nothing in a resource is compared with their value.
    pub param_type: ParamType,
    /// The resource types that a reference parameter can point at; empty: not said.
    pub targets: Box<[Box<str>]>,
    /// The part of the published expression that concerns this type.
    pub expression: Box<str>,
    /// Where the parameter comes from.
    pub origin: Origin,
    /// What the parameter reads in a resource. For a composite: the elements within which all
    /// components must match.
    pub program: Program,
    /// The components of a composite parameter, in the order of the values in a query.
    pub components: Box<[Component]>,
}

/// A component of a composite search parameter.
#[derive(Debug, PartialEq, Eq)]
pub struct Component {
    /// The search parameter that it borrows its type from.
    pub code: Box<str>,
    /// How it compares.
    pub param_type: ParamType,
    /// What it reads: in an element that the composite selects, or in the resource.
    pub program: Program,
    /// True when the program reads the whole resource (`%resource.…`) and not the selected element.
    pub from_resource: bool,
}

/// A resource type, and the codes of its search parameters.
pub(crate) type CompartmentParams = (Box<str>, Box<[Box<str>]>);

/// Which search parameters put a resource into a compartment.
#[derive(Debug)]
pub struct Compartment {
    /// `Patient`, `Practitioner`, `Encounter`, `RelatedPerson` or `Device`.
    pub name: Box<str>,
    /// Per resource type, sorted by type, the codes of the parameters.
    pub(crate) resources: Box<[CompartmentParams]>,
}

impl Compartment {
    /// The codes of the search parameters through which a resource of this type is in the
    /// compartment; empty when there are none. The resource that gives the compartment its name is
    /// in it as well, without any parameter.
    pub fn params(&self, resource_type: &str) -> &[Box<str>] {
        let found = self
            .resources
            .binary_search_by(|(name, _)| (**name).cmp(resource_type));
        found
            .ok()
            .and_then(|at| self.resources.get(at))
            .map_or(&[], |(_, params)| params)
    }

    /// The resource types that can be in the compartment.
    pub fn resource_types(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().map(|(name, _)| &**name)
    }
}
