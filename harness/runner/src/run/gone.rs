//! What a request removes or creates that says so only in its method or its body: what is deleted by
//! a search, by a raw `DELETE`, or in a Bundle that is sent as it stands.

use serde_json::Value;

use super::player::Player;
use crate::client::{located, text_at};
use crate::scenario::{Action, Content, Payload, Template};

impl Player<'_> {
    /// Remembers what may be gone after a request that succeeded. The admin still looks; that it is
    /// not there any more is then no riddle.
    pub(super) fn note_gone(&mut self, action: &Action) {
        let targets: Vec<String> = match action {
            Action::Delete(target) => self.filled(target).into_iter().collect(),
            Action::Raw { method, target, .. } if method == "DELETE" => {
                self.filled(target).into_iter().collect()
            }
            Action::Raw {
                method,
                content: Some(content),
                ..
            } if method == "POST" => self.deleted_in(content),
            // Nobody can tell what an operation does with what it is called on.
            Action::Operation { target, .. } => {
                let target = self.filled(target);
                let instance = target.and_then(|target| {
                    let (instance, _) = target.split_once("/$")?;
                    instance.contains('/').then(|| instance.to_owned())
                });
                instance.into_iter().collect()
            }
            _ => Vec::new(),
        };
        for target in targets {
            self.mark(&target, true);
        }
    }

    fn filled(&self, target: &Template) -> Option<String> {
        self.bindings.fill(target).ok()
    }

    /// What the entries of a batch or a transaction delete.
    fn deleted_in(&self, content: &Content) -> Vec<String> {
        let body = match &content.payload {
            Payload::Json(body) => self.bindings.fill_value(body).ok(),
            Payload::Text(text) => {
                let text = self.bindings.fill(text).ok();
                text.and_then(|text| serde_json::from_str(&text).ok())
            }
            Payload::Bytes(bytes) => serde_json::from_slice(bytes).ok(),
        };
        let body: Value = body.unwrap_or_default();
        entries(&body)
            .filter(|entry| text_at(entry, "/request/method") == Some("DELETE"))
            .filter_map(|entry| text_at(entry, "/request/url"))
            .map(str::to_owned)
            .collect()
    }

    /// Marks what a target names: a resource, or everything of the type of a search, of which only
    /// the server knows what it found.
    pub(super) fn mark(&mut self, target: &str, gone: bool) {
        let by_type = target.split_once('?').map(|(kind, _)| kind);
        for watched in &mut self.watched {
            let kind = watched.reference.split('/').next();
            let is_named = match by_type {
                Some(by_type) => kind == Some(by_type),
                None => located(target).as_ref() == Some(&watched.reference),
            };
            if is_named {
                watched.gone = gone;
            }
        }
    }
}

/// What the entries of a response say that they created.
pub(super) fn created_in(answer: &Value) -> Vec<String> {
    let is_response = matches!(
        text_at(answer, "/type"),
        Some("batch-response" | "transaction-response")
    );
    let created = entries(answer).filter(|entry| {
        is_response && text_at(entry, "/response/status").is_some_and(|s| s.starts_with("201"))
    });
    created
        .filter_map(|entry| located(text_at(entry, "/response/location")?))
        .collect()
}

fn entries(bundle: &Value) -> impl Iterator<Item = &Value> {
    let is_bundle = text_at(bundle, "/resourceType") == Some("Bundle");
    let entries = bundle.get("entry").and_then(Value::as_array);
    entries.into_iter().flatten().filter(move |_| is_bundle)
}
