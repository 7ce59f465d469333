//! Verbs: what a step, an entry of a Bundle or a part of a race does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fhirward_engine::source::Span;
use fhirward_engine::words::listed;
use serde_json::{Map, Value, json};

use super::body;
use super::node::{Entry, Kind, Node};
use super::parse::{Made, Use, Wanted};
use super::parse_actor::{access, granted, one_access};
use super::parse_several::{bundle, delivery, race};
use super::read::{Fields, Findings};
use super::step::{Action, Content, Extras, Payload};
use super::template::Template;
use super::types;
use super::vocabulary::{self, Object};

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The one verb of a map, and what belongs to it.
pub(super) fn action(
    fields: &Fields<'_>,
    object: &Object,
    findings: &mut Findings,
    uses: &mut Vec<Use>,
    made: &mut Vec<Made>,
) -> Option<Action> {
    let what = object.what;
    let verbs: Vec<(&str, &Entry)> = object
        .verbs()
        .filter_map(|key| Some((key.name, fields.named(key)?)))
        .collect();
    let (verb, entry) = match verbs.as_slice() {
        [one] => *one,
        // A key that is none was to be the verb, and that has been said.
        [] if fields.is_strange() => return None,
        [] => {
            findings.error(
                "scenario/verb",
                format!("{what} does nothing"),
                fields.start(),
                "no verb here",
                format!("add one of {}", listed(object.verbs().map(|key| key.name))),
            );
            return None;
        }
        [(first, _), (second, entry), ..] => {
            findings.error(
                "scenario/verb",
                format!("{what} does two things: `{first}` and `{second}`"),
                entry.key_span,
                "the second verb",
                format!(
                    "make two {}s of it",
                    what.trim_start_matches("a ").trim_start_matches("an ")
                ),
            );
            return None;
        }
    };
    if entry.key == "createResourceIfNoneExist" {
        fields.require("if-none-exist", findings);
    }
    let node = &entry.value;
    match verb {
        "grant" => return grant(node, findings, uses),
        "batch" | "transaction" => {
            return bundle(verb == "transaction", node, findings, uses, made);
        }
        "race" => return race(node, findings, uses),
        "await" => return delivery(node, findings, uses),
        _ => {}
    }
    let text = findings.text(node, &format!("`{verb}`"))?;
    if verb == "request" {
        return request(&text, node, fields, findings, uses);
    }
    let target = body::template(&text, node, findings, uses);
    let mut resource = |findings: &mut Findings| {
        let node = fields.require("body", findings)?;
        Some((body::value(node, findings, uses), node))
    };
    Some(match verb {
        "create" if fields.entry("content-type").is_some() => Action::Upload {
            resource_type: text,
            content: content(fields, findings, uses)?,
        },
        "create" => {
            let (body, node_of_body) = resource(findings)?;
            resource_type_of(&body, &text, node.span, findings);
            types::check(node_of_body, &text, findings);
            Action::Create {
                resource_type: text,
                body,
            }
        }
        "update" | "upsert" => {
            let (body, node_of_body) = resource(findings)?;
            if let Some(kind) = body.get("resourceType").and_then(Value::as_str) {
                types::check(node_of_body, kind, findings);
            }
            if verb == "update" {
                Action::Update {
                    body,
                    target: target?,
                }
            } else {
                needs_search(&text, node.span, findings);
                Action::Upsert {
                    body,
                    target: target?,
                }
            }
        }
        "patch" => {
            let (body, node_of_body) = resource(findings)?;
            if !body.is_array() {
                findings.error(
                    "scenario/value",
                    "the `body` of a patch must be a list of operations",
                    node_of_body.span,
                    "not a list",
                    "write `- { op: replace, path: /status, value: completed }`",
                );
            }
            Action::Patch {
                body,
                target: target?,
            }
        }
        "operation" => operation(&text, node, fields, target?, findings, uses)?,
        "subscribe" => subscribe(fields, target?, findings, uses)?,
        "read" => Action::Read(target?),
        "vread" => Action::Vread(target?),
        "history" => Action::History(target?),
        "delete" => Action::Delete(target?),
        _ => Action::Search(target?),
    })
}

