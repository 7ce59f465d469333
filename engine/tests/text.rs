//! A decision from text is the decision on the parsed resource, and what cannot be parsed is an
//! error.

use std::sync::Arc;

use fhirward_engine::policy::{
    Interaction, Membership, Options, Policy, PolicyDocument, Request, Scopes, assemble,
};
use fhirward_engine::source::Source;
use fhirward_engine::source::json::{Document, MAX_BYTES, MAX_DEPTH, MAX_VALUES, plain_value};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

const INTERACTIONS: [Interaction; 6] = [
    Interaction::Read,
    Interaction::Search,
    Interaction::Vread,
    Interaction::History,
    Interaction::Create,
    Interaction::Delete,
];

fn policy(entries: &[Value]) -> Policy {
    let (document, _) = PolicyDocument::from_value(
        &json!({"resourceType": "AccessPolicy", "id": "p", "resource": entries}),
    );
    let document = Arc::new(document);
    let member = Membership::of("Practitioner/a", &["AccessPolicy/p"]);
    let options = Options::default();
    assemble(&member, &|_| Some(Arc::clone(&document)), &options).policy
}

fn entry(criteria: &str) -> Value {
    json!({"resourceType": criteria.split('?').next(), "criteria": criteria})
}

/// The law: what the reader with places accepts without a repeated key is decided as parsed, and
/// has the same plain value; everything else is an error.
fn law(policy: &Policy, text: &str) {
    let document = Document::parse(&Source::new("t", text));
    let parsed = document
        .as_ref()
        .ok()
        .filter(|d| d.repeated_keys().is_empty());
    assert_eq!(
        plain_value(text).as_ref(),
        parsed.map(Document::value),
        "{text}"
    );
    let resource = parsed
        .map(Document::value)
        .filter(|value| value.get("resourceType").is_some_and(Value::is_string));
    for interaction in INTERACTIONS {
        let decided = policy
            .text_decider(interaction)
            .and_then(|decider| decider.decide(text).ok());
        let expected = resource.map(|resource| {
            policy.decide_with(&Request::about(interaction, resource, None), None, &|_| {
                None
            })
        });
        assert_eq!(decided, expected, "{interaction} of {text}");
    }
}

/// Filters that read elements in every way there is.
const CRITERIA: [&str; 16] = [
    "Communication?recipient=Patient/1",
    "Communication?patient=Patient/1",
    "Communication?recipient:missing=true",
    "Communication?sent:missing=false",
    "Communication?sender:not=Patient/1&_id=m1",
    "Communication?category=s|c",
    "Communication?_tag=t",
    "Communication?_compartment=Patient/1",
    "Communication?_compartment=Organization/o",
    "Patient?_compartment=Patient/m1",
    "Observation?component-code-value-quantity=http://x|c$gt1",
    "Observation?value-quantity=gt1.5",
    "Observation?code-value-concept=c$d",
    "*?_id=m1",
    "Communication?nonsense=1",
    "*?_lastUpdated=ge2024",
];

