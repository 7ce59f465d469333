//! `fhirward thread check`: are these valid Communications, and do they form threads?

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::Source;
use fhirward_engine::thread::{Summary, ThreadIndex, Threads};
use serde_json::{Map, Value, json};

use super::checker::{Checker, Outcome};
use super::found::{self, Item};
use super::inputs::Inputs;
use super::masked::masked;
use super::parallel::{self, Batch};
use super::remote::Remote;
use super::rules;
use super::who::Who;
use crate::commands::policy::check::levels::Levels;
use crate::config::{self, Catalogue, Date, Shape};
use crate::exit::Exit;
use crate::findings::{File, Finding, Report, Subject};
use crate::output::{Failure, Format, Output};
use crate::render;

/// What `fhirward.toml` may say about this command.
const SHAPE: Shape<'static> = Shape {
    section: "thread",
    subject: "resource",
    part: "element",
    server_version: false,
};

/// The code of what a server refused to give.
const NOT_GIVEN: &str = "thread/not-given";
/// The longest silence while a large input is read.
const SILENCE: Duration = Duration::from_secs(10);

/// Check Communications: R4 structure, and the rules of headers, messages and threads.
///
/// All files are looked at together, so a header in one file and its messages in another are one
/// thread. References to what is in none of the files are not followed. Files are read twice and
/// not kept, so they may be larger than the memory. What people wrote is not shown.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// JSON or NDJSON files, also as .gz: a resource, an array, a Bundle, or one resource a line. A
    /// folder stands for the *.json, *.ndjson and *.jsonl in it; a pattern such as 'out/**/*.json' for
    /// what it matches; - is standard input.
    #[arg(required_unless_present_any = ["explain", "list_rules", "server"], value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    remote: Remote,
    /// Only what belongs to this thread: the id of its header.
    #[arg(long, value_name = "ID")]
    thread: Option<String>,
    #[command(flatten)]
    who: Who,
    /// Write the result into this file, whole or not at all, and the text for people to standard
    /// error.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The configuration, instead of the nearest fhirward.toml in this folder or above.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    levels: Levels,
    /// Findings of each rule that are kept; the others are counted.
    #[arg(long, value_name = "N", default_value_t = 200)]
    max_findings: usize,
    /// Show what people wrote where a finding quotes it or shows the lines around it.
    #[arg(long)]
    show_text: bool,
    /// How many threads of the processor to use. Without: all of them.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Print the page of a rule: what it says, why, what to do.
    #[arg(long, value_name = "RULE", conflicts_with_all = ["paths", "list_rules"])]
    explain: Option<String>,
    /// List the rules.
    #[arg(long, conflicts_with = "paths")]
    list_rules: bool,
}

impl Args {
    /// A server stands instead of files and of the pages of rules.
    fn one_input(&self) -> Result<(), Failure> {
        let other = if self.explain.is_some() {
            "--explain"
        } else if self.list_rules {
            "--list-rules"
        } else if !self.paths.is_empty() {
            "files"
        } else {
            return Ok(());
        };
        if !self.remote.is_named() {
            return Ok(());
        }
        let text = format!("--server cannot be used with {other}");
        let help = "one command checks what is on a server or what is in files: run it once for \
                    each; --explain and --list-rules need neither";
        let finding = Diagnostic::error("thread/server-and-files", text);
        Err(Failure::usage(finding.with_help(help)))
    }
}

