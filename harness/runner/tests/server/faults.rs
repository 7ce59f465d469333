//! Servers that break, hang, lie and leak.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::suite;
use crate::support::{Call, Fake, Fault, limits, target};
use axum::http::Method;
use fhirward_harness::client::{Credentials, Limits};
use fhirward_harness::expect::CellVerdict;
use fhirward_harness::report::{
    Event, Report, ScenarioReport, StepVerdict, Style, Verdict, json, terminal,
};
use fhirward_harness::run::{Cancel, SnapshotMode};
use fhirward_harness::{RunOptions, RunOutcome, run};
use secrecy::SecretString;
use serde_json::{Value, json};

const HTML: &str = "<!doctype html><html><head><title>Sign in to Proxy</title></head></html>";

pub fn options() -> RunOptions {
    RunOptions {
        limits: limits(),
        snapshots: SnapshotMode::Off,
        ..RunOptions::default()
    }
}

async fn scripted(script: impl Fn(&Call) -> Fault + Send + Sync + 'static) -> (Fake, RunOutcome) {
    let fake = Fake::scripted("a", script).await;
    let outcome = play(&fake, &options()).await;
    (fake, outcome)
}

pub async fn play(fake: &Fake, options: &RunOptions) -> RunOutcome {
    play_at(&fake.target(), options).await.0
}

pub async fn play_at(
    target: &fhirward_harness::client::Target,
    options: &RunOptions,
) -> (RunOutcome, Vec<Event>) {
    let folder = tempfile::tempdir().unwrap();
    suite::write(folder.path());
    let suite = suite::load(folder.path());
    let mut events = Vec::new();
    let outcome = run(&suite, target, options, &mut |event: &Event| {
        events.push(event.clone());
    })
    .await;
    assert_valid(&outcome.report);
    (outcome, events)
}

/// Every report follows the published schema.
pub fn assert_valid(report: &Report) {
    let schema: Value =
        serde_json::from_str(include_str!("../../../../docs/schema/report.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let document = json(report);
    // Through text, as a reader gets it.
    let document: Value = serde_json::from_str(&document.to_string()).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, Vec::<String>::new());
}

pub fn only(outcome: &RunOutcome) -> &ScenarioReport {
    &outcome.report.scenarios[0]
}

/// The report without what differs from run to run.
pub fn words(outcome: &RunOutcome) -> String {
    let mut report = outcome.report.clone();
    report.duration_ms = 0;
    for policy in &mut report.policies {
        policy.file = policy.file.rsplit('/').next().unwrap().to_owned();
    }
    for scenario in &mut report.scenarios {
        scenario.duration_ms = 0;
        for step in &mut scenario.steps {
            step.file = step.file.rsplit('/').next().unwrap().to_owned();
        }
    }
    terminal(&report, Style::default())
}

pub fn steps_with(outcome: &RunOutcome, verdict: StepVerdict) -> Vec<&str> {
    only(outcome)
        .steps
        .iter()
        .filter(|step| step.verdict == verdict)
        .map(|step| step.id.as_str())
        .collect()
}

pub fn cells_with(outcome: &RunOutcome, verdict: CellVerdict) -> Vec<String> {
    only(outcome)
        .matrix
        .iter()
        .filter(|cell| cell.verdict == verdict)
        .map(|cell| format!("{}/{}/{}", cell.after, cell.actor, cell.resource))
        .collect()
}

fn is_read(call: &Call, actor: &str, kind: &str) -> bool {
    let prefix = format!("/fhir/R4/{kind}/");
    call.method == Method::GET && call.actor == actor && call.path.starts_with(&prefix)
}

#[tokio::test]
async fn a_leak_by_id_is_found_named_and_explained() {
    let (_fake, outcome) = scripted(|call| {
        if is_read(call, "outsider", "Communication") {
            Fault::Bypass
        } else {
            Fault::None
        }
    })
    .await;
    assert_eq!(outcome.exit_code(), 5);
    assert_eq!(only(&outcome).verdict, Verdict::Failed);
    assert_eq!(
        only(&outcome).reason.as_deref(),
        Some("leak: outsider sees thread in the given state, and no policy allows it")
    );
    insta::assert_snapshot!("leak_by_id", words(&outcome));
}

#[tokio::test]
async fn a_leak_by_search_alone_is_a_leak() {
    let (_fake, outcome) = scripted(|call| {
        if call.actor == "jackie" && call.path.contains("?_id=") {
            Fault::Bypass
        } else {
            Fault::None
        }
    })
    .await;
    assert_eq!(outcome.exit_code(), 5);
    let leaks = cells_with(&outcome, CellVerdict::UnexpectedAllow);
    assert_eq!(
        leaks.first().map(String::as_str),
        Some("remove-jackie/jackie/thread")
    );
    assert!(words(&outcome).contains("by search LEAK"));
}

#[tokio::test]
async fn a_write_that_gets_through_is_a_leak() {
    let (_fake, outcome) = scripted(|call| {
        if call.actor == "outsider" && call.method == Method::PATCH {
            Fault::Bypass
        } else {
            Fault::None
        }
    })
    .await;
    assert_eq!(outcome.exit_code(), 5);
    assert_eq!(
        only(&outcome).reason.as_deref(),
        Some("step outsider-patches: expected hidden, got 200: outsider got through")
    );
}

#[tokio::test]
async fn a_resource_that_is_refused_in_spite_of_the_policy_is_no_leak() {
    let (_fake, outcome) = scripted(|call| {
        if is_read(call, "jackie", "Communication") {
            Fault::Answer(404, "application/fhir+json", String::new())
        } else {
            Fault::None
        }
    })
    .await;
    assert_eq!(outcome.exit_code(), 4);
    let missing = cells_with(&outcome, CellVerdict::UnexpectedDeny);
    assert_eq!(
        missing.first().map(String::as_str),
        Some("given/jackie/thread")
    );
    assert!(words(&outcome).contains("by search MISSING"));
}

#[tokio::test]
async fn nobody_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (outcome, _) = play_at(&target(&base), &options()).await;
    assert_eq!(outcome.exit_code(), 3);
    assert_eq!(only(&outcome).verdict, Verdict::Error);
    insta::assert_snapshot!("nobody_listens", words(&outcome));
}

