//! Reading maps with a known set of keys, and saying well what is wrong with the others.

use fhirward_engine::words::{listed, nearest, surely};
use std::collections::BTreeSet;
use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::{Source, Span};

use super::node::{Entry, Kind, Node};
use super::vocabulary::{Key, Object};

/// The help for a name that is none of the known ones.
pub(crate) fn known_names<'a>(
    wrong: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    let list = listed(known.clone());
    match nearest(wrong, known) {
        Some(name) => format!("did you mean `{name}`? known: {list}"),
        None => format!("known: {list}"),
    }
}

/// What stands in a file and could not be read. Whatever is wrong with it is told where it stands;
/// that names depend on it is no mistake of its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lost {
    /// Names that faulty parts declare.
    pub(crate) names: BTreeSet<String>,
    /// Names that faulty parts use.
    pub(crate) used: BTreeSet<String>,
    /// Whether nobody can tell what names the file declares.
    pub(crate) any: bool,
}

/// The findings of one file.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) source: Arc<Source>,
    pub(crate) list: Vec<Diagnostic>,
    pub(crate) lost: Lost,
}

impl Findings {
    pub(crate) fn new(source: &Arc<Source>) -> Self {
        Self {
            source: Arc::clone(source),
            list: Vec::new(),
            lost: Lost::default(),
        }
    }

    /// An error with one place.
    pub(crate) fn error(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        span: Span,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        let help = help.into();
        let mut diagnostic = Diagnostic::error(code, message)
            .with_label(span, label)
            .with_source(&self.source);
        if !help.is_empty() {
            diagnostic = diagnostic.with_help(help);
        }
        self.list.push(diagnostic);
    }

    /// A text; a number or boolean in its place is an error that says how to quote it.
    pub(crate) fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        match &node.kind {
            Kind::Text(text) => Some(text.clone()),
            Kind::Bool(_) | Kind::Number(_) => {
                let written = self.source.slice(node.span).to_owned();
                let message = format!(
                    "{what} must be text, and without quotes YAML reads {}",
                    node.describe(&self.source)
                );
                self.error(
                    "scenario/unquoted",
                    message,
                    node.span,
                    "not text",
                    format!("write \"{written}\""),
                );
                None
            }
            Kind::Null | Kind::List(_) | Kind::Map(_) => {
                self.wrong_kind(node, what, "text");
                None
            }
        }
    }

    /// The error for a value of another kind than the language has there.
    pub(crate) fn wrong_kind(&mut self, node: &Node, what: &str, wanted: &str) {
        let message = format!(
            "{what} must be {wanted}, and this is {}",
            node.describe(&self.source)
        );
        self.error(
            "scenario/value",
            message,
            node.span,
            format!("not {wanted}"),
            "",
        );
    }

    /// The items of a list.
    pub(crate) fn list<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        if let Kind::List(items) = &node.kind {
            items
        } else {
            self.wrong_kind(node, what, "a list");
            &[]
        }
    }

    /// The members of a map; a repeated key is an error, and its first value counts.
    pub(crate) fn map<'n>(&mut self, node: &'n Node, what: &str) -> Vec<&'n Entry> {
        let Kind::Map(entries) = &node.kind else {
            self.wrong_kind(node, what, "a map");
            return Vec::new();
        };
        let mut seen: Vec<&Entry> = Vec::new();
        for entry in entries {
            if let Some(first) = seen.iter().find(|other| other.key == entry.key) {
                let diagnostic = Diagnostic::error(
                    "scenario/duplicate-key",
                    format!("the key `{}` stands twice in {what}", entry.key),
                )
                .with_label(entry.key_span, "again")
                .with_label(first.key_span, "first")
                .with_help("remove one of them")
                .with_source(&self.source);
                self.list.push(diagnostic);
            } else {
                seen.push(entry);
            }
        }
        seen
    }
}

/// A map whose keys are all known.
pub(crate) struct Fields<'n> {
    entries: Vec<&'n Entry>,
    /// Members whose key is misspelt, read as the key that was surely meant: one typo is one
    /// finding.
    misspelt: Vec<(&'static str, &'n Entry)>,
    /// Keys that are none, and of which nobody knows which was meant.
    strange: Vec<&'n str>,
    what: String,
    span: Span,
}

