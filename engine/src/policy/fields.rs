//! Hidden and read-only fields: the paths to them. Source: R.9.

mod remove;
mod restore;

use fhirward_spec::{ParamType, SearchParam, TypeDef, spec};

use crate::values::BadValue;
use crate::words::nearest;
pub use remove::without;
pub use restore::kept;

/// Steps that a path may have.
const MAX_STEPS: usize = 16;

/// A path to a field: `name`, `subject.display`, `value[x]`, `payload.content[x]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath {
    text: Box<str>,
    steps: Box<[Step]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    name: Box<str>,
    /// `name[x]`: every `nameType` member.
    choice: bool,
    /// Of one variant of a choice, `valueString`: the name of the choice, `value`.
    variant_of: Option<Box<str>>,
}

/// Why a path cannot be used on a type.
enum Misfit {
    /// There is no such element.
    Absent(BadValue),
    /// It must not be hidden.
    Required(BadValue),
}

impl Misfit {
    fn into_inner(self) -> BadValue {
        match self {
            Self::Absent(bad) | Self::Required(bad) => bad,
        }
    }
}

impl Step {
    fn covers(&self, key: &str) -> bool {
        let key = key.strip_prefix('_').unwrap_or(key);
        match key.strip_prefix(&*self.name) {
            Some("") => !self.choice,
            Some(rest) => {
                self.choice && rest.bytes().next().is_some_and(|b| b.is_ascii_uppercase())
            }
            None => false,
        }
    }
}

impl Step {
    /// Whether the member is another variant of the same choice.
    fn excludes(&self, key: &str) -> bool {
        let key = key.strip_prefix('_').unwrap_or(key);
        self.variant_of
            .as_deref()
            .and_then(|choice| key.strip_prefix(choice))
            .is_some_and(|rest| rest.bytes().next().is_some_and(|b| b.is_ascii_uppercase()))
    }
}

impl FieldPath {
    /// Reads a path and holds it against the elements of a type (`*`: of any type). A `hidden`
    /// path must not name a required element.
    ///
    /// # Errors
    /// No such element, or a required one, with what is there instead.
    pub fn parse(text: &str, resource_type: &str, hidden: bool) -> Result<Self, BadValue> {
        let steps: Box<[Step]> = text
            .split('.')
            .map(|step| match step.strip_suffix("[x]") {
                Some(name) => Step {
                    name: name.into(),
                    choice: true,
                    variant_of: None,
                },
                None => Step {
                    name: step.into(),
                    choice: false,
                    variant_of: None,
                },
            })
            .collect();
        if text.is_empty()
            || steps.iter().any(|step| step.name.is_empty())
            || steps.len() > MAX_STEPS
        {
            return Err(BadValue::new(
                format!("`{text}` is no path of elements"),
                "write `element`, `element.inner` or `element[x]`",
            ));
        }
        let mut path = Self {
            text: text.into(),
            steps,
        };
        if resource_type == "*" {
            let mut fits = false;
            let mut first = None;
            for kind in spec().resource_types() {
                match path.check(kind, hidden) {
                    Ok(variant_of) => {
                        fits = true;
                        path.set_variant(variant_of);
                    }
                    Err(Misfit::Required(bad)) => return Err(bad),
                    Err(Misfit::Absent(bad)) => first = first.or(Some(bad)),
                }
            }
            return match first {
                Some(bad) if !fits => Err(bad),
                _ => Ok(path),
            };
        }
        // An unknown type has its own finding.
        if spec().resource(resource_type).is_some() {
            let variant_of = path
                .check(resource_type, hidden)
                .map_err(Misfit::into_inner)?;
            path.set_variant(variant_of);
        }
        Ok(path)
    }

    /// A member of a resource, whether or not the type is known to have it.
    pub(super) fn member(name: &str) -> Self {
        Self {
            text: name.into(),
            steps: Box::new([Step {
                name: name.into(),
                choice: false,
                variant_of: None,
            }]),
        }
    }

