//! Laws of the criteria's text: nothing is lost, every place is right, escapes change nothing.

#![expect(
    clippy::indexing_slicing,
    reason = "a test that cannot set up its case fails"
)]

use std::collections::BTreeMap;

use fhirward_engine::criteria::syntax::{Alternative, Criteria, Pair, Piece};
use fhirward_engine::criteria::{Bindings, Filter, compile, parse};
use fhirward_engine::policy::{Options, PolicyDocument};
use fhirward_engine::search::Query;
use fhirward_engine::source::json::Document;
use fhirward_engine::source::{Source, Span};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

const NAMES: [&str; 4] = ["profile", "patient", "org", "org_parent"];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9]{1,4}",
        "[ é😀,|$\\\\%&=+?#\"._:/-]{1,3}",
        "\\PC{1,4}"
    ]
}

fn piece() -> impl Strategy<Value = Piece> {
    let variable = (select(NAMES.to_vec()), any::<bool>()).prop_map(|(name, id)| {
        Piece::Variable(fhirward_engine::criteria::syntax::Variable {
            name: name.to_owned(),
            id,
            span: Span::default(),
        })
    });
    prop_oneof![
        4 => word().prop_map(Piece::Text),
        1 => Just(Piece::Pipe),
        1 => Just(Piece::Dollar),
        2 => variable,
    ]
}

/// Texts next to one another are one text.
fn joined(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    for piece in pieces {
        match (out.last_mut(), piece) {
            (Some(Piece::Text(text)), Piece::Text(more)) => text.push_str(&more),
            (_, piece) => out.push(piece),
        }
    }
    out
}

fn name(text: String) -> fhirward_engine::criteria::syntax::Name {
    fhirward_engine::criteria::syntax::Name {
        text,
        span: Span::default(),
    }
}

/// Any criteria, whether or not it means something.
fn criteria() -> impl Strategy<Value = Criteria> {
    let alternative = proptest::collection::vec(piece(), 1..4).prop_map(|pieces| Alternative {
        span: Span::default(),
        pieces: joined(pieces),
    });
    let key = word().prop_map(|text| text.replace(':', ";"));
    let pair = (
        key,
        proptest::option::of(word()),
        proptest::collection::vec(alternative, 1..4),
    )
        .prop_map(|(param, modifier, alternatives)| Pair {
            span: Span::default(),
            param: name(param),
            modifier: modifier.map(name),
            alternatives,
            value: Some(Span::default()),
        });
    ("[A-Z][a-z]{2,5}", proptest::collection::vec(pair, 1..4)).prop_map(|(kind, pairs)| Criteria {
        text: "".into(),
        resource_type: name(kind),
        pairs,
    })
}

/// What it says, without places.
fn parts(mut criteria: Criteria) -> Criteria {
    criteria.text = "".into();
    criteria.resource_type.span = Span::default();
    for pair in &mut criteria.pairs {
        pair.span = Span::default();
        pair.param.span = Span::default();
        pair.value = pair.value.map(|_| Span::default());
        if let Some(modifier) = &mut pair.modifier {
            modifier.span = Span::default();
        }
        for alternative in &mut pair.alternatives {
            alternative.span = Span::default();
            for piece in &mut alternative.pieces {
                if let Piece::Variable(variable) = piece {
                    variable.span = Span::default();
                }
            }
        }
    }
    criteria
}

/// A character as a JSON string may hold it.
fn written(c: char, how: u8) -> String {
    let escaped = || {
        let mut units = [0; 2];
        c.encode_utf16(&mut units)
            .iter()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect()
    };
    match c {
        '"' if how == 0 => "\\\"".to_owned(),
        '\\' if how == 0 => "\\\\".to_owned(),
        '/' if how == 1 => "\\/".to_owned(),
        '"' | '\\' => escaped(),
        c if how == 3 || (c as u32) < 0x20 => escaped(),
        c => c.to_string(),
    }
}

fn filters(text: &str) -> BTreeMap<&'static str, Vec<Filter>> {
    let (criteria, faults) = parse(text, &[]);
    let compiled = compile(&criteria, "Communication", &Bindings::none(), None);
    assert!(
        faults.is_empty() && !compiled.is_broken(),
        "{text}: {:?}",
        compiled.findings
    );
    compiled.filters
}

