//! How a search parameter is stored: the kind of its column.
//!
//! The kind follows from the parameter's type and from what its expression selects, by the rules
//! here; where a table of Medplum's own names is needed, the type and code stand here.

use fhirward_spec::{Extracted, ParamType, SearchParam, spec};

use super::super::memory;
use super::{date, number};

/// A column, or a table beside the resource's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// Hashes of `system|code` and its shorter forms, and texts.
    Token,
    /// A table of names or addresses, with a word index.
    Lookup(Part),
    /// True, false or nothing.
    Boolean,
    /// Codes and URIs: exact text.
    Text { array: bool },
    /// Strings.
    String { array: bool },
    /// `Type/id`.
    Reference { array: bool },
    /// A day.
    Date,
    /// A moment: the start of what is stored.
    DateTime,
    /// A number.
    Number { integer: bool },
    /// The value of a quantity.
    Quantity { array: bool },
}

/// A column of a lookup table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Name,
    Given,
    Family,
    Address,
    City,
    State,
    PostalCode,
    Country,
    Use,
}

impl Column {
    pub(super) fn of(resource_type: &str, param: &SearchParam) -> Self {
        if let Some(part) = lookup(resource_type, &param.code) {
            return Self::Lookup(part);
        }
        let types = param.program.data_types();
        let array = is_array(resource_type, param);
        match param.param_type {
            ParamType::Token => {
                let coded = ["Coding", "CodeableConcept", "Identifier", "ContactPoint"];
                if types.iter().any(|t| coded.contains(t)) {
                    Self::Token
                } else if types.iter().all(|t| *t == "boolean") {
                    Self::Boolean
                } else {
                    Self::Text { array }
                }
            }
            ParamType::Uri => Self::Text { array },
            ParamType::Reference => Self::Reference { array },
            ParamType::Date if types == ["date"] => Self::Date,
            ParamType::Date => Self::DateTime,
            ParamType::Number => Self::Number {
                integer: types
                    .iter()
                    .all(|t| matches!(*t, "integer" | "positiveInt" | "unsignedInt")),
            },
            ParamType::Quantity => Self::Quantity { array },
            ParamType::String | ParamType::Composite | ParamType::Special => Self::String { array },
        }
    }

    /// Whether nothing is stored in the column.
    pub(super) fn is_null(&self, values: &[Extracted<'_>]) -> bool {
        match self {
            Self::Reference { .. } => memory::reference::searchable(values).is_empty(),
            Self::Date | Self::DateTime => date::stored(values).is_none(),
            Self::Number { .. } | Self::Quantity { .. } => number::stored(values).is_empty(),
            Self::Boolean | Self::Text { .. } | Self::String { .. } => {
                !values.iter().any(|v| memory::formatted(*v).is_some())
            }
            Self::Token | Self::Lookup(_) => values.is_empty(),
        }
    }
}

/// Names of people and addresses have tables of their own.
fn lookup(resource_type: &str, code: &str) -> Option<Part> {
    let person = matches!(
        resource_type,
        "Patient" | "Person" | "Practitioner" | "RelatedPerson"
    );
    let addressed =
        person || matches!(resource_type, "InsurancePlan" | "Location" | "Organization");
    Some(match code {
        "name" if person => Part::Name,
        "given" if matches!(resource_type, "Patient" | "Practitioner") => Part::Given,
        "family" if matches!(resource_type, "Patient" | "Practitioner") => Part::Family,
        "address" if addressed => Part::Address,
        "address-city" if addressed => Part::City,
        "address-state" if addressed => Part::State,
        "address-postalcode" if addressed => Part::PostalCode,
        "address-country" if addressed => Part::Country,
        "address-use" if addressed => Part::Use,
        _ => return None,
    })
}

/// Whether an element on the way can repeat.
fn is_array(resource_type: &str, param: &SearchParam) -> bool {
    param.program.member_paths().iter().any(|path| {
        let mut current = spec().type_def(resource_type);
        path.iter().any(|name| {
            let Some((element, kind)) = current.and_then(|def| def.element(name)) else {
                return false;
            };
            current = spec().type_def(&kind.code);
            element.is_list()
        })
    })
}
