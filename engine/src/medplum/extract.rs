//! What a search parameter reads in a resource, where the server reads it differently from the
//! published expression.

use std::sync::LazyLock;

use fhirward_spec::{Extracted, SearchParam};
use serde_json::{Map, Value};

use super::{datetime, parameters};

static TRUE: Value = Value::Bool(true);
static FALSE: Value = Value::Bool(false);

/// Whether a primitive that the parameter reads has nothing but extensions; it is there, then.
pub(crate) fn has_extensions(param: &SearchParam, resource: &Value) -> bool {
    !param.program.is_empty_on(resource)
        && !param.expression.contains("resolve()")
        && param.program.collect(resource).is_empty()
}

/// What a primitive without a value is when it has extensions.
pub(crate) fn bare_primitive() -> Extracted<'static> {
    static NOTHING: LazyLock<Value> = LazyLock::new(|| Value::Object(Map::new()));
    Extracted {
        value: &NOTHING,
        data_type: "Element",
    }
}

/// The values that a parameter selects.
///
/// `resolve() is Patient` looks at the text before the first slash, so an absolute reference is to
/// no type. Of a choice that stands twice in a resource the first type of the definition is read. A cast
/// goes by the name of the type: a `canonical` is no `uri`.
pub(crate) fn values<'r>(param: &SearchParam, resource: &'r Value) -> Vec<Extracted<'r>> {
    if let Some(values) = parameters::read(param, resource) {
        return values;
    }
    if &*param.code == "deceased"
        && let Some(deceased) = resource.get("deceasedBoolean").and_then(Value::as_bool)
    {
        return vec![Extracted {
            value: if deceased { &TRUE } else { &FALSE },
            data_type: "boolean",
        }];
    }
    let mut values = param.program.collect(resource);
    if casts(param, "uri") {
        values.retain(|extracted| extracted.data_type == "uri");
    }
    if param.expression.contains("resolve()") {
        values.retain(|extracted| {
            let text = extracted.value.get("reference").and_then(Value::as_str);
            text.is_none_or(|text| text.starts_with(|c: char| c.is_ascii_uppercase()))
        });
        values.extend(conditional(param, resource));
    }
    values
}

/// Conditional references, `Patient?identifier=x`: what stands before the question mark is their
/// type.
fn conditional<'r>(param: &SearchParam, resource: &'r Value) -> Vec<Extracted<'r>> {
    let target = param
        .expression
        .split_once("resolve() is ")
        .map(|(_, rest)| rest.trim_end_matches(')'));
    let names = |value: &Value| {
        let text = value.get("reference").and_then(Value::as_str);
        text.and_then(|text| text.split_once('?'))
            .is_some_and(|(kind, _)| Some(kind) == target)
    };
    param
        .program
        .member_paths()
        .iter()
        .flat_map(|path| parameters::along(resource, path))
        .filter(|value| names(value))
        .map(|value| Extracted {
            value,
            data_type: "Reference",
        })
        .collect()
}

/// From 5.1.23 a cast looks at the value: a Quantity has a number, a Period a side that is a date.
pub(crate) fn cast(param: &SearchParam, values: &mut Vec<Extracted<'_>>) {
    for (kind, is) in [
        ("Quantity", is_quantity as fn(&Value) -> bool),
        ("Period", is_period),
    ] {
        if values.iter().any(|extracted| extracted.data_type == kind) && casts(param, kind) {
            values.retain(|extracted| extracted.data_type != kind || is(extracted.value));
        }
    }
}

/// Whether the expression of a parameter takes what is of a type alone.
fn casts(param: &SearchParam, kind: &str) -> bool {
    let expression = &*param.expression;
    [format!("({kind})"), format!("as {kind})")]
        .iter()
        .any(|cast| expression.contains(cast))
        || expression.ends_with(&format!("as {kind}"))
}

fn is_quantity(value: &Value) -> bool {
    value.get("value").is_some_and(Value::is_number)
}

fn is_period(value: &Value) -> bool {
    ["start", "end"]
        .into_iter()
        .filter_map(|side| value.get(side)?.as_str())
        .any(datetime::is_date_time)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    /// As `@medplum/core` 5.2.13 reads them: `ofType(uri)` compares names of types.
    #[rstest]
    #[case::uri("source-uri", "sourceUri", 1)]
    #[case::canonical("source-uri", "sourceCanonical", 0)]
    #[case::target("target-uri", "targetCanonical", 0)]
    #[case::without_a_cast("source", "sourceCanonical", 1)]
    fn a_cast_goes_by_the_name_of_the_type(
        #[case] code: &str,
        #[case] member: &str,
        #[case] count: usize,
    ) {
        let param = fhirward_spec::spec()
            .search_param("ConceptMap", code)
            .unwrap();
        let resource = json!({"resourceType": "ConceptMap", member: "http://example.com/q1"});
        assert_eq!(values(param, &resource).len(), count);
    }
}
