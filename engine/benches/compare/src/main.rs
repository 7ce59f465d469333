//! The engine side by side with `@medplum/core`, with `cedar-policy`, with its own slow evaluator
//! and with `serde_json`, in one run. Run it by `engine/benches/compare.sh`.
//!
//! Before anything is timed everybody answers every question; a different answer ends the run.

mod cedar;
mod peer;
#[path = "../../support/mod.rs"]
mod support;
mod timing;

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;

use cedar::{Cedar, Question};
use fhirward_engine::policy::{Interaction, Policy, PolicyDocument, Request};
use fhirward_engine::source::Source;
use fhirward_engine::source::json::Document;
use serde_json::{Value, json};
use support::corpus;
use timing::{Contestant, race};

type Fallible<T> = Result<T, Box<dyn Error>>;

const SIZES: [usize; 5] = [1, 5, 20, 100, 1000];
/// Communications that are decided on in turn.
const MESSAGES: usize = 64;
/// Resources of the export.
const EXPORTED: usize = 200;

/// One policy and what it says of each message.
struct Case {
    name: String,
    entries: Vec<Value>,
    policy: Policy,
    expected: Vec<bool>,
}

impl Case {
    fn new(kind: &str, entries: Vec<Value>, messages: &[Value]) -> Self {
        let policy = support::compile(&support::document(&entries));
        let expected = messages
            .iter()
            .map(|message| policy.decide(&Request::Read(message)).is_allowed())
            .collect();
        Self {
            name: format!("{kind}, {}", entries.len()),
            entries,
            policy,
            expected,
        }
    }

    fn check(&self, who: &str, answer: impl Fn(usize) -> bool) -> Fallible<()> {
        for (at, expected) in self.expected.iter().enumerate() {
            if answer(at) != *expected {
                return Err(format!(
                    "{who} does not say {expected} of message {at} with {}",
                    self.name
                )
                .into());
            }
        }
        Ok(())
    }
}

/// Messages of the export; every other one is to `Practitioner/p0`, whom the last entry is about.
fn messages() -> Vec<Value> {
    let mut messages = corpus::communications(MESSAGES);
    for message in messages.iter_mut().step_by(2) {
        if let Some(recipients) = message["recipient"].as_array_mut() {
            recipients
                .push(json!({"reference": "Practitioner/p0", "display": "Dr. Alex Example 0"}));
        }
    }
    messages
}

/// Nanoseconds of a decision.
struct Row {
    name: String,
    engine: f64,
    walking: f64,
    cedar: f64,
    medplum: f64,
}

fn decisions(case: &Case, messages: &[Value]) -> Fallible<Row> {
    let cedar = Cedar::new(&case.entries)?;
    let questions: Vec<Question> = messages
        .iter()
        .map(Question::new)
        .collect::<Fallible<_>>()?;
    let walk = |message| {
        case.policy
            .first_entry_by_walking(Interaction::Read, message)
    };
    case.check("the slow evaluator", |at| walk(&messages[at]).is_some())?;
    case.check("Cedar", |at| cedar.allows(&questions[at]))?;
    let [engine, walking] = race([
        Contestant::new(|| {
            for message in messages {
                black_box(case.policy.decide(black_box(&Request::Read(message))));
            }
        }),
        Contestant::new(|| {
            for message in messages {
                black_box(walk(black_box(message)));
            }
        }),
    ])
    .map(|nanos| nanos / messages.len() as f64);
    // By itself: its turns are so long that nobody else would get many.
    let [cedar] = race([Contestant::new(|| {
        for question in &questions {
            black_box(cedar.allows(black_box(question)));
        }
    })])
    .map(|nanos| nanos / messages.len() as f64);
    Ok(Row {
        name: case.name.clone(),
        engine,
        walking,
        cedar,
        medplum: f64::NAN,
    })
}

/// Nanoseconds of one resource, from its line of text.
struct FromText {
    bytes: usize,
    allowed: usize,
    serde_json: f64,
    parsed: f64,
    text: f64,
}

