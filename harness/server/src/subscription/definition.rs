//! What a Subscription asks for, read once for each of its versions.

use fhirward_engine::policy::Options;
use fhirward_engine::search::Query;
use fhirward_engine::words::nearest;
use fhirward_spec::spec;
use jiff::Timestamp;
use serde_json::Value;

use super::expression::Expression;
use super::extension;
use super::hook::{self, Hook};
use super::host::Hosts;
use crate::http::outcome::Issue;
use crate::http::query;
use crate::store::Change;

/// A Subscription as it is carried out.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    pub(crate) id: String,
    pub(crate) status: Status,
    pub(crate) resource_type: String,
    query: Query,
    interactions: Vec<Change>,
    expression: Option<Expression>,
    pub(crate) end: Option<Timestamp>,
    pub(crate) channel: Channel,
}

/// `Subscription.status`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Requested,
    Active,
    Error,
    Off,
}

impl Status {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Active => "active",
            Self::Error => "error",
            Self::Off => "off",
        }
    }

    fn parse(code: &str) -> Option<Self> {
        [Self::Requested, Self::Active, Self::Error, Self::Off]
            .into_iter()
            .find(|status| status.code() == code)
    }
}

/// How notifications get to the subscriber.
#[derive(Debug, Clone)]
pub(crate) enum Channel {
    RestHook(Box<Hook>),
    WebSocket,
}

impl Definition {
    /// Reads a Subscription.
    ///
    /// # Errors
    /// Everything that cannot be carried out here.
    pub(crate) fn parse(
        resource: &Value,
        options: &Options,
        hosts: &Hosts,
    ) -> Result<Self, Vec<Issue>> {
        let mut issues = Vec::new();
        let (resource_type, query) = criteria(text(resource, "/criteria"), options, &mut issues);
        let status = Status::parse(text(resource, "/status")).unwrap_or(Status::Off);
        let end = match resource.get("end").and_then(Value::as_str) {
            None => None,
            Some(text) => match text.parse::<Timestamp>() {
                Ok(end) => Some(end),
                Err(_) => {
                    issues.push(
                        Issue::error("value", format!("`{text}` is no instant"))
                            .at("Subscription.end"),
                    );
                    None
                }
            },
        };
        let expression = expression(resource, &resource_type, &mut issues);
        let interactions = interactions(resource, &mut issues);
        let channel = channel(resource, hosts, &mut issues);
        match (query, channel) {
            (Some(query), Some(channel)) if issues.is_empty() => Ok(Self {
                id: text(resource, "/id").to_owned(),
                status,
                resource_type,
                query,
                interactions,
                expression,
                end,
                channel,
            }),
            _ => Err(issues),
        }
    }

    /// Whether it is carried out. One in error is tried again at the next occasion.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.status != Status::Off && !self.has_ended(now)
    }

    pub(crate) fn has_ended(&self, now: Timestamp) -> bool {
        self.end.is_some_and(|end| end <= now)
    }

    /// Whether the resource as it was before makes a difference.
    pub(crate) fn asks_for_previous(&self) -> bool {
        self.expression.is_some()
    }

    /// Whether a change of a resource is of interest, as far as the subscriber sees the resource.
    ///
    /// # Errors
    /// Why the expression cannot be evaluated on it.
    pub(crate) fn matches(
        &self,
        change: Change,
        previous: Option<&Value>,
        current: &Value,
    ) -> Result<bool, String> {
        if !self.interactions.contains(&change) || !self.query.matches(current) {
            return Ok(false);
        }
        match &self.expression {
            None => Ok(true),
            Some(expression) => expression.holds(previous, current),
        }
    }
}

