//! One misspelt key is one finding: what follows from it is not told too.

#![expect(
    clippy::panic,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a broken fixture should stop the test where it is"
)]

use std::collections::BTreeSet;
use std::path::PathBuf;

use fhirward_harness::Suite;
use fhirward_harness::scenario::{Files, LoadError};
use rstest::rstest;

/// The key that a line of a scenario begins with, if it is one of the file or of a step.
fn key(line: &str) -> Option<&str> {
    let rest = match line.strip_prefix("  - ").or(line.strip_prefix("    ")) {
        Some(rest) => rest,
        None => line,
    };
    let (key, _) = rest.split_once(':')?;
    (!key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')).then_some(key)
}

/// The text with the key of one line misspelt, for the first line of each key.
fn misspelt(text: &str) -> Vec<(String, String)> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    let longer = |key: &str| format!("{key}s");
    let shorter = |key: &str| key.chars().take(key.len() - 1).collect();
    for (at, line) in text.lines().enumerate() {
        let Some(key) = key(line).filter(|key| key.len() > 3 && seen.insert(key.to_owned())) else {
            continue;
        };
        for wrong in [longer(key), shorter(key)] {
            let lines = text.lines().enumerate().map(|(n, line)| {
                if n == at {
                    line.replacen(key, &wrong, 1)
                } else {
                    line.to_owned()
                }
            });
            all.push((wrong.clone(), lines.map(|line| line + "\n").collect()));
        }
    }
    all
}

#[rstest]
#[case::searches("searching-and-querying-threads/my-threads")]
#[case::captures("creating-your-first-thread/post-first-message")]
#[case::races("message-response-tracking-and-routing/claim-task")]
#[case::grants("thread-lifecycle-participants-access-control/added-participant-without-policy")]
#[case::sinks("messaging-automations/ooo-subscription")]
#[case::needs("external-messaging-integration-patterns/webhook-redelivery-dedup")]
#[case::eventually("searching-and-querying-threads/live-updates-websocket")]
fn one_misspelt_key_is_one_finding(#[case] scenario: &str) {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios"));
    let path = folder.join(scenario).with_extension("yaml");
    let files = Files::read(&[path]).unwrap_or_else(|error| panic!("{error:?}"));
    let [(path, text)] = &files.scenarios[..] else {
        panic!("one file");
    };
    let wrong = misspelt(text);
    assert!(wrong.len() > 10, "{}", wrong.len());
    for (key, text) in wrong {
        let mut files = files.clone();
        files.scenarios = vec![(path.clone(), text)];
        match Suite::check(&files) {
            Ok(_) => panic!("`{key}` is no mistake"),
            Err(LoadError::Invalid(findings)) => {
                let messages: Vec<_> = findings.iter().map(|f| (f.code, &f.message)).collect();
                assert!(
                    matches!(messages[..], [("scenario/unknown-key", _)]),
                    "{key}: {messages:#?}"
                );
            }
            Err(other) => panic!("{other}"),
        }
    }
}

const STATE: &str = r#"state: clinic
about: A pool with one task.
actors:
  alice: { profile: Practitioner, name: Dr. Alice Smith, policy: worker }
  bob:
    profile: Practitioner
    name: Dr. Bob Jones
    policy: [{ policy: worker, parameters: { me: "${bob}" } }]
  marge: { profile: RelatedPerson, name: Marge, policy: worker, patient: homer }
  homer: { profile: Patient, name: Homer, policy: worker }
outputs:
  task: the task in the pool
  thread: the header
steps:
  - step: make-thread
    create: Communication
    capture: thread
    body: { resourceType: Communication, status: in-progress }
  - step: make-task
    as: bob
    create: Task
    capture: task
    body: { resourceType: Task, status: requested, intent: order, for: { reference: "${homer}" } }
"#;

const RACE: &str = r#"scenario: race
title: Two claim
page: p
given: clinic
needs: [patch]
steps:
  - step: both
    race:
      - { as: bob, patch: "${task}", if-match: "${task.version}", body: [{ op: test, path: /status, value: requested }] }
      - { as: alice, patch: "${task}", if-match: "${task.version}", body: [{ op: test, path: /status, value: requested }] }
      - { as: marge, read: "${task}", expect: hidden }
    expect: { winners: 1, losers: [409, 412] }
    see:
      marge: { task: hidden }
  - step: cond
    race:
      - { as: bob, create: Task, if-none-exist: "identifier=1", body: { resourceType: Task, status: requested } }
      - { as: alice, create: Task, if-none-exist: "identifier=1", body: { resourceType: Task, status: requested } }
    capture: made
    expect: { winners: { exactly: 1, status: 201 }, losers: 200 }
  - step: one
    as: bob
    search: Task?identifier=1
    expect: { matches: [made] }