fn passes(text: &str, resource: &Value) -> bool {
    filters(text)["Communication"]
        .iter()
        .all(|filter| filter.matches(resource))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// parse ∘ print = identity, on everything that can be said.
    #[test]
    fn a_criteria_written_anew_says_the_same(criteria in criteria()) {
        let text = criteria.canonical();
        let (again, faults) = parse(&text, &NAMES);
        prop_assert_eq!(&faults, &[], "{}", text);
        prop_assert_eq!(&*again.text, text.as_str());
        prop_assert_eq!(parts(again), parts(criteria), "{}", text);
    }

    /// Every word of a criteria is found at its place, through JSON escapes and then percent
    /// escapes.
    #[test]
    fn places_are_right_through_both_layers(
        before in "[a-z ]{0,4}",
        characters in proptest::collection::vec((select(vec!['a', 'é', '😀', '"', '/', '-', '\u{1}']), 0..4_u8, any::<bool>()), 1..6),
        hows in proptest::collection::vec(0..4_u8, 200),
    ) {
        // One unknown parameter, in pieces of which each is written its own way.
        let mut decoded = format!("Communication?{}=1&", if before.is_empty() { "x" } else { "status" });
        let start = decoded.len();
        for (c, _, percent) in &characters {
            let mut bytes = [0; 4];
            match percent {
                true => for byte in c.encode_utf8(&mut bytes).bytes() {
                    decoded.push_str(&format!("%{byte:02X}"));
                },
                false => decoded.push(*c),
            }
        }
        let end = decoded.len();
        decoded.push_str("=1");
        let (mut json, mut from, mut to) = (String::from("{\"resourceType\": \"AccessPolicy\", \"resource\": [{\"resourceType\": \"Communication\", \"criteria\": \""), 0, 0);
        for ((at, c), how) in decoded.char_indices().zip(hows.iter().cycle()) {
            if at == start {
                from = json.len();
            }
            json.push_str(&written(c, *how));
            if at < end {
                to = json.len();
            }
        }
        json.push_str("\"}]}");
        let document = Document::parse(&Source::new("p.json", json)).unwrap();
        prop_assert_eq!(document.value()["resource"][0]["criteria"].as_str(), Some(decoded.as_str()));
        let (_, _, findings) = PolicyDocument::from_json(&document);
        let unknown = findings.iter().rfind(|finding| finding.code == "criteria/unknown-parameter").unwrap();
        prop_assert_eq!(unknown.labels[0].span, Span::new(from, to), "{}", document.source().text);
    }

    /// Percent escapes and `+` say what the characters say.
    #[test]
    fn an_escaped_criteria_is_the_same_criteria(
        query in select(vec!["recipient=Practitioner/a", "status:not=completed,stopped", "category=http://s|c", "sent=ge2024-01-01&status=in-progress"]),
        every in proptest::collection::vec(any::<bool>(), 80),
    ) {
        let escaped: String = query
            .chars()
            .zip(every)
            .map(|(c, escape)| match c {
                '&' | '=' => c.to_string(),
                c if escape => format!("%{:02x}", u32::from(c)),
                c => c.to_string(),
            })
            .collect();
        let (plain, _) = parse(&format!("Communication?{query}"), &[]);
        let (other, faults) = parse(&format!("Communication?{escaped}"), &[]);
        prop_assert_eq!(faults, []);
        prop_assert_eq!(parts(plain), parts(other));
    }

    /// `,` is OR, `&` is AND, `:not` is the complement, and a filter twice is a filter once.
    #[test]
    fn the_boolean_laws_hold(resource in communication(), a in value(), b in value()) {
        let ask = |query: String| passes(&format!("Communication?{query}"), &resource);
        let (code, first) = a;
        let (other, second) = b;
        let one = ask(format!("{code}={first}"));
        let two = ask(format!("{other}={second}"));
        prop_assert_eq!(ask(format!("{code}={first}&{other}={second}")), one && two);
        prop_assert_eq!(ask(format!("{code}={first}&{code}={first}")), one);
        prop_assert_eq!(ask(format!("{code}:not={first}")), !one);
        if code == other {
            prop_assert_eq!(ask(format!("{code}={first},{second}")), one || two);
            prop_assert_eq!(ask(format!("{code}={second},{first}")), one || two);
            prop_assert_eq!(ask(format!("{code}:not={first},{second}")), !one && !two);
        }
        // A server's search asks the same filters.
        for (name, value) in [(code.to_owned(), first), (format!("{code}:not"), first), (format!("{code}:missing"), "true")] {
            let pairs = [(name.clone(), value.to_owned())];
            let query = Query::compile("Communication", &pairs, &Options::default()).unwrap();
            prop_assert_eq!(query.matches(&resource), ask(format!("{name}={value}")));
        }
        let there = ask(format!("{code}:missing=false"));
        prop_assert_eq!(ask(format!("{code}:missing=true")), !there);
        prop_assert!(there || !one);
    }
}