#[tokio::test]
async fn a_web_page_instead_of_fhir() {
    let (_fake, outcome) = scripted(|_| Fault::Answer(200, "text/html", HTML.into())).await;
    assert_eq!(outcome.exit_code(), 3);
    let (reason, help) = outcome.report.aborted.clone().unwrap();
    assert_eq!(
        reason,
        "signing in as the admin: POST /oauth2/token: a web page instead of FHIR (200, text/html, titled “Sign in to Proxy”)"
    );
    assert!(help.contains("proxy"));
}

#[tokio::test]
async fn wrong_credentials() {
    let fake = Fake::start().await;
    let mut target = fake.target();
    target.admin = Credentials {
        id: "somebody".into(),
        secret: SecretString::from(crate::support::ADMIN_SECRET),
    }
    .into();
    let (outcome, _) = play_at(&target, &options()).await;
    assert_eq!(outcome.exit_code(), 3);
    let (reason, _) = outcome.report.aborted.clone().unwrap();
    assert_eq!(
        reason,
        "signing in as the admin: POST /oauth2/token: sign-in refused (400): it is invalid"
    );
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_quickly() {
    let dead = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&dead);
    let fake = Fake::scripted("a", move |call| {
        // The server dies with the first patch.
        if call.method == Method::PATCH {
            dead.store(1, Ordering::SeqCst);
        }
        if dead.load(Ordering::SeqCst) == 1 {
            Fault::Hang
        } else {
            Fault::None
        }
    })
    .await;
    let quick = RunOptions {
        limits: Limits {
            request: Duration::from_millis(200),
            ..limits()
        },
        ..options()
    };
    let begun = Instant::now();
    let outcome = play(&fake, &quick).await;
    assert_eq!(seen.load(Ordering::SeqCst), 1);
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(outcome.exit_code(), 3);
    assert_eq!(
        only(&outcome).reason.as_deref(),
        Some("the server is out of reach: 3 requests in a row had no answer")
    );
    assert_eq!(
        steps_with(&outcome, StepVerdict::Error),
        ["remove-jackie", "jackie-reads", "outsider-patches"]
    );
    assert!(!steps_with(&outcome, StepVerdict::Skipped).is_empty());
    assert!(!only(&outcome).cleanup.problems.is_empty());
}

