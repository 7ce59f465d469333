//! R.6 twice: compiled filters against matchers that are written out, value by value.
//!
//! The matchers here share no code with the engine: they look at the element by hand, cut and
//! compare texts, count days one by one, and hold numbers as ten-thousandths.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot set up its case fails"
)]

use fhirward_engine::criteria::{Bindings, compile, parse};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

const BASE: &str = "https://h/fhir";

/// What the engine says to `Type?code=text`; `None` where it refuses the value.
fn engine(kind: &str, code: &str, text: &str, resource: &Value) -> Option<bool> {
    let (criteria, faults) = parse(&format!("{kind}?{code}={text}"), &[]);
    let compiled = compile(&criteria, kind, &Bindings::none(), Some(BASE));
    if !faults.is_empty() || compiled.is_broken() {
        return None;
    }
    Some(
        compiled.filters[kind]
            .iter()
            .all(|filter| filter.matches(resource)),
    )
}

// Token

fn token(asked: &str, system: Option<&str>, code: Option<&str>) -> bool {
    match asked.split_once('|') {
        None => code == Some(asked),
        Some(("", wanted)) => system.is_none_or(str::is_empty) && code == Some(wanted),
        Some((wanted, "")) => system == Some(wanted),
        Some((wanted_system, wanted)) => system == Some(wanted_system) && code == Some(wanted),
    }
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value[name].as_str()
}

fn maybe(
    name: &'static str,
    values: Vec<&'static str>,
) -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    proptest::option::of(select(values)).prop_map(move |value| {
        value
            .map(|value| (name, json!(value)))
            .into_iter()
            .collect()
    })
}

fn object(parts: Vec<Vec<(&'static str, Value)>>) -> Value {
    parts
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn coded(code: &'static str) -> impl Strategy<Value = Value> {
    let system = maybe("system", vec!["http://s", "http://t", ""]);
    let value = maybe(code, vec!["a", "A", "ab"]);
    let display = maybe("display", vec!["a"]);
    (system, value, display).prop_map(|(a, b, c)| object(vec![a, b, c]))
}

fn asked_token() -> impl Strategy<Value = &'static str> {
    select(vec![
        "a",
        "A",
        "b",
        "|a",
        "|b",
        "http://s|a",
        "http://s|",
        "http://t|A",
        "http://x|a",
    ])
}

// Reference

/// `Type/id` of a stored reference on this server, whatever its form.
fn target(stored: &str) -> &str {
    let relative = stored.strip_prefix("https://h/fhir/").unwrap_or(stored);
    relative.split("/_history/").next().unwrap()
}

// String

fn folded(text: &str) -> String {
    let plain = |c: char| match c {
        'é' | 'É' => "e".to_owned(),
        'ü' | 'Ü' => "u".to_owned(),
        '\u{301}' => String::new(),
        c => c.to_lowercase().collect(),
    };
    text.chars().map(plain).collect()
}

fn strings(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| strings(item, into)),
        _ => {}
    }
}

// Date, in seconds

fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let leap = |y: i64| y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    let months = |y| {
        [
            31,
            if leap(y) { 29 } else { 28 },
            31,
            30,
            31,
            30,
            31,
            31,
            30,
            31,
            30,
            31,
        ]
    };
    let years: i64 = (1990..year).map(|y| months(y).iter().sum::<i64>()).sum();
    let before: i64 = months(year)
        .iter()
        .take(usize::try_from(month - 1).unwrap())
        .sum();
    years + before + day - 1
}

#[derive(Debug, Clone)]
struct Written {
    text: String,
    low: i64,
    high: i64,
}

/// A date with the seconds that it covers.
fn date() -> impl Strategy<Value = Written> {
    let day = (2019..2022_i64, 1..=12_i64, 1..=28_i64);
    let clock = (
        0..24_i64,
        0..60_i64,
        0..60_i64,
        select(vec![None, Some(0), Some(60), Some(-300)]),
    );
    (day, clock, 0..4).prop_map(|((y, m, d), (hour, minute, second, zone), precision)| {
        let midnight = |y, m, d| days_before(y, m, d) * 86_400;
        let (text, low, high) = match precision {
            0 => (format!("{y}"), midnight(y, 1, 1), midnight(y + 1, 1, 1)),
            1 => {
                let (next_y, next_m) = if m == 12 { (y + 1, 1) } else { (y, m + 1) };
                (
                    format!("{y}-{m:02}"),
                    midnight(y, m, 1),
                    midnight(next_y, next_m, 1),
                )
            }
            2 => (
                format!("{y}-{m:02}-{d:02}"),
                midnight(y, m, d),
                midnight(y, m, d) + 86_400,
            ),
            _ => {
                let suffix = match zone {
                    None => String::new(),
                    Some(0) => "Z".to_owned(),
                    Some(minutes) => {
                        let minutes: i64 = minutes;
                        let sign = if minutes < 0 { '-' } else { '+' };
                        format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
                    }
                };
                let at =
                    midnight(y, m, d) + hour * 3600 + minute * 60 + second - zone.unwrap_or(0) * 60;
                (
                    format!("{y}-{m:02}-{d:02}T{hour:02}:{minute:02}:{second:02}{suffix}"),
                    at,
                    at + 1,
                )
            }
        };
        Written { text, low, high }
    })
}