fn value() -> impl Strategy<Value = (&'static str, &'static str)> {
    select(vec![
        ("recipient", "Practitioner/a"),
        ("recipient", "Patient/c"),
        ("sender", "Practitioner/a"),
        ("sender", "http://elsewhere/Patient/c"),
        ("patient", "Patient/c"),
        ("patient", "Patient/d"),
        ("status", "completed"),
        ("status", "|in-progress"),
        ("category", "http://s|c"),
        ("category", "c"),
        ("sent", "2024"),
        ("sent", "lt2024-03-10"),
        ("sent", "ne2024-03-10"),
        ("_compartment", "Patient/c"),
        ("_tag", "t"),
    ])
}

fn communication() -> impl Strategy<Value = Value> {
    let reference = prop_oneof![
        select(vec![
            "Practitioner/a",
            "Patient/c/_history/1",
            "#x",
            "http://elsewhere/Patient/c"
        ])
        .prop_map(|reference| json!({"reference": reference})),
        Just(json!({"display": "somebody"})),
    ];
    let optional = || proptest::option::of(reference.clone());
    (
        optional(),
        optional(),
        proptest::collection::vec(reference.clone(), 0..3),
        proptest::option::of(select(vec!["completed", "in-progress"])),
        proptest::option::of(select(vec!["2024", "2024-03-10", "2024-03-10T09:00:00Z", "nonsense"])),
        proptest::option::of(select(vec![json!({"coding": [{"system": "http://s", "code": "c"}, {"code": "d"}]}), json!({"text": "c"})])),
    )
        .prop_map(|(sender, subject, recipient, status, sent, category)| {
            let mut resource = json!({"resourceType": "Communication", "recipient": recipient, "meta": {"tag": [{"code": "t"}]}});
            let members = [
                ("sender", sender),
                ("subject", subject),
                ("status", status.map(Value::from)),
                ("sent", sent.map(Value::from)),
                ("category", category.map(|category| json!([category]))),
            ];
            for (name, value) in members {
                if let Some(value) = value {
                    resource[name] = value;
                }
            }
            resource
        })
}

/// A criteria with variables that every member has.
fn with_built_in() -> impl Strategy<Value = (&'static str, String)> {
    let pieces = [
        "%profile",
        "%profile.id",
        "%patient.id",
        "Patient/",
        "x",
        "|",
        ",",
        "2024",
        "urn:uuid:",
        " ",
        ";",
        "/",
        "gt",
        "'",
        "http://x/",
    ];
    let params = [
        ("Communication", "sender"),
        ("Communication", "sent"),
        ("Communication", "status"),
        ("Communication", "_compartment"),
        ("Communication", "_id"),
        ("Patient", "organization"),
        ("Patient", "name"),
        ("Patient", "identifier:not"),
        ("Observation", "value-quantity"),
        ("Observation", "subject:not"),
        ("RiskAssessment", "probability"),
        ("Task", "focus"),
        ("Questionnaire", "url"),
    ];
    let value = prop::collection::vec(select(pieces.to_vec()), 1..4);
    (select(params.to_vec()), value)
        .prop_map(|((kind, param), value)| (kind, format!("{kind}?{param}={}", value.concat())))
}

proptest! {
    /// R.5: what grants nothing whoever asks is an error of `policy check`, and nothing else is.
    #[test]
    fn what_is_broken_for_everybody_is_broken_on_its_own((kind, text) in with_built_in()) {
        let broken = |bindings: &Bindings| {
            let (criteria, findings) = parse(&text, &bindings.names());
            compile(&criteria, kind, bindings, None).is_broken()
                || findings.iter().any(fhirward_engine::diagnostic::Diagnostic::is_error)
        };
        let of = |member: &str| {
            let mut bindings = Bindings::none();
            bindings.bind_reference("profile", member);
            bindings.bind_reference("patient", member);
            broken(&bindings)
        };
        // `%profilex` is a parameter that some membership may give.
        let (criteria, _) = parse(&text, &["profile", "patient"]);
        let pieces = criteria.pairs.iter().flat_map(|pair| &pair.alternatives).flat_map(|a| &a.pieces);
        let built_in = |piece: &Piece| match piece {
            Piece::Variable(variable) => ["profile", "patient"].contains(&variable.name.as_str()),
            _ => true,
        };
        prop_assume!(pieces.into_iter().all(built_in));
        let everybody = of("Practitioner/f2f7c1f0-3f5b-4b7e-9d0e-1c1d1e1f2021") && of("Patient/9c4d");
        prop_assert_eq!(broken(&Bindings::open()), everybody, "{}", text);
    }
}