"#;

const BUNDLE: &str = r#"scenario: bundle
title: Transactions and patience
page: p
given: { state: clinic }
needs: [transaction, subscription]
uses-admin: true
sinks:
  inbox: { kind: http, replies: [500, 200] }
actors:
  carol: { profile: ClientApplication, name: Carol, policy: worker }
steps:
  - step: open
    as: bob
    transaction:
      - create: Communication
        capture: h
        body: { resourceType: Communication, status: in-progress, topic: { text: "${inbox}" } }
      - create: Communication
        capture: m1
        body: { resourceType: Communication, status: in-progress, partOf: [{ reference: "${h}" }] }
        expect: { status: 201 }
      - update: ${task}
        if-match: "${task.version}"
        body: { resourceType: Task, id: "${task.id}", status: accepted }
    see:
      marge: { h: hidden, m1: hidden }
  - step: find
    as: carol
    search: Communication?part-of=${h}
    eventually: { within: 2s, every: 100ms }
    expect: { matches: [m1] }
  - step: stay
    as: admin
    search: Communication
    throughout: { for: 500ms }
    expect: { matches: [thread], order: true }
  - step: delivered
    await: { sink: inbox, match: { "$.resourceType": Communication }, count: 2, within: 10s }
    capture:
      mid: $.id
    expect: { headers: { Content-Type: application/fhir+json } }
  - step: reads
    as: bob
    read: Communication/${mid}
  - step: more
    as: admin
    grant: { actor: carol, policy: worker, parameters: { me: "${carol}" } }
"#;

const POLICY: &str =
    r#"{ "resourceType": "AccessPolicy", "name": "w", "resource": [{ "resourceType": "Task" }] }"#;

fn suite(files: &[(&str, String)]) -> Result<Suite, LoadError> {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let root = folder.path().join("scenarios");
    for (name, text) in files {
        let path = root.join(name);
        let parent = path.parent().unwrap_or(&root);
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(&path, text))
            .unwrap_or_else(|error| panic!("{error}"));
    }
    Suite::load(&[root])
}

fn errors(result: Result<Suite, LoadError>) -> Vec<String> {
    match result {
        Ok(_) => Vec::new(),
        Err(LoadError::Invalid(findings)) => {
            let text = |f: &fhirward_engine::diagnostic::Diagnostic| {
                format!("{} {:?} {:?}", f.code, f.message, f.help)
            };
            findings.iter().map(text).collect()
        }
        Err(other) => panic!("{other}"),
    }
}

const FILES: [(&str, &str); 4] = [
    ("states/clinic.yaml", STATE),
    ("p/race.yaml", RACE),
    ("p/bundle.yaml", BUNDLE),
    ("policies/worker.json", POLICY),
];

fn with(name: &str, text: &str) -> Vec<(&'static str, String)> {
    let own = |file: &str, own: &str| if file == name { text } else { own }.to_owned();
    FILES.map(|(file, text)| (file, own(file, text))).to_vec()
}

/// The text with one key misspelt: the last two letters change places. For every key outside of
/// bodies, those that an author chose too.
fn slips(text: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let outside = line.split("body:").next().unwrap_or(line);
        for (at, _) in line.match_indices(": ").chain(line.match_indices(":\n")) {
            all.extend(slip(text, number, line, outside.len() + 4, at));
        }
        if line.ends_with(':') {
            all.extend(slip(text, number, line, line.len(), line.len() - 1));
        }
    }
    all
}

