//! `fhirward thread graph`: a conversation as a picture, in Mermaid.

use std::collections::BTreeMap;

use serde_json::Value;

use super::conversation::{Conversation, From, reference, text};
use crate::exit::Exit;
use crate::output::{Failure, Output};

/// Draw a conversation as a Mermaid flowchart: messages, replies, corrections, Tasks.
///
/// It shows ids, people and times, and not what they wrote.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    from: From,
}

/// Prints the picture.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let threads = args.from.read(output.for_people())?;
    let drawn = drawn(&threads.shown);
    if output.is_json() {
        output.document(&serde_json::json!({ "mermaid": drawn, "not_shown": threads.more, "unread": threads.unread }))?;
    } else {
        output.result(&drawn)?;
    }
    Ok(threads.exit())
}

fn drawn(threads: &[Conversation]) -> String {
    let mut lines = vec!["flowchart TD".to_owned()];
    // Nodes have numbers: an id may hold what Mermaid takes for its own.
    let mut nodes: BTreeMap<String, String> = BTreeMap::new();
    for thread in threads {
        let all = [&thread.header].into_iter().chain(&thread.messages);
        for resource in all.chain(&thread.tasks) {
            let node = format!("n{}", nodes.len());
            nodes.insert(name(resource), node);
        }
    }
    let node = |reference: &str| nodes.get(reference).cloned();
    for thread in threads {
        let header = name(&thread.header);
        let Some(top) = node(&header) else {
            continue;
        };
        lines.push(format!(
            "  {top}[[\"{}\"]]",
            label(&[&header, state(&thread.header)])
        ));
        for message in &thread.messages {
            let name = name(message);
            let Some(own) = node(&name) else {
                continue;
            };
            let who = reference(message, "sender").unwrap_or("somebody");
            let when = text(message, "sent").unwrap_or("not sent");
            let parts = [name.as_str(), who, when, state(message)];
            let text = label(&parts);
            lines.push(match text_status(message) {
                "preparation" => format!("  {own}(\"{text}\"):::draft"),
                "entered-in-error" => format!("  {own}(\"{text}\"):::retracted"),
                _ => format!("  {own}(\"{text}\")"),
            });
            lines.push(format!("  {top} --- {own}"));
            if let Some(answered) = reference(message, "inResponseTo").and_then(node) {
                lines.push(format!("  {own} -. answers .-> {answered}"));
            }
        }
        for task in &thread.tasks {
            let name = name(task);
            let Some(own) = node(&name) else {
                continue;
            };
            let who = reference(task, "owner").unwrap_or("nobody yet");
            lines.push(format!(
                "  {own}{{{{\"{}\"}}}}",
                label(&[&name, who, state(task)])
            ));
            lines.push(format!("  {own} ==> {top}"));
        }
    }
    lines.push("  classDef draft stroke-dasharray: 4 4".to_owned());
    lines.push("  classDef retracted opacity: 0.5".to_owned());
    lines.join("\n")
}

fn name(resource: &Value) -> String {
    let kind = text(resource, "resourceType").unwrap_or_default();
    format!("{kind}/{}", text(resource, "id").unwrap_or("without-id"))
}

fn text_status(resource: &Value) -> &str {
    text(resource, "status").unwrap_or_default()
}

fn state(resource: &Value) -> &str {
    text(resource, "status").unwrap_or("without a status")
}

/// Lines of a node. What Mermaid or a browser would take for markup is written as an entity.
fn label(lines: &[&str]) -> String {
    let escape = |line: &&str| {
        let mut out = String::new();
        for c in line.chars().filter(|c| !c.is_control()) {
            match c {
                '"' | '<' | '>' | '&' | '#' | ';' | '`' => {
                    out.push_str(&format!("#{};", u32::from(c)))
                }
                other => out.push(other),
            }
        }
        out
    };
    lines.iter().map(escape).collect::<Vec<_>>().join("<br/>")
}
