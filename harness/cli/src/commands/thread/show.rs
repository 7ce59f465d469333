//! `fhirward thread show`: a conversation as people read it.

use std::collections::HashMap;

use fhirward_engine::policy::Policy;
use fhirward_engine::thread::Actor;
use serde_json::Value;

use super::conversation::{Conversation, From, people, reference, text};
use super::who::Who;
use crate::exit::Exit;
use crate::output::{Failure, Output};

/// Show a conversation: who wrote what to whom and when, replies, corrections, attachments.
///
/// With policies, each message says who cannot see it. What people wrote is shown.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    who: Who,
}

/// Prints the threads.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let policies = args.who.read()?;
    let threads = args.from.read(output.for_people())?;
    if output.is_json() {
        let list: Vec<Value> = threads
            .shown
            .iter()
            .map(|thread| data(thread, &policies))
            .collect();
        output.document(&serde_json::json!({ "threads": list, "not_shown": threads.more, "unread": threads.unread }))?;
        return Ok(threads.exit());
    }
    let shown: Vec<String> = threads
        .shown
        .iter()
        .map(|thread| shown(thread, &policies))
        .collect();
    output.result(&shown.join("\n\n"))?;
    Ok(threads.exit())
}

/// Who of the actors cannot see a resource.
fn blind<'p>(resource: &Value, policies: &'p [Policy]) -> Vec<&'p str> {
    policies
        .iter()
        .map(Actor::of)
        .filter(|actor| !actor.reads(resource))
        .map(|actor| actor.profile)
        .collect()
}

fn data(thread: &Conversation, policies: &[Policy]) -> Value {
    let entry = |resource: &Value| serde_json::json!({ "resource": resource, "hidden_from": blind(resource, policies) });
    serde_json::json!({
        "header": entry(&thread.header),
        "messages": thread.messages.iter().map(entry).collect::<Vec<_>>(),
        "tasks": thread.tasks.iter().map(entry).collect::<Vec<_>>(),
    })
}

fn shown(thread: &Conversation, policies: &[Policy]) -> String {
    let header = &thread.header;
    let topic = header.get("topic").and_then(|topic| text(topic, "text"));
    let id = text(header, "id").unwrap_or("without an id");
    let mut lines = vec![format!("{} ({id})", clean(topic.unwrap_or("Untitled")))];
    let state = match text(header, "status") {
        Some("in-progress") => "open",
        Some("completed") => "closed",
        Some("entered-in-error") => "a mistake",
        Some(other) => other,
        None => "without a status",
    };
    let mut about = vec![state.to_owned()];
    about.extend(list("about", &people(header, "subject")));
    about.extend(list("between", &people(header, "recipient")));
    lines.push(format!("  {}", about.join(", ")));
    lines.extend(hidden(header, policies).map(|line| format!("  {line}")));
    for task in &thread.tasks {
        lines.push(format!("  {}", task_line(task)));
    }
    let numbers: HashMap<&str, usize> = thread
        .messages
        .iter()
        .enumerate()
        .filter_map(|(at, message)| Some((text(message, "id")?, at + 1)))
        .collect();
    for (at, message) in thread.messages.iter().enumerate() {
        lines.push(String::new());
        lines.extend(message_lines(at + 1, message, &numbers, policies));
    }
    if thread.messages.is_empty() {
        lines.push("  no messages".to_owned());
    }
    lines.join("\n")
}

fn message_lines(
    number: usize,
    message: &Value,
    numbers: &HashMap<&str, usize>,
    policies: &[Policy],
) -> Vec<String> {
    let is_correction = is_correction(message);
    let answered = reference(message, "inResponseTo")
        .map(|target| target.strip_prefix("Communication/").unwrap_or(target));
    let indent = if answered.is_some() { "    " } else { "" };
    let from = people(message, "sender").join(", ");
    let from = if from.is_empty() { "somebody" } else { &from };
    let to = people(message, "recipient").join(", ");
    let to = if to.is_empty() { "nobody" } else { &to };
    let when = text(message, "sent").unwrap_or("not sent");
    let mut marks: Vec<String> = Vec::new();
    match text(message, "status") {
        Some("preparation") => marks.push("draft".to_owned()),
        Some("entered-in-error") => marks.push("retracted".to_owned()),
        Some("completed") => marks.push(match text(message, "received") {
            Some(received) => format!("read {received}"),
            None => "read".to_owned(),
        }),
        Some("in-progress") | None => {}
        Some(other) => marks.push(other.to_owned()),
    }
    if let Some(answered) = answered {
        let what = match numbers.get(answered) {
            Some(number) => format!("{number}"),
            None => answered.to_owned(),
        };
        let relation = if is_correction { "corrects" } else { "answers" };
        marks.push(format!("{relation} {what}"));
    }
    let marks = if marks.is_empty() {
        String::new()
    } else {
        format!(" [{}]", marks.join(", "))
    };
    let mut lines = vec![format!("{indent}{number}. {when}  {from} → {to}{marks}")];
    let body = format!("{indent}   ");
    for entry in message
        .get("payload")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        lines.extend(
            payload_lines(entry)
                .into_iter()
                .map(|line| format!("{body}{line}")),
        );
    }
    lines.extend(hidden(message, policies).map(|line| format!("{body}{line}")));
    lines
}

fn payload_lines(entry: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(content) = text(entry, "contentString") {
        lines.extend(content.lines().map(clean));
    }
    if let Some(attachment) = entry.get("contentAttachment") {
        let title = text(attachment, "title").unwrap_or("without a title");
        let mut about = Vec::new();
        about.extend(text(attachment, "contentType"));
        about.extend(text(attachment, "url"));
        if attachment.get("data").is_some() {
            about.push("inside the message");
        }
        lines.push(clean(&format!("attached: {title} ({})", about.join(", "))));
    }
    if let Some(target) = reference(entry, "contentReference") {
        lines.push(clean(&format!("attached: {target}")));
    }
    lines
}

fn task_line(task: &Value) -> String {
    let code = task.pointer("/code/coding/0/code").and_then(Value::as_str);
    let status = text(task, "status").unwrap_or("without a status");
    let owner = people(task, "owner");
    let pool = task.pointer("/performerType/0/coding/0");
    let pool = pool.and_then(|coding| text(coding, "display").or_else(|| text(coding, "code")));
    let whose = match (owner.first(), pool) {
        (Some(owner), _) => format!("of {owner}"),
        (None, Some(pool)) => format!("for the pool {pool}"),
        (None, None) => "of nobody".to_owned(),
    };
    clean(&format!(
        "Task {}: {status}, {whose}",
        code.unwrap_or("to answer")
    ))
}

fn hidden<'p>(resource: &Value, policies: &'p [Policy]) -> impl Iterator<Item = String> + use<'p> {
    let blind = blind(resource, policies);
    (!blind.is_empty())
        .then(|| format!("(hidden from {})", blind.join(", ")))
        .into_iter()
}

fn list(word: &str, people: &[String]) -> Option<String> {
    (!people.is_empty()).then(|| format!("{word} {}", clean(&people.join(", "))))
}

fn is_correction(message: &Value) -> bool {
    let categories = message.get("category").and_then(Value::as_array);
    let codings = |category: &Value| category.get("coding").and_then(Value::as_array).cloned();
    categories
        .into_iter()
        .flatten()
        .filter_map(codings)
        .flatten()
        .any(|coding| text(&coding, "code") == Some("correction"))
}

/// A message may hold anything; what would move the cursor or change colours is not written out.
fn clean(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || *c == '\t')
        .collect()
}
