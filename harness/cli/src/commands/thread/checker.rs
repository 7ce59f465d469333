//! The second pass of `thread check`: what is wrong with the resources of a batch.

use std::collections::BTreeSet;
use std::sync::Arc;

use fhirward_engine::diagnostic::{Diagnostic, Severity};
use fhirward_engine::policy::Policy;
use fhirward_engine::resource;
use fhirward_engine::source::Source;
use fhirward_engine::source::json::plain_value;
use fhirward_engine::thread::{self, Actor, ThreadFinding, Threads};
use serde_json::Value;

use super::fix::with_fix;
use super::found::{self, Found, Item};
use super::inputs::TAKE_APART;
use super::masked::{Texts, black_out_fault, blackened, is_plain, quotes_blackened};
use super::parallel::Batch;
use super::raw::{Line, Piece, Unit};
use crate::findings::Subject;

/// What the second pass finds in a batch, in the order of the input.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many resources were looked at.
    pub checked: usize,
    /// What to call them, by the file, where it is kept whole.
    pub subjects: Vec<(Arc<Source>, Subject)>,
    /// What was found.
    pub found: Vec<OneFound>,
}

/// Something that was found, by a rule, in a thread.
#[derive(Debug)]
pub struct OneFound {
    /// The rule.
    pub rule: &'static str,
    /// What and where.
    pub diagnostic: Diagnostic,
    /// In which thread.
    pub thread: Option<String>,
}

impl Outcome {
    fn add(&mut self, rule: &'static str, diagnostic: Diagnostic, thread: Option<String>) {
        self.found.push(OneFound {
            rule,
            diagnostic,
            thread,
        });
    }
}

/// What is wrong with a resource, before its places are known.
#[derive(Debug)]
struct Wrong {
    structure: Vec<resource::Finding>,
    /// The resource that has its id.
    duplicate_of: Option<usize>,
    rules: Vec<ThreadFinding>,
}

impl Wrong {
    fn is_nothing(&self) -> bool {
        self.structure.is_empty() && self.duplicate_of.is_none() && self.rules.is_empty()
    }
}

/// The second pass over a batch: it needs nothing of the other batches but the thread model.
pub struct Checker<'t> {
    threads: &'t Threads,
    actors: Vec<Actor<'t>>,
    thread: Option<String>,
    show_text: bool,
}

impl<'t> Checker<'t> {
    /// Of everything, or of the thread whose header is named; `policies` say who sees what.
    pub fn new(
        threads: &'t Threads,
        policies: &'t [Policy],
        thread: Option<String>,
        show_text: bool,
    ) -> Self {
        Checker {
            threads,
            actors: policies.iter().map(Actor::of).collect(),
            thread,
            show_text,
        }
    }

    /// What is wrong in a batch whose first resource has this number.
    pub fn check(&self, first: usize, batch: Batch) -> Outcome {
        let mut number = first;
        let mut out = Outcome::default();
        batch.each(&mut |unit| {
            number = match unit {
                Unit::Line(line) if !line.is_kept() => self.line(number, &line, &mut out),
                unit => self.piece(number, unit.piece(), true, &mut out),
            };
        });
        out
    }

    /// A line, whose places are looked for only if there is something to point at. Returns the
    /// number of the next resource.
    fn line(&self, number: usize, line: &Line<'_>, out: &mut Outcome) -> usize {
        let Some(value) = plain_value(line.text()).filter(found::is_one) else {
            return self.piece(number, line.piece(), false, out);
        };
        let next = number.saturating_add(1);
        if !self.is_wanted(number) {
            return next;
        }
        out.checked += 1;
        let wrong = self.wrong(number, &value);
        if wrong.is_nothing() {
            return next;
        }
        match line.piece() {
            Piece::Part(part) => {
                let found = Found {
                    part: &part,
                    pointer: String::new(),
                    value: part.document.value(),
                };
                self.tell(number, wrong, &found, out);
            }
            Piece::Fault(fault) => out.add(fault.code, fault, None),
        }
        next
    }