    /// The path as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn set_variant(&mut self, variant_of: Option<Box<str>>) {
        if let (Some(last), Some(choice)) = (self.steps.last_mut(), variant_of) {
            last.variant_of = Some(choice);
        }
    }

    /// Holds the path against a type; the name of the choice, when it ends in one variant.
    fn check(&self, resource_type: &str, hidden: bool) -> Result<Option<Box<str>>, Misfit> {
        let mut variant_of = None;
        let mut current: Option<&TypeDef> = spec().resource(resource_type);
        let mut parent = resource_type.to_owned();
        for (at, step) in self.steps.iter().enumerate() {
            if at == 0 && matches!(&*step.name, "resourceType" | "id") && hidden {
                return Err(Misfit::Required(BadValue::new(
                    format!("`{}` cannot be hidden", step.name),
                    "clients need it to know what they look at",
                )));
            }
            if at == 0 && &*step.name == "resourceType" {
                return Ok(None);
            }
            let Some(def) = current else {
                return Err(Misfit::Absent(BadValue::new(
                    format!("`{parent}` has no elements inside"),
                    "shorten the path",
                )));
            };
            let found = if step.choice {
                def.elements
                    .iter()
                    .find(|element| element.choice && element.name == step.name)
                    .map(|element| (element, None))
            } else {
                def.element(&step.name)
                    .map(|(element, kind)| (element, Some(kind)))
            };
            let Some((element, kind)) = found else {
                let choice = def.elements.iter().any(|e| e.choice && e.name == step.name);
                let help = if choice {
                    format!(
                        "write `{0}[x]` for all its types, or one such as `{0}String`",
                        step.name
                    )
                } else if let Some(plain) = self.text.strip_prefix(&format!("{resource_type}.")) {
                    format!("write `{plain}`: the entry has the type")
                } else if let Some((list, _)) = step.name.split_once('[') {
                    format!("a field is that of every item: write `{list}` without the brackets")
                } else {
                    match nearest(&step.name, def.elements.iter().map(|e| &*e.name)) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!(
                            "its elements are {}",
                            def.elements
                                .iter()
                                .map(|e| &*e.name)
                                .collect::<Vec<_>>()
                                .join(", ")
                        ),
                    }
                };
                return Err(Misfit::Absent(BadValue::new(
                    format!("`{}` is no element of {parent}", step.name),
                    help,
                )));
            };
            let last = at + 1 == self.steps.len();
            if last && hidden && element.min > 0 {
                return Err(Misfit::Required(BadValue::new(
                    format!(
                        "`{}` is required on {resource_type} and cannot be hidden",
                        self.text
                    ),
                    "a resource without it is not valid; restrict the entry by criteria instead",
                )));
            }
            if last && element.choice && !step.choice {
                variant_of = Some(element.name.clone());
            }
            parent = format!("{parent}.{}", step.name);
            current = kind.and_then(|kind| spec().type_def(&kind.code));
        }
        Ok(variant_of)
    }

    /// Whether the compartments of a resource follow from this field, or from something around or
    /// inside it.
    pub(crate) fn tells_compartment(&self, resource_type: &str) -> bool {
        let in_meta = self.steps.first().is_some_and(|step| step.covers("meta"))
            && self.steps.get(1).is_none_or(|step| {
                ["account", "accounts", "compartment"]
                    .iter()
                    .any(|name| step.covers(name))
            });
        let params = spec()
            .compartment("Patient")
            .map(|c| c.params(resource_type));
        in_meta
            || params.into_iter().flatten().any(|code| {
                spec()
                    .search_param(resource_type, code)
                    .is_some_and(|param| self.is_read_by(param, None))
            })
    }

    /// Whether a search parameter reads this field, something inside it, or something around it.
    ///
    /// Of a reference a filter reads where it points, so a hidden `subject.display` does not keep
    /// anybody from searching by subject. A `modifier` may read more (`:missing` sees an element
    /// that has nothing but a display), so with one every part counts.
    pub(crate) fn is_read_by(&self, param: &SearchParam, modifier: Option<&str>) -> bool {
        let whole = modifier.is_some_and(|modifier| modifier != "not");
        let pointing = param.param_type == ParamType::Reference && !whole;
        let overlaps = |path: &[&str]| {
            let read = path
                .iter()
                .zip(self.steps.iter())
                .all(|(member, step)| step.covers(member));
            let below = self.steps.get(path.len());
            read && !(pointing && below.is_some_and(|step| &*step.name == "display"))
        };
        let outers = param.program.member_paths();
        if param.components.is_empty() {
            return outers.iter().any(|outer| overlaps(outer));
        }
        param.components.iter().any(|component| {
            component.program.member_paths().iter().any(|inner| {
                if component.from_resource {
                    return overlaps(inner);
                }
                outers.iter().any(|outer| {
                    let whole: Vec<&str> = outer.iter().chain(inner).copied().collect();
                    overlaps(&whole)
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn path(text: &str, kind: &str) -> FieldPath {
        FieldPath::parse(text, kind, false).unwrap()
    }

    /// Found by fuzzing: what was empty before nothing hidden was taken from.
    #[test]
    fn r9_an_empty_list_is_not_taken_away() {
        let stored =
            json!({"resourceType": "Communication", "note": [], "payload": [{}, {"note": 1}]});
        let fields = [FieldPath::parse("note.time", "Communication", true).unwrap()];
        assert_eq!(without(&stored, &fields), stored);
        assert_eq!(kept(Some(&stored), stored.clone(), fields.iter()), stored);
    }

    #[rstest]
    #[case::top("Patient", "name", json!({"name": [{"family": "S"}], "active": true}), json!({"active": true}))]
    #[case::primitive_sibling("Patient", "birthDate", json!({"birthDate": "1990", "_birthDate": {"id": "x"}}), json!({}))]
    #[case::nested("Observation", "subject.display", json!({"subject": {"reference": "P/1", "display": "A"}}), json!({"subject": {"reference": "P/1"}}))]
    #[case::nested_last_member("Observation", "note.text", json!({"note": [{"text": "a"}]}), json!({}))]
    #[case::in_arrays("Observation", "note.time", json!({"note": [{"text": "a", "time": "2024"}, {"text": "b"}]}), json!({"note": [{"text": "a"}, {"text": "b"}]}))]
    #[case::choice("Observation", "value[x]", json!({"valueString": "x", "valueless": 1}), json!({"valueless": 1}))]
    #[case::one_choice("Observation", "valueString", json!({"valueString": "x", "valueInteger": 1}), json!({"valueInteger": 1}))]
    #[case::nested_choice("Communication", "payload.content[x]", json!({"payload": [{"id": "1", "contentString": "x"}]}), json!({"payload": [{"id": "1"}]}))]
    fn r9_hidden_fields_leave(
        #[case] kind: &str,
        #[case] field: &str,
        #[case] resource: Value,
        #[case] expected: Value,
    ) {
        assert_eq!(without(&resource, &[path(field, kind)]), expected);
    }

    #[rstest]
    #[case::changed("Patient", "name", json!({"name": ["a"]}), json!({"name": ["b"]}), json!({"name": ["a"]}))]
    #[case::falsy("Patient", "active", json!({"active": false}), json!({}), json!({"active": false}))]
    #[case::zero("Patient", "multipleBirth[x]", json!({"multipleBirthInteger": 0}), json!({"multipleBirthBoolean": true}), json!({"multipleBirthInteger": 0}))]
    #[case::another_variant("Observation", "valueString", json!({"valueString": "x"}), json!({"valueInteger": 1}), json!({"valueString": "x"}))]
    #[case::another_variant_with_its_sibling("Observation", "valueString", json!({"valueString": "x"}), json!({"valueInteger": 1, "_valueInteger": {"id": "a"}}), json!({"valueString": "x"}))]
    #[case::variant_of_an_inner_choice("Communication", "payload.contentString", json!({"payload": [{"id": "1", "contentString": "x"}]}), json!({"payload": [{"id": "1", "contentReference": {"reference": "Binary/1"}}]}), json!({"payload": [{"id": "1", "contentString": "x"}]}))]
    #[case::no_stored_variant("Observation", "valueString", json!({"valueInteger": 1}), json!({"valueInteger": 2}), json!({"valueInteger": 2}))]
    #[case::a_name_that_only_begins_like_it("Observation", "valueString", json!({"valueString": "x"}), json!({"valueless": 1}), json!({"valueless": 1, "valueString": "x"}))]
    #[case::added("Patient", "gender", json!({}), json!({"gender": "male"}), json!({}))]
    #[case::nested("Observation", "subject.display", json!({"subject": {"reference": "P/1", "display": "A"}}), json!({"subject": {"reference": "P/2"}}), json!({"subject": {"reference": "P/2", "display": "A"}}))]
    #[case::nested_parent_gone("Observation", "subject.display", json!({"subject": {"reference": "P/1", "display": "A"}}), json!({}), json!({"subject": {"reference": "P/1", "display": "A"}}))]
    #[case::array_same_length("Observation", "note.text", json!({"note": [{"text": "a"}]}), json!({"note": [{"text": "b", "time": "2024"}]}), json!({"note": [{"text": "a", "time": "2024"}]}))]
    #[case::array_longer("Observation", "note.text", json!({"note": [{"text": "a"}]}), json!({"note": [{"text": "b"}, {"time": "2024"}, {"text": "c"}]}), json!({"note": [{"text": "a"}, {"time": "2024"}]}))]
    #[case::array_item_not_found("Observation", "note.text", json!({"note": [{"text": "a", "time": "2024"}]}), json!({"note": [{"time": "2025"}, {"time": "2026"}]}), json!({"note": [{"text": "a", "time": "2024"}]}))]
    #[case::array_with_one_more("Patient", "name.given", json!({"name": [{"family": "A", "given": ["B"]}]}), json!({"name": [{"family": "E"}, {"family": "A"}]}), json!({"name": [{"family": "E"}, {"family": "A", "given": ["B"]}]}))]
    #[case::array_turned("Patient", "name.given", json!({"name": [{"family": "A", "given": ["B"]}, {"family": "C", "given": ["D"]}]}), json!({"name": [{"family": "C"}, {"family": "A"}]}), json!({"name": [{"family": "C", "given": ["D"]}, {"family": "A", "given": ["B"]}]}))]
    #[case::array_item_taken_out("Patient", "name.given", json!({"name": [{"family": "A", "given": ["B"]}, {"family": "C"}]}), json!({"name": [{"family": "C"}]}), json!({"name": [{"family": "A", "given": ["B"]}, {"family": "C"}]}))]
    #[case::array_new("Observation", "note.text", json!({}), json!({"note": [{"text": "b", "time": "2024"}]}), json!({"note": [{"time": "2024"}]}))]
    fn r9_fields_keep_their_stored_value(
        #[case] kind: &str,
        #[case] field: &str,
        #[case] stored: Value,
        #[case] input: Value,
        #[case] expected: Value,
    ) {
        let field = path(field, kind);
        assert_eq!(
            kept(Some(&stored), input, std::iter::once(&field)),
            expected
        );
    }

    /// Lists of which no item is the other's, and of which all are each other's: an item is not
    /// held against every other one.
    #[rstest]
    #[case::all_different(|at| json!({"time": format!("{at}"), "text": "a"}), |at| json!({"time": format!("new {at}")}))]
    #[case::all_equal(|_| json!({"time": "1", "text": "a"}), |_| json!({"time": "1"}))]
    fn r9_each_item_is_compared_with_few_others(
        #[case] stored: fn(usize) -> Value,
        #[case] input: fn(usize) -> Value,
    ) {
        const LENGTH: usize = 2_000;
        let list = |item: fn(usize) -> Value, from| {
            let items: Vec<Value> = (from..LENGTH).map(item).collect();
            json!({"resourceType": "Observation", "note": items})
        };
        let field = path("note.text", "Observation");
        let (stored, input) = (list(stored, 0), list(input, 1));
        let compared = crate::work::of(|| {
            let kept = kept(Some(&stored), input, std::iter::once(&field));
            assert_eq!(kept["note"].as_array().map(Vec::len), Some(LENGTH));
        });
        assert!((1..4 * LENGTH).contains(&compared), "{compared}");
    }

    #[rstest]
    #[case::typo("Patient", "brithDate", false, "did you mean `birthDate`?")]
    #[case::required(
        "Communication",
        "status",
        true,
        "a resource without it is not valid; restrict the entry by criteria instead"
    )]
    #[case::bare_choice(
        "Observation",
        "value",
        true,
        "write `value[x]` for all its types, or one such as `valueString`"
    )]
    #[case::id("Patient", "id", true, "clients need it to know what they look at")]
    #[case::inner("Observation", "subject.nothing", true, "its elements are")]
    fn r9_fields_must_exist(
        #[case] kind: &str,
        #[case] field: &str,
        #[case] hidden: bool,
        #[case] help: &str,
    ) {
        let bad = FieldPath::parse(field, kind, hidden).unwrap_err();
        assert!(bad.help.starts_with(help), "{bad:?}");
    }

    #[rstest]
    #[case("Communication", "subject.display", "subject", false)]
    #[case("Communication", "subject.display", "subject:not", false)]
    #[case("Communication", "subject.display", "subject:missing", true)]
    #[case("Communication", "subject.reference", "subject", true)]
    #[case("Communication", "subject.identifier", "subject", true)]
    #[case("Communication", "subject", "subject", true)]
    #[case("Communication", "recipient.display", "recipient", false)]
    #[case("Patient", "birthDate", "birthdate", true)]
    #[case("Patient", "name", "family", true)]
    #[case("Patient", "name.family", "family", true)]
    #[case("Patient", "name.family", "given", false)]
    #[case("Patient", "gender", "birthdate", false)]
    #[case("Observation", "value[x]", "value-quantity", true)]
    #[case("Observation", "valueQuantity", "value-quantity", true)]
    #[case("Observation", "value[x]", "code-value-quantity", true)]
    #[case("Observation", "subject", "code-value-quantity", false)]
    #[case(
        "MolecularSequence",
        "referenceSeq",
        "chromosome-variant-coordinate",
        true
    )]
    #[case(
        "MolecularSequence",
        "referenceSeq.chromosome",
        "chromosome-variant-coordinate",
        true
    )]
    #[case(
        "MolecularSequence",
        "variant.start",
        "chromosome-variant-coordinate",
        true
    )]
    #[case(
        "MolecularSequence",
        "variant.cigar",
        "chromosome-variant-coordinate",
        false
    )]
    #[case("Patient", "meta", "_lastUpdated", true)]
    fn r9_parameters_that_read_a_field(
        #[case] kind: &str,
        #[case] field: &str,
        #[case] code: &str,
        #[case] expected: bool,
    ) {
        let (code, modifier) = match code.split_once(':') {
            Some((code, modifier)) => (code, Some(modifier)),
            None => (code, None),
        };
        let param = spec().search_param(kind, code).unwrap();
        assert_eq!(path(field, kind).is_read_by(param, modifier), expected);
    }
}