#[tokio::test]
async fn a_500_in_the_middle_is_an_error_and_the_rest_goes_on() {
    let (fake, outcome) = scripted(|call| {
        if call.actor == "jackie" && call.method == Method::POST {
            Fault::Answer(500, "text/plain", "stack trace".into())
        } else {
            Fault::None
        }
    })
    .await;
    assert_eq!(outcome.exit_code(), 3, "{}", words(&outcome));
    assert_eq!(steps_with(&outcome, StepVerdict::Error), ["answer"]);
    assert_eq!(
        steps_with(&outcome, StepVerdict::Blocked),
        ["alice-lists", "clerk-is-let-in"]
    );
    assert!(fake.leftovers().is_empty());
    insta::assert_snapshot!("status_500", words(&outcome));
}

#[tokio::test]
async fn throttling_and_errors_in_the_matrix_are_no_denials() {
    let (_fake, outcome) = scripted(|call| {
        if is_read(call, "clerk", "Communication") {
            Fault::Answer(429, "application/fhir+json", "{}".into())
        } else {
            Fault::None
        }
    })
    .await;
    assert_eq!(outcome.exit_code(), 3);
    assert_eq!(only(&outcome).verdict, Verdict::Error);
    assert!(cells_with(&outcome, CellVerdict::Error).contains(&"given/clerk/m1".to_owned()));
}

#[tokio::test]
async fn a_refused_token_is_no_denial() {
    let (_fake, outcome) = scripted(|call| {
        if is_read(call, "jackie", "Communication") {
            Fault::Answer(401, "application/fhir+json", "{}".into())
        } else {
            Fault::None
        }
    })
    .await;
    assert_eq!(outcome.exit_code(), 3, "{}", words(&outcome));
    assert!(words(&outcome).contains("401: the server refuses the actor's token"));
    assert_eq!(steps_with(&outcome, StepVerdict::Error), ["jackie-reads"]);
}

#[tokio::test]
async fn without_a_witness_nothing_is_proved() {
    let (_fake, outcome) = scripted(|call| {
        if is_read(call, "admin", "Communication") {
            Fault::Answer(404, "application/fhir+json", "{}".into())
        } else {
            Fault::None
        }
    })
    .await;
    assert_eq!(only(&outcome).verdict, Verdict::Inconclusive);
    assert_eq!(outcome.exit_code(), 3);
}

fn with_next(url: String) -> Fault {
    Fault::Rewrite(Box::new(move |mut bundle| {
        bundle["link"] = json!([{ "relation": "next", "url": url }]);
        bundle
    }))
}

#[tokio::test]
async fn pages_without_end_are_truncated_and_prove_nothing() {
    let counter = Arc::new(AtomicUsize::new(0));
    let (_fake, outcome) = scripted(move |call| {
        if call.actor == "outsider" && call.path.contains("?_id=") {
            let page = counter.fetch_add(1, Ordering::SeqCst);
            let path = call.path.split("&_page").next().unwrap();
            with_next(format!("{path}&_page={page}"))
        } else {
            Fault::None
        }
    })
    .await;
    assert_eq!(outcome.exit_code(), 3);
    assert!(
        words(&outcome).contains("truncated after 5 pages"),
        "{}",
        words(&outcome)
    );
    assert_eq!(only(&outcome).verdict, Verdict::Inconclusive);
    for cell in only(&outcome).matrix.iter() {
        let expected = if cell.actor == "outsider" {
            CellVerdict::Inconclusive
        } else {
            continue;
        };
        assert_eq!(cell.verdict, expected);
        assert!(
            cell.reason
                .as_deref()
                .unwrap()
                .contains("truncated after 5 pages")
        );
    }
}