/// A text of the resource; empty where there is none.
pub(super) fn text<'v>(resource: &'v Value, pointer: &str) -> &'v str {
    resource
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// `Type` or `Type?parameters`.
fn criteria(text: &str, options: &Options, issues: &mut Vec<Issue>) -> (String, Option<Query>) {
    const PLACE: &str = "Subscription.criteria";
    let (name, filters) = text.split_once('?').unwrap_or((text, ""));
    if spec().resource(name).is_none() {
        let issue =
            Issue::error("invalid", format!("there is no resource type `{name}`")).at(PLACE);
        issues.push(match nearest(name, spec().resource_types()) {
            Some(near) => issue.with_diagnostics(format!("did you mean `{near}`?")),
            None => issue.with_diagnostics("write a search such as Communication?status=completed"),
        });
        return (name.to_owned(), None);
    }
    let Ok(pairs) = query::pairs(filters) else {
        let issue = Issue::error("invalid", "the criteria are not well encoded").at(PLACE);
        issues.push(issue);
        return (name.to_owned(), None);
    };
    match Query::compile(name, &pairs, options) {
        Ok(query) => (name.to_owned(), Some(query)),
        Err(diagnostics) => {
            issues.extend(diagnostics.iter().map(|d| Issue::from(d).at(PLACE)));
            (name.to_owned(), None)
        }
    }
}

fn expression(
    resource: &Value,
    resource_type: &str,
    issues: &mut Vec<Issue>,
) -> Option<Expression> {
    let (place, extension) = extension::all(resource, extension::EXPRESSION).next()?;
    let given = text(extension, "/valueString");
    match Expression::parse(given, resource_type) {
        Ok(expression) => Some(expression),
        Err(reason) => {
            let issue = Issue::error("not-supported", "the expression cannot be evaluated")
                .with_diagnostics(reason)
                .at(format!("{place}.valueString"));
            issues.push(issue);
            None
        }
    }
}

fn interactions(resource: &Value, issues: &mut Vec<Issue>) -> Vec<Change> {
    let mut interactions = Vec::new();
    let mut named = false;
    for (place, extension) in extension::all(resource, extension::INTERACTION) {
        named = true;
        match text(extension, "/valueCode") {
            "create" => interactions.push(Change::Create),
            "update" => interactions.push(Change::Update),
            "delete" => interactions.push(Change::Delete),
            other => issues.push(
                Issue::error("value", format!("`{other}` is no interaction"))
                    .with_diagnostics("allowed: create, update, delete")
                    .at(format!("{place}.valueCode")),
            ),
        }
    }
    if named {
        interactions
    } else {
        vec![Change::Create, Change::Update, Change::Delete]
    }
}

