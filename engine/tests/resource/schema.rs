//! Laws about the validator: whatever HL7's JSON schema rejects, it rejects, and it answers for any
//! JSON value.

use crate::common::{Schema, bad_resources, hl7_examples};
use fhirward_engine::resource::{MAX_FINDINGS, validate};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

/// Something that goes wrong in a resource.
#[derive(Debug, Clone)]
enum Mutation {
    Replace(Value),
    Remove,
    Rename(&'static str),
    Add(&'static str, Value),
    Wrap,
    Unwrap,
    /// Another value of the same resource.
    Copy(Index),
}

fn scalars() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        Just(json!(0)),
        Just(json!(-1)),
        Just(json!(1.5)),
        Just(json!([])),
        Just(json!({})),
        Just(json!("")),
        Just(json!(" ")),
        Just(json!("a b")),
        Just(json!("2024-02-30")),
        Just(json!("2024-13-01T00:00:00Z")),
        Just(json!("2024-01-01T10:00:00")),
        Just(json!("urn:oid:9")),
        Just(json!("urn:uuid:X")),
        Just(json!("Patient/1")),
        Just(json!("completed")),
        Just(json!({"reference": "Patient/1"})),
        Just(json!({"text": "x"})),
        "[ -~]{0,12}".prop_map(Value::from),
        (-3_000_000_000i64..3_000_000_000).prop_map(Value::from),
    ]
}

fn mutations() -> impl Strategy<Value = Mutation> {
    const NAMES: [&str; 14] = [
        "status",
        "value",
        "valueString",
        "valueCode",
        "text",
        "id",
        "_id",
        "extension",
        "meta",
        "reference",
        "resourceType",
        "code",
        "contained",
        "Status",
    ];
    let name = proptest::sample::select(NAMES.to_vec());
    prop_oneof![
        3 => scalars().prop_map(Mutation::Replace),
        2 => Just(Mutation::Remove),
        1 => name.clone().prop_map(Mutation::Rename),
        2 => (name, scalars()).prop_map(|(name, value)| Mutation::Add(name, value)),
        1 => Just(Mutation::Wrap),
        1 => Just(Mutation::Unwrap),
        2 => any::<Index>().prop_map(Mutation::Copy),
    ]
}

/// The pointers of all values but the outermost.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut step = |name: &str, value: &Value| {
        let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        places(value, &at, found);
        found.push(at);
    };
    match value {
        Value::Object(object) => object.iter().for_each(|(name, value)| step(name, value)),
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                step(&n.to_string(), item);
            }
        }
        _ => {}
    }
}

fn mutate(resource: &mut Value, place: Index, mutation: &Mutation) {
    let mut all = Vec::new();
    places(resource, "", &mut all);
    let pointer = place.get(&all).clone();
    let copy = match mutation {
        Mutation::Copy(from) => resource.pointer(from.get::<String>(&all)).cloned(),
        _ => None,
    };
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/").replace("~0", "~");
    let value = resource.pointer(&pointer).unwrap().clone();
    match (resource.pointer_mut(parent).unwrap(), mutation) {
        (Value::Object(object), Mutation::Remove) => {
            object.shift_remove(&name);
        }
        (Value::Object(object), Mutation::Rename(other)) => {
            object.shift_remove(&name);
            object.insert((*other).to_owned(), value);
        }
        (Value::Object(object), Mutation::Add(other, added)) => {
            object.insert((*other).to_owned(), added.clone());
        }
        (Value::Array(items), Mutation::Remove) => {
            items.remove(name.parse().unwrap());
        }
        (Value::Array(items), Mutation::Add(..)) => items.push(value),
        _ => {}
    }
    let Some(target) = resource.pointer_mut(&pointer) else {
        return;
    };
    match mutation {
        Mutation::Replace(value) => *target = value.clone(),
        Mutation::Wrap => *target = Value::Array(vec![target.take()]),
        Mutation::Unwrap => {
            if let Value::Array(items) = target
                && let Some(first) = items.first().cloned()
            {
                *target = first;
            }
        }
        Mutation::Copy(_) => *target = copy.unwrap(),
        Mutation::Remove | Mutation::Rename(_) | Mutation::Add(..) => {}
    }
}

/// A narrow no-break space, which the pattern of the schema leaves out and R4's text does not.
const OTHER_SPACE: &str = "json-edge-cases";

