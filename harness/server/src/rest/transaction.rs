//! A transaction: all entries, or none. Source: <http://hl7.org/fhir/R4/http.html#trules>.
//!
//! Everything happens inside one transaction of the store, which sees its own writes: deletes
//! first, then creates, updates and patches, then reads. An entry that refers to one whose identity
//! is not known yet, or by criteria that nothing matches yet, is worked out after the others.

use std::collections::{HashMap, VecDeque};

use fhirward_engine::policy::Conditional;
use serde_json::Value;

use super::conditional::Criteria;
use super::entry::{Done, Entry};
use super::urls::Urls;
use super::{Context, references};
use crate::auth::session::Actor;
use crate::http::headers::if_none_exist;
use crate::http::outcome::{Failure, Issue};
use crate::http::route::Route;

/// Works all entries out; the answers in their order.
///
/// # Errors
/// What is wrong with the first entry that fails; nothing was changed.
pub(super) fn perform(
    context: &Context<'_>,
    actor: &Actor,
    entries: &[Value],
) -> Result<Vec<Value>, Failure> {
    let entries = entries
        .iter()
        .enumerate()
        .map(|(at, entry)| Entry::read(context, at, entry))
        .collect::<Result<Vec<_>, Failure>>()?;
    check_identities(&entries)?;
    let gate = |entry: &Entry<'_>| {
        let call = entry.call();
        let context = Context::reading(context.app, actor, call.headers, call.query);
        call.gate(&context)?;
        call.check_parameters()
    };
    for entry in &entries {
        gate(entry).map_err(|failure| entry.blame(failure))?;
    }
    let transaction = context.app.store.begin().by(&actor.profile);
    let context = Context::writing(
        context.app,
        &transaction,
        actor,
        context.headers,
        context.query,
    );
    let answers = Work::new(entries).run(&context)?;
    transaction.commit()?;
    Ok(answers)
}

/// Refuses two writes to one resource, and two entries of one URL, as far as that can be told
/// before anything is looked up.
fn check_identities(entries: &[Entry<'_>]) -> Result<(), Failure> {
    let mut written: HashMap<(&str, &str), usize> = HashMap::new();
    let mut named: HashMap<&str, usize> = HashMap::new();
    for entry in entries {
        if let (Route::Instance(t, id), true) = (entry.call().route, entry.writes())
            && let Some(other) = written.insert((t, id), entry.index)
        {
            return Err(entry.blame(twice(&format!("{t}/{id}"), other)));
        }
        if let (Some(url), true) = (entry.full_url, entry.writes())
            && let Some(other) = named.insert(url, entry.index)
        {
            let text = format!("`fullUrl` `{url}` is also that of entry {other}");
            return Err(entry.blame(Failure::bad_request(
                Issue::error("duplicate", text)
                    .at(format!("Bundle.entry[{}].fullUrl", entry.index)),
            )));
        }
    }
    Ok(())
}

fn twice(reference: &str, other: usize) -> Failure {
    Failure::bad_request(
        Issue::error(
            "duplicate",
            format!("{reference} is also written by entry {other}"),
        )
        .with_diagnostics("a transaction may write a resource once"),
    )
}

/// What is done and what is still to do.
#[derive(Debug)]
struct Work<'b> {
    waiting: VecDeque<Entry<'b>>,
    answers: Vec<Value>,
    urls: Urls,
    /// What was written, and by which entry.
    written: HashMap<String, usize>,
}

impl<'b> Work<'b> {
    fn new(mut entries: Vec<Entry<'b>>) -> Self {
        let urls = Urls::new(entries.iter());
        let answers = vec![Value::Null; entries.len()];
        // Stable: within a stage the order of the Bundle.
        entries.sort_by_key(Entry::stage);
        Self {
            waiting: entries.into(),
            answers,
            urls,
            written: HashMap::new(),
        }
    }

    fn run(mut self, context: &Context<'_>) -> Result<Vec<Value>, Failure> {
        while !self.waiting.is_empty() {
            let next = match self.ready(context) {
                Some(next) => next,
                None if self.foresee(context)? => continue,
                // What is wrong with it is said when it is worked out.
                None => 0,
            };
            let Some(entry) = self.waiting.remove(next) else {
                break;
            };
            let index = entry.index;
            let blame = entry.blamer();
            self.one(context, entry)
                .map_err(|failure| blame.blame(failure))
                .and_then(|answer| match self.answers.get_mut(index) {
                    Some(place) => {
                        *place = answer;
                        Ok(())
                    }
                    None => Err(Failure::internal("an answer without an entry")),
                })?;
        }
        Ok(self.answers)
    }

    /// The next entry that waits for no other.
    fn ready(&self, context: &Context<'_>) -> Option<usize> {
        let writing = self.waiting.iter().any(Entry::writes);
        self.waiting.iter().position(|entry| {
            let is_last = entry.writes() || !writing;
            let matches = |resource| !references::is_waiting(context, resource);
            is_last && !self.urls.waits(entry) && entry.written().is_none_or(matches)
        })
    }

    /// Looks up which resources the conditional entries that others wait for will be. Nobody else
    /// writes meanwhile, so what is seen now still holds when they are worked out.
    fn foresee(&mut self, context: &Context<'_>) -> Result<bool, Failure> {
        let mut foreseen = false;
        for entry in &mut self.waiting {
            if !self.urls.is_unknown(entry.index) {
                continue;
            }
            let context = context.with(&entry.headers, entry.query.as_deref());
            let found = condition(&context, entry).map_err(|failure| entry.blame(failure))?;
            if let Some(reference) = found.or_else(|| entry.identity_if_new()) {
                self.urls.foresee(entry.index, reference);
                foreseen = true;
            }
        }
        Ok(foreseen)
    }

    fn one(&mut self, context: &Context<'_>, mut entry: Entry<'b>) -> Result<Value, Failure> {
        self.urls.rewrite(&mut entry)?;
        let call = entry.call();
        let own = context
            .with(call.headers, call.query)
            .assigning(call.assigned);
        let done = Done::of(&call, call.answer(&own)?);
        if let Some(reference) = done.reference.as_deref().filter(|_| entry.writes()) {
            // A conditional create that found its resource has written nothing.
            if !done.was_found(&entry)
                && let Some(other) = self.written.insert(reference.to_owned(), entry.index)
            {
                return Err(twice(reference, other));
            }
            if !self.urls.done(entry.index, Some(reference)) {
                return Err(Failure::bad_request(Issue::error(
                    "duplicate",
                    "the criteria match what another entry of the transaction has written",
                )));
            }
        }
        Ok(done.into_value(context))
    }
}

/// What the criteria of an entry match.
fn condition(context: &Context<'_>, entry: &Entry<'_>) -> Result<Option<String>, Failure> {
    let call = entry.call();
    let Route::Type(resource_type) = call.route else {
        return Ok(None);
    };
    let (criteria, conditional) = match if_none_exist(call.headers)? {
        Some(criteria) => (criteria, Conditional::Create),
        None if entry.patch().is_some() => (call.query.unwrap_or_default(), Conditional::Patch),
        None => (call.query.unwrap_or_default(), Conditional::Upsert),
    };
    let found = Criteria::parse(criteria)?.find(context, conditional, resource_type)?;
    Ok(found.map(|version| version.reference()))
}