fn channel(resource: &Value, hosts: &Hosts, issues: &mut Vec<Issue>) -> Option<Channel> {
    let payload = text(resource, "/channel/payload");
    let media = crate::binary::media::essence(payload);
    if !matches!(media, "" | "application/fhir+json" | "application/json") {
        issues.push(
            Issue::error(
                "not-supported",
                format!("the payload `{payload}` is not written here"),
            )
            .with_diagnostics("the only payload is application/fhir+json")
            .at("Subscription.channel.payload"),
        );
    }
    match text(resource, "/channel/type") {
        "websocket" => Some(Channel::WebSocket),
        "rest-hook" => {
            hook::parse(resource, hosts, issues).map(|hook| Channel::RestHook(Box::new(hook)))
        }
        other => {
            issues.push(
                Issue::error(
                    "not-supported",
                    format!("the channel `{other}` is not offered"),
                )
                .with_diagnostics("this server notifies by rest-hook and websocket")
                .at("Subscription.channel.type"),
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::http::outcome::operation_outcome;

    fn with(changes: Value) -> Value {
        let mut subscription = json!({
            "resourceType": "Subscription",
            "id": "s",
            "status": "active",
            "reason": "test",
            "criteria": "Communication?status=completed",
            "channel": { "type": "rest-hook", "endpoint": "http://127.0.0.1:9/hook" },
        });
        for (name, value) in changes.as_object().unwrap() {
            subscription[name] = value.clone();
        }
        subscription
    }

    fn parse(changes: Value) -> Result<Definition, Value> {
        Definition::parse(&with(changes), &Options::default(), &Hosts::default())
            .map_err(|issues| operation_outcome(None, &issues))
    }

    fn extended(extensions: Value) -> Value {
        json!({ "extension": extensions })
    }

    #[rstest]
    #[case::unknown_type(json!({ "criteria": "Comunication?status=completed" }), "Subscription.criteria")]
    #[case::no_criteria(json!({ "criteria": "" }), "Subscription.criteria")]
    #[case::unknown_parameter(json!({ "criteria": "Communication?colour=red" }), "Subscription.criteria")]
    #[case::badly_encoded(json!({ "criteria": "Communication?status=%zz" }), "Subscription.criteria")]
    #[case::mail(json!({ "channel": { "type": "email", "endpoint": "mailto:a@b" } }), "Subscription.channel.type")]
    #[case::no_endpoint(json!({ "channel": { "type": "rest-hook" } }), "Subscription.channel.endpoint")]
    #[case::elsewhere(json!({ "channel": { "type": "rest-hook", "endpoint": "https://example.com/" } }), "Subscription.channel.endpoint")]
    #[case::odd_bot(json!({ "channel": { "type": "rest-hook", "endpoint": "Bot/a/b" } }), "Subscription.channel.endpoint")]
    #[case::xml(json!({ "channel": { "type": "websocket", "payload": "application/fhir+xml" } }), "Subscription.channel.payload")]
    #[case::no_header(json!({ "channel": { "type": "rest-hook", "endpoint": "Bot/a", "header": ["x"] } }), "Subscription.channel.header[0]")]
    #[case::header_of_the_connection(json!({ "channel": { "type": "rest-hook", "endpoint": "Bot/a", "header": ["a: b", "Host: c"] } }), "Subscription.channel.header[1]")]
    #[case::interaction(extended(json!([{ "url": extension::INTERACTION[0], "valueCode": "read" }])), "Subscription.extension[0].valueCode")]
    #[case::attempts(extended(json!([{ "url": extension::MAX_ATTEMPTS[0], "valueInteger": 19 }])), "Subscription.extension[0].valueInteger")]
    #[case::no_attempt(extended(json!([{ "url": extension::MAX_ATTEMPTS[1], "valueInteger": 0 }])), "Subscription.extension[0].valueInteger")]
    #[case::success(extended(json!([{ "url": extension::SUCCESS_CODES[0], "valueString": "2xx" }])), "Subscription.extension[0].valueString")]
    #[case::expression(extended(json!([{ "url": extension::EXPRESSION[0], "valueString": "%user" }])), "Subscription.extension[0].valueString")]
    fn what_cannot_be_carried_out_is_refused(#[case] changes: Value, #[case] place: &str) {
        let outcome = parse(changes).unwrap_err();
        assert_eq!(
            outcome["issue"][0]["expression"],
            json!([place]),
            "{outcome}"
        );
        assert_eq!(outcome["issue"].as_array().unwrap().len(), 1, "{outcome}");
    }

    #[rstest]
    #[case::by_default(json!([]), [true, true, true])]
    #[case::create_only(json!([{ "url": extension::INTERACTION[0], "valueCode": "create" }]), [true, false, false])]
    #[case::two(json!([
        { "url": extension::INTERACTION[0], "valueCode": "update" },
        { "url": extension::INTERACTION[0], "valueCode": "delete" },
    ]), [false, true, true])]
    fn interactions_limit(#[case] extensions: Value, #[case] expected: [bool; 3]) {
        let definition = parse(extended(extensions)).unwrap();
        let resource = json!({ "resourceType": "Communication", "status": "completed" });
        let fires = |change| definition.matches(change, None, &resource).unwrap();
        assert_eq!(
            [Change::Create, Change::Update, Change::Delete].map(fires),
            expected
        );
    }

    #[rstest]
    #[case("completed", true)]
    #[case("in-progress", false)]
    fn criteria_filter(#[case] status: &str, #[case] expected: bool) {
        let resource = json!({ "resourceType": "Communication", "status": status });
        let definition = parse(json!({})).unwrap();
        assert_eq!(
            definition.matches(Change::Create, None, &resource),
            Ok(expected)
        );
    }

    #[rstest]
    #[case::over("2020-01-01T00:00:00Z", false)]
    #[case::not_yet("2020-01-01T00:00:01Z", true)]
    fn the_end_ends_it(#[case] end: &str, #[case] live: bool) {
        let definition = parse(json!({ "end": end })).unwrap();
        assert_eq!(
            definition.is_live("2020-01-01T00:00:00Z".parse().unwrap()),
            live
        );
    }
}