#[test]
fn the_schema_accepts_hl7s_examples() {
    let schema = Schema::load();
    for (name, example) in hl7_examples() {
        let is_valid = validate(&example)
            .iter()
            .all(|f| f.code != "invalid-format");
        let expected = is_valid && name != OTHER_SPACE;
        assert_eq!(schema.accepts(&example), expected, "{name}");
    }
}

#[test]
fn what_the_schema_rejects_the_validator_rejects() {
    let schema = Schema::load();
    let examples = hl7_examples().into_iter();
    let examples = examples.filter(|(name, _)| name != OTHER_SPACE);
    let mut seeds: Vec<Value> = examples.map(|(_, example)| example).collect();
    // A long list takes the schema long and is no other than a short one.
    seeds.retain(|seed| seed.to_string().len() < 20_000);
    seeds.extend(bad_resources().into_iter().map(|case| case.resource));
    seeds.retain(Value::is_object);
    let config = ProptestConfig {
        cases: 3000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let rejected = std::cell::Cell::new(0u32);
    let steps = prop::collection::vec((any::<Index>(), mutations()), 1..4);
    let law = runner.run(&(any::<Index>(), steps), |(seed, steps)| {
        let mut resource = seed.get(&seeds).clone();
        for (place, mutation) in &steps {
            let is_empty = resource.as_object().is_none_or(Map::is_empty);
            if !is_empty {
                mutate(&mut resource, *place, mutation);
            }
        }
        let findings = validate(&resource);
        prop_assert!(findings.len() <= MAX_FINDINGS + 1);
        for finding in &findings {
            let missing = finding.code == "missing-element";
            let place = resource.pointer(&finding.pointer);
            prop_assert!(place.is_some() || missing, "{:?} in {}", finding, resource);
        }
        if !schema.accepts(&resource) {
            rejected.set(rejected.get() + 1);
            prop_assert!(!findings.is_empty(), "the schema rejects {}", resource);
        }
        Ok(())
    });
    law.unwrap();
    assert!(rejected.get() > 500, "only {} rejected", rejected.get());
}

/// Anything that is JSON, with some names of R4 in it.
fn json_values() -> impl Strategy<Value = Value> {
    const TYPES: [&str; 6] = [
        "Communication",
        "Bundle",
        "Patient",
        "Parameters",
        "Questionnaire",
        "x",
    ];
    let types = proptest::sample::select(TYPES.to_vec()).prop_map(Value::from);
    let leaf = prop_oneof![scalars(), types, any::<String>().prop_map(Value::from)];
    leaf.prop_recursive(6, 64, 6, |inner| {
        const NAMES: [&str; 12] = [
            "resourceType",
            "contained",
            "entry",
            "resource",
            "item",
            "extension",
            "_status",
            "status",
            "parameter",
            "part",
            "reference",
            "id",
        ];
        let name = prop_oneof![
            4 => proptest::sample::select(NAMES.to_vec()).prop_map(str::to_owned),
            1 => any::<String>(),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_has_an_answer(mut value in json_values(), name in proptest::sample::select(vec!["Communication", "Bundle", "Parameters", "Questionnaire"])) {
        if let Value::Object(object) = &mut value {
            object.insert("resourceType".to_owned(), name.into());
        }
        let findings = validate(&value);
        prop_assert!(findings.len() <= MAX_FINDINGS + 1);
    }
}

#[test]
fn a_resource_of_many_megabytes_is_bounded() {
    let text = "x".repeat(20 * 1024 * 1024);
    let mut recipients = vec![json!({"reference": "homer"}); 300_000];
    recipients.push(json!({"reference": text}));
    let resource = json!({
        "resourceType": "Communication", "status": text, "recipient": recipients,
        text.as_str(): [1],
    });
    let findings = validate(&resource);
    assert_eq!(findings.len(), MAX_FINDINGS + 1);
    let last = findings.last().unwrap();
    assert_eq!(last.code, "too-many-findings");
    assert!(last.message.starts_with("29900"), "{}", last.message);
    for finding in &findings {
        assert!(finding.message.len() < 500 && finding.expression.len() < 500);
    }
}

#[test]
fn many_contained_resources_take_no_square_of_time() {
    let count = 50_000;
    let contained: Vec<Value> = (0..count)
        .map(|n| json!({"resourceType": "Patient", "id": format!("p{n}")}))
        .collect();
    let based: Vec<Value> = (0..count)
        .map(|n| json!({"reference": format!("#p{n}")}))
        .collect();
    let resource = json!({
        "resourceType": "Communication", "status": "completed",
        "contained": contained, "about": based,
    });
    assert_eq!(validate(&resource), []);
}
