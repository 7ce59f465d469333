//! The verbs of the language against a scripted server: what is sent, and what is made of the answer.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up has failed"
)]

mod fake;

use std::path::Path;

use fake::{Fake, Sent, Socket};
use fhirward_harness::report::{Event, Report, StepVerdict, Style, Verdict, terminal};
use fhirward_harness::run::SnapshotMode;
use fhirward_harness::scenario::{Files, LoadError};
use fhirward_harness::{RunOptions, Suite, run};
use serde_json::{Value, json};

const POLICY: &str =
    r#"{"resourceType":"AccessPolicy","name":"all","resource":[{"resourceType":"*"}]}"#;
const HEAD: &str = "scenario: flow\ntitle: T\npage: p\nactors:\n  alice: { profile: Practitioner, name: Alice, policy: all }\n  house: { profile: Practitioner, name: House, policy: all }\n";

fn suite(rest: &str) -> Suite {
    let mut files = Files::default();
    files
        .scenarios
        .push(("s/p/flow.yaml".into(), format!("{HEAD}{rest}")));
    files
        .policies
        .insert(Path::new("s/policies/all.json").into(), POLICY.into());
    match Suite::check(&files) {
        Ok(suite) => suite,
        Err(LoadError::Invalid(findings)) => {
            let texts: Vec<String> = findings.iter().map(ToString::to_string).collect();
            panic!("{}", texts.join("\n"))
        }
        Err(error) => panic!("{error}"),
    }
}

async fn play(fake: &Fake, rest: &str) -> Report {
    let options = RunOptions {
        snapshots: SnapshotMode::Off,
        ..RunOptions::default()
    };
    let target = fake.target();
    run(&suite(rest), &target, &options, &mut |_: &Event| {})
        .await
        .report
}

fn words(report: &Report) -> String {
    terminal(report, Style::default())
}

/// Plays it, and everything must be as expected.
async fn passes(fake: &Fake, rest: &str) -> Report {
    let report = play(fake, rest).await;
    assert_eq!(
        report.scenarios[0].verdict,
        Verdict::Passed,
        "{}",
        words(&report)
    );
    assert_eq!(fake.leftovers(), Vec::<String>::new());
    report
}

/// Plays it, and tells what is wrong with its last step.
async fn fails(fake: &Fake, rest: &str) -> Vec<String> {
    let report = play(fake, rest).await;
    let step = report.scenarios[0].steps.last().unwrap();
    assert_ne!(step.verdict, StepVerdict::Passed, "{}", words(&report));
    assert_eq!(fake.leftovers(), Vec::<String>::new());
    step.problems.iter().map(|p| p.message.clone()).collect()
}

fn sent<'a>(all: &'a [Sent], method: &str, path: &str) -> &'a Sent {
    all.iter()
        .find(|sent| sent.method == method && sent.path == path)
        .unwrap_or_else(|| panic!("no {method} {path}"))
}

const TRANSACTION: &str = r#"steps:
  - step: open
    as: alice
    transaction:
      - create: Communication
        capture: thread
        body: { resourceType: Communication, status: in-progress }
      - create: Communication
        capture: m1
        body:
          resourceType: Communication
          status: in-progress
          partOf: [{ reference: "${thread}" }]
  - step: read
    as: house
    read: ${m1}
    expect:
      body: { "$.partOf[0].reference": "${thread}" }
      fhirpath: [status = 'in-progress']
  - step: close
    as: alice
    transaction:
      - patch: ${thread}
        if-match: ${thread.version}
        body: [{ op: replace, path: /status, value: completed }]
      - delete: ${m1}
"#;

