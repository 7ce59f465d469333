//! The members of a request body that is no resource.

use axum::http::StatusCode;
use fhirward_engine::words::nearest;
use serde_json::{Map, Value};

use crate::http::body::kind;
use crate::http::outcome::{Failure, Issue};

/// A body whose members are taken one by one. What is left in the end nobody understood.
pub(super) struct Fields {
    members: Map<String, Value>,
    known: &'static [&'static str],
}

impl Fields {
    pub(super) fn new(members: Map<String, Value>, known: &'static [&'static str]) -> Self {
        Self { members, known }
    }

    /// Refuses members that nobody would look at.
    ///
    /// # Errors
    /// 400 that names them, and what is allowed.
    pub(super) fn check_names(&self) -> Result<(), Failure> {
        let unknown = self
            .members
            .keys()
            .filter(|name| !self.known.contains(&name.as_str()));
        let issues: Vec<Issue> = unknown
            .map(|name| {
                let issue = Issue::error("structure", format!("`{name}` is not known here"));
                let allowed = self.known.join("`, `");
                issue.with_diagnostics(match nearest(name, self.known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`? Allowed are `{allowed}`"),
                    None => format!("allowed are `{allowed}`"),
                })
            })
            .collect();
        if issues.is_empty() {
            return Ok(());
        }
        Err(Failure::new(StatusCode::BAD_REQUEST, issues))
    }

    /// A value, whatever it is. `null` is as good as none.
    pub(super) fn value(&mut self, name: &str) -> Option<Value> {
        self.members
            .shift_remove(name)
            .filter(|value| !value.is_null())
    }

    /// A text that is not empty.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Failure> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => {
                Err(Failure::invalid(format!("`{name}` is empty")))
            }
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(name, "a string", &other)),
        }
    }

    pub(super) fn required(&mut self, name: &str) -> Result<String, Failure> {
        self.text(name)?
            .ok_or_else(|| Failure::invalid(format!("`{name}` is missing")))
    }

    /// A truth value; false when it is not there.
    pub(super) fn flag(&mut self, name: &str) -> Result<bool, Failure> {
        match self.value(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(other) => Err(wrong(name, "true or false", &other)),
        }
    }

    pub(super) fn object(&mut self, name: &str) -> Result<Map<String, Value>, Failure> {
        match self.value(name) {
            None => Ok(Map::new()),
            Some(Value::Object(object)) => Ok(object),
            Some(other) => Err(wrong(name, "an object", &other)),
        }
    }
}

fn wrong(name: &str, wanted: &str, found: &Value) -> Failure {
    Failure::invalid(format!("`{name}` must be {wanted}, not {}", kind(found)))
}