const PREFIXES: [&str; 10] = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];

/// R4's comparison of a stored range with the wanted one, the ends not included.
fn compares(prefix: &str, stored: (f64, f64), wanted: (f64, f64)) -> bool {
    let contained = wanted.0 <= stored.0 && stored.1 <= wanted.1;
    match prefix {
        "" | "eq" => contained,
        "ne" => !contained,
        "gt" => stored.1 > wanted.1,
        "lt" => stored.0 < wanted.0,
        "ge" => stored.1 > wanted.1 || contained,
        "le" => stored.0 < wanted.0 || contained,
        "sa" => stored.0 >= wanted.1,
        "eb" => stored.1 <= wanted.0,
        _ => stored.0 < wanted.1 && wanted.0 < stored.1,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "seconds of some years are exact"
)]
fn seconds(low: i64, high: i64) -> (f64, f64) {
    (low as f64, high as f64)
}

// Number, in ten-thousandths

#[derive(Debug, Clone)]
struct Number {
    text: String,
    value: i64,
    /// Half of what the last digit counts.
    half: i64,
}

fn number() -> impl Strategy<Value = Number> {
    (-300..300_i64, 0..3_u32).prop_map(|(digits, places)| {
        let unit = 10_i64.pow(4 - places);
        let sign = if digits < 0 { "-" } else { "" };
        let power = 10_i64.pow(places);
        let (whole, fraction) = (digits.abs() / power, digits.abs() % power);
        let text = match places {
            0 => format!("{sign}{whole}"),
            _ => format!("{sign}{whole}.{fraction:0width$}", width = places as usize),
        };
        Number {
            text,
            value: digits * unit,
            half: unit / 2,
        }
    })
}

fn number_compares(prefix: &str, stored: i64, wanted: &Number) -> bool {
    let inside = wanted.value - wanted.half <= stored && stored < wanted.value + wanted.half;
    match prefix {
        "" | "eq" => inside,
        "ne" => !inside,
        "gt" | "sa" => stored > wanted.value,
        "lt" | "eb" => stored < wanted.value,
        "ge" => stored >= wanted.value,
        "le" => stored <= wanted.value,
        _ => (stored - wanted.value).abs() * 10 <= wanted.value.abs(),
    }
}