#[tokio::test]
async fn a_transaction_names_its_entries_and_all_of_them_go_again() {
    let fake = Fake::start().await;
    passes(&fake, TRANSACTION).await;
    let all = fake.sent();
    let bundles: Vec<&Value> = all
        .iter()
        .filter(|sent| sent.method == "POST" && sent.path.is_empty())
        .map(|sent| &sent.body)
        .collect();
    let [open, close] = bundles.as_slice() else {
        panic!("{bundles:?}");
    };
    let url = open["entry"][0]["fullUrl"].as_str().unwrap();
    assert!(url.starts_with("urn:uuid:"), "{url}");
    assert_eq!(open["type"], "transaction");
    assert_eq!(open["entry"][1]["resource"]["partOf"][0]["reference"], url);
    assert_eq!(close["entry"][0]["request"]["ifMatch"], "W/\"1\"");
    assert_eq!(
        close["entry"][0]["resource"]["contentType"],
        "application/json-patch+json"
    );
    assert_eq!(close["entry"][1]["request"]["method"], "DELETE");
}

#[tokio::test]
async fn an_entry_that_is_not_as_expected_is_named() {
    let fake = Fake::start().await;
    let problems = fails(
        &fake,
        "steps:\n  - step: b\n    as: alice\n    batch:\n      - read: Patient/none\n      - { read: Patient/none, expect: hidden }\n",
    )
    .await;
    assert_eq!(
        problems,
        ["entry 1 (read Patient/none): expected success (2xx), got 404 (not-found)"]
    );
}

const CONDITIONAL: &str = r#"steps:
  - step: once
    as: alice
    createResourceIfNoneExist: Patient
    if-none-exist: identifier=1
    capture: homer
    body: { resourceType: Patient, identifier: [{ value: "1" }] }
  - step: again
    as: house
    create: Patient
    if-none-exist: identifier=1
    capture: same
    body: { resourceType: Patient, identifier: [{ value: "1" }] }
  - step: found
    as: house
    read: ${same}
    expect: { body: { "$.id": "${homer.id}" } }
  - step: other
    as: alice
    upsert: Patient?identifier=2
    capture: marge
    body: { resourceType: Patient, identifier: [{ value: "2" }] }
  - step: other-again
    as: alice
    upsert: Patient?identifier=2
    body: { resourceType: Patient, identifier: [{ value: "2" }], active: true }
    expect: { status: 200, body: { "$.id": "${marge.id}" } }
"#;

#[tokio::test]
async fn conditional_forms_create_once() {
    let fake = Fake::start().await;
    passes(&fake, CONDITIONAL).await;
    let all = fake.sent();
    assert_eq!(
        sent(&all, "POST", "Patient").headers["if-none-exist"],
        "identifier=1"
    );
}

const RACE: &str = r#"steps:
  - step: task
    as: alice
    create: Task
    capture: task
    body: { resourceType: Task, status: requested }
  - step: race
    race:
      - { as: alice, update: "${task}", if-match: "${task.version}", body: { resourceType: Task, id: "${task.id}", status: accepted } }
      - { as: house, update: "${task}", if-match: "${task.version}", body: { resourceType: Task, id: "${task.id}", status: accepted } }
"#;

#[tokio::test]
async fn exactly_one_wins_a_race() {
    let fake = Fake::start().await;
    let rest = format!(
        "{RACE}    expect: {{ winners: 1, losers: [409, 412] }}\n    see: {{ house: {{ task: visible }} }}\n"
    );
    let report = passes(&fake, &rest).await;
    let race = &report.scenarios[0].steps[1];
    assert_eq!(race.outcome.as_deref(), Some("1 of 2 succeeded"));
    assert_eq!(race.actor, "alice, house");

    let rest = format!("{RACE}    expect: {{ winners: 2 }}\n");
    let problems = fails(&fake, &rest).await;
    assert!(
        problems[0].starts_with("1 succeeded, expected 2: "),
        "{problems:?}"
    );
}

/// The race, with what each part must get. House comes with an old version, and so Alice wins.
fn race(parts: [&str; 2], whole: &str) -> String {
    let [one, other] = parts;
    let (head, rest) = RACE.split_once(" }\n      - { as: house").unwrap();
    let rest = rest.trim_end().trim_end_matches('}');
    let rest = rest.replace("${task.version}", "old");
    format!("{head}{one} }}\n      - {{ as: house{rest}{other} }}\n{whole}")
}

