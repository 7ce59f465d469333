//! The event that a Bot's program is posted, with the members that a Medplum Bot finds in its
//! `event`.

use axum::http::{HeaderMap, header};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::store::View as _;

/// An execution.
#[derive(Debug)]
pub(super) struct Event<'a> {
    /// The id of the Bot.
    pub(super) bot: &'a str,
    /// The reference of the profile of the one who executes it.
    pub(super) requester: &'a str,
    /// `Project/{id}`
    pub(super) project: &'a str,
    pub(super) input: Value,
    pub(super) content_type: &'a str,
    /// What came with the input.
    pub(super) headers: &'a HeaderMap,
}

impl Event<'_> {
    /// The body of the call.
    pub(super) fn to_value(&self, app: &App) -> Value {
        json!({
            "bot": { "reference": format!("Bot/{}", self.bot) },
            "requester": { "reference": self.requester },
            "baseUrl": app.base_url.as_str(),
            "contentType": self.content_type,
            "input": self.input,
            "secrets": secrets(app, self.project),
            "traceId": uuid::Uuid::new_v4().to_string(),
            "headers": headers(self.headers),
        })
    }
}

/// The secrets of the project by name, as they stand in it.
fn secrets(app: &App, project: &str) -> Value {
    let project = app.store.resolve(project);
    let listed = project.as_ref().and_then(|p| p.resource.get("secret"));
    let mut secrets = Map::new();
    for secret in listed.and_then(Value::as_array).into_iter().flatten() {
        if let Some(name) = secret.get("name").and_then(Value::as_str) {
            secrets.insert(name.to_owned(), secret.clone());
        }
    }
    Value::Object(secrets)
}

/// The headers by name in small letters, without those that sign somebody in.
fn headers(headers: &HeaderMap) -> Value {
    let mut shown: Map<String, Value> = Map::new();
    for (name, value) in headers {
        if [
            header::AUTHORIZATION,
            header::COOKIE,
            header::PROXY_AUTHORIZATION,
        ]
        .contains(name)
        {
            continue;
        }
        let Ok(value) = value.to_str() else { continue };
        match shown.get_mut(name.as_str()) {
            Some(Value::String(before)) => {
                before.push_str(", ");
                before.push_str(value);
            }
            _ => {
                shown.insert(name.as_str().to_owned(), value.into());
            }
        }
    }
    Value::Object(shown)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_program_does_not_learn_how_its_caller_signed_in() {
        let mut given = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer x"),
            ("cookie", "a=b"),
            ("x-twilio-signature", "s"),
            ("accept", "a"),
            ("accept", "b"),
        ] {
            given.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        assert_eq!(
            headers(&given),
            json!({ "x-twilio-signature": "s", "accept": "a, b" })
        );
    }
}