fn json_number(number: &Number) -> Value {
    serde_json::from_str(&number.text).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn r6_token(asked in asked_token(), codings in proptest::collection::vec(coded("code"), 0..3)) {
        let observation = json!({"resourceType": "Observation", "code": {"coding": codings, "text": "a"}});
        let expected = codings.iter().any(|c| token(asked, text(c, "system"), text(c, "code")));
        prop_assert_eq!(engine("Observation", "code", asked, &observation), Some(expected));
    }

    #[test]
    fn r6_token_of_identifiers_and_contacts(asked in asked_token(), items in proptest::collection::vec(coded("value"), 0..3)) {
        let patient = json!({"resourceType": "Patient", "identifier": items, "telecom": items});
        let expected = items.iter().any(|i| token(asked, text(i, "system"), text(i, "value")));
        prop_assert_eq!(engine("Patient", "identifier", asked, &patient), Some(expected));
        prop_assert_eq!(engine("Patient", "telecom", asked, &patient), Some(expected));
    }

    #[test]
    fn r6_token_of_codes_and_booleans(
        asked in select(vec!["male", "MALE", "|male", "true", "TRUE", "false"]),
        gender in select(vec![None, Some("male"), Some("female")]),
        active in select(vec![None, Some(true), Some(false)]),
    ) {
        let patient = json!({"resourceType": "Patient", "gender": gender, "active": active});
        let plain = asked.trim_start_matches('|');
        prop_assert_eq!(engine("Patient", "gender", asked, &patient), Some(gender == Some(plain)));
        let active = active.map(|flag| flag.to_string());
        prop_assert_eq!(engine("Patient", "active", asked, &patient), Some(active.as_deref() == Some(plain)));
    }

    #[test]
    fn r6_reference(
        asked in select(vec!["Patient/a", "Patient/b", "https://h/fhir/Patient/a", "https://x/Patient/a", "Group/a"]),
        stored in proptest::collection::vec(select(vec![
            "Patient/a", "Patient/ab", "Patient/a/_history/2", "https://h/fhir/Patient/a", "https://h/fhir/Patient/b/_history/1",
            "https://x/Patient/a", "patient/a", "Group/a", "#a", "urn:uuid:00000000-0000-4000-8000-00000000000a", "a",
        ]), 0..3),
    ) {
        let recipient: Vec<Value> = stored.iter().map(|r| json!({"reference": r})).chain([json!({"display": asked})]).collect();
        let message = json!({"resourceType": "Communication", "recipient": recipient});
        let expected = stored.iter().any(|stored| target(stored) == target(asked));
        prop_assert_eq!(engine("Communication", "recipient", asked, &message), Some(expected));
    }

    #[test]
    fn r6_string(
        asked in select(vec!["a", "al", "AL", "älter", "élise", "Elise", "ic", "smith j", "ü", "mu"]),
        family in select(vec![None, Some("Smith Jones"), Some("Müller"), Some("MU\u{308}LLER"), Some("Élise"), Some("E\u{301}lise")]),
        given in proptest::collection::vec(select(vec!["Alice", "Malice", "Unal", "Ünal"]), 0..3),
    ) {
        let patient = json!({"resourceType": "Patient", "name": [{"use": "alias", "family": family, "given": given}]});
        let mut parts = Vec::new();
        strings(&json!([family, given]), &mut parts);
        let fold = |text: &str| folded(&text.replace('ä', "a").replace("U\u{308}", "u"));
        let expected = parts.iter().any(|part| fold(part).starts_with(&fold(asked)));
        prop_assert_eq!(engine("Patient", "name", asked, &patient), Some(expected));
    }

    #[test]
    fn r6_uri(
        asked in select(vec!["http://x/q", "http://x/Q", "http://x", "urn:oid:1.2"]),
        stored in select(vec![None, Some("http://x/q"), Some("http://x/q/"), Some("HTTP://x/q"), Some("urn:oid:1.2")]),
    ) {
        let form = json!({"resourceType": "Questionnaire", "url": stored});
        prop_assert_eq!(engine("Questionnaire", "url", asked, &form), Some(stored == Some(asked)));
    }

    #[test]
    fn r6_date(prefix in select(PREFIXES.to_vec()), asked in date(), stored in date()) {
        let observation = json!({"resourceType": "Observation", "effectiveDateTime": stored.text});
        let expected = compares(prefix, seconds(stored.low, stored.high), seconds(asked.low, asked.high));
        let text = format!("{prefix}{}", asked.text.replace('+', "%2B"));
        prop_assert_eq!(engine("Observation", "date", &text, &observation), Some(expected));
    }

    #[test]
    fn r6_date_of_a_period(
        prefix in select(PREFIXES.to_vec()), asked in date(), start in proptest::option::of(date()), end in proptest::option::of(date()),
    ) {
        let period = json!({"start": start.as_ref().map(|d| &d.text), "end": end.as_ref().map(|d| &d.text)});
        let period: serde_json::Map<String, Value> = period.as_object().unwrap().clone().into_iter().filter(|(_, v)| !v.is_null()).collect();
        let observation = json!({"resourceType": "Observation", "effectivePeriod": period});
        let (low, _) = start.as_ref().map_or((f64::NEG_INFINITY, 0.0), |d| seconds(d.low, d.high));
        let (_, high) = end.as_ref().map_or((0.0, f64::INFINITY), |d| seconds(d.low, d.high));
        let known = start.is_some() || end.is_some();
        let expected = known && compares(prefix, (low, high), seconds(asked.low, asked.high));
        let text = format!("{prefix}{}", asked.text.replace('+', "%2B"));
        prop_assert_eq!(engine("Observation", "date", &text, &observation), Some(expected));
    }

    #[test]
    fn r6_number(prefix in select(PREFIXES.to_vec()), asked in number(), stored in number()) {
        let risk = json!({"resourceType": "RiskAssessment", "prediction": [{"probabilityDecimal": json_number(&stored)}]});
        let expected = number_compares(prefix, stored.value, &asked);
        let text = format!("{prefix}{}", asked.text);
        prop_assert_eq!(engine("RiskAssessment", "probability", &text, &risk), Some(expected));
    }

    #[test]
    fn r6_quantity(
        prefix in select(PREFIXES.to_vec()), asked in number(), stored in number(),
        unit in select(vec!["", "||mg", "||kg", "|http://u|mg", "|http://x|mg"]),
        system in select(vec![None, Some("http://u")]),
        code in select(vec![None, Some("mg")]),
        comparator in select(vec![None, None, None, Some("<")]),
    ) {
        let mut quantity = json!({"value": json_number(&stored)});
        for (name, value) in [("system", system), ("code", code), ("comparator", comparator)] {
            if let Some(value) = value {
                quantity[name] = json!(value);
            }
        }
        let observation = json!({"resourceType": "Observation", "valueQuantity": quantity});
        let in_unit = match unit {
            "" => true,
            "||mg" => code == Some("mg"),
            "|http://u|mg" => code == Some("mg") && system == Some("http://u"),
            _ => false,
        };
        let expected = in_unit && comparator.is_none() && number_compares(prefix, stored.value, &asked);
        let text = format!("{prefix}{}{unit}", asked.text);
        prop_assert_eq!(engine("Observation", "value-quantity", &text, &observation), Some(expected));
    }
}