/// What was found before the end was found; what was not is not known to be missing.
#[rstest::rstest]
#[case::nothing_wrong_so_far("[m1, m2]", StepVerdict::Inconclusive, Verdict::Inconclusive)]
#[case::missing_so_far("[m1, m2, thread]", StepVerdict::Inconclusive, Verdict::Inconclusive)]
#[case::too_many("[m1]", StepVerdict::Failed, Verdict::Failed)]
#[tokio::test]
async fn a_search_without_end_is_inconclusive_as_far_as_nothing_is_wrong(
    #[case] matches: &str,
    #[case] step: StepVerdict,
    #[case] scenario: Verdict,
) {
    let counter = AtomicUsize::new(9);
    let fake = Fake::scripted("a", move |call| {
        if call.actor == "alice" && call.path.contains("_sort=sent") && call.path.contains("_page")
        {
            let page = counter.fetch_add(1, Ordering::SeqCst);
            let path = call.path.split("&_page").next().unwrap();
            with_next(format!("{path}&_page={page}"))
        } else {
            Fault::None
        }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    suite::write(folder.path());
    let file = folder.path().join("threads/remove.yaml");
    let text = suite::REMOVE.replace(
        "matches: [m1, m2], order: true",
        &format!("matches: {matches}"),
    );
    std::fs::write(&file, text).unwrap();
    let suite = suite::load(folder.path());
    let outcome = run(&suite, &fake.target(), &options(), &mut |_: &Event| {}).await;
    assert_valid(&outcome.report);
    assert_eq!(only(&outcome).verdict, scenario, "{}", words(&outcome));
    let steps = steps_with(&outcome, step);
    assert!(steps.contains(&"alice-lists"), "{}", words(&outcome));
    assert!(words(&outcome).contains("truncated after 5 pages"));
}

#[tokio::test]
async fn a_next_link_to_another_server_is_not_followed() {
    let (_fake, outcome) = scripted(|call| {
        if call.actor == "outsider" && call.path.contains("?_id=") {
            with_next("https://evil.example/fhir/R4/Communication?_page=2".into())
        } else {
            Fault::None
        }
    })
    .await;
    assert_eq!(outcome.exit_code(), 3);
    assert!(words(&outcome).contains("(`evil.example`) and is not followed"));
}

#[tokio::test]
async fn broken_json_is_an_error_with_its_place() {
    let (_fake, outcome) = scripted(|call| {
        if call.actor == "jackie" && call.method == Method::POST {
            Fault::Answer(201, "application/fhir+json", "{ \"resourceType\":".into())
        } else {
            Fault::None
        }
    })
    .await;
    let problem = only(&outcome)
        .problems()
        .find(|(step, _)| step.id == "answer")
        .unwrap()
        .1;
    assert_eq!(
        problem.message,
        "POST Communication: the answer is not JSON (201, `application/fhir+json`): EOF while parsing a value at line 1 column 17"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (_fake, outcome) = scripted(|call| {
        if call.path.contains("/AccessPolicy") {
            Fault::Answer(307, "text/plain", String::new())
        } else {
            Fault::None
        }
    })
    .await;
    let (reason, _) = outcome.report.aborted.clone().unwrap();
    assert_eq!(
        reason,
        "creating the policy clerk: POST AccessPolicy: the server redirects (307)"
    );
}

/// A server that does not get to say what it offers has not said that it offers nothing.
#[rstest::rstest]
#[case::unavailable(503, "text/plain", "", "GET metadata: the server answers 503")]
#[case::busy(429, "text/plain", "", "GET metadata: the server answers 429")]
#[case::broken(
    500,
    "application/fhir+json",
    r#"{"resourceType":"OperationOutcome"}"#,
    "GET metadata: the server answers 500"
)]
#[case::redirect(302, "text/plain", "", "GET metadata: the server redirects (302)")]
#[case::page(200, "text/html", HTML, "a web page instead of FHIR (200, text/html")]
#[tokio::test]
async fn metadata_that_cannot_be_read_ends_the_run(
    #[case] status: u16,
    #[case] kind: &'static str,
    #[case] body: &'static str,
    #[case] expected: &str,
) {
    let (fake, outcome) = scripted(move |call| match call.path.ends_with("/metadata") {
        true => Fault::Answer(status, kind, body.to_owned()),
        false => Fault::None,
    })
    .await;
    let (reason, _) = outcome.report.aborted.clone().unwrap();
    assert!(reason.starts_with("reading the metadata: "), "{reason}");
    assert!(reason.contains(expected), "{reason}");
    assert_eq!(outcome.exit_code(), 3);
    assert_eq!(fake.leftovers(), Vec::<String>::new());
}

/// A server that has none claims nothing, and what is known of its kind counts.
#[rstest::rstest]
#[case::none(404)]
#[case::gone(410)]
#[case::refused(403)]
#[tokio::test]
async fn a_server_without_metadata_is_played_on(#[case] status: u16) {
    let outcome =
        r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found"}]}"#;
    let (_fake, outcome) = scripted(move |call| match call.path.ends_with("/metadata") {
        true => Fault::Answer(status, "application/fhir+json", outcome.to_owned()),
        false => Fault::None,
    })
    .await;
    assert_eq!(outcome.report.aborted, None);
    assert_eq!(
        only(&outcome).verdict,
        Verdict::Passed,
        "{}",
        words(&outcome)
    );
}

#[tokio::test]
async fn a_token_of_somebody_else_is_noticed() {
    let (fake, outcome) = scripted(|call| {
        if call.path == "/auth/me" && call.actor == "jackie" {
            Fault::Rewrite(Box::new(
                |_| json!({ "profile": { "resourceType": "Practitioner", "id": "other" } }),
            ))
        } else {
            Fault::None
        }
    })
    .await;
    assert_eq!(outcome.exit_code(), 3);
    let reason = only(&outcome).reason.clone().unwrap();
    assert!(
        reason.starts_with(
            "signing in as jackie: the server takes the token for Practitioner/other, not for Practitioner/"
        ),
        "{reason}"
    );
    assert!(fake.leftovers().is_empty());
}

#[tokio::test]
async fn not_knowing_who_acts_is_an_error() {
    let (_fake, outcome) = scripted(|call| {
        if call.path == "/auth/me" && call.actor == "alice" {
            Fault::Answer(200, "application/json", "{}".into())
        } else {
            Fault::None
        }
    })
    .await;
    assert_eq!(outcome.exit_code(), 3);
    let reason = only(&outcome).reason.clone().unwrap();
    assert!(
        reason.contains("the answer (200) names no profile"),
        "{reason}"
    );
}

#[tokio::test]
async fn what_cannot_be_removed_is_reported_everywhere() {
    let (fake, outcome) = scripted(|call| {
        if call.method == Method::DELETE && call.path.contains("/Practitioner/") {
            Fault::Answer(503, "application/fhir+json", "{}".into())
        } else {
            Fault::None
        }
    })
    .await;
    assert_eq!(fake.leftovers().len(), 4);
    let problems = &only(&outcome).cleanup.problems;
    assert_eq!(problems.len(), 4);
    assert!(words(&outcome).contains("is left behind"));
    assert_eq!(
        json(&outcome.report)["scenarios"][0]["cleanup"]["problems"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
}

#[tokio::test]
async fn an_interrupted_run_cleans_up_and_says_so() {
    let fake = Fake::start().await;
    let cancel = Cancel::default();
    let stop = cancel.clone();
    let folder = tempfile::tempdir().unwrap();
    suite::write(folder.path());
    let suite = suite::load(folder.path());
    let options = RunOptions {
        cancel,
        ..options()
    };
    let outcome = run(&suite, &fake.target(), &options, &mut |event: &Event| {
        if matches!(event, Event::MatrixObserved { .. }) {
            stop.cancel();
        }
    })
    .await;
    assert_valid(&outcome.report);
    assert_eq!(outcome.exit_code(), 130);
    assert_eq!(only(&outcome).verdict, Verdict::Skipped);
    assert!(fake.leftovers().is_empty());
}

#[tokio::test]
async fn no_secret_and_no_token_is_in_an_event() {
    let tokens: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&tokens);
    let fake = Fake::scripted("a", move |call| {
        if !call.token.is_empty() {
            seen.lock().unwrap().push(call.token.clone());
        }
        // The server is careless: it echoes what it got.
        let echo = |status| {
            let words = format!("bad token {}", call.token);
            let text = json!({ "resourceType": "OperationOutcome", "issue": [
                { "code": "exception", "details": { "text": words } },
            ] });
            Fault::Answer(status, "application/fhir+json", text.to_string())
        };
        match (call.actor.as_str(), &call.method) {
            ("jackie", &Method::POST) => echo(500),
            ("outsider", &Method::PATCH) => echo(400),
            _ => Fault::None,
        }
    })
    .await;
    let (outcome, events) = play_at(&fake.target(), &options()).await;
    let texts = [
        serde_json::to_string(&events).unwrap(),
        json(&outcome.report).to_string(),
        terminal(&outcome.report, Style::default()),
        format!("{:?}", fake.target()),
    ];
    assert!(texts[1].contains("[redacted]"));
    let mut secrets = tokens.lock().unwrap().clone();
    secrets.push(crate::support::ADMIN_SECRET.to_owned());
    assert!(secrets.len() > 10);
    for text in texts {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{secret}");
        }
    }
}

#[tokio::test]
async fn the_report_of_a_good_run_is_valid_too() {
    let fake = Fake::start().await;
    let outcome = play(&fake, &options()).await;
    assert_eq!(outcome.exit_code(), 0, "{}", words(&outcome));
    let number = outcome.summary().cells.get(CellVerdict::ExpectedDeny);
    assert_eq!(
        json(&outcome.report)["summary"]["cells"]["expected-deny"],
        number
    );
}
