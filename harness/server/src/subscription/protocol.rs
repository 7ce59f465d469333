//! The messages of `/ws/subscriptions-r4`, as MedplumClient sends and expects them.
//!
//! The client's are `{"type": …, "payload": {"token": …}}`; the server's are Bundles of type
//! `history` whose first entry is a SubscriptionStatus (of R4B, which R4 does not have).

use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::outcome::{Issue, operation_outcome};

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Ping,
    Bind(String),
    Unbind(String),
}

impl Said {
    /// Reads a message.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let message: Value =
            serde_json::from_str(text).map_err(|_| "the message is no JSON".to_owned())?;
        let token = || {
            let token = message.pointer("/payload/token").and_then(Value::as_str);
            token
                .filter(|token| !token.is_empty())
                .map(str::to_owned)
                .ok_or_else(|| "the message has no `payload.token`".to_owned())
        };
        match message.get("type").and_then(Value::as_str) {
            Some("ping") => Ok(Self::Ping),
            Some("bind-with-token") => Ok(Self::Bind(token()?)),
            Some("unbind-from-token") => Ok(Self::Unbind(token()?)),
            _ => Err(
                "the message has no `type` of `bind-with-token`, `unbind-from-token`, `ping`"
                    .to_owned(),
            ),
        }
    }
}

/// The answer to a ping.
pub(crate) fn pong() -> String {
    json!({ "type": "pong" }).to_string()
}

/// What a message that is not carried out is answered with.
pub(crate) fn refusal(text: &str) -> String {
    operation_outcome(None, &[Issue::error("invalid", text)]).to_string()
}

/// The Subscription is bound to the socket.
pub(crate) fn handshake(subscription: &str, now: &str) -> String {
    bundle(
        now,
        vec![json!({ "resource": status("handshake", subscription) })],
    )
}

/// The socket is still served, for these Subscriptions.
pub(crate) fn heartbeat<'s>(subscriptions: impl Iterator<Item = &'s str>, now: &str) -> String {
    let entries = subscriptions
        .map(|subscription| json!({ "resource": status("heartbeat", subscription) }))
        .collect();
    bundle(now, entries)
}

/// A resource was written, or deleted.
pub(crate) fn notification(
    subscription: &str,
    resource: &Value,
    reference: &str,
    fhir_base: &str,
    now: &str,
) -> String {
    let mut status = status("event-notification", subscription);
    if let Some(status) = status.as_object_mut() {
        let event = json!({
            "eventNumber": "0",
            "timestamp": now,
            "focus": { "reference": reference },
        });
        status.insert("notificationEvent".into(), json!([event]));
    }
    bundle(
        now,
        vec![
            json!({ "resource": status }),
            json!({ "fullUrl": format!("{fhir_base}{reference}"), "resource": resource }),
        ],
    )
}

fn status(kind: &str, subscription: &str) -> Value {
    json!({
        "resourceType": "SubscriptionStatus",
        "id": Uuid::new_v4().to_string(),
        "status": "active",
        "type": kind,
        "subscription": { "reference": format!("Subscription/{subscription}") },
    })
}

fn bundle(now: &str, entries: Vec<Value>) -> String {
    json!({
        "resourceType": "Bundle",
        "id": Uuid::new_v4().to_string(),
        "type": "history",
        "timestamp": now,
        "entry": entries,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::ping(r#"{"type":"ping"}"#, Some(Said::Ping))]
    #[case::bind(r#"{"type":"bind-with-token","payload":{"token":"t"}}"#, Some(Said::Bind("t".into())))]
    #[case::unbind(r#"{"type":"unbind-from-token","payload":{"token":"t"}}"#, Some(Said::Unbind("t".into())))]
    #[case::no_token(r#"{"type":"bind-with-token","payload":{}}"#, None)]
    #[case::empty_token(r#"{"type":"bind-with-token","payload":{"token":""}}"#, None)]
    #[case::r4_form("bind s", None)]
    #[case::other(r#"{"type":"other"}"#, None)]
    fn messages(#[case] text: &str, #[case] expected: Option<Said>) {
        assert_eq!(Said::parse(text).ok(), expected);
    }

    /// MedplumClient looks at `entry[0].resource.type` and `.subscription`.
    #[test]
    fn the_status_comes_first() {
        let resource = json!({ "resourceType": "Communication", "id": "c" });
        for (text, kind, entries) in [
            (handshake("s", "now"), "handshake", 1),
            (heartbeat(["s", "t"].into_iter(), "now"), "heartbeat", 2),
            (
                notification("s", &resource, "Communication/c", "http://h/", "now"),
                "event-notification",
                2,
            ),
        ] {
            let bundle: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(bundle["type"], "history");
            assert_eq!(bundle["entry"].as_array().unwrap().len(), entries);
            let status = &bundle["entry"][0]["resource"];
            assert_eq!(status["type"], kind);
            assert_eq!(status["subscription"]["reference"], "Subscription/s");
        }
    }
}
