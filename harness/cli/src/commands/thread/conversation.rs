//! One thread with its resources, for `thread show` and `thread graph`.

use std::collections::HashMap;
use std::path::PathBuf;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::thread::Threads;
use serde_json::Value;

use super::check::{header_reference, index};
use super::found::{self, Item};
use super::inputs::Inputs;
use crate::exit::Exit;
use crate::output::{Failure, Output};
use crate::render;

/// A thread.
#[derive(Debug)]
pub struct Conversation {
    /// The header.
    pub header: Value,
    /// The messages, in the order of `sent`; drafts, which have none, last.
    pub messages: Vec<Value>,
    /// The Tasks that are about it.
    pub tasks: Vec<Value>,
}

/// The threads of some files.
#[derive(Debug)]
pub struct Conversations {
    /// Those that are shown.
    pub shown: Vec<Conversation>,
    /// How many more there are.
    pub more: usize,
    /// How many places in the files could not be read: something may be missing.
    pub unread: usize,
}

impl Conversations {
    /// How a command ends that shows them.
    pub fn exit(&self) -> Exit {
        if self.unread > 0 {
            Exit::Invalid
        } else {
            Exit::Ok
        }
    }
}

/// What could not be read.
#[derive(Debug, Default)]
struct Unread {
    first: Vec<Diagnostic>,
    count: usize,
}

impl Unread {
    fn add(&mut self, fault: Diagnostic) {
        // A byte order mark, say, hinders nobody.
        if !fault.is_error() {
            return;
        }
        self.count += 1;
        if self.first.len() < MAX_FAULTS {
            self.first.push(fault);
        }
    }
}

/// Where to look for threads.
#[derive(Debug, clap::Args)]
pub struct From {
    /// JSON or NDJSON files, also as .gz, or folders; - is standard input.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The id of the thread's header. Without it, the first 100 threads in the files.
    #[arg(long, value_name = "ID")]
    thread: Option<String>,
}

/// Threads that are shown when none is named; more would be read by nobody.
const MAX_SHOWN: usize = 100;
/// Faults that are shown one by one.
const MAX_FAULTS: usize = 3;

impl From {
    /// The threads; where there are more than are shown, `people` are told.
    ///
    /// # Errors
    /// A file that is not there; no such thread.
    pub fn read(&self, people: Output) -> Result<Conversations, Failure> {
        let inputs = Inputs::open(&self.paths)?;
        let threads = index(&inputs, &mut |_| {})?;
        let headers: Vec<usize> = match &self.thread {
            Some(id) => {
                let reference = header_reference(id);
                let header = threads.find(&reference);
                header
                    .filter(|header| threads.is_header(*header))
                    .into_iter()
                    .collect()
            }
            None => threads.headers().take(MAX_SHOWN).collect(),
        };
        let (shown, unread) = collect(&inputs, &threads, &headers)?;
        people.findings(&unread.first);
        if unread.count > 0 {
            let places = render::counted(unread.count, "place", "places");
            people.say(&format!(
                "{places} could not be read, so something may be missing; \
                 `fhirward thread check` lists them"
            ));
        }
        if headers.is_empty() {
            let message = match &self.thread {
                Some(id) => format!("there is no thread `{id}` in these files"),
                None => "there is no thread in these files".to_owned(),
            };
            let finding = Diagnostic::error("thread/none", message);
            let exit = match unread.count {
                0 => Exit::NothingSelected,
                _ => Exit::Invalid,
            };
            return Err(Failure::new(
                exit,
                finding
                    .with_help("a thread is a Communication without payload and without `partOf`"),
            ));
        }
        let more = threads.headers().count().saturating_sub(MAX_SHOWN);
        if self.thread.is_none() && more > 0 {
            people.say(&format!(
                "{} not shown: name one with --thread",
                render::counted(more, "more thread is", "more threads are")
            ));
        }
        Ok(Conversations {
            more: if self.thread.is_none() { more } else { 0 },
            shown,
            unread: unread.count,
        })
    }
}

fn collect(
    inputs: &Inputs,
    threads: &Threads,
    headers: &[usize],
) -> Result<(Vec<Conversation>, Unread), Failure> {
    // Which conversation each resource belongs to, and in which place.
    let mut wanted: HashMap<usize, (usize, usize)> = HashMap::new();
    for (conversation, header) in headers.iter().enumerate() {
        wanted.insert(*header, (conversation, 0));
        let members = threads.messages_of(*header);
        let members = members.into_iter().chain(threads.tasks_of(*header));
        for (at, member) in members.enumerate() {
            wanted.insert(member, (conversation, at + 1));
        }
    }
    let mut resources: Vec<Vec<(usize, Value)>> = headers.iter().map(|_| Vec::new()).collect();
    let mut number = 0;
    let mut unread = Unread::default();
    inputs.read(&mut |raw| {
        raw.each(&mut |unit| {
            let value = match unit.value() {
                Ok(value) => value,
                Err(fault) => return unread.add(fault),
            };
            found::each(&value, &mut |item| {
                let Item::Resource(_, value) = item else {
                    return;
                };
                if let Some((conversation, at)) = wanted.get(&number)
                    && let Some(list) = resources.get_mut(*conversation)
                {
                    list.push((*at, value.clone()));
                }
                number += 1;
            });
        });
    })?;
    let conversations = resources
        .into_iter()
        .filter_map(|mut list| {
            list.sort_by_key(|(at, _)| *at);
            let mut list = list.into_iter().map(|(_, value)| value);
            let header = list.next()?;
            let (tasks, mut messages): (Vec<Value>, Vec<Value>) =
                list.partition(|value| text(value, "resourceType") == Some("Task"));
            messages.sort_by_key(|message| text(message, "status") == Some("preparation"));
            Some(Conversation {
                header,
                messages,
                tasks,
            })
        })
        .collect();
    Ok((conversations, unread))
}

/// A text member.
pub fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

/// The first reference of a member, or of the first item in it.
pub fn reference<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    let member = value.get(name)?;
    let one = member
        .as_array()
        .and_then(|items| items.first())
        .unwrap_or(member);
    text(one, "reference")
}

/// Who a reference means, as people say it: the name if it has one.
pub fn person(reference: &Value) -> String {
    text(reference, "display")
        .or_else(|| text(reference, "reference"))
        .unwrap_or("somebody")
        .to_owned()
}

/// Everybody in a member.
pub fn people(value: &Value, name: &str) -> Vec<String> {
    match value.get(name) {
        Some(Value::Array(items)) => items.iter().map(person).collect(),
        Some(one @ Value::Object(_)) => vec![person(one)],
        _ => Vec::new(),
    }
}
