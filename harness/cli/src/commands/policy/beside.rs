//! Resources of other types beside policies: an export holds more than those, and that is no
//! mistake.

use std::collections::HashSet;
use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::json::Document;
use fhirward_engine::source::{Source, Span};
use fhirward_spec::spec;
use serde_json::Value;

/// The code of the engine's finding for a resource of another type.
const NOT_A_POLICY: &str = "policy/not-a-policy";

/// The places of resources of other types.
#[derive(Debug, Default)]
pub struct Others {
    places: HashSet<(*const Source, Span)>,
}

impl Others {
    /// Notes a resource if it is of another type than those that policies are made of, and says
    /// whether it is. A misspelt type could be a policy, and is not passed over.
    pub fn note(&mut self, document: &Document, pointer: &str, kind: Option<&str>) -> bool {
        let other = kind.is_some_and(|kind| {
            !matches!(kind, "AccessPolicy" | "ProjectMembership") && spec().resource(kind).is_some()
        });
        if other {
            let place = document.nearest_span(&format!("{pointer}/resourceType"));
            self.places.insert((Arc::as_ptr(document.source()), place));
        }
        other
    }

    /// Notes all of a document's.
    pub fn note_all(&mut self, document: &Document) {
        for pointer in resources(document).0 {
            let kind = kind(document, &pointer).map(str::to_owned);
            self.note(document, &pointer, kind.as_deref());
        }
    }

    /// Whether a finding only says that one of them is no policy.
    pub fn explain(&self, finding: &Diagnostic) -> bool {
        let (NOT_A_POLICY, Some(source), Some(label)) =
            (finding.code, &finding.source, finding.labels.first())
        else {
            return false;
        };
        self.places.contains(&(Arc::as_ptr(source), label.span))
    }
}

/// Pointers to the resources of a document, and whether it is a collection of them.
pub fn resources(document: &Document) -> (Vec<String>, bool) {
    match document.value() {
        Value::Array(items) => ((0..items.len()).map(|at| format!("/{at}")).collect(), true),
        value if value.get("resourceType").and_then(Value::as_str) == Some("Bundle") => {
            let entries = value.get("entry").and_then(Value::as_array);
            let pointers = (0..entries.map_or(0, Vec::len))
                .map(|at| format!("/entry/{at}/resource"))
                .collect();
            (pointers, true)
        }
        _ => (vec![String::new()], false),
    }
}

/// The type of the resource at a pointer.
pub fn kind<'d>(document: &'d Document, pointer: &str) -> Option<&'d str> {
    let value = document.value().pointer(pointer)?;
    value.get("resourceType").and_then(Value::as_str)
}
