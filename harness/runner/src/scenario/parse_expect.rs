//! What a step expects, and who must see what afterwards.

use fhirward_engine::words::{listed, nearest};
use std::ops::RangeInclusive;

use fhirward_engine::source::Span;
use serde_json_path::JsonPath;

use super::body;
use super::expectation::{
    Assertion, Claim, Count, Expect, ExpectedStatus, HeaderClaim, HeaderValue, Winners,
};
use super::node::{Kind, Node};
use super::parse::{Use, Wanted};
use super::path::Path;
use super::read::{Fields, Findings, known_names};
use super::template::Field;
use super::vocabulary::{self, Object, STATUS_WORDS};

pub(super) fn expect(
    node: Option<&Node>,
    object: &Object,
    findings: &mut Findings,
    uses: &mut Vec<Use>,
) -> Expect {
    let mut expect = Expect::default();
    let Some(node) = node else {
        return expect;
    };
    if let Kind::Text(word) = &node.kind {
        if let Some(status) = status_word(word, node.span, findings) {
            expect.status = status;
        }
        return expect;
    }
    let fields = Fields::read(node, object, findings);
    if let Some(node) = fields.get("status")
        && let Some(status) = status(node, "`status`", findings)
    {
        expect.status = status;
    }
    expect.losers = fields
        .get("losers")
        .and_then(|node| status(node, "`losers`", findings));
    expect.winners = fields
        .get("winners")
        .and_then(|node| winners(node, findings));
    expect.outcome = fields.optional_text("outcome", findings);
    if let (Some(code), Some(node)) = (&expect.outcome, fields.get("outcome"))
        && !ISSUE_TYPES.contains(&code.as_str())
    {
        findings.error(
            "scenario/value",
            format!("`{code}` is no code of an issue"),
            node.span,
            "not an IssueType of R4",
            known_names(code, ISSUE_TYPES),
        );
    }
    expect.media_type = fields.optional_text("media-type", findings);
    if let Some(node) = fields.get("body") {
        expect.body = assertions(node, "`body`", findings, uses);
    }
    if let Some(node) = fields.get("fhirpath") {
        for item in findings.list(node, "`fhirpath`") {
            let Some(text) = findings.text(item, "an expression") else {
                continue;
            };
            let Some(template) = body::template(&text, item, findings, uses) else {
                continue;
            };
            // A name stands for a text, and so does what is between its quotes.
            let stand_in = template.fill(&|_| Some("x".to_owned())).unwrap_or_default();
            if let Err(message) = Path::parse(&stand_in) {
                findings.error(
                    "scenario/path",
                    message.replace(&stand_in, &text),
                    item.span,
                    "not a FHIRPath",
                    "write an expression that is true or false: `status = 'completed'`",
                );
            } else {
                expect.fhirpath.push(template);
            }
        }
    }
    if let Some(node) = fields.get("text")
        && let Some(text) = findings.text(node, "`text`")
    {
        expect.text = body::template(&text, node, findings, uses);
    }
    if let Some(node) = fields.get("headers") {
        expect.headers = headers(node, findings, uses);
    }
    let mut names = |key: &str, findings: &mut Findings| {
        let node = fields.get(key)?;
        let mut names = Vec::new();
        for item in findings.list(node, &format!("`{key}`")) {
            if let Some(name) = findings.text(item, &format!("a name in `{key}`")) {
                uses.push(Use {
                    wanted: Wanted::Reference(Field::Reference),
                    name: name.clone(),
                    span: item.span,
                });
                names.push(name);
            }
        }
        Some(names)
    };
    expect.matches = names("matches", findings);
    expect.includes = names("includes", findings);
    expect.order = fields.flag("order", findings);
    expect
}