fn slip(
    text: &str,
    number: usize,
    line: &str,
    limit: usize,
    at: usize,
) -> Option<(String, String)> {
    let before = &line[..at];
    let start = before
        .rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .map_or(0, |place| place + 1);
    let key = &before[start..];
    let mut letters: Vec<char> = key.chars().collect();
    let last = letters.len().checked_sub(2)?;
    letters[last..].reverse();
    let wrong: String = letters.into_iter().collect();
    if at > limit || wrong == key || before.ends_with('"') {
        return None;
    }
    let line = format!("{}{wrong}{}", &line[..start], &line[at..]);
    let lines = text.lines().enumerate();
    let whole = lines.map(|(n, own)| format!("{}\n", if n == number { &line } else { own }));
    Some((format!("{}: {key} → {wrong}", number + 1), whole.collect()))
}

#[test]
fn the_files_are_right_before_anything_is_misspelt() {
    assert_eq!(errors(suite(&with("", ""))), Vec::<String>::new());
}

/// States, actors, entries, races, sinks, and the names that the author chose.
#[rstest]
#[case::state("states/clinic.yaml", STATE)]
#[case::race("p/race.yaml", RACE)]
#[case::bundle("p/bundle.yaml", BUNDLE)]
fn one_slip_is_one_error(#[case] name: &str, #[case] text: &str) {
    let all = slips(text);
    assert!(all.len() > 20, "{}", all.len());
    let wrong: Vec<_> = all
        .iter()
        // A header or a parameter of a policy may have any name.
        .filter(|(what, _)| !what.contains("Content-Type") && !what.contains("me →"))
        .map(|(what, text)| (what, errors(suite(&with(name, text)))))
        .filter(|(_, errors)| errors.len() != 1)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A wrong value where the language has its own: what depends on it is not wrong too.
#[rstest]
#[case::verb("p/race.yaml", "    search: Task", "    find: Task")]
#[case::verb_that_captures("states/clinic.yaml", "    create: Task", "    generate: Task")]
#[case::state_of_a_scenario("p/race.yaml", "given: clinic", "given: clinci")]
#[case::profile(
    "states/clinic.yaml",
    "bob:\n    profile: Practitioner",
    "bob:\n    profile: Pracitioner"
)]
#[case::kind_of_a_sink("p/bundle.yaml", "kind: http", "kind: htp")]
#[case::replies("p/bundle.yaml", "[500, 200]", "[500, ok]")]
#[case::method(
    "p/bundle.yaml",
    "    read: Communication/${mid}",
    "    request: GTE Communication/${mid}"
)]
#[case::need(
    "p/bundle.yaml",
    "[transaction, subscription]",
    "[transactino, subscription]"
)]
#[case::status("p/race.yaml", "expect: hidden", "expect: hiden")]
#[case::claim("p/race.yaml", "{ task: hidden }", "{ task: hiddn }")]
#[case::time("p/bundle.yaml", "{ for: 500ms }", "{ for: 500 }")]
#[case::count("p/bundle.yaml", "count: 2", "count: two")]
#[case::winners("p/race.yaml", "{ winners: 1,", "{ winners: one,")]
#[case::boolean("p/bundle.yaml", "uses-admin: true", "uses-admin: maybe")]
#[case::actors_as_a_list("p/bundle.yaml", "  carol: { profile", "  - carol: { profile")]
#[case::part_of_a_race("p/race.yaml", "{ as: marge, read:", "{ as: marge, see:")]
#[case::text_of_an_entry(
    "p/bundle.yaml",
    "      - create: Communication\n        capture: h",
    "      - create: 1\n        capture: h"
)]
#[case::yaml_of_a_state("states/clinic.yaml", "about: A", "about: [A")]
#[case::policy(
    "states/clinic.yaml",
    "name: Homer, policy: worker",
    "name: Homer, policy: wroker"
)]
fn one_wrong_value_is_one_error(#[case] name: &str, #[case] right: &str, #[case] wrong: &str) {
    let (_, text) = FILES.iter().find(|(file, _)| *file == name).unwrap();
    assert!(text.contains(right));
    let errors = errors(suite(&with(name, &text.replacen(right, wrong, 1))));
    assert_eq!(errors.len(), 1, "{errors:#?}");
}

/// Words of two or three letters are misspelt too.
#[test]
fn a_short_key_is_read_as_what_was_meant() {
    let text = RACE.replacen("    as: bob", "    sa: bob", 1);
    let errors = errors(suite(&with("p/race.yaml", &text)));
    assert!(
        matches!(&errors[..], [one] if one.contains("did you mean `as`?")),
        "{errors:#?}"
    );
}
