//! M-25: stored references are literal.
//!
//! A reference `Type?query` or `urn:uuid:…` in a stored resource was not resolved when it was
//! written. No search and no policy matches it.
//!
//! ```json
//! { "partOf": [{ "reference": "Communication?identifier=https://twilio.com|CH1" }], … }
//! ```

use serde_json::Value;

use super::Rule;
use crate::diagnostic::Severity;
use crate::resource::{Literal, MAX_DEPTH, literal};
use crate::thread::context::Context;
use crate::thread::finding::Report;

pub(super) const RULE: Rule = Rule {
    id: "M-25",
    severity: Severity::Error,
    page: "external-messaging-integration-patterns",
    summary: "stored references are literal",
    help: "conditional references and `urn:uuid:` are for requests; the server replaces them when it stores the resource",
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for c in context.all() {
        let mut pointer = String::new();
        walk(c.resource, &mut pointer, 0, &mut |text, pointer| {
            let what = match literal(text) {
                Literal::Conditional(_) => "is a conditional reference",
                Literal::Urn => "is the name of an entry in a request",
                _ => return,
            };
            report.add(c.index, pointer, format!("`{text}` {what}"));
        });
    }
}

/// Visits the texts of all references.
fn walk(value: &Value, pointer: &mut String, depth: usize, visit: &mut dyn FnMut(&str, &str)) {
    if depth > MAX_DEPTH {
        return;
    }
    let length = pointer.len();
    let mut step = |name: &str, value: &Value, pointer: &mut String| {
        pointer.push('/');
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        match value {
            Value::String(text) if name == "reference" => visit(text, pointer),
            other => walk(other, pointer, depth + 1, visit),
        }
        pointer.truncate(length);
    };
    match value {
        Value::Object(object) => object.iter().for_each(|(k, v)| step(k, v, pointer)),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                step(&at.to_string(), item, pointer);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::thread::rules::testing::{found, header, message};
    use serde_json::json;

    #[test]
    fn unresolved() {
        assert_eq!(
            found(
                &RULE,
                &[message(
                    json!({"partOf": [{"reference": "Communication?identifier=x"}], "sender": {"reference": "urn:uuid:1"}})
                )]
            ),
            ["0 /partOf/0/reference", "0 /sender/reference"]
        );
    }

    #[test]
    fn literal_references() {
        assert_eq!(
            found(
                &RULE,
                &[
                    header(json!({"subject": {"reference": "https://h/Patient/1"}})),
                    message(json!({"inResponseTo": [{"reference": "#c"}]}))
                ]
            ),
            Vec::<String>::new()
        );
    }
}