    /// A value that has to be placed; the resources of a file that is kept whole are named. Returns
    /// the number of the next resource.
    fn piece(&self, number: usize, piece: Piece, is_kept: bool, out: &mut Outcome) -> usize {
        let part = match piece {
            Piece::Part(part) => part,
            Piece::Fault(mut fault) => {
                if !self.show_text {
                    black_out_fault(&mut fault);
                }
                if fault.code == "json/too-many-values" {
                    fault.help = Some(TAKE_APART.to_owned());
                }
                out.add(fault.code, fault, None);
                return number;
            }
        };
        if self.thread.is_none() {
            for finding in part.document.repeated_keys() {
                let mut finding = part.place(finding.clone());
                if !self.show_text {
                    finding.message = quotes_blackened(&finding.message, None);
                }
                out.add(finding.code, finding, None);
            }
        }
        let mut next = number;
        // The resources of which a Bundle says that they stand in it twice.
        let mut repeated: BTreeSet<String> = BTreeSet::new();
        found::each(part.document.value(), &mut |item| match item {
            Item::Container(pointer, value) => {
                if self.thread.is_some() {
                    return;
                }
                let structure = resource::validate_container(value);
                let twice = structure.iter().filter(|finding| finding.code == "bdl-7");
                let entry = twice.filter_map(|finding| finding.pointer.strip_suffix("/fullUrl"));
                repeated.extend(entry.map(|entry| format!("{pointer}{entry}/resource")));
                let found = Found {
                    part: &part,
                    pointer,
                    value,
                };
                self.tell_structure(structure, None, &found, out);
            }
            Item::Resource(pointer, value) => {
                if self.is_wanted(next) {
                    let part = &part;
                    let is_repeated = repeated.contains(&pointer);
                    let found = Found {
                        part,
                        pointer,
                        value,
                    };
                    if is_kept {
                        let subject = self.subject(&found);
                        out.subjects.push((Arc::clone(&part.file), subject));
                    }
                    let mut wrong = self.wrong(next, value);
                    if is_repeated {
                        wrong.duplicate_of = None;
                    }
                    self.tell(next, wrong, &found, out);
                    out.checked += 1;
                }
                next = next.saturating_add(1);
            }
            Item::NoResource(pointer) => {
                let finding = found::no_resource(&part, &pointer);
                out.add(finding.code, finding, None);
            }
            Item::Deleted(_) => {}
        });
        next
    }

    fn is_wanted(&self, number: usize) -> bool {
        let is_wanted = |thread: &String| self.threads.thread_of(number).as_ref() == Some(thread);
        self.thread.as_ref().is_none_or(is_wanted)
    }

    fn wrong(&self, number: usize, value: &Value) -> Wrong {
        let structure = resource::validate(value);
        let mut rules = self.threads.check(number, value, &self.actors);
        // What R4 does not allow there is one mistake, whatever rule it breaks as well.
        rules.retain(|finding| !structure.iter().any(|known| says_the_same(known, finding)));
        Wrong {
            structure,
            duplicate_of: self.threads.duplicate_of(number),
            rules,
        }
    }

    fn tell(&self, number: usize, wrong: Wrong, found: &Found<'_>, out: &mut Outcome) {
        self.tell_structure(wrong.structure, Some(number), found, out);
        let mut teller = self.teller(Some(number), found);
        if let Some(first) = wrong.duplicate_of {
            let message = format!("it has the id of the {} resource", ordinal(first + 1));
            let code = "thread/duplicate-id";
            let finding = at(found, Severity::Warning, code, message, "/id");
            let help =
                "versions of one resource differ in `meta.versionId`; take one of the two away";
            teller.add(code, "/id", finding.with_help(help), out);
        }
        for finding in wrong.rules {
            let (severity, rule) = (finding.severity, finding.rule);
            let mut diagnostic = at(found, severity, rule, finding.message, &finding.pointer);
            diagnostic.help = Some(format!("{} (see {})", finding.help, finding.page));
            let diagnostic = match &finding.fix {
                Some(fix) => with_fix(diagnostic, found, fix),
                None => diagnostic,
            };
            teller.add(rule, &finding.pointer, diagnostic, out);
        }
    }

    fn tell_structure(
        &self,
        structure: Vec<resource::Finding>,
        number: Option<usize>,
        found: &Found<'_>,
        out: &mut Outcome,
    ) {
        let mut teller = self.teller(number, found);
        for finding in structure {
            let mut diagnostic = at(
                found,
                finding.severity,
                finding.code,
                finding.message,
                &finding.pointer,
            );
            diagnostic.help = finding.help;
            teller.add(finding.code, &finding.pointer, diagnostic, out);
        }
    }