fn full() -> Value {
    json!({
        "meta": {"lastUpdated": "2024-04-10T10:00:00Z", "tag": [{"code": "t"}], "account": {"reference": "Organization/o"}},
        "id": "m1",
        "recipient": [{"reference": "Patient/1", "display": "é\"\n"}, {"display": "x"}],
        "subject": {"reference": "Patient/1", "identifier": {"value": "1"}},
        "sender": {"type": "Patient", "reference": "#p"},
        "category": [{"coding": [{"system": "s", "code": "c"}]}],
        "_sent": {"extension": [{"url": "u", "valueString": "x"}]},
        "component": [{"code": {"coding": [{"code": "c"}]}, "valueQuantity": {"value": 1.50}}],
        "valueQuantity": {"value": 1.50e1, "code": "mg"},
        "contained": [{"resourceType": "Patient", "id": "p"}],
        "resourceType": "Communication",
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!({"reference": "Patient/1"})),
        Just(json!({"reference": "Patient/2", "type": "Patient"})),
        Just(json!([{"coding": [{"system": "s", "code": "c"}]}])),
        Just(json!([[{"reference": "Patient/1"}]])),
        Just(json!("Patient/1")),
        Just(json!("2024-04")),
        Just(json!(1.25)),
        Just(json!({})),
        Just(json!([])),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            proptest::collection::hash_map("[a-z]{1,3}", inner, 0..3)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

fn resource() -> impl Strategy<Value = Value> {
    let names = vec![
        "id",
        "meta",
        "recipient",
        "subject",
        "sender",
        "category",
        "sent",
        "_sent",
        "note",
        "component",
        "valueQuantity",
        "payload",
    ];
    let kind = prop_oneof![
        6 => Just(json!("Communication")), 1 => Just(json!("Patient")),
        1 => Just(json!("Observation")), 1 => Just(json!("Basic")), 1 => Just(json!(7)),
    ];
    let members = proptest::sample::subsequence(names, 0..12);
    (
        members,
        kind,
        proptest::collection::vec(value(), 12),
        any::<[bool; 12]>(),
    )
        .prop_map(|(names, kind, values, own)| {
            let full = full();
            let mut object: serde_json::Map<String, Value> = names
                .iter()
                .zip(values)
                .zip(own)
                .map(|((name, value), own)| match full.get(*name) {
                    Some(sensible) if own => ((*name).to_owned(), sensible.clone()),
                    _ => ((*name).to_owned(), value),
                })
                .collect();
            object.insert("resourceType".to_owned(), kind);
            Value::Object(object)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn text_is_decided_as_parsed(
        resource in resource(),
        criteria in proptest::sample::subsequence(CRITERIA.to_vec(), 0..6),
        pretty in any::<bool>(),
    ) {
        let policy = policy(&criteria.iter().map(|c| entry(c)).collect::<Vec<_>>());
        let text = if pretty { format!("{resource:#}") } else { resource.to_string() };
        law(&policy, &text);
    }

    /// One byte of a resource is changed, taken out or doubled.
    #[test]
    fn broken_text_is_refused_as_by_the_reader_with_places(
        at in any::<proptest::sample::Index>(),
        with in "[\\x00-\\x7f]{0,2}",
        take in 0..3_usize,
    ) {
        let text = full().to_string();
        let at = at.index(text.len());
        let (Some(before), Some(after)) = (text.get(..at), text.get(at + take..)) else {
            return Ok(());
        };
        let policy = policy(&[entry("Communication?recipient=Patient/1")]);
        law(&policy, &format!("{before}{with}{after}"));
    }

    #[test]
    fn any_text_is_decided_or_refused(
        text in "(\\{\"resourceType\":\"Basic\",)?[\\[\\]{}:,\"\\\\a-eu0-9 .E+-]{0,30}\\}?"
    ) {
        law(&policy(&[json!({"resourceType": "*"})]), &text);
    }
}

fn nested(depth: usize, innermost: &str) -> String {
    let (open, close) = ("[".repeat(depth), "]".repeat(depth));
    format!("{{\"resourceType\": \"Basic\", \"x\": {open}{innermost}{close}}}")
}

#[rstest]
#[case::empty("")]
#[case::blank(" \n")]
#[case::no_object("[]")]
#[case::string("\"Communication\"")]
#[case::no_type("{}")]
#[case::type_is_no_text(r#"{"resourceType": 1}"#)]
#[case::escaped_name(
    r#"{"resource\u0054ype": "Communication", "recipi\u0065nt": {"reference": "Patient\/1"}}"#
)]
#[case::escaped_twice(r#"{"resourceType": "Communication", "recipient": 1, "recipi\u0065nt": 2}"#)]
#[case::repeated(r#"{"resourceType": "Communication", "id": "1", "id": "2"}"#)]
#[case::repeated_deeply(r#"{"resourceType": "Communication", "a": [{"b": {"c": 1, "c": 2}}]}"#)]
#[case::same_in_siblings(r#"{"resourceType": "Communication", "a": [{"b": 1}, {"b": 1}], "b": 1}"#)]
#[case::surrogates(r#"{"resourceType": "Communication", "id": "\ud83d\ude00"}"#)]
#[case::half_a_pair(r#"{"resourceType": "Communication", "id": "\ud83d"}"#)]
#[case::other_half(r#"{"resourceType": "Communication", "id": "\ude00"}"#)]
#[case::wrong_pair(r#"{"resourceType": "Communication", "id": "\ud83d\u0041"}"#)]
#[case::line_break("{\"resourceType\": \"Communication\", \"id\": \"a\nb\"}")]
#[case::delete_character("{\"resourceType\": \"Communication\", \"id\": \"a\u{7f}b\"}")]
#[case::leading_zero(r#"{"resourceType": "Communication", "x": 01}"#)]
#[case::plus(r#"{"resourceType": "Communication", "x": +1}"#)]
#[case::bare_point(r#"{"resourceType": "Communication", "x": 1.}"#)]
#[case::bare_exponent(r#"{"resourceType": "Communication", "x": 1e}"#)]
#[case::large_number(r#"{"resourceType": "Communication", "x": -1.50e+4000}"#)]
#[case::comment("{\"resourceType\": \"Communication\" /* x */}")]
#[case::trailing_comma(r#"{"resourceType": "Communication",}"#)]
#[case::two_values(r#"{"resourceType": "Communication"} {}"#)]
#[case::mark("\u{feff}{\"resourceType\": \"Communication\"}")]
#[case::type_last(r#"{"recipient": {"reference": "Patient/1"}, "resourceType": "Communication"}"#)]
#[case::word(r#"{"resourceType": "Communication", "x": nul}"#)]
#[case::longer_word(r#"{"resourceType": "Communication", "x": truefalse}"#)]
#[case::deepest(&nested(MAX_DEPTH - 1, "1"))]
#[case::too_deep(&nested(MAX_DEPTH, "1"))]
#[case::deepest_empty(&nested(MAX_DEPTH, ""))]
#[case::too_deep_empty(&nested(MAX_DEPTH + 1, ""))]
fn odd_texts_are_decided_as_by_the_reader_with_places(#[case] text: &str) {
    law(
        &policy(&[
            entry("Communication?recipient=Patient/1"),
            json!({"resourceType": "Basic"}),
        ]),
        text,
    );
    law(&Policy::full_access(), text);
}

/// A list of keys long enough to be checked in another way, with and without a repetition.
#[rstest]
#[case::different(40, 40)]
#[case::first_again(40, 0)]
#[case::last_again(40, 39)]
#[case::a_short_list_again(8, 3)]
#[case::at_the_limit(32, 31)]
#[case::over_the_limit(33, 32)]
fn repeated_keys_of_long_objects_are_found(#[case] count: usize, #[case] again: usize) {
    let keys = (0..count).chain([again]).map(|n| format!("\"k{n}\":1"));
    let text = format!(
        "{{\"resourceType\":\"Basic\",\"x\":{{{}}}}}",
        keys.collect::<Vec<_>>().join(",")
    );
    let policy = policy(&[json!({"resourceType": "Basic"})]);
    law(&policy, &text);
    let decided = policy
        .text_decider(Interaction::Read)
        .unwrap()
        .decide(&text);
    assert_eq!(decided.is_ok(), again == count);
}

/// Strings are looked through in steps of several bytes: what ends or spoils one is seen at every
/// place.
#[rstest]
#[case::end("")]
#[case::escape("\\n")]
#[case::quote("\\\"")]
#[case::backslash("\\\\")]
#[case::bare_quote("\"")]
#[case::bare_backslash("\\")]
#[case::control("\u{1}")]
#[case::line_break("\n")]
#[case::blank(" ")]
#[case::after_the_controls("\u{7f}")]
#[case::two_bytes("é")]
#[case::four_bytes("\u{1f600}")]
fn each_place_of_a_string_is_looked_at(#[case] there: &str) {
    let policy = policy(&[entry("Communication?recipient=Patient/1")]);
    for before in 0..36 {
        for after in [0, 1, 7, 40] {
            let text = format!("{}{there}{}", "a".repeat(before), "#".repeat(after));
            for resource in [
                format!(r#"{{"resourceType":"Communication","x":"{text}"}}"#),
                format!(r#"{{"resourceType":"Communication","{text}":1}}"#),
                format!("{{\n\"resourceType\":\"Communication\",\"x\":\"{text}\"}}"),
            ] {
                law(&policy, &resource);
            }
        }
    }
}

/// The type tells what is read; members on both sides of it are.
#[rstest]
#[case::first(0)]
#[case::between(1)]
#[case::last(2)]
fn the_type_stands_anywhere(#[case] place: usize) {
    let mut members = vec![
        r#""recipient":{"reference":"Patient/1"}"#,
        r#""category":[{"coding":[{"system":"s","code":"c"}]}]"#,
    ];
    members.insert(place, r#""resourceType":"Communication""#);
    let text = format!("{{{}}}", members.join(","));
    let policy = policy(&[entry("Communication?recipient=Patient/1&category=s|c")]);
    law(&policy, &text);
    let decider = policy.text_decider(Interaction::Read).unwrap();
    assert!(decider.decide(&text).unwrap().is_allowed());
}

#[test]
fn every_member_that_a_filter_reads_is_read() {
    for criteria in CRITERIA
        .iter()
        .filter(|c| c.starts_with("Communication") && !c.contains("nonsense"))
    {
        let policy = policy(&[entry(criteria)]);
        let read = policy.decide(&Request::Read(&full()));
        let text = policy
            .text_decider(Interaction::Read)
            .unwrap()
            .decide(&full().to_string());
        assert_eq!(text.unwrap(), read, "{criteria}");
        let is_not = ["recipient:missing=true"];
        let expected = !is_not.iter().any(|not| criteria.contains(not));
        assert_eq!(read.is_allowed(), expected, "{criteria}");
    }
}

/// R.10: a write constraint may look at anything.
#[test]
fn a_constrained_create_is_decided_on_the_whole_resource() {
    let policy = policy(&[json!({
        "resourceType": "Communication",
        "writeConstraint": [{"language": "text/fhirpath", "expression": "payload.exists()"}],
    })]);
    let mut message = full();
    law(&policy, &message.to_string());
    message["payload"] = json!([{"contentString": "x"}]);
    law(&policy, &message.to_string());
}

/// The scopes of a token read elements that no entry reads.
#[rstest]
#[case::compartment("patient/Communication.rs", true)]
#[case::another_patient("patient/Communication.rs", false)]
#[case::filter("user/Communication.rs?category=s|c", true)]
#[case::other_filter("user/Communication.rs?category=s|d", false)]
#[case::any_type("user/*.rs?_id=m1", true)]
fn scopes_are_decided_from_text(#[case] scopes: &str, #[case] allowed: bool) {
    let (scopes, findings) = Scopes::parse(scopes);
    assert!(findings.is_empty(), "{findings:?}");
    let patient = if allowed { "Patient/1" } else { "Patient/2" };
    for entry in [
        json!({"resourceType": "Communication"}),
        json!({"resourceType": "*"}),
    ] {
        let policy = policy(&[entry]);
        let policy = policy
            .within(&scopes, Some(patient), &Options::default())
            .policy;
        law(&policy, &full().to_string());
        let decision = policy.decide(&Request::Read(&full()));
        assert_eq!(decision.is_allowed(), allowed);
    }
}

/// R.11: who may see a Binary depends on its context, which a line of text does not have.
#[rstest]
#[case::without_context(json!({"resourceType": "Binary"}), true)]
#[case::with_context(json!({"resourceType": "Binary", "securityContext": {"reference": "Patient/1"}}), false)]
#[case::with_an_odd_context(json!({"resourceType": "Binary", "securityContext": 1}), false)]
fn a_binary_with_a_context_is_not_shown(#[case] binary: Value, #[case] allowed: bool) {
    let policy = policy(&[json!({"resourceType": "*"})]);
    law(&policy, &binary.to_string());
    let decider = policy.text_decider(Interaction::Read).unwrap();
    let decision = decider.decide(&binary.to_string()).unwrap();
    assert_eq!(decision.is_allowed(), allowed);
}

#[rstest]
#[case::update(Interaction::Update)]
#[case::patch(Interaction::Patch)]
fn changes_need_two_states(#[case] interaction: Interaction) {
    assert!(Policy::full_access().text_decider(interaction).is_none());
}

#[test]
fn the_size_is_limited() {
    let policy = Policy::full_access();
    let decider = policy.text_decider(Interaction::Read).unwrap();
    let text = |size: usize| {
        let frame = r#"{"resourceType":"Basic","x":""}"#;
        format!(
            r#"{{"resourceType":"Basic","x":"{}"}}"#,
            "a".repeat(size - frame.len())
        )
    };
    assert!(decider.decide(&text(MAX_BYTES)).is_ok());
    assert_eq!(
        decider.decide(&text(MAX_BYTES + 1)).unwrap_err().code,
        "json/too-large"
    );
}

#[rstest]
#[case::all(0, true)]
#[case::one_too_many(1, false)]
fn the_number_of_values_is_limited(#[case] more: usize, #[case] fits: bool) {
    // The resource, its type and the array are values too.
    let items = vec!["1"; MAX_VALUES - 3 + more].join(",");
    let text = format!(r#"{{"resourceType":"Basic","x":[{items}]}}"#);
    let policy = Policy::full_access();
    let decided = policy
        .text_decider(Interaction::Read)
        .unwrap()
        .decide(&text);
    assert_eq!(decided.is_ok(), fits);
    assert_eq!(Document::parse(&Source::new("t", text)).is_ok(), fits);
}

#[test]
fn lines_keep_their_numbers() {
    let policy = policy(&[entry("Communication?recipient=Patient/1")]);
    let decider = policy.text_decider(Interaction::Read).unwrap();
    let mut text = b"\n{\"resourceType\":\"Communication\",\"recipient\":[{\"reference\":\"Patient/1\"}]}\r\n  \n{\"resourceType\":\"Communication\"}\n{\"resourceType\": \n\"\xff\"\n".to_vec();
    text.extend(b"{\"resourceType\":\"Patient\"}");
    let seen: Vec<(usize, String)> = decider
        .lines(&text)
        .map(|line| {
            let said = match line.decision {
                Ok(decision) => decision.verdict.to_string(),
                Err(finding) => finding.code.to_owned(),
            };
            (line.number, said)
        })
        .collect();
    let expected = [
        (2, "allowed"),
        (4, "hidden"),
        (5, "json/syntax"),
        (6, "json/not-utf8"),
        (7, "forbidden"),
    ];
    assert_eq!(
        seen,
        expected.map(|(number, said)| (number, said.to_owned()))
    );
}

/// What is wrong is said as by the reader with places.
#[test]
fn a_broken_line_says_what_is_wrong_and_where() {
    let policy = Policy::full_access();
    let decider = policy.text_decider(Interaction::Read).unwrap();
    let finding = decider.decide("{\"resourceType\": 'Basic'}").unwrap_err();
    assert_eq!(finding.message, "a string starts with a single quote");
    assert_eq!(finding.line_column(), Some((1, 18)));
    let finding = decider
        .decide(r#"{"resourceType": "Basic", "x": {"y": 1, "y": 2}}"#)
        .unwrap_err();
    assert_eq!(finding.code, "json/repeated-key");
}