#[rstest::rstest]
#[case::range(["", ""], "    expect: { winners: { at-least: 1 } }\n", "at least 1 of 2 succeeded")]
#[case::both_ends(["", ""], "    expect: { winners: { at-least: 1, at-most: 2 } }\n", "1 to 2 of 2 succeeded")]
#[case::status(["", ""], "    expect: { winners: { exactly: 1, status: 412 }, losers: 200 }\n", "1 of 2 got 412")]
#[case::each_part([", expect: 2xx", ", expect: 4xx"], "", "1 of 2 succeeded")]
#[case::one_part([", expect: { status: 200, body: { \"$.status\": accepted } }", ""], "    expect: { winners: 1 }\n", "1 of 2 succeeded")]
#[tokio::test]
async fn a_race_ends_as_its_parts_say(
    #[case] parts: [&str; 2],
    #[case] whole: &str,
    #[case] outcome: &str,
) {
    let fake = Fake::start().await;
    let report = passes(&fake, &race(parts, whole)).await;
    let race = &report.scenarios[0].steps[1];
    assert_eq!(race.outcome.as_deref(), Some(outcome));
}

#[rstest::rstest]
#[case::too_few(["", ""], "    expect: { winners: { at-least: 2 } }\n", "1 succeeded, expected at least 2: ")]
#[case::too_many(["", ""], "    expect: { winners: { at-most: 0 } }\n", "1 succeeded, expected 0: alice 200, house 412")]
#[case::nobody(["", ""], "    expect: { winners: { exactly: 1, status: 201 }, losers: [200, 412] }\n", "0 got 201, expected 1: ")]
#[case::part([", expect: hidden", ""], "    expect: { winners: 1 }\n", "part 1 (alice): expected hidden, got 200: alice got through")]
#[case::body([", expect: { body: { \"$.status\": draft } }", ""], "    expect: { winners: 1 }\n", "part 1 (alice): `$.status` is \"accepted\", expected \"draft\"")]
#[tokio::test]
async fn a_race_that_ends_otherwise(
    #[case] parts: [&str; 2],
    #[case] whole: &str,
    #[case] problem: &str,
) {
    let fake = Fake::start().await;
    let problems = fails(&fake, &race(parts, whole)).await;
    assert!(problems[0].starts_with(problem), "{problems:?}");
}

/// An OperationOutcome is not compared with what a resource must hold, nor the other way round.
#[rstest::rstest]
#[case::refused(
    "read: Patient/none\n    expect: { body: { \"$.status\": x }, fhirpath: [status = 'x'] }",
    &["expected success (2xx), got 404 (not-found)", "`body` and `fhirpath` are not judged: this is another kind of answer"]
)]
#[case::got_through(
    "read: ${house}\n    expect: { status: 403, outcome: forbidden }",
    &["expected 403, got 200: alice got through", "`outcome` is not judged: this is another kind of answer"]
)]
#[case::search(
    "search: Nothing?x=y\n    expect: { status: 403, outcome: forbidden }",
    &["expected 403, got 200", "`outcome` is not judged: this is another kind of answer"]
)]
#[case::another_refusal(
    "read: Patient/none\n    expect: { status: 403, outcome: forbidden }",
    &["expected 403, got 404 (not-found)", "expected the issue code `forbidden`, got not-found"]
)]
#[tokio::test]
async fn another_kind_of_answer_is_not_compared(#[case] verb: &str, #[case] expected: &[&str]) {
    let fake = Fake::start().await;
    let rest = format!("steps:\n  - step: a\n    as: alice\n    {verb}\n");
    assert_eq!(fails(&fake, &rest).await, expected);
}

/// Who expects 404 and gets another refusal hears of the word that takes them all.
#[tokio::test]
async fn another_refusal_than_the_one_that_is_named() {
    let fake = Fake::start().await;
    let rest =
        "steps:\n  - step: a\n    as: alice\n    read: Patient/none\n    expect: { status: 403 }\n";
    let report = play(&fake, rest).await;
    let problem = &report.scenarios[0].steps[0].problems[0];
    assert_eq!(problem.message, "expected 403, got 404 (not-found)");
    let help = problem.help.as_deref().unwrap();
    assert!(
        help.starts_with(
            "servers differ in how they refuse; `expect: hidden` takes `403`, `404` and `410` alike"
        ),
        "{help}"
    );
}

