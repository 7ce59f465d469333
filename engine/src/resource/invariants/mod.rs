//! HL7's invariants that concern one object of a type, in our words.
//!
//! The keys are HL7's. Those about a whole Bundle, about contained resources, about references,
//! extensions and narratives stand where these are walked. An invariant holds where the values it
//! asks about are missing or malformed: that is reported on its own.

mod clinical;
mod conformance;
mod datatypes;
mod questionnaire;
mod records;

use serde_json::{Map, Value};

use super::calendar::is_before;

pub(super) type Object = Map<String, Value>;

/// A condition that every object of a type keeps.
#[derive(Debug)]
pub(super) struct Invariant {
    /// The type: a datatype, a resource type, or the path of an element.
    on: &'static str,
    /// HL7's key.
    pub key: &'static str,
    /// What is demanded.
    pub human: &'static str,
    holds: fn(&Object) -> bool,
}

impl Invariant {
    const fn new(
        on: &'static str,
        key: &'static str,
        human: &'static str,
        holds: fn(&Object) -> bool,
    ) -> Self {
        Invariant {
            on,
            key,
            human,
            holds,
        }
    }

    pub fn holds(&self, object: &Object) -> bool {
        (self.holds)(object)
    }
}

fn all() -> impl Iterator<Item = &'static Invariant> {
    datatypes::INVARIANTS
        .iter()
        .chain(records::INVARIANTS)
        .chain(clinical::INVARIANTS)
        .chain(questionnaire::INVARIANTS)
        .chain(conformance::INVARIANTS)
}

/// Those of a type.
pub(super) fn of(type_name: &str) -> Box<[&'static Invariant]> {
    all().filter(|i| i.on == type_name).collect()
}

/// Whether an element is there, with a value or with extensions only.
fn has(object: &Object, name: &str) -> bool {
    object.contains_key(name) || object.keys().any(|key| key.strip_prefix('_') == Some(name))
}

/// Whether a choice is made: `value` for `valueString`.
fn chosen(object: &Object, name: &str) -> bool {
    object.keys().any(|key| {
        key.strip_prefix('_')
            .unwrap_or(key)
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
    })
}

fn any(object: &Object, names: &[&str]) -> bool {
    names.iter().any(|name| has(object, name))
}

fn count(object: &Object, names: &[&str]) -> usize {
    names.iter().filter(|name| has(object, name)).count()
}

/// Where one element is, the other is too.
fn needs(object: &Object, name: &str, other: &str) -> bool {
    !has(object, name) || has(object, other)
}

fn not_both(object: &Object, name: &str, other: &str) -> bool {
    !(has(object, name) && has(object, other))
}

fn text<'o>(object: &'o Object, name: &str) -> Option<&'o str> {
    object.get(name).and_then(Value::as_str)
}

fn is(object: &Object, name: &str, code: &str) -> bool {
    text(object, name) == Some(code)
}

fn is_one_of(object: &Object, name: &str, codes: &[&str]) -> bool {
    text(object, name).is_some_and(|found| codes.contains(&found))
}

fn number(object: &Object, name: &str) -> Option<f64> {
    object.get(name).and_then(as_number)
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_str().parse().ok(),
        _ => None,
    }
}

fn items<'o>(object: &'o Object, name: &str) -> &'o [Value] {
    object
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn objects<'o>(object: &'o Object, name: &str) -> impl Iterator<Item = &'o Object> {
    items(object, name).iter().filter_map(Value::as_object)
}

/// Whether one date is not after another.
fn in_order(object: &Object, first: &str, second: &str) -> bool {
    match (text(object, first), text(object, second)) {
        (Some(first), Some(second)) => !is_before(second, first),
        _ => true,
    }
}

/// Whether a CodeableConcept has a code of a system.
fn has_coding(object: &Object, name: &str, system: &str, codes: &[&str]) -> bool {
    let Some(Value::Object(concept)) = object.get(name) else {
        return false;
    };
    objects(concept, "coding").any(|c| is(c, "system", system) && is_one_of(c, "code", codes))
}

/// Whether no text occurs twice.
fn distinct<'o>(texts: impl Iterator<Item = &'o str>) -> bool {
    let mut seen = std::collections::HashSet::new();
    texts.into_iter().all(|text| seen.insert(text))
}

#[cfg(test)]
mod tests {
    use super::all;
    use fhirward_spec::spec;

    #[test]
    fn every_invariant_is_on_a_known_type_and_named_once() {
        let mut seen = std::collections::HashSet::new();
        for invariant in all() {
            let known = spec().type_def(invariant.on).is_some();
            assert!(known, "{} on {}", invariant.key, invariant.on);
            assert!(
                seen.insert((invariant.on, invariant.key)),
                "{}",
                invariant.key
            );
        }
    }
}
