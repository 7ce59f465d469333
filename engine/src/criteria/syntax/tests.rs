//! R.5: what the syntax accepts, refuses, and remembers.

use rstest::rstest;

use super::*;
use crate::source::Span;

fn text(s: &str) -> Piece {
    Piece::Text(s.to_owned())
}

fn variable(name: &str, id: bool, start: usize, end: usize) -> Piece {
    Piece::Variable(Variable {
        name: name.to_owned(),
        id,
        span: Span::new(start, end),
    })
}

fn value(query: &str, names: &[&str]) -> Vec<Vec<Piece>> {
    let (criteria, faults) = parse(&format!("T?a={query}"), names);
    assert_eq!(faults, []);
    criteria.pairs[0]
        .alternatives
        .iter()
        .map(|a| a.pieces.clone())
        .collect()
}

#[rstest]
#[case::plain("x", vec![vec![text("x")]])]
#[case::or("x,y", vec![vec![text("x")], vec![text("y")]])]
#[case::plus_is_a_space("a+b", vec![vec![text("a b")]])]
#[case::percent("Al%69ce", vec![vec![text("Alice")]])]
#[case::percent_utf8("%C3%A9", vec![vec![text("é")]])]
#[case::percent_comma_separates("a%2Cb", vec![vec![text("a")], vec![text("b")]])]
#[case::escaped_comma(r"a\,b", vec![vec![text("a,b")]])]
#[case::escaped_pipe(r"a\|b|c", vec![vec![text("a|b"), Piece::Pipe, text("c")]])]
#[case::equals_in_value("a=b", vec![vec![text("a=b")]])]
#[case::variable("%profile", vec![vec![variable("profile", false, 4, 12)]])]
#[case::id("%profile.id", vec![vec![variable("profile", true, 4, 15)]])]
#[case::in_text("Patient/%profile.id,x", vec![vec![text("Patient/"), variable("profile", true, 12, 23)], vec![text("x")]])]
#[case::unknown("%nope", vec![vec![variable("nope", false, 4, 9)]])]
#[case::longest_word("%profile_team", vec![vec![variable("profile_team", false, 4, 17)]])]
#[case::suffix("%profile.reference", vec![vec![variable("profile.reference", false, 4, 22)]])]
#[case::declared_wins_over_escape("%dept", vec![vec![variable("dept", false, 4, 9)]])]
#[case::longest_declared("%org_parent", vec![vec![variable("org_parent", false, 4, 15)]])]
#[case::lone_percent("100%", vec![vec![text("100%")]])]
fn r5_values(#[case] query: &str, #[case] expected: Vec<Vec<Piece>>) {
    assert_eq!(
        value(query, &["profile", "dept", "org", "org_parent"]),
        expected
    );
}

#[rstest]
#[case::no_question("Patient", "criteria/no-question-mark", "Patient")]
#[case::no_type("identifier=1", "criteria/no-question-mark", "identifier=1")]
#[case::no_filter("Patient?", "criteria/no-filter", "Patient?")]
#[case::second_question("A?b=c?&d=e", "criteria/second-question-mark", "?&d=e")]
#[case::empty_value("A?b=", "criteria/empty-value", "b=")]
#[case::no_equals("A?b", "criteria/no-value", "b")]
#[case::trailing_ampersand("A?b=c&", "criteria/empty-pair", "&")]
#[case::double_ampersand("A?b=c&&d=e", "criteria/empty-pair", "&")]
#[case::leading_ampersand("A?&b=c", "criteria/empty-pair", "&")]
#[case::empty_alternative("A?b=c,", "criteria/empty-value", ",")]
#[case::bad_escape(r"A?b=c\x", "criteria/bad-escape", r"\x")]
#[case::last_backslash("A?b=c\\", "criteria/bad-escape", "\\")]
#[case::no_utf8("A?b=%DEpt", "criteria/bad-escape", "%DE")]
#[case::no_parameter("A?=c", "criteria/no-parameter", "=c")]
fn r5_faults_have_a_place(#[case] criteria: &str, #[case] code: &str, #[case] underlined: &str) {
    let (_, faults) = parse(criteria, &[]);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].code, code);
    let span = faults[0].labels[0].span;
    assert_eq!(criteria.get(span.start..span.end), Some(underlined));
}

#[test]
fn all_faults_of_a_text_are_found() {
    let (_, faults) = parse(r"A?b=&c&d=\x?", &[]);
    let codes: Vec<_> = faults.iter().map(|f| f.code).collect();
    assert_eq!(
        codes,
        [
            "criteria/second-question-mark",
            "criteria/empty-value",
            "criteria/no-value",
            "criteria/bad-escape"
        ]
    );
}

#[test]
fn modifiers_split_at_the_first_colon() {
    let (criteria, _) = parse("A?subject:Patient.name:x=1", &[]);
    assert_eq!(criteria.pairs[0].param.text, "subject");
    let modifier = criteria.pairs[0].modifier.as_ref().unwrap();
    assert_eq!(modifier.text, "Patient.name:x");
    assert_eq!(modifier.span, Span::new(10, 24));
}

proptest::proptest! {
    #[test]
    fn reading_is_lossless_and_total(text in "\\PC{0,60}") {
        let (criteria, _) = parse(&text, &["profile"]);
        proptest::prop_assert_eq!(criteria.to_string(), text);
    }

    #[test]
    fn spans_lie_in_the_text(text in "[A-Z]\\?[a-z%+é,|\\\\&=?:.0-9]{0,40}") {
        let (criteria, faults) = parse(&text, &["profile"]);
        for pair in &criteria.pairs {
            proptest::prop_assert!(text.get(pair.span.start..pair.span.end).is_some());
            for alternative in &pair.alternatives {
                proptest::prop_assert!(text.get(alternative.span.start..alternative.span.end).is_some());
            }
        }
        for label in faults.iter().flat_map(|f| &f.labels) {
            proptest::prop_assert!(text.get(label.span.start..label.span.end).is_some());
        }
    }
}
