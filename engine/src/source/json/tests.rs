//! What the reader accepts, refuses, and remembers.

use rstest::rstest;

use super::*;

fn parse(text: &str) -> Result<Document, Diagnostic> {
    Document::parse(&Source::new("t.json", text))
}

#[rstest]
#[case::object(r#"{"a": [1, 2.50, -3e2, true, null, "x"], "b": {}}"#)]
#[case::escapes(r#"["\u00e9\ud83d\ude00\n\/\\\"", "é"]"#)]
#[case::blank("\n\t [ ] ")]
fn agrees_with_serde_json(#[case] text: &str) {
    let expected: Value = serde_json::from_str(text).unwrap();
    assert_eq!(parse(text).unwrap().value(), &expected);
}

#[rstest]
#[case::comment("{\n // hi\n}", "// hi", "JSON has no comments")]
#[case::trailing_comma("{\"a\": 1,}", "}", "a key is missing before `}`")]
#[case::trailing_comma_in_array("[1,]", "]", "a value is missing before the bracket")]
#[case::single_quotes("{'a': 1}", "'", "not a key")]
#[case::typescript("export const p = {}", "export", "`export` is JavaScript, not JSON")]
#[case::python("[True]", "True", "`True` is not a JSON value")]
#[case::two_values("{}{}", "{}", "text after the end of the JSON value")]
#[case::number("[01]", "01", "`01` is not a JSON number")]
#[case::open_string("[\"abc", "\"", "this string has no end")]
#[case::escape(r#"["\x"]"#, r"\x", "not an escape of JSON")]
#[case::surrogate(r#"["\ud83d"]"#, r"\ud83d", "half of a surrogate pair")]
#[case::no_colon("{\"a\" 1}", "1", "a `:` is missing after the key `a`")]
fn names_the_fault_and_its_place(
    #[case] text: &str,
    #[case] underlined: &str,
    #[case] message: &str,
) {
    let fault = parse(text).unwrap_err();
    assert_eq!(fault.message, message);
    let span = fault.labels[0].span;
    assert_eq!(fault.source.unwrap().slice(span), underlined);
}

