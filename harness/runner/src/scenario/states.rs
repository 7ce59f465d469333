//! The states of a suite, each checked once, and what a scenario starts from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::{Source, Span};

use super::GIVEN;
use super::check::Scope;
use super::parse::{FileKind, Parsed, ParsedGiven, parse};
use super::plan::Scenario;
use super::read::known_names;
use super::suite::stem;

/// The states of a suite, each checked once.
#[derive(Debug, Default)]
pub(super) struct States {
    parsed: BTreeMap<String, Parsed>,
    /// A state that is there and cannot be read hides nothing else.
    broken: BTreeSet<String>,
    scopes: BTreeMap<String, Scope>,
}

impl States {
    pub(super) fn read(
        files: &BTreeMap<PathBuf, String>,
        policies: &[&str],
        findings: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut states = Self::default();
        for (path, content) in files {
            let source = Source::new(path.display().to_string(), content.as_str());
            let (parsed, own) = parse(&source, FileKind::State);
            findings.extend(own);
            match parsed {
                Some(parsed) => {
                    if let Some(first) = states.parsed.insert(stem(path), parsed) {
                        findings.push(
                            Diagnostic::error(
                                "scenario/duplicate-name",
                                format!("two states are called `{}`", stem(path)),
                            )
                            .with_help(format!("the other is {}", first.source.name))
                            .with_source(&source),
                        );
                    }
                }
                None => {
                    states.broken.insert(stem(path));
                }
            }
        }
        let names: Vec<String> = states.parsed.keys().cloned().collect();
        for name in names {
            states.resolve(&name, &mut Vec::new(), policies, findings);
        }
        states
    }

    /// Builds the scope of a state after that of the state it is built on.
    fn resolve(
        &mut self,
        name: &str,
        chain: &mut Vec<String>,
        policies: &[&str],
        findings: &mut Vec<Diagnostic>,
    ) {
        if self.scopes.contains_key(name) || self.broken.contains(name) {
            return;
        }
        let Some(parsed) = self.parsed.get(name).cloned() else {
            return;
        };
        chain.push(name.to_owned());
        let mut scope = Scope::default();
        if let Some(ParsedGiven {
            state: given, span, ..
        }) = &parsed.given
        {
            if chain.contains(given) {
                findings.push(
                    Diagnostic::error(
                        "scenario/state-cycle",
                        format!("the state `{name}` is built on itself"),
                    )
                    .with_label(*span, format!("{} → {given}", chain.join(" → ")))
                    .with_source(&parsed.source),
                );
                self.broken.insert(name.to_owned());
                chain.pop();
                return;
            }
            self.resolve(given, chain, policies, findings);
            match self.scopes.get(given) {
                Some(below) => scope = below.clone(),
                None => {
                    if !self.broken.contains(given) {
                        findings.push(self.missing(given, *span, &parsed));
                    }
                    self.broken.insert(name.to_owned());
                    chain.pop();
                    return;
                }
            }
        }
        findings.extend(scope.extend(&parsed, policies));
        self.scopes.insert(name.to_owned(), scope);
        chain.pop();
    }

    /// What a scenario starts from; nothing where its state is missing or broken.
    pub(super) fn scope(&self, parsed: &Parsed) -> (Option<Scope>, Option<Diagnostic>) {
        let Some(ParsedGiven {
            state: given, span, ..
        }) = &parsed.given
        else {
            return (Some(Scope::default()), None);
        };
        match self.scopes.get(given) {
            Some(scope) => (Some(scope.clone()), None),
            // Reported where the state itself is.
            None if self.broken.contains(given) => (None, None),
            None => (None, Some(self.missing(given, *span, parsed))),
        }
    }

    /// A state as something that is played by itself, once for all that share it.
    pub(super) fn played(&self, name: &str) -> Option<Scenario> {
        let (parsed, scope) = (self.parsed.get(name)?, self.scopes.get(name)?);
        Some(Scenario {
            // No scenario can have this name, and so nobody of theirs is mixed up with its actors.
            id: format!("{GIVEN}.{name}"),
            title: parsed.about.clone(),
            page: String::new(),
            about: parsed.about.clone(),
            file: PathBuf::from(&parsed.source.name),
            source: Arc::clone(&parsed.source),
            needs: scope.needs.clone(),
            state: Some(name.to_owned()),
            shares: None,
            sinks: Vec::new(),
            actors: scope.actors.clone(),
            given: scope.steps.clone(),
            steps: Vec::new(),
            snapshot: None,
            profile_snapshots: BTreeMap::new(),
        })
    }

    fn missing(&self, name: &str, span: Span, parsed: &Parsed) -> Diagnostic {
        Diagnostic::error(
            "scenario/missing-state",
            format!("there is no state `{name}`"),
        )
        .with_label(span, format!("no file states/{name}.yaml"))
        .with_help(known_names(name, self.parsed.keys().map(String::as_str)))
        .with_source(&parsed.source)
    }
}