impl<'n> Fields<'n> {
    /// Reads a map. Keys that are not allowed are errors.
    pub(crate) fn read(node: &'n Node, object: &Object, findings: &mut Findings) -> Self {
        let what = object.what;
        let entries = findings.map(node, what);
        let names = || object.keys().map(|key| key.name);
        let known = || {
            object
                .keys()
                .flat_map(|key| key.aliases.iter().copied().chain([key.name]))
        };
        let mut written: Vec<(&str, &str)> = Vec::new();
        let mut unknown: Vec<&Entry> = Vec::new();
        for entry in &entries {
            match object.key(&entry.key) {
                Some(key) => {
                    // The same key twice is reported where the map is read.
                    let other = written.iter().find(|(name, _)| *name == key.name);
                    if let Some((_, other)) = other {
                        findings.error(
                            "scenario/duplicate-key",
                            format!("`{other}` and `{}` are the same key", entry.key),
                            entry.key_span,
                            "the second",
                            "remove one of them",
                        );
                    }
                    written.push((key.name, &entry.key));
                }
                None => {
                    unknown.push(entry);
                    let list = listed(names());
                    let help = match nearest(&entry.key, known()) {
                        Some(name) => format!("did you mean `{name}`? allowed in {what}: {list}"),
                        None => format!("allowed in {what}: {list}"),
                    };
                    findings.error(
                        "scenario/unknown-key",
                        format!("unknown key `{}` in {what}", entry.key),
                        entry.key_span,
                        "not a key of the language",
                        help,
                    );
                }
            }
        }
        let is_verb = |key: &Key| object.verb && object.verbs().any(|verb| verb.name == key.name);
        let has_verb = written
            .iter()
            .any(|(name, _)| object.key(name).is_some_and(is_verb));
        let mut misspelt: Vec<(&'static str, &Entry)> = Vec::new();
        let mut strange = Vec::new();
        for entry in unknown {
            // What is there cannot be what was meant.
            let free = object.keys().filter(|key| {
                written.iter().all(|(name, _)| *name != key.name)
                    && misspelt.iter().all(|(name, _)| *name != key.name)
                    && !(has_verb && is_verb(key))
            });
            let names = free.flat_map(|key| key.aliases.iter().copied().chain([key.name]));
            match surely(&entry.key, names).and_then(|name| object.key(name)) {
                Some(key) => misspelt.push((key.name, entry)),
                None => strange.push(entry.key.as_str()),
            }
        }
        Self {
            entries,
            misspelt,
            strange,
            what: what.to_owned(),
            span: node.span,
        }
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The member of a key.
    pub(crate) fn entry(&self, key: &str) -> Option<&'n Entry> {
        let written = self.entries.iter().copied().find(|entry| entry.key == key);
        written.or_else(|| self.meant(key))
    }

    /// The member whose key was meant to be this one.
    fn meant(&self, key: &str) -> Option<&'n Entry> {
        let meant = self.misspelt.iter().find(|(name, _)| *name == key);
        meant.map(|(_, entry)| *entry)
    }

    /// Whether there is a key that is none, and nobody knows which was meant.
    pub(crate) fn is_strange(&self) -> bool {
        !self.strange.is_empty()
    }

    /// The value of a key that must be there.
    pub(crate) fn require(&self, key: &str, findings: &mut Findings) -> Option<&'n Node> {
        let found = self.get(key);
        let is_misspelt = || {
            self.strange
                .iter()
                .any(|wrong| nearest(wrong, [key]).is_some())
        };
        if found.is_none() && !is_misspelt() {
            findings.error(
                "scenario/missing-key",
                format!("{} has no `{key}`", self.what),
                self.start(),
                format!("`{key}` is missing here"),
                "",
            );
        }
        found
    }

    /// The member of a key of the language, by any of its names.
    pub(crate) fn named(&self, key: &Key) -> Option<&'n Entry> {
        let is_named =
            |entry: &&Entry| entry.key == key.name || key.aliases.contains(&entry.key.as_str());
        let written = self.entries.iter().copied().find(is_named);
        written.or_else(|| self.meant(key.name))
    }

    /// A boolean that may be there.
    pub(crate) fn flag(&self, key: &str, findings: &mut Findings) -> bool {
        let Some(node) = self.get(key) else {
            return false;
        };
        match node.kind {
            Kind::Bool(flag) => flag,
            _ => {
                findings.wrong_kind(node, &format!("`{key}`"), "`true` or `false`");
                false
            }
        }
    }

    /// A text that must be there.
    pub(crate) fn require_text(&self, key: &str, findings: &mut Findings) -> Option<String> {
        let node = self.require(key, findings)?;
        findings.text(node, &format!("`{key}`"))
    }

    /// A text that may be there.
    pub(crate) fn optional_text(&self, key: &str, findings: &mut Findings) -> Option<String> {
        findings.text(self.get(key)?, &format!("`{key}`"))
    }

    /// The first key, for findings about the whole map.
    pub(crate) fn start(&self) -> Span {
        self.entries
            .first()
            .map_or(self.span, |entry| entry.key_span)
    }
}