#[test]
fn repeated_keys_are_findings_with_both_places() {
    let document = parse(r#"{"a": 1, "a": 2}"#).unwrap();
    let [finding] = document.repeated_keys() else {
        panic!("one finding expected");
    };
    assert_eq!(finding.labels[0].span, Span::new(9, 12));
    assert_eq!(finding.labels[1].span, Span::new(1, 4));
    assert_eq!(document.value()["a"], 2);
}

#[rstest]
#[case::the_whole("", Some(1))]
#[case::first("/a", Some(1))]
#[case::nested("/a/0/c", Some(1))]
#[case::none("/b", None)]
#[case::second("/d", Some(2))]
fn repeated_keys_within_a_value(#[case] pointer: &str, #[case] expected: Option<usize>) {
    let text = r#"{"a": [{"c": {"x": 1, "x": 2}}], "b": {"x": 1}, "d": {"y": 1, "y": 2}}"#;
    let document = parse(text).unwrap();
    let found = document.repeated_within(document.span_of(pointer).unwrap());
    let expected = expected.and_then(|number| document.repeated_keys().get(number - 1));
    assert_eq!(found, expected);
}

#[test]
fn places_are_found_by_pointer() {
    let text = r#"{"a/b": [{"c": "x"}]}"#;
    let document = parse(text).unwrap();
    let source = document.source();
    assert_eq!(
        source.slice(document.span_of("/a~1b/0/c").unwrap()),
        "\"x\""
    );
    assert_eq!(
        source.slice(document.key_span_of("/a~1b/0/c").unwrap()),
        "\"c\""
    );
    assert_eq!(document.span_of("/a~1b/1"), None);
    assert_eq!(
        source.slice(document.nearest_span("/a~1b/0/zzz/1")),
        r#"{"c": "x"}"#
    );
}

#[test]
fn a_place_in_a_string_survives_escapes() {
    let text = r#"{"criteria": "A?\u0062=é\"c"}"#;
    let document = parse(text).unwrap();
    let decoded = document.value()["criteria"].as_str().unwrap();
    let map = document.string_map("/criteria").unwrap();
    let b = decoded.find('b').unwrap();
    let c = decoded.find('c').unwrap();
    let source = document.source();
    assert_eq!(source.slice(map.locate(Span::new(b, b + 1))), r"\u0062");
    assert_eq!(source.slice(map.locate(Span::new(c, c + 1))), "c");
    assert_eq!(source.slice(map.locate(Span::new(b + 2, c))), "é\\\"");
}

#[test]
fn depth_is_limited_not_fatal() {
    let deep = "[".repeat(100_000);
    assert_eq!(parse(&deep).unwrap_err().code, "json/too-deep");
    let fine = format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    assert!(parse(&fine).is_ok());
}

proptest::proptest! {
    #[test]
    fn never_panics_and_agrees_on_what_is_json(text in "[\\[\\]{}:,\"\\\\a-z0-9 .eE+-]{0,40}") {
        let ours = parse(&text).ok().map(|d| d.value().clone());
        let theirs = serde_json::from_str::<Value>(&text).ok();
        proptest::prop_assert_eq!(ours, theirs);
    }
}

#[rstest]
#[case::plain("x", "x")]
#[case::escape(r"\u0026", "&")]
#[case::quote(r#"\""#, "\"")]
#[case::surrogates(r"\ud83d\ude00", "😀")]
#[case::two_bytes("é", "é")]
fn a_part_of_a_string_is_found_whole(#[case] written: &str, #[case] decoded: &str) {
    let text = format!("[\"ab\\u00e9{written}cd\"]");
    let document = parse(&text).unwrap();
    let start = "abé".len();
    let end = start + decoded.len();
    let string = document.value()[0].as_str().unwrap();
    assert_eq!(string.get(start..end), Some(decoded));
    let map = document.string_map("/0").unwrap();
    let slice = |start, end| document.source().slice(map.locate(Span::new(start, end)));
    assert_eq!(slice(start, end), written);
    assert_eq!(slice(end, end + 1), "c");
    assert_eq!(slice(0, end + 2), format!("ab\\u00e9{written}cd"));
    assert_eq!(slice(end + 2, end + 2), "");
}

#[test]
fn many_keys_are_found_one_by_one() {
    let members: Vec<String> = (0..20_000).map(|n| format!("\"k{n}\": {n}")).collect();
    let document = parse(&format!("{{{}}}", members.join(","))).unwrap();
    for n in 0..20_000 {
        let span = document.span_of(&format!("/k{n}")).unwrap();
        assert_eq!(document.source().slice(span), n.to_string());
    }
}

#[test]
fn of_a_repeated_key_the_last_value_is_found() {
    let document = parse(r#"{"a": 1, "b": 2, "a": 3}"#).unwrap();
    let source = document.source();
    assert_eq!(source.slice(document.span_of("/a").unwrap()), "3");
    assert_eq!(document.value()["a"], 3);
}

#[rstest]
#[case::numbers("1,")]
#[case::arrays("[],")]
#[case::objects("{},")]
fn the_number_of_values_is_limited(#[case] item: &str) {
    let text = format!("[{}1]", item.repeat(MAX_VALUES));
    let fault = parse(&text).unwrap_err();
    assert_eq!(fault.code, "json/too-many-values");
    assert_eq!(
        fault.labels[0].span.start,
        1 + (MAX_VALUES - 1) * item.len()
    );
}

#[test]
fn the_length_is_limited() {
    let fault = parse(&" ".repeat(MAX_BYTES + 1)).unwrap_err();
    assert_eq!(fault.code, "json/too-large");
    assert_eq!(fault.labels[0].span.start, MAX_BYTES + 1);
}
