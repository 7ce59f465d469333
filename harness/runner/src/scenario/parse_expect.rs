//! What a step expects, and who must see what afterwards.

use fhirward_engine::source::Span;
use serde_json_path::JsonPath;

use super::body;
use super::node::{Kind, Node};
use super::parse::{Use, Wanted};
use super::plan::{Assertion, Claim, Expect, ExpectedStatus};
use super::read::{Fields, Findings, known_names};
use super::template::Field;

const EXPECT_KEYS: [&str; 5] = ["status", "outcome", "body", "matches", "order"];

pub(super) fn expect(node: Option<&Node>, findings: &mut Findings, uses: &mut Vec<Use>) -> Expect {
    let mut expect = Expect {
        status: ExpectedStatus::Success,
        outcome: None,
        body: Vec::new(),
        matches: None,
        order: false,
    };
    let Some(node) = node else {
        return expect;
    };
    if let Kind::Text(word) = &node.kind {
        if let Some(status) = status_word(word, node.span, findings) {
            expect.status = status;
        }
        return expect;
    }
    let fields = Fields::read(node, "`expect`", &EXPECT_KEYS, findings);
    if let Some(node) = fields.get("status")
        && let Some(status) = status(node, findings)
    {
        expect.status = status;
    }
    expect.outcome = fields.optional_text("outcome", findings);
    if let Some(node) = fields.get("body") {
        for entry in findings.map(node, "`body`") {
            let expected = body::value(&entry.value, findings, uses);
            match JsonPath::parse(&entry.key) {
                Ok(path) => expect.body.push(Assertion {
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
    }
    expect.matches = fields.get("matches").map(|node| {
        let mut names = Vec::new();
        for item in findings.list(node, "`matches`") {
            if let Some(name) = findings.text(item, "a name in `matches`") {
                uses.push(Use {
                    wanted: Wanted::Reference(Field::Reference),
                    name: name.clone(),
                    span: item.span,
                });
                names.push(name);
            }
        }
        names
    });
    if let Some(node) = fields.get("order") {
        match node.kind {
            Kind::Bool(order) => expect.order = order,
            _ => findings.wrong_kind(node, "`order`", "`true` or `false`"),
        }
    }
    expect
}

fn status(node: &Node, findings: &mut Findings) -> Option<ExpectedStatus> {
    if let Kind::Text(word) = &node.kind {
        return status_word(word, node.span, findings);
    }
    let number = match &node.kind {
        Kind::Number(number) => number.as_str().parse::<u16>().ok(),
        _ => None,
    };
    let found = number.filter(|status| (200..600).contains(status));
    if found.is_none() {
        findings.wrong_kind(node, "`status`", "an HTTP status from 200 to 599");
    }
    found.map(ExpectedStatus::Exactly)
}

fn status_word(word: &str, span: Span, findings: &mut Findings) -> Option<ExpectedStatus> {
    match word {
        "hidden" => Some(ExpectedStatus::Hidden),
        "denied" => Some(ExpectedStatus::Denied),
        _ => {
            findings.error(
                "scenario/value",
                format!("`{word}` is nothing that can be expected"),
                span,
                "not an expectation",
                format!(
                    "{}; or write `{{ status: 404 }}`",
                    known_names(word, ["hidden", "denied"])
                ),
            );
            None
        }
    }
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
