//! Values that go to the server or are compared with its answer: JSON written as YAML.

use fhirward_engine::source::Span;
use serde_json::{Map, Number, Value};

use super::node::{Kind, Node};
use super::parse::{Use, Wanted};
use super::read::Findings;
use super::template::Template;

/// Turns a node into JSON. Numbers must look in the file as they do in JSON, because `012` in the
/// place of a code would silently become 12; every `${…}` in a text is noted as a use.
pub(crate) fn value(node: &Node, findings: &mut Findings, uses: &mut Vec<Use>) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Bool(b) => Value::Bool(*b),
        Kind::Number(number) => {
            let written = findings.source.slice(node.span).to_owned();
            if serde_json::from_str::<Number>(&written).is_err() {
                let read = number.as_str().trim_end_matches(".0");
                findings.error(
                    "scenario/unquoted",
                    format!("without quotes YAML reads `{written}` as the number {read}"),
                    node.span,
                    "not what it looks like",
                    format!("write \"{written}\" for the text, or {read} for the number"),
                );
            }
            Value::Number(number.clone())
        }
        Kind::Text(text) => {
            template(text, node, findings, uses);
            Value::String(text.clone())
        }
        Kind::List(items) => Value::Array(
            items
                .iter()
                .map(|item| value(item, findings, uses))
                .collect(),
        ),
        Kind::Map(_) => {
            let mut map = Map::new();
            for entry in findings.map(node, "a JSON object") {
                map.insert(entry.key.clone(), value(&entry.value, findings, uses));
            }
            Value::Object(map)
        }
    }
}

/// Reads a template and notes what it uses.
pub(crate) fn template(
    text: &str,
    node: &Node,
    findings: &mut Findings,
    uses: &mut Vec<Use>,
) -> Option<Template> {
    match Template::parse(text) {
        Ok(template) => {
            let mut from = node.span.start;
            for reference in template.references() {
                let span = find_piece(&reference.to_string(), from, node.span, findings);
                from = span.end.min(node.span.end);
                uses.push(Use {
                    wanted: Wanted::Reference(reference.field),
                    name: reference.name.clone(),
                    span,
                });
            }
            Some(template)
        }
        Err(error) => {
            let span = find_piece(&error.piece, node.span.start, node.span, findings);
            findings.error("scenario/template", error.message, span, "here", error.help);
            None
        }
    }
}

/// Where a piece of a text stands; the whole text where escapes or folded lines hide it.
fn find_piece(piece: &str, from: usize, whole: Span, findings: &Findings) -> Span {
    findings
        .source
        .text
        .get(from..whole.end)
        .and_then(|text| text.find(piece))
        .map_or(whole, |at| Span::new(from + at, from + at + piece.len()))
}