fn from_text(policy: &Policy, export: &str) -> Fallible<FromText> {
    let decider = policy
        .text_decider(Interaction::Read)
        .ok_or("reading is decided from text")?;
    let by_value = |line: &str| {
        serde_json::from_str::<Value>(line)
            .is_ok_and(|value| policy.decide(&Request::Read(&value)).is_allowed())
    };
    let mut allowed = 0;
    for line in decider.lines(export.as_bytes()) {
        let text = std::str::from_utf8(line.text)?;
        let answer = line.decision.is_ok_and(|decision| decision.is_allowed());
        if answer != by_value(text) {
            return Err(format!("line {} is decided otherwise from text", line.number).into());
        }
        allowed += usize::from(answer);
    }
    let [serde_json, parsed, text] = race([
        Contestant::new(|| {
            for line in black_box(export).lines() {
                black_box(serde_json::from_str::<Value>(line).is_ok());
            }
        }),
        Contestant::new(|| {
            for line in black_box(export).lines() {
                black_box(by_value(line));
            }
        }),
        Contestant::new(|| {
            for line in decider.lines(black_box(export.as_bytes())) {
                black_box(line.decision.is_ok());
            }
        }),
    ])
    .map(|nanos| nanos / EXPORTED as f64);
    Ok(FromText {
        bytes: export.len() / EXPORTED,
        allowed,
        serde_json,
        parsed,
        text,
    })
}

/// Nanoseconds until a policy can be asked, by the number of its entries.
struct Compile {
    entries: usize,
    assemble: f64,
    from_text: f64,
    cedar: f64,
}

fn compile(entries: usize) -> Fallible<Compile> {
    let list = support::same_type(entries);
    let text = support::access_policy(&list).to_string();
    let cedar_text = cedar::source(&list)?;
    let document = support::document(&list);
    let [assemble, from_text, cedar] = race([
        Contestant::new(|| {
            black_box(support::compile(black_box(&document)));
        }),
        Contestant::new(|| {
            let source = Source::new("policy.json", text.as_str());
            if let Ok(read) = Document::parse(&source) {
                let (policies, _, _) = PolicyDocument::from_json(&read);
                for policy in policies {
                    black_box(support::compile(&policy.into()));
                }
            }
        }),
        Contestant::new(|| {
            black_box(cedar_text.parse::<cedar_policy::PolicySet>().is_ok());
        }),
    ]);
    Ok(Compile {
        entries,
        assemble,
        from_text,
        cedar,
    })
}

fn run() -> Fallible<()> {
    let messages = messages();
    let mut cases: Vec<Case> = Vec::new();
    for size in SIZES {
        cases.push(Case::new("same type", support::same_type(size), &messages));
    }
    for size in SIZES {
        cases.push(Case::new(
            "other types",
            support::other_types(size),
            &messages,
        ));
    }
    let mut rows = cases
        .iter()
        .map(|case| decisions(case, &messages))
        .collect::<Fallible<Vec<Row>>>()?;
    let export = corpus::ndjson(&corpus::communications(EXPORTED));
    let twenty = support::compile(&support::document(&support::same_type(20)));
    let text = from_text(&twenty, &export)?;
    let compiled = [1, 20, 1000]
        .into_iter()
        .map(compile)
        .collect::<Fallible<Vec<_>>>()?;
    let questions = json!({
        "messages": messages,
        "cases": cases.iter().map(|case| json!({
            "name": case.name,
            "policy": support::access_policy(&case.entries),
            "expected": case.expected,
        })).collect::<Vec<_>>(),
        "export": {
            "text": export,
            "policy": support::access_policy(&support::same_type(20)),
            "allowed": text.allowed,
        },
    });
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../peers/medplum-core");
    let peer = peer::run(&folder, &questions)?;
    let nanos = |name: &str| peer.get(name).copied().ok_or(format!("no time for {name}"));
    for row in &mut rows {
        row.medplum = nanos(&row.name)?;
    }
    print(
        &rows,
        &text,
        &compiled,
        nanos("JSON.parse")?,
        nanos("JSON.parse, then decide")?,
    );
    targets(&rows, &text)
}

