//! A good thread, to be spoilt.

use serde_json::{Value, json};

use super::Rule;
use crate::thread::context::Context;
use crate::thread::finding::Report;

/// A header `Communication/h` that keeps all rules, with other members; `null` takes one away.
pub fn header(changes: Value) -> Value {
    let header = json!({
        "resourceType": "Communication", "id": "h", "status": "in-progress",
        "topic": {"text": "Knee"}, "subject": {"reference": "Patient/homer"},
        "sender": {"reference": "Practitioner/alice"},
        "recipient": [{"reference": "Patient/homer"}, {"reference": "Practitioner/alice"}],
    });
    changed(header, changes)
}

/// A message of `Communication/h` that keeps all rules, with other members.
pub fn message(changes: Value) -> Value {
    let message = json!({
        "resourceType": "Communication", "status": "in-progress",
        "partOf": [{"reference": "Communication/h"}], "sender": {"reference": "Patient/homer"},
        "recipient": [{"reference": "Practitioner/alice"}],
        "payload": [{"contentString": "Hello"}], "sent": "2024-04-10T10:00:00Z",
    });
    changed(message, changes)
}

fn changed(mut resource: Value, changes: Value) -> Value {
    if let (Value::Object(resource), Value::Object(changes)) = (&mut resource, changes) {
        resource.extend(changes);
    }
    resource
}

/// `resource pointer` of what one rule finds.
pub fn found(rule: &'static Rule, resources: &[Value]) -> Vec<String> {
    let resources: Vec<&Value> = resources.iter().collect();
    let context = Context::new(&resources);
    let mut findings = Vec::new();
    (rule.check)(&context, &mut Report::new(rule, &mut findings));
    let line = |f: crate::thread::ThreadFinding| format!("{} {}", f.resource, f.pointer);
    findings.into_iter().map(line).collect()
}

#[test]
fn the_good_thread_is_good() {
    let (header, message) = (header(json!({})), message(json!({})));
    assert_eq!(crate::thread::check(&[&header, &message]), []);
    assert_eq!(crate::resource::validate(&header), []);
    assert_eq!(crate::resource::validate(&message), []);
}
