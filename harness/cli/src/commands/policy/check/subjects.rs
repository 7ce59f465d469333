//! The policies and memberships of the files, and what is beside them.

use std::collections::HashMap;
use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::lint;
use fhirward_engine::source::Source;
use serde_json::Value;

use super::finding;
use crate::commands::policy::beside::{Others, kind, resources};
use crate::findings::{File, Finding, Subject};
use crate::input::{self, Part};

/// What the files hold.
#[derive(Debug, Default)]
pub struct Subjects {
    /// The files, in order, with the policies and memberships in each.
    pub files: Vec<File>,
    /// What policies are called.
    pub policies: Vec<String>,
    /// Whom memberships are for.
    pub memberships: Vec<String>,
    /// Resources of other types, which are no mistake beside policies.
    pub skipped: usize,
    subject: lint::Subject,
    /// Where a text that is a part of a file begins in it.
    parts: HashMap<*const Source, (Arc<Source>, usize)>,
    others: Others,
}

impl Subjects {
    /// Adds a file. `named` says that it stands on the command line itself, and not in a folder.
    pub fn add(&mut self, source: &Arc<Source>, named: bool) {
        let (parts, unreadable) = input::parts(source);
        for finding in unreadable {
            self.subject.add_unreadable(finding);
        }
        let mut file = File {
            source: Arc::clone(source),
            subjects: Vec::new(),
        };
        let alone = named && parts.len() == 1;
        for part in parts {
            self.part(part, alone, named, &mut file);
        }
        self.files.push(file);
    }

    fn part(&mut self, part: Part, alone: bool, named: bool, file: &mut File) {
        let document = &part.document;
        let (pointers, several) = resources(document);
        let mut policies = 0;
        for pointer in &pointers {
            let value = document.value().pointer(pointer).unwrap_or(&Value::Null);
            match kind(document, pointer) {
                Some("AccessPolicy") => {
                    let subject = policy(&part, pointer, value);
                    self.policies.push(subject.name.clone());
                    file.subjects.push(subject);
                    policies += 1;
                }
                Some("ProjectMembership") => {
                    let subject = membership(&part, pointer, value);
                    self.memberships.push(subject.name.clone());
                    file.subjects.push(subject);
                    policies += 1;
                }
                other => {
                    let beside = several || !alone;
                    if beside && self.others.note(document, pointer, other) {
                        self.skipped += 1;
                    }
                }
            }
        }
        if policies == 0 && !named && is_no_resource(document.value()) {
            // A package.json in a folder of policies.
            self.skipped += 1;
            return;
        }
        self.parts.insert(
            Arc::as_ptr(document.source()),
            (Arc::clone(&part.file), part.offset),
        );
        self.subject.add(part.document);
    }

    /// Runs the rules over everything. Findings come in the order of the files and of the places
    /// in them.
    pub fn check(&self, options: &lint::Options) -> Vec<Finding> {
        let order: HashMap<&str, usize> = self
            .files
            .iter()
            .enumerate()
            .map(|(at, file)| (file.source.name.as_str(), at))
            .collect();
        let mut found: Vec<Finding> = lint::check(&self.subject, options)
            .into_iter()
            .filter(|found| !self.others.explain(&found.diagnostic))
            .map(finding)
            .map(|found| Finding {
                thread: None,
                diagnostic: self.in_file(found.diagnostic),
                ..found
            })
            .collect();
        found.sort_by_key(|found| {
            let source = found.diagnostic.source.as_ref();
            let label = found.diagnostic.labels.first();
            (
                source.and_then(|source| order.get(source.name.as_str()).copied()),
                label.map(|label| label.span.start),
            )
        });
        found
    }

    /// The finding with its places in the file, where it was made in a part of one.
    fn in_file(&self, finding: Diagnostic) -> Diagnostic {
        let part = finding
            .source
            .as_ref()
            .and_then(|source| self.parts.get(&Arc::as_ptr(source)));
        match part {
            Some((file, offset)) => finding
                .relocated(|span| span.shifted(*offset))
                .with_source(file),
            None => finding,
        }
    }
}

/// Whether a value is neither a resource nor a policy that forgot to say so.
fn is_no_resource(value: &Value) -> bool {
    match value {
        Value::Object(object) => {
            !object.contains_key("resourceType") && !object.contains_key("resource")
        }
        Value::Array(items) => items.iter().all(is_no_resource),
        _ => true,
    }
}

fn policy(part: &Part, pointer: &str, value: &Value) -> Subject {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let (id, name) = (text("id"), text("name"));
    let entries = value.get("resource").and_then(Value::as_array);
    Subject {
        name: match (name, id) {
            (Some(name), _) => name.to_owned(),
            (None, Some(id)) => format!("AccessPolicy/{id}"),
            (None, None) => "AccessPolicy".to_owned(),
        },
        span: part.span(pointer),
        called: id.into_iter().chain(name).map(str::to_owned).collect(),
        parts: (0..entries.map_or(0, Vec::len))
            .map(|at| part.span(&format!("{pointer}/resource/{at}")))
            .collect(),
    }
}

fn membership(part: &Part, pointer: &str, value: &Value) -> Subject {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    let profile = text("/profile/reference");
    Subject {
        name: profile.unwrap_or("ProjectMembership").to_owned(),
        span: part.span(pointer),
        called: text("/id")
            .into_iter()
            .chain(profile)
            .map(str::to_owned)
            .collect(),
        parts: Vec::new(),
    }
}
