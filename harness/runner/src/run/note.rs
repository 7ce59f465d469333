//! What a successful request brought about: names, watched resources, and what has to go again.

use serde_json::Value;

use super::bindings::Bound;
use super::gone::created_in;
use super::matrix::Watched;
use super::player::Player;
use super::step::Played;
use crate::client::Answer;
use crate::report::Problem;
use crate::scenario::{Action, Entry, Racer, Step};

/// Types that nobody can search for, and so nobody can look at in both ways.
const NOT_WATCHED: [&str; 1] = ["Binary/"];

impl Player<'_> {
    /// Remembers what a successful step brought about.
    pub(super) fn note(&mut self, step: &Step, answer: &Answer, played: &mut Played) {
        if !answer.is_success() {
            return;
        }
        // Captured under a name that is given to the resource before anybody else names it.
        self.note_success(&step.action, step.whole(), answer);
        if let Some(body) = &answer.body {
            self.capture_parts(step, body, played);
        }
    }

    /// Remembers what an entry of a Bundle brought about.
    pub(super) fn note_entry(&mut self, entry: &Entry, answer: &Answer) {
        if answer.is_success() {
            self.note_success(&entry.action, entry.capture.as_deref(), answer);
        }
    }

    /// Remembers what a part of a race brought about; the first winner's answer gets the name.
    pub(super) fn note_racer(&mut self, step: &Step, racer: &Racer, answer: &Answer, wins: bool) {
        let name = step
            .whole()
            .filter(|name| wins && self.bindings.get(name).is_none());
        self.note_success(&racer.action, name, answer);
    }

    fn note_success(&mut self, action: &Action, name: Option<&str>, answer: &Answer) {
        let reference = answer.reference();
        // An answer without a resource still says by its Location what there is now.
        let created = match action {
            // Found instead of created: somebody else's, or made by a step before.
            Action::Create { .. } | Action::Upload { .. } if answer.status != 201 => None,
            Action::Create { .. } | Action::Upload { .. } => reference.clone(),
            Action::Update { .. } | Action::Upsert { .. } | Action::Raw { .. }
                if answer.status == 201 =>
            {
                reference.clone()
            }
            Action::Operation { .. } if answer.status == 201 => answer.location.clone(),
            _ => None,
        };
        if let Some(created) = &created {
            self.created(created);
            if name.is_none() {
                self.aliases.of(created);
            }
        }
        if let (Some(name), Some(reference)) = (name, &reference) {
            self.aliases.name(reference, name);
            let version = answer.version_id();
            self.bindings.bind(name, reference.clone(), version);
            if action.creates() {
                self.watch(reference);
            }
        }
        if let (Action::Raw { .. }, Some(body)) = (action, &answer.body) {
            for created in created_in(body) {
                self.created(&created);
                self.aliases.of(&created);
            }
        }
        self.note_gone(action);
        if let Action::Update { target, .. } = action
            && let Ok(target) = self.bindings.fill(target)
        {
            self.mark(&target, false);
        }
    }

    fn watch(&mut self, reference: &str) {
        let known = self.watched.iter().any(|w| w.reference == reference);
        let hidden = NOT_WATCHED.iter().any(|kind| reference.starts_with(kind));
        if !known && !hidden {
            self.watched.push(Watched {
                reference: reference.to_owned(),
                alias: self.aliases.of(reference),
                gone: false,
            });
        }
    }

    /// The named parts of an answer.
    pub(super) fn capture_parts(&mut self, step: &Step, body: &Value, played: &mut Played) {
        for capture in &step.captures {
            let Some(path) = &capture.path else { continue };
            match path.select(body) {
                Ok(value) => {
                    let outside = matches!(&step.action, Action::Raw { target, .. } if target.text().starts_with('/'));
                    if let (true, Value::String(text)) = (outside, &value) {
                        // What an endpoint beside FHIR gives may be a token.
                        self.project.admin().hide(text);
                    }
                    self.bindings.put(&capture.name, Bound::Value(value));
                }
                Err(reason) => {
                    let message = format!("`{}` is not captured: {reason}", capture.name);
                    played.problems.push(Problem::new(self.clean(&message)));
                }
            }
        }
    }
}
