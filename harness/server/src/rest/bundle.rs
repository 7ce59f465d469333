//! `POST [base]`: a batch or a transaction. Source: <http://hl7.org/fhir/R4/http.html#transaction>.
//!
//! The entries of a batch stand for themselves: each is decided, written and answered alone. That
//! one may refer to another by its `fullUrl` is Medplum's addition; one that refers to an entry
//! that failed fails as well. Transactions: [`super::transaction`].

use std::collections::VecDeque;

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::call::Body;
use super::entry::{self, Entry};
use super::urls::Urls;
use super::{Context, transaction};
use crate::auth::session::Actor;
use crate::http::body::kind;
use crate::http::outcome::{Failure, Issue};
use crate::http::reply::fhir_json;

/// Works a Bundle out.
///
/// # Errors
/// What is wrong with the Bundle; of a transaction, with any entry, and then nothing was changed.
pub(crate) fn perform(
    context: &Context<'_>,
    actor: &Actor,
    body: Body<'_>,
) -> Result<Response, Failure> {
    let bundle = Value::Object(body.object(context)?);
    let wrong = |text: String, place: &str| {
        Err(Failure::bad_request(
            Issue::error("structure", text).at(place),
        ))
    };
    let name = bundle.get("resourceType").and_then(Value::as_str);
    if name != Some("Bundle") {
        let name = name.unwrap_or("nothing");
        return wrong(
            format!("only a Bundle can be posted here, not {name}; to create use POST [base]/Type"),
            "resourceType",
        );
    }
    let entries: &[Value] = match bundle.get("entry") {
        None => &[],
        Some(Value::Array(entries)) => entries,
        Some(other) => {
            return wrong(
                format!("`entry` must be an array, not {}", kind(other)),
                "Bundle.entry",
            );
        }
    };
    let limit = context.app.limits.bundle_entries;
    if entries.len() > limit {
        let text = format!("the Bundle has more than {limit} entries");
        return Err(Failure::bad_request(
            Issue::error("too-costly", text).at("Bundle.entry"),
        ));
    }
    let (answers, name) = match bundle.get("type").and_then(Value::as_str) {
        Some("batch") => (batch(context, actor, entries), "batch-response"),
        Some("transaction") => (
            transaction::perform(context, actor, entries)?,
            "transaction-response",
        ),
        Some(other) => {
            return wrong(
                format!(
                    "a Bundle of type `{other}` cannot be worked out; batch and transaction can"
                ),
                "Bundle.type",
            );
        }
        None => {
            return wrong(
                "the Bundle has no `type`; batch and transaction can be worked out".to_owned(),
                "Bundle.type",
            );
        }
    };
    let mut answer = json!({ "resourceType": "Bundle", "type": name });
    if let (Some(answer), false) = (answer.as_object_mut(), answers.is_empty()) {
        answer.insert("entry".into(), Value::Array(answers));
    }
    Ok(fhir_json(StatusCode::OK, answer))
}

/// The answers to the entries of a batch, in their order.
fn batch(context: &Context<'_>, actor: &Actor, entries: &[Value]) -> Vec<Value> {
    let read: Vec<Result<Entry<'_>, Failure>> = entries
        .iter()
        .enumerate()
        .map(|(at, entry)| Entry::read(context, at, entry))
        .collect();
    let mut urls = Urls::new(read.iter().filter_map(|entry| entry.as_ref().ok()));
    let mut answers: Vec<Value> = vec![Value::Null; entries.len()];
    let mut waiting: VecDeque<Entry<'_>> = VecDeque::new();
    for (entry, answer) in read.into_iter().zip(&mut answers) {
        match entry {
            Ok(entry) => waiting.push_back(entry),
            Err(failure) => *answer = entry::refused(&failure),
        }
    }
    while !waiting.is_empty() {
        let ready = |entry: &Entry<'_>| !urls.waits(entry);
        // Entries that wait for each other fail when they are worked out.
        let next = waiting.iter().position(ready).unwrap_or_default();
        let Some(entry) = waiting.remove(next) else {
            break;
        };
        let index = entry.index;
        let answered = one(context, actor, entry, &mut urls);
        let answer = match answered {
            Ok(answer) => answer,
            Err(failure) => {
                urls.failed(index);
                entry::refused(&failure)
            }
        };
        if let Some(place) = answers.get_mut(index) {
            *place = answer;
        }
    }
    answers
}

fn one(
    context: &Context<'_>,
    actor: &Actor,
    mut entry: Entry<'_>,
    urls: &mut Urls,
) -> Result<Value, Failure> {
    urls.rewrite(&mut entry)?;
    let call = entry.call();
    let gate = Context::reading(context.app, actor, call.headers, call.query);
    call.gate(&gate)?;
    call.check_parameters()?;
    let done = entry::Done::of(&call, call.perform(context.app, actor)?);
    urls.done(entry.index, done.reference.as_deref());
    Ok(done.into_value(context))
}
