//! R.5 and R.6 on every search parameter of every resource type, R4's and Medplum's own.
//!
//! Each parameter that a criteria may use gets generated resources, one for each path of its
//! expression, and is asked for the value that is there, for one that is not, for its complement,
//! and whether the element is missing.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot set up its case fails; the counts are for people"
)]

use std::collections::BTreeSet;

use fhirward_engine::criteria::{Bindings, Filter, compile, parse};
use fhirward_spec::{ParamType, SearchParam, spec};
use serde_json::{Value, json};
use support::generate::{self, Sample};

mod support;

/// The filters of a criteria, which must be sound.
fn filters(resource_type: &str, query: &str) -> Vec<Filter> {
    let text = format!("{resource_type}?{query}");
    let (criteria, faults) = parse(&text, &[]);
    assert_eq!(faults, [], "{text}");
    let mut compiled = compile(&criteria, resource_type, &Bindings::none(), None);
    assert!(!compiled.is_broken(), "{text}: {:?}", compiled.findings);
    compiled.filters.remove(resource_type).unwrap()
}

fn matches(resource_type: &str, query: &str, resource: &Value) -> bool {
    filters(resource_type, query)
        .iter()
        .all(|filter| filter.matches(resource))
}

/// What finds the value of a generated element; nothing where R.6 knows no way to find it.
fn found_by(param: &SearchParam, data_type: &str) -> Vec<String> {
    let texts: &[&str] = match (param.param_type, data_type) {
        (ParamType::Token, "CodeableConcept" | "Coding") => &[
            "c1",
            "http://example.org/s|c1",
            "http://example.org/s|",
            "x,c1",
        ],
        (ParamType::Token, "Identifier") => &["c1", "http://example.org/i|c1"],
        (ParamType::Token, "ContactPoint" | "code" | "id" | "string") => &["c1", "zzz,c1"],
        (ParamType::Token, "boolean") => &["true", "false,true"],
        (ParamType::Token, "dateTime") => &["true"],
        (ParamType::Token, "uri") | (ParamType::Uri, _) => &[
            "http://example.org/u",
            "http://example.org/x,http://example.org/u",
        ],
        (ParamType::Reference, "Reference") => {
            let target = generate::target(param);
            return vec![format!("{target}/x1"), format!("{target}/y,{target}/x1")];
        }
        (ParamType::Reference, "canonical" | "uri") => &["http://example.org/u"],
        (ParamType::String, "HumanName") => &["Famil", "giv", "FAMILIE"],
        (ParamType::String, "Address") => &["City", "line", "COUNTRY"],
        (ParamType::String, _) => &["c1", "C", "%C3%87"],
        (ParamType::Date, "dateTime" | "instant") => &[
            "2024",
            "2024-03-10",
            "2024-03-10T09:30:00Z",
            "2024-03-10T10:30:00%2B01:00",
            "ge2024-03",
            "lt2025",
            "ne2023",
        ],
        (ParamType::Date, "date" | "Period" | "Timing" | "string") => &[
            "2024",
            "2024-03",
            "2024-03-10",
            "ge2024-03-10",
            "eb2024-04",
            "sa2024-02",
            "gt2023",
            "ap2024-03-10",
        ],
        (ParamType::Number, "integer") => &["5", "gt4", "lt6", "ne7", "ap5"],
        (ParamType::Number, _) => &["5.4", "gt5", "le5.4", "ge5.4", "lt6", "ne7", "ap5.5"],
        (ParamType::Quantity, "Money") => &[
            "5.4",
            "5.4||EUR",
            "5.4|urn:iso:std:iso:4217|EUR",
            "ge5.4||EUR",
        ],
        (ParamType::Quantity, "Age" | "Duration" | "Quantity" | "Range") => &[
            "5.4",
            "5.4||mg",
            "5.4|http://unitsofmeasure.org|mg",
            "gt5||mg",
            "le5.40",
            "ne7",
        ],
        _ => &[],
    };
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// What finds another value.
fn not_found_by(param: &SearchParam) -> Vec<&'static str> {
    match param.param_type {
        ParamType::Token => vec!["C1", "c", "zzz"],
        ParamType::Reference if *param.code == *"_compartment" => vec!["Patient/other"],
        ParamType::Reference => vec!["Patient/other", "http://example.org/other"],
        ParamType::String => vec!["amilie", "zzz"],
        ParamType::Uri => vec!["http://example.org", "HTTP://example.org/u"],
        ParamType::Date => vec!["1999", "lt1999", "sa2030-01-01T00:00:00Z"],
        ParamType::Number => vec!["7", "gt7", "lt5"],
        ParamType::Quantity => vec!["7", "5.4||kg", "5.4|http://example.org|mg", "gt7||mg"],
        ParamType::Composite | ParamType::Special => vec![],
    }
}

fn supported(resource_type: &str, param: &SearchParam) -> bool {
    resource_type != "Binary"
        && !matches!(param.param_type, ParamType::Composite | ParamType::Special)
}

fn every_supported_parameter() -> impl Iterator<Item = (&'static str, &'static SearchParam)> {
    spec().resource_types().flat_map(|kind| {
        let params = spec().search_params(kind);
        params
            .filter(move |param| supported(kind, param))
            .map(move |param| (kind, param))
    })
}

/// A condition is true or false, and so never missing.
fn is_condition(param: &SearchParam) -> bool {
    param.expression.contains(".exists()")
}

