//! M-25: stored references are literal.

use serde_json::Value;

use crate::resource::Literal;
use crate::resource::MAX_DEPTH;
use crate::resource::literal;
use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "M-25",
    slug: "references-are-literal",
    level: Level::Must,
    kind: Kind::Single,
    subject: Subject::Communication,
    page: "external-messaging-integration-patterns",
    summary: "stored references are literal",
    why: "A reference `Type?query` or `urn:uuid:…` in a stored resource was not resolved when it was written. No search and no policy matches it.",
    help: "conditional references and `urn:uuid:` are for requests; the server replaces them when it stores the resource",
    fhirpath: Some("descendants().reference.where(contains('?') or startsWith('urn:')).empty()"),
    fails: &[(
        Base::Message,
        r#"{"sender":{"reference":"Patient?identifier=http://example.com/mrn|1"}}"#,
    )],
    passes: &[(
        Base::Message,
        r#"{"sender":{"reference":"https://example.com/fhir/Patient/homer"}}"#,
    )],
    check,
    ..PLAIN
};

/// Visits the texts of all references.
fn walk(value: &Value, pointer: &mut String, depth: usize, visit: &mut dyn FnMut(&str, &str)) {
    if depth > MAX_DEPTH {
        return;
    }
    let length = pointer.len();
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                if let Value::String(text) = value {
                    if name == "reference" {
                        pointer.push_str("/reference");
                        visit(text, pointer);
                    }
                } else if value.is_object() || value.is_array() {
                    pointer.push('/');
                    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                    walk(value, pointer, depth + 1, visit);
                }
                pointer.truncate(length);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                pointer.push('/');
                pointer.push_str(&n.to_string());
                walk(item, pointer, depth + 1, visit);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let mut pointer = String::new();
    walk(at.resource, &mut pointer, 0, &mut |text, pointer| {
        // The query may be a telephone number: only the type is said.
        let what = match literal(text) {
            Literal::Conditional(name) => format!("a query for a `{name}` is no stored reference"),
            Literal::Urn => "it is the name of an entry in a request".to_owned(),
            _ => return,
        };
        report.add(pointer, what);
    });
}