/// Prints the findings; errors mean that a rule is broken.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    args.one_input()?;
    if let Some(name) = &args.explain {
        return rules::explain(name, output);
    }
    if args.list_rules {
        return rules::list(output);
    }
    let rules = rules::all(output.format() == Format::Sarif);
    let catalogue = Catalogue::new(&rules);
    let section = config::load(args.config.as_deref(), &SHAPE, &catalogue)?;
    let levels = args.levels.read(&catalogue)?;
    let policies = args.who.read()?;
    let people = if args.output.is_some() {
        output.for_people()
    } else {
        output
    };
    let (inputs, as_whom) = match args.remote.fetch(people)? {
        Some(fetched) => {
            let as_whom = (fetched.signed_in_as, fetched.not_given);
            (fetched.answers, Some(as_whom))
        }
        None => (Inputs::open(&args.paths)?, None),
    };
    let jobs = args.jobs.unwrap_or_else(cores);

    let mut clock = Clock::new(people);
    let (threads, numbers) = index_all(&inputs, jobs, &mut |count| clock.tick("indexed", count))?;
    let checker = Checker::new(
        &threads,
        &policies,
        args.thread.as_deref().map(header_reference),
        args.show_text,
    );
    let mut pass = Pass::new(args);
    let work = |batch: Batch| {
        let first = numbers.get(batch.number).copied();
        checker.check(first.unwrap_or(usize::MAX), batch)
    };
    parallel::each(&inputs, jobs, &work, &mut |outcome| {
        pass.take(outcome);
        clock.tick("checked", pass.checked);
    })?;

    let files = pass.files(&inputs);
    let summary = threads.summary();
    let checked = pass.checked;
    let omitted = pass.omitted();
    let not_given = as_whom.iter().flat_map(|(_, not_given)| not_given);
    let mut findings: Vec<Finding> = not_given.map(|text| unseen(text)).collect();
    findings.extend(pass.findings);
    let mut report = Report {
        command: "thread check",
        rules,
        files,
        findings,
        omitted,
        ..Report::default()
    };
    config::apply(&mut report, &section, &levels, Date::today());

    let exit = exit(&report, checked);
    let mut more = more(checked, &summary, &report.omitted);
    if let Some((who, not_given)) = as_whom {
        more.insert("signed_in_as".to_owned(), who.into());
        more.insert("not_checked".to_owned(), not_given.into());
    }
    report.write(exit, more, output, args.output.as_deref())?;
    let place = match inputs.names().next() {
        Some(server) if inputs.is_server() => format!("on {server}"),
        _ => format!("in {}", render::plural(report.files.len(), "file")),
    };
    say(people, &place, &report, checked, &summary);
    if let Some(section) = section.source.filter(|_| !report.excepted.is_empty()) {
        let count = report.excepted.len();
        let excepted = render::counted(count, "finding is", "findings are");
        people.say(&format!("{excepted} excepted in {}", section.name));
    }
    if exit == Exit::NothingSelected {
        people.say(match &args.thread {
            Some(_) => "nothing to check: there is no such thread",
            None if inputs.is_server() => {
                "nothing to check: there is no resource that the actor sees"
            }
            None if report.files.is_empty() => {
                "nothing to check: no file there ends in .json, .ndjson or .jsonl, or in one of \
                 these and .gz"
            }
            None => "nothing to check: there is no resource",
        });
    }
    Ok(exit)
}

/// The silence of the rules that need what a server did not give is no approval.
fn unseen(what: &str) -> Finding {
    let help = "let an actor check who may see it, or know that these rules have said nothing";
    let diagnostic = Diagnostic::warning(NOT_GIVEN, what).with_help(help);
    Finding {
        rule: NOT_GIVEN.to_owned(),
        diagnostic,
        thread: None,
    }
}

/// The first pass.
pub fn index(inputs: &Inputs, tick: &mut dyn FnMut(usize)) -> Result<Threads, Failure> {
    index_all(inputs, cores(), tick).map(|(threads, _)| threads)
}

/// The first pass, and the number of the first resource of each batch: in the second pass, batches
/// are looked at in any order.
fn index_all(
    inputs: &Inputs,
    jobs: NonZeroUsize,
    tick: &mut dyn FnMut(usize),
) -> Result<(Threads, Vec<usize>), Failure> {
    let mut index = ThreadIndex::new();
    let mut numbers = Vec::new();
    // A worker keeps the keys alone: what it parsed goes where it came from.
    let keys = |batch: Batch| {
        let mut keys = ThreadIndex::new();
        batch.each(&mut |unit| {
            let Ok(value) = unit.value() else {
                return;
            };
            found::each(&value, &mut |item| match item {
                Item::Resource(_, resource) => {
                    keys.add(resource);
                }
                Item::Deleted(reference) => keys.delete(reference),
                Item::Container(..) | Item::NoResource(_) => {}
            });
        });
        keys
    };
    parallel::each(inputs, jobs, &keys, &mut |keys| {
        numbers.push(index.len());
        index.append(&keys);
        tick(index.len());
    })?;
    if index.is_full() {
        let finding = Diagnostic::error(
            "thread/too-many",
            "these are more resources than one check can tell apart",
        );
        return Err(Failure::new(
            Exit::CouldNotRun,
            finding.with_help("check whole threads, a part of them at a time"),
        ));
    }
    Ok((index.seal(), numbers))
}

/// As many as this machine can run at a time.
fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// `Communication/ID`, given with or without the type.
pub fn header_reference(id: &str) -> String {
    let id = id.strip_prefix("Communication/").unwrap_or(id);
    format!("Communication/{id}")
}

/// What the second pass leaves.
struct Pass {
    most: usize,
    show_text: bool,
    checked: usize,
    findings: Vec<Finding>,
    counts: HashMap<&'static str, usize>,
    /// What was found in which file, in order.
    subjects: BTreeMap<String, Vec<Subject>>,
    /// The text of the file at hand as findings show it.
    shown: Option<(Arc<Source>, Arc<Source>)>,
}

impl Pass {
    fn new(args: &Args) -> Self {
        Pass {
            most: args.max_findings,
            show_text: args.show_text,
            checked: 0,
            findings: Vec::new(),
            counts: HashMap::new(),
            subjects: BTreeMap::new(),
            shown: None,
        }
    }