    fn teller<'c>(&'c self, number: Option<usize>, found: &'c Found<'_>) -> Teller<'c> {
        let thread = || self.threads.thread_of(number?);
        Teller {
            found: found.value,
            texts: None,
            show_text: self.show_text,
            thread: thread().map(|thread| self.shown(&thread)),
        }
    }

    /// A name, which may be anything that somebody wrote.
    fn shown(&self, name: &str) -> String {
        if self.show_text || is_plain(name) {
            name.to_owned()
        } else {
            blackened(name)
        }
    }

    /// What passes or fails.
    fn subject(&self, found: &Found<'_>) -> Subject {
        let text = |name| found.value.get(name).and_then(Value::as_str);
        let kind = self.shown(text("resourceType").unwrap_or("resource"));
        let name = match text("id") {
            Some(id) => format!("{kind} {}", self.shown(id)),
            None => kind,
        };
        Subject {
            name,
            span: found.part.span(&found.pointer),
            called: text("id").map(str::to_owned).into_iter().collect(),
            parts: Vec::new(),
        }
    }
}

/// Says what is wrong with one value, without what people wrote in it.
struct Teller<'c> {
    found: &'c Value,
    /// A resource with a million texts has them looked up once, and only if it has a finding.
    texts: Option<Texts<'c>>,
    show_text: bool,
    thread: Option<String>,
}

impl Teller<'_> {
    fn add(
        &mut self,
        rule: &'static str,
        pointer: &str,
        mut finding: Diagnostic,
        out: &mut Outcome,
    ) {
        if !self.show_text {
            let found = self.found;
            let texts = self.texts.get_or_insert_with(|| Texts::of(found));
            // What a rule advises quotes nothing of the resource.
            let own = thread::rule(rule).and_then(|_| finding.help.take());
            texts.black_out(&mut finding, pointer);
            finding.help = own.or(finding.help);
        }
        out.add(rule, finding, self.thread.clone());
    }
}

/// Whether a rule only says again what R4's structure says of the same element.
fn says_the_same(structure: &resource::Finding, rule: &ThreadFinding) -> bool {
    let is_below = |outer: &str, inner: &str| {
        let rest = inner.strip_prefix(outer);
        rest.filter(|rest| rest.is_empty() || rest.starts_with('/'))
            .is_some()
    };
    let around = structure.pointer.rsplit_once('/');
    let around = around.map_or("", |(around, _)| around);
    match structure.code {
        // What cannot be read is not there for a rule, nor is what it should hold.
        "array-expected" | "array-not-allowed" | "choice-twice" | "empty-array"
        | "empty-object" | "empty-string" | "invalid-format" | "missing-element"
        | "not-an-object" | "null-value" | "unknown-code" | "wrong-json-type" => {
            is_below(&structure.pointer, &rule.pointer)
                || is_item_of(&structure.pointer, &rule.pointer)
                // An entry lacks what a rule says that it lacks.
                || structure.code == "missing-element"
                    && !around.is_empty()
                    && around == rule.pointer
        }
        // What is misspelt is not there, and not missing.
        "unknown-element" => structure.meant.as_ref().is_some_and(|meant| {
            is_below(&format!("{around}/{meant}"), &rule.pointer)
                || !around.is_empty() && around == rule.pointer
        }),
        "wrong-target-type" | "unknown-target-type" | "malformed-reference" => {
            structure.pointer == rule.pointer
                || structure.pointer.strip_suffix("/reference") == Some(&rule.pointer)
        }
        _ => false,
    }
}

/// Whether a pointer is that of an item of the list that the other one is of.
fn is_item_of(item: &str, list: &str) -> bool {
    let index = item
        .strip_prefix(list)
        .and_then(|rest| rest.strip_prefix('/'));
    index.is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()))
}

fn at(
    found: &Found<'_>,
    severity: Severity,
    code: &'static str,
    message: String,
    pointer: &str,
) -> Diagnostic {
    let place = match code {
        // It is the name that is wrong, not the value.
        "unknown-element" => found.part.key(&format!("{}{pointer}", found.pointer)),
        _ => found.place(pointer),
    };
    Diagnostic::new(severity, code, message)
        .with_label(place, "")
        .with_source(&found.part.file)
}

fn ordinal(n: usize) -> String {
    let ending = match (n % 10, n % 100) {
        (1, m) if m != 11 => "st",
        (2, m) if m != 12 => "nd",
        (3, m) if m != 13 => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}