fn print(rows: &[Row], text: &FromText, compiled: &[Compile], parse: f64, parse_decide: f64) {
    println!("### A decision on a parsed Communication, in nanoseconds\n");
    println!(
        "| entries | engine | slow evaluator | cedar-policy | @medplum/core | slow ÷ engine | cedar ÷ engine | medplum ÷ engine |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    for row in rows {
        println!(
            "| {} | {:.0} | {:.0} | {:.0} | {:.0} | {:.1} | {:.0} | {:.0} |",
            row.name,
            row.engine,
            row.walking,
            row.cedar,
            row.medplum,
            row.walking / row.engine,
            row.cedar / row.engine,
            row.medplum / row.engine,
        );
    }
    println!(
        "\n### From NDJSON text to the decision, 20 entries, {} bytes a resource, one core\n",
        text.bytes
    );
    println!("| | ns a resource | resources a second | MB/s | of serde_json alone |");
    println!("|---|--:|--:|--:|--:|");
    for (name, nanos) in [
        ("text decider", text.text),
        ("serde_json::from_str::<Value> alone", text.serde_json),
        ("serde_json::from_str::<Value>, then decide", text.parsed),
        ("Node: JSON.parse alone", parse),
        ("Node: JSON.parse, then @medplum/core", parse_decide),
    ] {
        println!(
            "| {name} | {nanos:.0} | {:.0} | {:.0} | {:.2} × |",
            1e9 / nanos,
            text.bytes as f64 * 1e3 / nanos,
            text.serde_json / nanos,
        );
    }
    println!("\n### Until a policy can be asked, in microseconds\n");
    println!(
        "| entries | assemble and compile | from JSON text | an entry, from text | cedar-policy, from text |"
    );
    println!("|---|--:|--:|--:|--:|");
    for row in compiled {
        println!(
            "| {} | {:.1} | {:.1} | {:.2} | {:.1} |",
            row.entries,
            row.assemble / 1e3,
            row.from_text / 1e3,
            row.from_text / 1e3 / row.entries as f64,
            row.cedar / 1e3,
        );
    }
}

fn targets(rows: &[Row], text: &FromText) -> Fallible<()> {
    let of = |name: &str| {
        let row = rows.iter().find(|row| row.name == name);
        row.ok_or(format!("no row {name}"))
    };
    let slowest_peer = rows
        .iter()
        .map(|row| row.medplum / row.engine)
        .fold(f64::INFINITY, f64::min);
    println!("\n### Targets\n");
    println!("| target | measured | met |");
    println!("|---|--:|---|");
    let twenty = of("same type, 20")?;
    for (target, measured, met) in [
        (
            "at least 50 × faster than @medplum/core, 20 entries",
            twenty.medplum / twenty.engine,
            50.0..f64::INFINITY,
        ),
        ("the same in every row", slowest_peer, 50.0..f64::INFINITY),
        (
            "under 250 ns with 20 entries of the type",
            twenty.engine,
            0.0..250.0,
        ),
        (
            "1,000 entries of other types cost as one (ratio under 1.2)",
            of("other types, 1000")?.engine / of("other types, 1")?.engine,
            0.0..1.2,
        ),
        (
            "1,000 entries of the type under 5 × the cost of 20",
            of("same type, 1000")?.engine / twenty.engine,
            0.0..5.0,
        ),
        (
            "from text at least 3 × serde_json::from_str::<Value> alone",
            text.serde_json / text.text,
            3.0..f64::INFINITY,
        ),
    ] {
        let met = if met.contains(&measured) { "yes" } else { "no" };
        println!("| {target} | {measured:.2} | {met} |");
    }
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