const RAW: &str = r#"steps:
  - step: upload
    as: alice
    create: Binary
    content-type: text/plain
    headers: { X-Security-Context: "${alice}" }
    capture: letter
    body: Dear ${house}
  - step: download
    as: house
    request: GET ${letter}
    headers: { Accept: text/plain }
    expect: { status: 200, media-type: text/plain, text: "Dear ${house}", headers: { ETag: present, Location: absent } }
  - step: bytes
    as: alice
    request: POST Binary
    content-type: application/octet-stream
    base64: aGVsbG8=
    capture: raw
    expect: { status: 201 }
  - step: root
    as: alice
    request: GET /auth/me
    capture: { me: $.profile.reference }
    expect: { body: { "$.profile.reference": "${alice}" } }
  - step: parameters
    as: alice
    operation: $echo
    parameters: { text: "${me}", count: 3, flag: true, code: { valueCode: x } }
    capture: { count: "parameter.where(name = 'count').valueInteger" }
    expect:
      body: { "$.parameter[*].name": [text, count, flag, code], "$.parameter[0].valueString": "${alice}" }
  - step: keeps-its-type
    as: alice
    operation: $echo
    body: { resourceType: Parameters, parameter: [{ name: again, valueInteger: "${count}" }] }
    expect: { body: { "$.parameter[0].valueInteger": 3 } }
  - step: remove
    as: alice
    delete: ${raw}
  - step: nobody
    as: anonymous
    read: ${alice}
    expect: { status: 401 }
"#;

#[tokio::test]
async fn any_media_type_and_any_path() {
    let fake = Fake::start().await;
    passes(&fake, RAW).await;
    let all = fake.sent();
    let upload = sent(&all, "POST", "Binary");
    assert!(
        upload.headers["x-security-context"]
            .to_str()
            .unwrap()
            .starts_with("Practitioner/")
    );
    assert!(
        upload.text.starts_with("Dear Practitioner/"),
        "{}",
        upload.text
    );
}

#[tokio::test]
async fn a_history_is_read_to_its_end() {
    let fake = Fake::start().await;
    let mut rest = String::from(
        "steps:\n  - step: t\n    as: alice\n    create: Task\n    capture: task\n    body: { resourceType: Task, status: draft }\n",
    );
    for (index, status) in ["requested", "accepted", "completed"].iter().enumerate() {
        rest.push_str(&format!("  - step: u{index}\n    as: alice\n    update: ${{task}}\n    body: {{ resourceType: Task, id: \"${{task.id}}\", status: {status} }}\n"));
    }
    rest.push_str("  - step: h\n    as: house\n    history: ${task}\n    expect: { body: { \"$.entry[*].resource.status\": [completed, accepted, requested, draft] } }\n");
    passes(&fake, &rest).await;
}

#[tokio::test]
async fn eventually_waits_and_throughout_watches() {
    let fake = Fake::start().await;
    // The fake server finds a Task from the third search on, and loses it again at the sixth.
    let create = "steps:\n  - step: t\n    as: alice\n    create: Task\n    capture: task\n    body: { resourceType: Task, status: draft }\n";
    let look = "  - step: look\n    as: house\n    search: Task?lagging=1\n";
    let report = passes(
        &fake,
        &format!("{create}{look}    eventually: {{ within: 60s, every: 1ms }}\n    expect: {{ matches: [task] }}\n"),
    )
    .await;
    assert_eq!(report.scenarios[0].steps[1].looks, 3);
    let problems = fails(
        &fake,
        &format!("{create}{look}    throughout: {{ for: 60s, every: 1ms }}\n    expect: {{ matches: [task] }}\n"),
    )
    .await;
    assert!(
        problems[0].starts_with("does not find task (not for 60000 ms"),
        "{problems:?}"
    );
}

