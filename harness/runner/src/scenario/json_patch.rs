//! The operations of a JSON Patch that is to succeed. Source: RFC 6902, section 4; the path is a JSON
//! Pointer, RFC 6901.

use super::node::{Kind, Node};
use super::read::{Findings, known_names};

const OPERATIONS: [&str; 6] = ["add", "remove", "replace", "move", "copy", "test"];
const MEMBERS: [&str; 4] = ["op", "path", "from", "value"];

/// Finds operations that no server can carry out.
pub(super) fn operations(body: &Node, findings: &mut Findings) {
    let Kind::List(items) = &body.kind else {
        return;
    };
    for item in items {
        operation(item, findings);
    }
}

fn operation(node: &Node, findings: &mut Findings) {
    let Kind::Map(entries) = &node.kind else {
        findings.wrong_kind(
            node,
            "an operation of a patch",
            "a map with `op` and `path`",
        );
        return;
    };
    let before = findings.list.len();
    for entry in entries {
        if !MEMBERS.contains(&entry.key.as_str()) {
            findings.error(
                "scenario/value",
                format!("`{}` is no member of an operation of a patch", entry.key),
                entry.key_span,
                "not in RFC 6902",
                known_names(&entry.key, MEMBERS),
            );
        }
    }
    // What is misspelt is not missing too.
    let complete = findings.list.len() == before;
    let find = |name: &str| entries.iter().find(|entry| entry.key == name);
    let op = find("op");
    if let Some(entry) = op
        && let Kind::Text(word) = &entry.value.kind
        && !OPERATIONS.contains(&word.as_str())
    {
        findings.error(
            "scenario/value",
            format!("`{word}` is no operation of a patch"),
            entry.value.span,
            "not in RFC 6902",
            known_names(word, OPERATIONS),
        );
    }
    for name in ["path", "from"] {
        if let Some(entry) = find(name)
            && let Kind::Text(path) = &entry.value.kind
            && !(path.is_empty() || path.starts_with('/') || path.starts_with("${"))
        {
            findings.error(
                "scenario/value",
                format!("`{path}` is no path of a patch"),
                entry.value.span,
                "not a JSON Pointer",
                format!("write `/{path}`"),
            );
        }
    }
    let word = op.and_then(|entry| match &entry.value.kind {
        Kind::Text(word) => Some(word.as_str()),
        _ => None,
    });
    let needed: &[&str] = match word {
        Some("add" | "replace" | "test") => &["op", "path", "value"],
        Some("move" | "copy") => &["op", "path", "from"],
        _ => &["op", "path"],
    };
    let missing = needed.iter().find(|name| find(name).is_none());
    if let (Some(missing), true) = (missing, complete) {
        findings.error(
            "scenario/missing-key",
            format!("an operation of a patch has no `{missing}`"),
            node.span,
            format!("`{missing}` is missing here"),
            "",
        );
    }
}