/// A number, or a range and the status of a winner.
fn winners(node: &Node, findings: &mut Findings) -> Option<Winners> {
    if !matches!(node.kind, Kind::Map(_)) {
        let count = number(node, "`winners`", 0..=100, findings);
        // Whatever is wrong is said once.
        let any = Count {
            at_least: 0,
            at_most: None,
        };
        return Some(Winners {
            count: count.map_or(any, |count| Count::exactly(usize::from(count))),
            status: None,
        });
    }
    let before = findings.list.len();
    let fields = Fields::read(node, &vocabulary::WINNERS, findings);
    // Whoever mistyped a key has said how many.
    let mistyped = findings.list.len() > before;
    let mut read = |key: &str| {
        let node = fields.get(key)?;
        number(node, &format!("`{key}`"), 0..=100, findings).map(usize::from)
    };
    let (exactly, least, most) = (read("exactly"), read("at-least"), read("at-most"));
    let status = fields
        .get("status")
        .and_then(|node| status(node, "`status`", findings));
    let mut wrong = |message: &str, help: &str| {
        findings.error("scenario/value", message, fields.start(), "how many?", help);
    };
    // Whatever is wrong is said once.
    let any = Count {
        at_least: 0,
        at_most: None,
    };
    let count = match (exactly, least, most) {
        (Some(count), None, None) => Count::exactly(count),
        (Some(_), _, _) => {
            wrong("`exactly` and a range", "leave one of them out");
            any
        }
        (None, None, None) if mistyped => any,
        (None, None, None) => {
            wrong(
                "`winners` does not say how many",
                "write `exactly`, `at-least` or `at-most`",
            );
            any
        }
        (None, Some(least), Some(most)) if least > most => {
            wrong("`at-least` is more than `at-most`", "");
            any
        }
        (None, at_least, at_most) => Count {
            at_least: at_least.unwrap_or_default(),
            at_most,
        },
    };
    Some(Winners { count, status })
}

/// JSONPaths and what they give.
pub(super) fn assertions(
    node: &Node,
    what: &str,
    findings: &mut Findings,
    uses: &mut Vec<Use>,
) -> Vec<Assertion> {
    let mut assertions = Vec::new();
    for entry in findings.map(node, what) {
        let expected = body::value(&entry.value, findings, uses);
        match JsonPath::parse(&entry.key) {
            Ok(path) => assertions.push(Assertion {
                text: entry.key.clone(),
                path,
                expected,
            }),
            Err(error) => findings.error(
                "scenario/jsonpath",
                format!("`{}` is not a JSONPath: {}", entry.key, error.message()),
                entry.key_span,
                "not a JSONPath",
                "a path starts with `$`, as in \"$.recipient[*].reference\" (RFC 9535)",
            ),
        }
    }
    assertions
}

fn headers(node: &Node, findings: &mut Findings, uses: &mut Vec<Use>) -> Vec<HeaderClaim> {
    let mut claims = Vec::new();
    for entry in findings.map(node, "`headers`") {
        let Some(text) = findings.text(&entry.value, &format!("the header `{}`", entry.key)) else {
            continue;
        };
        let value = match text.as_str() {
            "present" => HeaderValue::Present,
            "absent" => HeaderValue::Absent,
            _ => match body::template(&text, &entry.value, findings, uses) {
                Some(template) => HeaderValue::Exactly(template),
                None => continue,
            },
        };
        claims.push(HeaderClaim {
            name: entry.key.clone(),
            value,
        });
    }
    claims
}

/// The codes of `OperationOutcome.issue.code`. Source: R4 valueset-issue-type.html, required.
const ISSUE_TYPES: [&str; 31] = [
    "invalid",
    "structure",
    "required",
    "value",
    "invariant",
    "security",
    "login",
    "unknown",
    "expired",
    "forbidden",
    "suppressed",
    "processing",
    "not-supported",
    "duplicate",
    "multiple-matches",
    "not-found",
    "deleted",
    "too-long",
    "code-invalid",
    "extension",
    "too-costly",
    "business-rule",
    "conflict",
    "transient",
    "lock-error",
    "no-store",
    "exception",
    "timeout",
    "incomplete",
    "throttled",
    "informational",
];

/// A whole number.
pub(super) fn number(
    node: &Node,
    what: &str,
    range: RangeInclusive<u16>,
    findings: &mut Findings,
) -> Option<u16> {
    let number = match &node.kind {
        Kind::Number(number) => number.as_str().parse::<u16>().ok(),
        _ => None,
    };
    let found = number.filter(|number| range.contains(number));
    if found.is_none() {
        let wanted = format!("a number from {} to {}", range.start(), range.end());
        findings.wrong_kind(node, what, &wanted);
    }
    found
}