#[tokio::test]
async fn what_is_not_offered_is_skipped_and_nothing_is_wrong() {
    let fake = Fake::start().await;
    let rest = "steps:\n  - step: ok\n    as: alice\n    read: ${house}\n  - step: a\n    needs: [revinclude]\n    as: alice\n    create: Task\n    capture: t\n    body: { resourceType: Task }\n  - step: b\n    as: alice\n    read: ${t}\n";
    let report = passes(&fake, rest).await;
    let verdicts: Vec<StepVerdict> = report.scenarios[0]
        .steps
        .iter()
        .map(|s| s.verdict)
        .collect();
    assert_eq!(
        verdicts,
        [
            StepVerdict::Passed,
            StepVerdict::Skipped,
            StepVerdict::Skipped
        ]
    );
    assert_eq!(report.summary().exit_code(), 0);

    let whole = play(
        &fake,
        "needs: [conditional-delete]\nsteps:\n  - step: a\n    as: alice\n    read: ${house}\n",
    )
    .await;
    assert_eq!(whole.scenarios[0].verdict, Verdict::Skipped);
    assert_eq!(
        whole.scenarios[0].reason.as_deref(),
        Some("needs conditional-delete: the CapabilityStatement does not list it")
    );
    assert_eq!(whole.summary().exit_code(), 6, "nothing was played");
}

#[tokio::test]
async fn a_probe_is_recorded_and_never_fails() {
    let fake = Fake::start().await;
    let rest = "steps:\n  - step: p\n    probe: true\n    as: alice\n    read: Patient/none\n";
    let report = passes(&fake, rest).await;
    let step = &report.scenarios[0].steps[0];
    assert!(step.probe);
    assert_eq!(step.outcome.as_deref(), Some("404 not-found"));
    assert_eq!(step.problems.len(), 1);
}

const HOOK: &str = r#"sinks:
  inbox: { replies: [500, 200] }
actors2: {}
steps:
  - step: subscribe
    as: alice
    create: Subscription
    capture: subscription
    body: { resourceType: Subscription, status: active, channel: { type: rest-hook, endpoint: "${inbox}" } }
  - step: write
    as: house
    create: Communication
    capture: m1
    body: { resourceType: Communication, status: in-progress }
  - step: delivered
    await: { sink: inbox, match: { "$.id": "${m1.id}" }, count: 2, within: 60s }
    capture: { status: status }
    expect: { headers: { Content-Type: application/fhir+json }, fhirpath: [status = 'in-progress'] }
  - step: no-more
    await: { sink: inbox, count: 0, within: 20ms }
  - step: use
    as: alice
    operation: $echo
    parameters: { status: "${status}" }
"#;

#[tokio::test]
async fn a_sink_takes_what_the_server_sends_and_sees_it_again_after_a_500() {
    let fake = Fake::start().await;
    let rest = HOOK.replace("actors2: {}\n", "");
    let report = passes(&fake, &rest).await;
    let step = &report.scenarios[0].steps[2];
    assert_eq!(step.outcome.as_deref(), Some("2 delivered"));
    assert_eq!(step.actor, "harness");
}

const LIVE: &str = r#"sinks:
  live: { kind: websocket }
steps:
  - step: create
    as: alice
    create: Subscription
    capture: subscription
    body: { resourceType: Subscription, status: active, channel: { type: websocket } }
  - step: listen
    as: alice
    subscribe: ${subscription}
    into: live
  - step: write
    as: house
    create: Communication
    capture: m1
    body: { resourceType: Communication, status: in-progress }
  - step: notified
    await:
      sink: live
      match: { "$.entry[?@.resource.resourceType == 'Communication'].resource.id": "${m1.id}" }
      within: 60s
"#;

#[tokio::test]
async fn a_websocket_is_bound_and_its_notifications_arrive() {
    let fake = Fake::start().await;
    let report = passes(&fake, LIVE).await;
    assert!(!words(&report).contains(fake::BINDING_TOKEN));
    let document = json!(report.scenarios).to_string();
    assert!(!document.contains(fake::BINDING_TOKEN), "{document}");
}

