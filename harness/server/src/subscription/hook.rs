//! What a `rest-hook` calls, and what it takes for success.

use std::ops::RangeInclusive;

use axum::http::{HeaderName, HeaderValue};
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::definition::text;
use super::extension;
use super::host::Hosts;
use crate::http::outcome::Issue;

/// The attempts at a delivery when the Subscription names no number.
const DEFAULT_ATTEMPTS: u32 = 4;

/// The most attempts that a Subscription may ask for.
const MAX_ATTEMPTS: u32 = 18;

/// The headers that are the connection's own.
const RESERVED_HEADERS: [&str; 8] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A call for each notification.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) target: Target,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) secret: Option<SecretString>,
    pub(crate) attempts: u32,
    success: Option<Vec<RangeInclusive<u16>>>,
}

/// Who is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Url(Url),
    /// The id of a Bot.
    Bot(String),
}

impl Hook {
    /// Whether an answer means that the notification arrived: 2xx, unless the Subscription says
    /// otherwise. A redirect is not followed, so it is none.
    pub(crate) fn arrived(&self, status: u16) -> bool {
        match &self.success {
            None => (200..300).contains(&status),
            Some(ranges) => ranges.iter().any(|range| range.contains(&status)),
        }
    }
}

/// Reads the channel of a Subscription by rest-hook.
pub(super) fn parse(resource: &Value, hosts: &Hosts, issues: &mut Vec<Issue>) -> Option<Hook> {
    let headers = headers(resource, issues);
    let attempts = attempts(resource, issues);
    let success = success(resource, issues);
    let target = target(text(resource, "/channel/endpoint"), hosts).map_err(|reason| {
        issues.push(
            Issue::error("invalid", "the endpoint cannot be called")
                .with_diagnostics(reason)
                .at("Subscription.channel.endpoint"),
        );
    });
    let secret = extension::all(resource, extension::SECRET)
        .map(|(_, extension)| text(extension, "/valueString"))
        .find(|secret| !secret.is_empty());
    Some(Hook {
        target: target.ok()?,
        headers,
        secret: secret.map(SecretString::from),
        attempts,
        success,
    })
}

fn target(endpoint: &str, hosts: &Hosts) -> Result<Target, String> {
    if endpoint.is_empty() {
        return Err("a rest-hook needs a URL or Bot/{id} as channel.endpoint".into());
    }
    if let Some(id) = endpoint.strip_prefix("Bot/") {
        return if crate::app::is_id(id) {
            Ok(Target::Bot(id.to_owned()))
        } else {
            Err(format!("`{id}` is no id of a Bot"))
        };
    }
    let url = Url::parse(endpoint).map_err(|error| format!("it is no URL: {error}"))?;
    hosts.check(&url)?;
    Ok(Target::Url(url))
}

fn headers(resource: &Value, issues: &mut Vec<Issue>) -> Vec<(HeaderName, HeaderValue)> {
    let given = resource
        .pointer("/channel/header")
        .and_then(Value::as_array);
    let mut headers = Vec::new();
    for (index, header) in given.into_iter().flatten().enumerate() {
        // The value may be a secret, so that no message repeats it.
        let mut refuse = |text: &str| {
            issues.push(
                Issue::error("invalid", text).at(format!("Subscription.channel.header[{index}]")),
            );
        };
        let read = header.as_str().and_then(|text| text.split_once(':'));
        let read = read.and_then(|(name, value)| {
            let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
            let mut value = HeaderValue::from_str(value.trim()).ok()?;
            value.set_sensitive(true);
            Some((name, value))
        });
        match read {
            None => refuse("it is no header such as `Authorization: Bearer …`"),
            Some((name, _)) if RESERVED_HEADERS.contains(&name.as_str()) => {
                refuse(&format!("the header `{name}` belongs to the connection"));
            }
            Some(header) => headers.push(header),
        }
    }
    headers
}

fn attempts(resource: &Value, issues: &mut Vec<Issue>) -> u32 {
    let Some((place, extension)) = extension::all(resource, extension::MAX_ATTEMPTS).next() else {
        return DEFAULT_ATTEMPTS;
    };
    let given = extension.get("valueInteger").and_then(Value::as_u64);
    match given.and_then(|given| u32::try_from(given).ok()) {
        Some(attempts) if (1..=MAX_ATTEMPTS).contains(&attempts) => attempts,
        _ => {
            issues.push(
                Issue::error("value", format!("the attempts must be 1 to {MAX_ATTEMPTS}"))
                    .at(format!("{place}.valueInteger")),
            );
            DEFAULT_ATTEMPTS
        }
    }
}

fn success(resource: &Value, issues: &mut Vec<Issue>) -> Option<Vec<RangeInclusive<u16>>> {
    let (place, extension) = extension::all(resource, extension::SUCCESS_CODES).next()?;
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        (first <= last).then_some(first..=last)
    };
    let ranges: Option<Vec<_>> = text(extension, "/valueString")
        .split(',')
        .map(range)
        .collect();
    if ranges.is_none() {
        issues.push(
            Issue::error("value", "they are no statuses such as `200,201,300-399`")
                .at(format!("{place}.valueString")),
        );
    }
    ranges
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::http::outcome::operation_outcome;

    fn read(header: &str, extensions: &Value) -> Result<Hook, String> {
        let subscription = json!({
            "channel": { "type": "rest-hook", "endpoint": "Bot/a", "header": [header] },
            "extension": extensions,
        });
        let mut issues = Vec::new();
        let hook = parse(&subscription, &Hosts::default(), &mut issues);
        let refused = operation_outcome(None, &issues).to_string();
        hook.filter(|_| issues.is_empty()).ok_or(refused)
    }

    #[test]
    fn a_header_that_is_refused_is_not_repeated() {
        for header in ["Host: secret", "secret"] {
            let refused = read(header, &json!([])).unwrap_err();
            assert!(!refused.contains("secret"), "{refused}");
        }
    }

    #[rstest]
    #[case::none(json!([]), 200, true)]
    #[case::redirect(json!([]), 302, false)]
    #[case::listed(json!([{ "url": extension::SUCCESS_CODES[0], "valueString": "200,300-399" }]), 302, true)]
    #[case::not_listed(json!([{ "url": extension::SUCCESS_CODES[0], "valueString": "201" }]), 200, false)]
    fn success_codes(#[case] extensions: Value, #[case] status: u16, #[case] expected: bool) {
        let hook = read("a: b", &extensions).unwrap();
        assert_eq!(hook.arrived(status), expected);
    }
}