#[test]
fn r5_r6_every_parameter_compiles_and_finds_what_is_there() {
    let (mut asked, mut searchable, mut unsearchable) = (0, BTreeSet::new(), BTreeSet::new());
    for (kind, param) in every_supported_parameter() {
        let nothing = json!({"resourceType": kind});
        for Sample {
            resource,
            data_type,
        } in generate::samples(kind, param)
        {
            let code = &param.code;
            let name = format!("{kind}?{code} on {data_type}");
            let wanted = found_by(param, &data_type);
            for text in &wanted {
                // "%C3%87" is Ç: accents do not count.
                let query = format!("{code}={text}");
                assert!(matches(kind, &query, &resource), "{name}: {query}");
                // Of nothing, a condition is false.
                let of_nothing = is_condition(param);
                assert!(
                    of_nothing || !matches(kind, &query, &nothing),
                    "{name}: {query} on nothing"
                );
                asked += 1;
            }
            for text in not_found_by(param) {
                assert!(
                    !matches(kind, &format!("{code}={text}"), &resource),
                    "{name}: {text}"
                );
            }
            match wanted.is_empty() {
                false => searchable.insert(format!("{kind} {code}")),
                true => unsearchable.insert(format!("{:?} {data_type}", param.param_type)),
            };
        }
        assert!(
            searchable.contains(&format!("{kind} {}", param.code))
                || matches!(&*param.code, "composition" | "message" | "source-reference"),
            "{kind}?{} is never found",
            param.code
        );
    }
    println!(
        "{asked} questions about {} pairs of type and parameter",
        searchable.len()
    );
    // R.6 compares none of these: the element is there and matches nothing.
    let expected = [
        "Date Age",
        "Date Range",
        "Quantity SampledData",
        "Reference Attachment",
        "Reference Resource",
    ];
    assert_eq!(
        unsearchable.iter().map(String::as_str).collect::<Vec<_>>(),
        expected
    );
}

#[test]
fn r6_not_is_the_complement_and_missing_asks_for_the_element() {
    for (kind, param) in every_supported_parameter() {
        let code = &param.code;
        let nothing = json!({"resourceType": kind});
        assert_eq!(
            matches(kind, &format!("{code}:missing=true"), &nothing),
            !is_condition(param),
            "{kind}?{code}"
        );
        for Sample {
            resource,
            data_type,
        } in generate::samples(kind, param)
        {
            let name = format!("{kind}?{code} on {data_type}");
            assert!(
                matches(kind, &format!("{code}:missing=false"), &resource),
                "{name}"
            );
            let texts = found_by(param, &data_type);
            let others = not_found_by(param);
            let asked: Vec<_> = texts
                .iter()
                .map(String::as_str)
                .chain(others)
                .map(|text| {
                    let positive = filters(kind, &format!("{code}={text}"));
                    (text, positive, filters(kind, &format!("{code}:not={text}")))
                })
                .collect();
            let (there, absent) = (
                filters(kind, &format!("{code}:missing=false")),
                filters(kind, &format!("{code}:missing=true")),
            );
            let passes = |filters: &[Filter], resource| filters.iter().all(|f| f.matches(resource));
            for resource in [&resource, &nothing] {
                let is_there = passes(&there, resource);
                assert_ne!(is_there, passes(&absent, resource), "{name}");
                for (text, positive, negative) in &asked {
                    let positive = passes(positive, resource);
                    assert_ne!(positive, passes(negative, resource), "{name}: {text}");
                    assert!(is_there || !positive, "{name}: what matches is there");
                }
            }
        }
    }
}

#[test]
fn r6_every_reference_without_a_target_is_there_and_matches_nothing() {
    let mut asked = 0;
    for (kind, param) in every_supported_parameter() {
        for Sample {
            resource,
            data_type,
        } in generate::samples(kind, param)
        {
            if (param.param_type, data_type.as_str()) != (ParamType::Reference, "Reference") {
                continue;
            }
            let target = generate::target(param);
            let text = resource.to_string();
            for without in [
                json!({"display": "somebody"}),
                json!({"identifier": {"value": "1"}}),
            ] {
                let reference = json!({"reference": format!("{target}/x1")}).to_string();
                let replaced = text.replace(&reference, &without.to_string());
                assert_ne!(replaced, text);
                let resource: Value = serde_json::from_str(&replaced).unwrap();
                let code = &param.code;
                let name = format!("{kind}?{code} on {resource}");
                let inside = *param.code == *"_compartment";
                assert_eq!(
                    matches(kind, &format!("{code}:missing=false"), &resource),
                    !inside,
                    "{name}"
                );
                assert!(
                    !matches(kind, &format!("{code}={target}/x1"), &resource),
                    "{name}"
                );
                asked += 1;
            }
        }
    }
    assert!(asked > 1_000, "{asked}");
}

#[test]
fn r5_what_a_criteria_may_not_use_is_refused_on_every_type() {
    let mut refused = 0;
    for kind in spec().resource_types() {
        for param in spec()
            .search_params(kind)
            .filter(|param| !supported(kind, param))
        {
            let text = format!("{kind}?{}=1", param.code);
            let (criteria, _) = parse(&text, &[]);
            let compiled = compile(&criteria, kind, &Bindings::none(), None);
            assert!(
                compiled.is_broken() && compiled.filters.is_empty(),
                "{text}"
            );
            refused += 1;
        }
    }
    assert!(refused > 500, "{refused}");
}
