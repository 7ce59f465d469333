//! The URLs by which entries of a Bundle refer to each other, and what stands for them once it is
//! known. Source: <http://hl7.org/fhir/R4/bundle.html#references>, `http.html#trules`.

use std::collections::HashMap;

use axum::http::StatusCode;
use serde_json::Value;

use super::entry::Entry;
use super::links::{self, Link};
use crate::http::outcome::{Failure, Issue};

/// The entries by `fullUrl`, and their identities.
#[derive(Debug)]
pub(super) struct Urls {
    by_url: HashMap<String, usize>,
    /// By the place of the entry.
    identities: HashMap<usize, Identity>,
    /// The entries that an entry refers to.
    targets: HashMap<usize, Vec<usize>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Identity {
    /// Decided by a condition that was not looked at yet.
    Unknown,
    /// Looked up ahead; nothing else may come of it.
    Foreseen(String),
    /// `Type/id`.
    Known(String),
    Failed,
}

impl Urls {
    pub(super) fn new<'e, 'b: 'e>(entries: impl Iterator<Item = &'e Entry<'b>> + Clone) -> Self {
        let mut urls = Self {
            by_url: HashMap::new(),
            identities: HashMap::new(),
            targets: HashMap::new(),
        };
        // What is only read or deleted cannot be referred to.
        let changed = |entry: &&Entry<'_>| entry.written().is_some() || entry.patch().is_some();
        for entry in entries.clone().filter(changed) {
            if let Some(url) = entry.full_url {
                urls.by_url.insert(url.to_owned(), entry.index);
                let identity = entry.identity().map_or(Identity::Unknown, Identity::Known);
                urls.identities.insert(entry.index, identity);
            }
        }
        for entry in entries.filter(changed) {
            let mut targets = Vec::new();
            each(entry, &mut |link, text| {
                if link == Link::Narrative {
                    links::change_xhtml(text, |target| {
                        targets.extend(urls.target(entry, target));
                        None
                    });
                } else {
                    targets.extend(urls.target(entry, text));
                }
            });
            targets.retain(|target| *target != entry.index);
            if !targets.is_empty() {
                urls.targets.insert(entry.index, targets);
            }
        }
        urls
    }

    /// The entry that a link leads to: by its full URL, or relative to that of the entry that has
    /// the link.
    fn target(&self, entry: &Entry<'_>, link: &str) -> Option<usize> {
        if let Some(index) = self.by_url.get(link) {
            return Some(*index);
        }
        if link.contains(':') || !link.contains('/') {
            return None;
        }
        let own = entry.full_url.filter(|url| url.starts_with("http"))?;
        let (of_type, _) = own.rsplit_once('/')?;
        let (root, _) = of_type.rsplit_once('/')?;
        self.by_url.get(&format!("{root}/{link}")).copied()
    }

    /// Whether the entry refers to one whose identity is not known yet.
    pub(super) fn waits(&self, entry: &Entry<'_>) -> bool {
        let targets = self.targets.get(&entry.index);
        targets.into_iter().flatten().any(|at| self.is_unknown(*at))
    }

    /// Whether the identity of an entry depends on a condition that was not looked at yet.
    pub(super) fn is_unknown(&self, index: usize) -> bool {
        self.identities.get(&index) == Some(&Identity::Unknown)
    }

    /// Says what an entry will be.
    pub(super) fn foresee(&mut self, index: usize, reference: String) {
        self.identities.insert(index, Identity::Foreseen(reference));
    }

    /// Says what an entry has become. False when something else was foreseen, which others may
    /// refer to by now.
    pub(super) fn done(&mut self, index: usize, reference: Option<&str>) -> bool {
        let (Some(identity), Some(reference)) = (self.identities.get_mut(&index), reference) else {
            return true;
        };
        let as_foreseen = !matches!(identity, Identity::Foreseen(other) if other != reference);
        *identity = Identity::Known(reference.to_owned());
        as_foreseen
    }

    /// Says that an entry has failed.
    pub(super) fn failed(&mut self, index: usize) {
        if let Some(identity) = self.identities.get_mut(&index) {
            *identity = Identity::Failed;
        }
    }

    /// Puts what is known in the place of the URLs.
    ///
    /// # Errors
    /// 400 for a temporary URL that no entry has, and for one of an entry that failed.
    pub(super) fn rewrite(&self, entry: &mut Entry<'_>) -> Result<(), Failure> {
        let patches = entry.patch().is_some();
        if entry.written().is_none() && !patches {
            return Ok(());
        }
        // It may refer to itself before its condition is looked at.
        let own = entry.identity_if_new();
        let mut resource = std::mem::take(&mut entry.resource);
        let known = |link: &str| match (self.known(entry, link), &own) {
            (Err(index), Some(own)) if index == entry.index => Ok(Some(own.clone())),
            (known, _) => known,
        };
        let mut issues = Vec::new();
        let mut visit = |link: Link, place: &str, text: &str| {
            if link == Link::Narrative {
                return links::change_xhtml(text, |target| known(target).ok()?);
            }
            match known(text) {
                Ok(None) if link == Link::Reference && is_temporary(text) => {
                    let text = format!("no entry of the Bundle has the fullUrl `{text}`");
                    issues.push(Issue::error("not-found", text).at(place));
                    None
                }
                Ok(known) => known,
                Err(other) => {
                    let text = format!("`{text}` is entry {other}, which was not stored");
                    issues.push(Issue::error("not-found", text).at(place));
                    None
                }
            }
        };
        if patches {
            change_values(&mut resource, &mut |text| {
                visit(Link::Uri, "operation", text)
            });
        } else {
            links::change(&mut resource, &mut visit);
        }
        entry.resource = resource;
        if issues.is_empty() {
            Ok(())
        } else {
            Err(Failure::new(StatusCode::BAD_REQUEST, issues))
        }
    }

    /// What stands for a link; an error has the entry that is none.
    fn known(&self, entry: &Entry<'_>, link: &str) -> Result<Option<String>, usize> {
        let Some(index) = self.target(entry, link) else {
            return Ok(None);
        };
        match self.identities.get(&index) {
            Some(Identity::Known(reference) | Identity::Foreseen(reference)) => {
                Ok(Some(reference.clone()))
            }
            _ => Err(index),
        }
    }
}

/// Shows what may be a link of an entry.
fn each(entry: &Entry<'_>, visit: &mut dyn FnMut(Link, &str)) {
    if let Some(resource) = entry.written() {
        links::each(resource, |link, _, text| visit(link, text));
    }
    if let Some(operations) = entry.patch() {
        change_values(&mut operations.clone(), &mut |text| {
            visit(Link::Uri, text);
            None
        });
    }
}

/// Replaces strings of the values of a patch. What type they will be of cannot be told.
fn change_values(operations: &mut Value, new: &mut dyn FnMut(&str) -> Option<String>) {
    let listed = operations.as_array_mut().into_iter().flatten();
    for value in listed.filter_map(|operation| operation.get_mut("value")) {
        change_strings(value, new);
    }
}

fn change_strings(value: &mut Value, new: &mut dyn FnMut(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = new(text) {
                *text = new;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| change_strings(item, new)),
        Value::Object(members) => members
            .values_mut()
            .for_each(|member| change_strings(member, new)),
        _ => {}
    }
}

/// Whether a URL is one that means something only within a Bundle.
fn is_temporary(text: &str) -> bool {
    text.starts_with("urn:uuid:") || text.starts_with("urn:oid:")
}
