//! The traps of YAML that only the type of an element reveals: `status: true`, `version: 1.10`,
//! `active: on`.

use fhirward_spec::{TypeDef, TypeKind, spec};
use serde_json::Number;

use super::node::{Kind, Node};
use super::read::Findings;

/// Finds scalars of a resource that YAML read as another kind than the element has.
pub(crate) fn check(resource: &Node, resource_type: &str, findings: &mut Findings) {
    if let Some(def) = spec().resource(resource_type) {
        members(resource, def, findings);
    }
}

fn members(node: &Node, def: &'static TypeDef, findings: &mut Findings) {
    let Kind::Map(entries) = &node.kind else {
        return;
    };
    for entry in entries {
        if let Some((_, kind)) = def.element(&entry.key)
            && let Some(kind) = spec().type_def(&kind.code)
        {
            value(&entry.key, &entry.value, kind, findings);
        }
    }
}

fn value(name: &str, node: &Node, kind: &'static TypeDef, findings: &mut Findings) {
    match &node.kind {
        Kind::List(items) => {
            for item in items {
                value(name, item, kind, findings);
            }
        }
        Kind::Map(_) if &*kind.name == "Resource" => {
            let contained = resource_type(node).and_then(|name| spec().resource(name));
            if let Some(def) = contained {
                members(node, def, findings);
            }
        }
        Kind::Map(_) => members(node, kind, findings),
        Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) if kind.kind == TypeKind::Primitive => {
            scalar(name, node, &kind.name, findings);
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => {}
    }
}

fn resource_type(node: &Node) -> Option<&str> {
    let Kind::Map(entries) = &node.kind else {
        return None;
    };
    entries
        .iter()
        .find(|entry| entry.key == "resourceType")
        .and_then(|entry| match &entry.value.kind {
            Kind::Text(text) => Some(text.as_str()),
            _ => None,
        })
}

fn scalar(name: &str, node: &Node, kind: &str, findings: &mut Findings) {
    let written = findings.source.slice(node.span).to_owned();
    match (&node.kind, kind) {
        (Kind::Bool(_), "boolean")
        | (Kind::Number(_), "decimal" | "integer" | "unsignedInt" | "positiveInt") => {}
        (Kind::Text(text), "boolean") => {
            let word = text.to_ascii_lowercase();
            let meant = match word.as_str() {
                "on" | "yes" | "y" => "true",
                "off" | "no" | "n" => "false",
                _ => return,
            };
            findings.error(
                "scenario/unquoted",
                format!("`{name}` is a boolean, and `{written}` is text"),
                node.span,
                "not a boolean",
                format!("write {meant}"),
            );
        }
        // A number that JSON has not is reported where it becomes JSON.
        (Kind::Number(_), _) if serde_json::from_str::<Number>(&written).is_err() => {}
        (Kind::Bool(_) | Kind::Number(_), _) => {
            let message = format!(
                "`{name}` is of type {kind}, and without quotes YAML reads {}",
                node.describe(&findings.source)
            );
            findings.error(
                "scenario/unquoted",
                message,
                node.span,
                format!("not a {kind}"),
                format!("write \"{written}\""),
            );
        }
        _ => {}
    }
}
