//! What rules need to know of how a Medplum server stores and compares things.
//!
//! Criteria are asked in two places: in memory (cached reads, writes, references, hidden fields) and
//! in the database (search, reads that miss the cache). Source: policy-semantics 4 and 5.2.

use fhirward_spec::{Element, ParamType, SearchParam, TypeDef, spec};

use super::context::Site;
use crate::criteria::syntax::Piece;

/// Whether the parameter is a name or an address of a type that has a table of words for it.
pub fn has_word_table(resource_type: &str, code: &str) -> bool {
    let person = matches!(
        resource_type,
        "Patient" | "Person" | "Practitioner" | "RelatedPerson"
    );
    let addressed =
        person || matches!(resource_type, "InsurancePlan" | "Location" | "Organization");
    match code {
        "name" => person,
        "given" | "family" => matches!(resource_type, "Patient" | "Practitioner"),
        "address" | "address-city" | "address-state" | "address-postalcode" | "address-country"
        | "address-use" => addressed,
        _ => false,
    }
}

/// The elements on the ways to what a parameter reads, the last one last; none for a parameter
/// that is no path.
fn paths(resource_type: &str, param: &SearchParam) -> Vec<Vec<&'static Element>> {
    let mut all = Vec::new();
    for path in param.program.member_paths() {
        let mut def: Option<&'static TypeDef> = spec().resource(resource_type);
        let mut elements = Vec::new();
        for member in &path {
            let Some((element, kind)) = def.and_then(|def| def.element(member)) else {
                break;
            };
            elements.push(element);
            def = spec().type_def(&kind.code);
        }
        if elements.len() == path.len() {
            all.push(elements);
        }
    }
    all
}

/// Whether a resource can have more than one value for the parameter: such a parameter is stored as
/// an array.
pub fn repeats(resource_type: &str, param: &SearchParam) -> bool {
    paths(resource_type, param)
        .iter()
        .flatten()
        .any(|element| element.is_list())
}

/// The codes that the parameter's element can have, where FHIR fixes them.
pub fn fixed_codes(resource_type: &str, param: &SearchParam) -> Vec<&'static str> {
    let paths = paths(resource_type, param);
    let mut codes = Vec::new();
    for path in &paths {
        let Some(fixed) = path.last().and_then(|element| element.required_codes) else {
            // One way without fixed codes, and any value is possible.
            return Vec::new();
        };
        codes.extend(fixed.iter().map(|code| &**code));
    }
    codes
}

/// Whether the parameter reads booleans and nothing else.
pub fn is_boolean(param: &SearchParam) -> bool {
    param.param_type == ParamType::Token
        && param
            .program
            .data_types()
            .iter()
            .all(|kind| *kind == "boolean")
}

/// Whether the parameter reads plain codes, which have no system.
pub fn is_plain_code(param: &SearchParam) -> bool {
    param.param_type == ParamType::Token
        && param
            .program
            .data_types()
            .iter()
            .all(|kind| matches!(*kind, "code" | "id" | "string" | "boolean"))
}

/// Whether the parameter reads something with a display or a text.
pub fn has_display(param: &SearchParam) -> bool {
    let types = param.program.data_types();
    types
        .iter()
        .any(|kind| matches!(*kind, "Coding" | "CodeableConcept"))
}

/// Why the filter is true in the database and never in memory, if that is so: such a filter finds
/// and shows, but no write, no reference and no field rule knows of it.
pub fn only_in_database(site: &Site<'_>) -> Option<&'static str> {
    let filter = site.filter;
    if filter.is_missing() {
        return None;
    }
    if site.entry.is_wildcard() {
        return Some("criteria on `*` are true in the database alone");
    }
    match filter.param_type() {
        Some(ParamType::Number | ParamType::Quantity) => {
            Some("numbers and quantities are compared in the database alone")
        }
        Some(_) if filter.code() == "_id" && !filter.is_negated() => {
            let typed = filter.literals().any(|(text, _)| text.contains('/'));
            typed.then_some("`_id` with a type is true in the database alone")
        }
        Some(ParamType::Reference)
            if matches!(filter.code(), "subject" | "patient") && !filter.is_negated() =>
        {
            let bare = filter.pair.alternatives.iter().all(|alternative| {
                matches!(alternative.pieces.as_slice(), [Piece::Text(text)] if !text.contains(['/', ':']))
                    || matches!(alternative.pieces.as_slice(), [Piece::Variable(v)] if v.id)
            });
            bare.then_some("an id without a type is completed in the database alone")
        }
        None if super::view::FilterSubject::is_chain(filter.subject) => {
            Some("chains are followed in the database alone")
        }
        None if filter.code() == "_filter" => Some("`_filter` is evaluated in the database alone"),
        _ => None,
    }
}