    fn take(&mut self, outcome: Outcome) {
        self.checked += outcome.checked;
        for (file, subject) in outcome.subjects {
            match self.subjects.get_mut(&file.name) {
                Some(subjects) => subjects.push(subject),
                None => {
                    self.subjects.insert(file.name.clone(), vec![subject]);
                }
            }
        }
        for found in outcome.found {
            self.add(found.rule, found.diagnostic, found.thread);
        }
    }

    fn add(&mut self, rule: &'static str, diagnostic: Diagnostic, thread: Option<String>) {
        let count = self.counts.entry(rule).or_insert(0);
        *count += 1;
        if *count > self.most {
            return;
        }
        let diagnostic = self.hidden(diagnostic);
        self.findings.push(Finding {
            rule: rule.to_owned(),
            diagnostic,
            thread,
        });
    }

    /// The finding with a text around it that says nothing of what people wrote.
    fn hidden(&mut self, mut diagnostic: Diagnostic) -> Diagnostic {
        if self.show_text {
            return diagnostic;
        }
        let Some(source) = diagnostic.source.take() else {
            return diagnostic;
        };
        let shown = match &self.shown {
            Some((real, shown)) if Arc::ptr_eq(real, &source) => Arc::clone(shown),
            _ => {
                let text = masked(&source.text);
                let shown = Source::part(source.name.as_str(), text, source.before);
                self.shown = Some((source, Arc::clone(&shown)));
                shown
            }
        };
        diagnostic.with_source(&shown)
    }

    fn files(&mut self, inputs: &Inputs) -> Vec<File> {
        if inputs.is_server() {
            // A server has no files; each resource stands for itself.
            let subjects = std::mem::take(&mut self.subjects).into_iter();
            return subjects
                .map(|(name, subjects)| File {
                    source: Source::new(name, ""),
                    subjects,
                })
                .collect();
        }
        inputs
            .names()
            .map(|name| File {
                source: Source::new(name, ""),
                subjects: self.subjects.remove(name).unwrap_or_default(),
            })
            .collect()
    }

    /// How many findings of which rule were not kept.
    fn omitted(&self) -> BTreeMap<String, usize> {
        self.counts
            .iter()
            .filter(|(_, count)| **count > self.most)
            .map(|(rule, count)| ((*rule).to_owned(), count - self.most))
            .collect()
    }
}

fn exit(report: &Report, checked: usize) -> Exit {
    // What could not be read has a code with an area; rules have ids, and structure has words.
    let is_unreadable = |finding: &&Finding| finding.rule.contains('/');
    let mut errors = report
        .findings
        .iter()
        .filter(|finding| finding.diagnostic.is_error());
    if errors.clone().any(|finding| is_unreadable(&finding)) {
        Exit::Invalid
    } else if errors.next().is_some() {
        Exit::Failed
    } else if checked == 0 {
        Exit::NothingSelected
    } else {
        Exit::Ok
    }
}

fn more(
    checked: usize,
    summary: &Summary,
    omitted: &BTreeMap<String, usize>,
) -> Map<String, Value> {
    let mut more = Map::new();
    more.insert("resources".to_owned(), checked.into());
    more.insert(
        "threads".to_owned(),
        json!({
            "headers": summary.threads,
            "messages": summary.messages,
            "orphans": summary.orphans,
            "standalone": summary.standalone,
        }),
    );
    more.insert("omitted".to_owned(), json!(omitted));
    more
}

fn say(people: Output, place: &str, report: &Report, checked: usize, summary: &Summary) {
    let what = [
        render::plural(checked, "resource"),
        render::plural(summary.threads, "thread"),
    ];
    people.say(&format!("{} {place}: {}", what.join(", "), report.count()));
    if summary.orphans > 0 {
        let orphans = render::counted(summary.orphans, "message is", "messages are");
        people.say(&format!(
            "{orphans} of threads whose header is not among them"
        ));
    }
    if !report.omitted.is_empty() {
        let omitted = &report.omitted;
        let each: Vec<String> = omitted
            .iter()
            .map(|(rule, count)| format!("{count} of {rule}"))
            .collect();
        people.say(&format!(
            "not listed (see --max-findings): {}",
            each.join(", ")
        ));
    }
}

/// Says now and then how far a large input is.
struct Clock {
    output: Output,
    last: Instant,
}

impl Clock {
    fn new(output: Output) -> Self {
        Clock {
            output,
            last: Instant::now(),
        }
    }

    fn tick(&mut self, what: &str, count: usize) {
        if self.last.elapsed() >= SILENCE {
            self.last = Instant::now();
            self.output
                .say(&format!("{} {what}", render::plural(count, "resource")));
        }
    }
}