fn status(node: &Node, what: &str, findings: &mut Findings) -> Option<ExpectedStatus> {
    let number = |node: &Node, findings: &mut Findings| {
        let number = match &node.kind {
            Kind::Number(number) => number.as_str().parse::<u16>().ok(),
            _ => None,
        };
        let found = number.filter(|status| (200..600).contains(status));
        if found.is_none() {
            findings.wrong_kind(node, what, "an HTTP status from 200 to 599");
        }
        found
    };
    match &node.kind {
        Kind::Text(word) => status_word(word, node.span, findings),
        Kind::List(items) if items.is_empty() => {
            findings.wrong_kind(node, what, "one status or more");
            None
        }
        Kind::List(items) => {
            let statuses: Option<Vec<u16>> =
                items.iter().map(|item| number(item, findings)).collect();
            statuses.map(ExpectedStatus::OneOf)
        }
        _ => number(node, findings).map(ExpectedStatus::Exactly),
    }
}

fn status_word(word: &str, span: Span, findings: &mut Findings) -> Option<ExpectedStatus> {
    match word {
        "hidden" => Some(ExpectedStatus::Hidden),
        "denied" => Some(ExpectedStatus::Denied),
        "2xx" => Some(ExpectedStatus::Class(2)),
        "4xx" => Some(ExpectedStatus::Class(4)),
        number if number.parse::<u16>().is_ok() => {
            findings.error(
                "scenario/value",
                format!("a status is a number, and this is the text `{number}`"),
                span,
                "not a number",
                {
                    let plain = format!("write {number} without quotes: `{{ status: {number} }}`");
                    match meant(number) {
                        Some(name) => format!("{plain}; or did you mean `{name}`?"),
                        None => plain,
                    }
                },
            );
            None
        }
        _ => {
            findings.error(
                "scenario/value",
                format!("`{word}` is nothing that can be expected"),
                span,
                "not an expectation",
                format!(
                    "{}; or write `{{ status: 404 }}`",
                    match meant(word) {
                        Some(name) => format!(
                            "did you mean `{name}`? known: {}",
                            listed(STATUS_WORDS.iter().copied())
                        ),
                        None => format!("known: {}", listed(STATUS_WORDS.iter().copied())),
                    }
                ),
            );
            None
        }
    }
}

/// The word of this language for one that HTTP or other languages have. By its letters alone
/// `forbidden` would be nearest to `hidden`, which is something else.
fn meant(word: &str) -> Option<&'static str> {
    const WORDS: [(&str, &str); 13] = [
        ("hidden", "hidden"),
        ("not-found", "hidden"),
        ("invisible", "hidden"),
        ("404", "hidden"),
        ("denied", "denied"),
        ("forbidden", "denied"),
        ("refused", "denied"),
        ("rejected", "denied"),
        ("unauthorized", "denied"),
        ("not-allowed", "denied"),
        ("403", "denied"),
        ("2xx", "2xx"),
        ("4xx", "4xx"),
    ];
    let word = word.to_ascii_lowercase().replace([' ', '_'], "-");
    let nearest = nearest(&word, WORDS.iter().map(|(near, _)| *near))?;
    WORDS
        .iter()
        .find(|(near, _)| *near == nearest)
        .map(|(_, known)| *known)
}

pub(super) fn see(node: &Node, findings: &mut Findings, uses: &mut Vec<Use>) -> Vec<Claim> {
    let mut claims = Vec::new();
    for actor in findings.map(node, "`see`") {
        uses.push(Use {
            wanted: Wanted::Actor,
            name: actor.key.clone(),
            span: actor.key_span,
        });
        for cell in findings.map(&actor.value, &format!("what `{}` sees", actor.key)) {
            uses.push(Use {
                wanted: Wanted::Capture,
                name: cell.key.clone(),
                span: cell.key_span,
            });
            let what = format!("what `{}` sees of `{}`", actor.key, cell.key);
            let Some(word) = findings.text(&cell.value, &what) else {
                continue;
            };
            let visible = match word.as_str() {
                "visible" => true,
                "hidden" => false,
                _ => {
                    findings.error(
                        "scenario/value",
                        format!("`{word}` is neither visible nor hidden"),
                        cell.value.span,
                        "not a claim",
                        known_names(&word, ["visible", "hidden"]),
                    );
                    continue;
                }
            };
            claims.push(Claim {
                actor: actor.key.clone(),
                resource: cell.key.clone(),
                visible,
            });
        }
    }
    claims
}