/// The headers of a request.
pub(super) fn extras(fields: &Fields<'_>, findings: &mut Findings, uses: &mut Vec<Use>) -> Extras {
    let mut text = |key: &str, findings: &mut Findings| -> Option<Template> {
        let node = fields.get(key)?;
        let text = findings.text(node, &format!("`{key}`"))?;
        body::template(&text, node, findings, uses)
    };
    let if_match = text("if-match", findings);
    let if_none_exist = text("if-none-exist", findings);
    let mut headers = Vec::new();
    if let Some(node) = fields.get("headers") {
        for entry in findings.map(node, "`headers`") {
            let own = match entry.key.to_ascii_lowercase().as_str() {
                "authorization" | "cookie" => Some("an actor has one login, and it is theirs"),
                "if-match" => Some("write `if-match`, with the bare version"),
                "if-none-exist" => Some("write `if-none-exist`"),
                "content-type" => Some("write `content-type`"),
                _ => None,
            };
            if let Some(help) = own {
                findings.error(
                    "scenario/value",
                    format!("`{}` is no header to be set here", entry.key),
                    entry.key_span,
                    "set by the harness",
                    help,
                );
                continue;
            }
            let valid = !entry.key.is_empty()
                && entry
                    .key
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
            if !valid {
                let message = format!("`{}` is no name of a header", entry.key);
                findings.error(
                    "scenario/value",
                    message,
                    entry.key_span,
                    "not a header",
                    "",
                );
            } else if let Some(value) = findings.text(&entry.value, "a header")
                && let Some(value) = body::template(&value, &entry.value, findings, uses)
            {
                headers.push((entry.key.clone(), value));
            }
        }
    }
    Extras {
        if_match,
        if_none_exist,
        headers,
    }
}

/// `create: Communication` with a Patient in its body is a slip of the pen.
fn resource_type_of(body: &Value, named: &str, span: Span, findings: &mut Findings) {
    let inside = body.get("resourceType").and_then(Value::as_str);
    if let Some(inside) = inside
        && inside != named
    {
        findings.error(
            "scenario/value",
            format!("`create: {named}` has a body of type `{inside}`"),
            span,
            "another type than the body",
            "",
        );
    }
}

fn needs_search(text: &str, span: Span, findings: &mut Findings) {
    if !text.contains('?') {
        findings.error(
            "scenario/value",
            format!("`upsert: {text}` has no search"),
            span,
            "which resource?",
            "write `upsert: Patient?identifier=…`, or `update` for a resource that is known",
        );
    }
}

/// A body that is no resource.
fn content(fields: &Fields<'_>, findings: &mut Findings, uses: &mut Vec<Use>) -> Option<Content> {
    let media_type = fields.optional_text("content-type", findings);
    let payload = match (fields.entry("body"), fields.entry("base64")) {
        (Some(_), Some(entry)) => {
            findings.error(
                "scenario/value",
                "a request has one body",
                entry.key_span,
                "the second",
                "write `body` for a text, or `base64` for bytes",
            );
            return None;
        }
        (None, None) => {
            fields.require("body", findings);
            return None;
        }
        (None, Some(entry)) => {
            let text = findings.text(&entry.value, "`base64`")?;
            let joined: String = text.split_whitespace().collect();
            match STANDARD.decode(joined) {
                Ok(bytes) => Payload::Bytes(bytes),
                Err(error) => {
                    findings.error(
                        "scenario/value",
                        format!("this is not base64: {error}"),
                        entry.value.span,
                        "cannot be read",
                        "",
                    );
                    return None;
                }
            }
        }
        (Some(entry), None) => match &entry.value.kind {
            Kind::Text(text) => Payload::Text(body::template(text, &entry.value, findings, uses)?),
            _ => Payload::Json(body::value(&entry.value, findings, uses)),
        },
    };
    let media_type = match (&payload, media_type) {
        (_, Some(media_type)) => media_type,
        (Payload::Json(_), None) => "application/fhir+json".to_owned(),
        (Payload::Text(_) | Payload::Bytes(_), None) => {
            fields.require("content-type", findings);
            return None;
        }
    };
    Some(Content {
        media_type,
        payload,
    })
}