/// A WebSocket that is dead or was refused delivers nothing, and that proves nothing: neither that
/// nothing was sent, nor that the server failed to send it.
#[rstest::rstest]
#[case::refused(
    Socket::Refuses,
    StepVerdict::Error,
    StepVerdict::Blocked,
    "the server refuses over the WebSocket: security"
)]
#[case::closed(
    Socket::Closes,
    StepVerdict::Passed,
    StepVerdict::Error,
    "the server has closed the WebSocket (1008): no longer yours"
)]
#[case::broken(Socket::Breaks, StepVerdict::Passed, StepVerdict::Error, "WebSocket")]
#[tokio::test]
async fn a_dead_websocket_proves_no_silence(
    #[case] socket: Socket,
    #[case] listening: StepVerdict,
    #[case] waiting: StepVerdict,
    #[case] reason: &str,
    #[values("", "count: 0")] count: &str,
) {
    let fake = Fake::with_socket(socket).await;
    let within = match waiting {
        StepVerdict::Blocked => "within: 60s",
        // That the socket has ended is known long before.
        _ => "within: 10s",
    };
    let suite = LIVE.replace("within: 60s", &format!("{within}\n      {count}"));
    let report = play(&fake, &suite).await;
    let verdict = |id: &str| {
        let steps = &report.scenarios[0].steps;
        steps.iter().find(|step| step.id == id).unwrap().verdict
    };
    assert_eq!(verdict("listen"), listening, "{}", words(&report));
    assert_eq!(verdict("notified"), waiting, "{}", words(&report));
    assert!(words(&report).contains(reason), "{}", words(&report));
    assert_eq!(report.summary().exit_code(), 3, "{}", words(&report));
    assert_eq!(fake.leftovers(), Vec::<String>::new());
}

/// Where nobody told the server of a sink, silence proves nothing.
#[rstest::rstest]
#[case::websocket(LIVE, "status: active", "status: refused", StepVerdict::Blocked)]
#[case::hook(HOOK, "status: active", "status: refused", StepVerdict::Blocked)]
#[case::not_offered(
    HOOK,
    "create: Subscription\n",
    "needs: [conditional-delete]\n    create: Subscription\n",
    StepVerdict::Skipped
)]
#[tokio::test]
async fn what_cannot_arrive_is_not_waited_for(
    #[case] suite: &str,
    #[case] from: &str,
    #[case] to: &str,
    #[case] verdict: StepVerdict,
) {
    let fake = Fake::start().await;
    let suite = suite.replace("actors2: {}\n", "");
    assert!(suite.contains(from));
    let report = play(&fake, &suite.replacen(from, to, 1)).await;
    let waits = report.scenarios[0]
        .steps
        .iter()
        .filter(|s| s.verb == "await");
    for step in waits {
        assert_eq!(step.verdict, verdict, "{}", words(&report));
    }
}

#[tokio::test]
async fn a_program_acts_as_itself() {
    let fake = Fake::start().await;
    let suite = "  bot: { profile: ClientApplication, name: Reminder, policy: all }\nsteps:\n  - step: a\n    as: bot\n    create: Task\n    capture: t\n    body: { resourceType: Task, requester: { reference: \"${bot}\" } }\n    expect: { fhirpath: [\"requester.reference.startsWith('ClientApplication/')\"] }\n";
    passes(&fake, suite).await;
}

#[tokio::test]
async fn a_run_that_is_stopped_while_it_waits_says_so_and_cleans_up() {
    let fake = Fake::start().await;
    let rest = HOOK
        .replace("actors2: {}\n", "")
        .replace("count: 2, within: 60s", "count: 9, within: 60m");
    let options = RunOptions {
        snapshots: SnapshotMode::Off,
        ..RunOptions::default()
    };
    let (cancel, target) = (options.cancel.clone(), fake.target());
    let report = run(&suite(&rest), &target, &options, &mut |event: &Event| {
        // The next step waits for what never comes.
        if matches!(event, Event::MatrixObserved { after, .. } if after == "write") {
            let cancel = cancel.clone();
            // However long that is, the end is the same: stopped, and cleaned up.
            tokio::spawn(async move {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                cancel.cancel();
            });
        }
    })
    .await
    .report;
    assert_eq!(
        report.scenarios[0].verdict,
        Verdict::Skipped,
        "{}",
        words(&report)
    );
    assert_eq!(report.summary().exit_code(), 130);
    assert_eq!(fake.leftovers(), Vec::<String>::new());
}