/// `request: POST Binary`.
fn request(
    text: &str,
    node: &Node,
    fields: &Fields<'_>,
    findings: &mut Findings,
    uses: &mut Vec<Use>,
) -> Option<Action> {
    let (method, path) = text.split_once(' ').unwrap_or((text, ""));
    let target = body::template(path.trim(), node, findings, uses);
    if !METHODS.contains(&method) {
        findings.error(
            "scenario/value",
            format!("`{method}` is no method"),
            node.span,
            "not a request",
            format!(
                "write `request: GET metadata`; methods are {}",
                listed(METHODS)
            ),
        );
        return None;
    }
    let target = target?;
    let has_body = fields.entry("body").is_some() || fields.entry("base64").is_some();
    let content = if has_body {
        Some(content(fields, findings, uses)?)
    } else {
        None
    };
    Some(Action::Raw {
        method: method.to_owned(),
        target,
        content,
    })
}

fn operation(
    text: &str,
    node: &Node,
    fields: &Fields<'_>,
    target: Template,
    findings: &mut Findings,
    uses: &mut Vec<Use>,
) -> Option<Action> {
    let path = text.split('?').next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    if !name.starts_with('$') || name.starts_with("${") {
        findings.error(
            "scenario/value",
            format!("`{text}` names no operation"),
            node.span,
            "not an operation",
            "an operation starts with `$`: `${thread}/$everything`",
        );
        return None;
    }
    let body = match (fields.entry("parameters"), fields.get("body")) {
        (Some(entry), Some(_)) => {
            findings.error(
                "scenario/value",
                "`parameters` and `body` in one step",
                entry.key_span,
                "one of them is sent",
                "`parameters` becomes a Parameters resource, `body` is sent as it stands",
            );
            return None;
        }
        (Some(entry), None) => Some(parameters(&entry.value, findings, uses)),
        (None, body) => body.map(|node| body::value(node, findings, uses)),
    };
    Some(Action::Operation { target, body })
}

/// A Parameters resource. Source: R4 parameters.html.
fn parameters(node: &Node, findings: &mut Findings, uses: &mut Vec<Use>) -> Value {
    let mut list = Vec::new();
    for entry in findings.map(node, "`parameters`") {
        let value = body::value(&entry.value, findings, uses);
        let mut parameter = Map::new();
        parameter.insert("name".into(), entry.key.as_str().into());
        match value {
            Value::String(_) => drop(parameter.insert("valueString".into(), value)),
            Value::Bool(_) => drop(parameter.insert("valueBoolean".into(), value)),
            Value::Number(ref number) if number.is_i64() => {
                drop(parameter.insert("valueInteger".into(), value));
            }
            Value::Number(_) => drop(parameter.insert("valueDecimal".into(), value)),
            Value::Object(ref members) if members.contains_key("resourceType") => {
                drop(parameter.insert("resource".into(), value));
            }
            Value::Object(members) => parameter.extend(members),
            Value::Null | Value::Array(_) => findings.wrong_kind(
                &entry.value,
                &format!("the parameter `{}`", entry.key),
                "a text, a number, `true`, `false`, a resource or `{ valueCode: x }`",
            ),
        }
        list.push(Value::Object(parameter));
    }
    json!({ "resourceType": "Parameters", "parameter": list })
}

fn subscribe(
    fields: &Fields<'_>,
    subscription: Template,
    findings: &mut Findings,
    uses: &mut Vec<Use>,
) -> Option<Action> {
    let node = fields.get("into")?;
    let sink = findings.text(node, "`into`")?;
    uses.push(Use {
        wanted: Wanted::Sink(Some(super::plan::SinkKind::Websocket)),
        name: sink.clone(),
        span: node.span,
    });
    Some(Action::Subscribe { subscription, sink })
}

fn grant(node: &Node, findings: &mut Findings, uses: &mut Vec<Use>) -> Option<Action> {
    let fields = Fields::read(node, &vocabulary::GRANT, findings);
    let actor_node = fields.require("actor", findings)?;
    let actor = findings.text(actor_node, "`actor`")?;
    uses.push(Use {
        wanted: Wanted::Actor,
        name: actor.clone(),
        span: actor_node.span,
    });
    let policy = fields.require("policy", findings)?;
    let access = if let Some(node) = fields.get("parameters") {
        // The short form `{actor, policy, parameters}` is one policy with its parameters.
        let parameters = granted(node, findings, uses);
        one_access(policy, parameters, findings, uses)
            .into_iter()
            .collect()
    } else {
        access(policy, findings, uses)
    };
    Some(Action::Grant { actor, access })
}
