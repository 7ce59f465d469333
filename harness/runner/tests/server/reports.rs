//! Every report of runs that end in every way, read back as its consumer reads it.

mod consumers;
mod made;

use std::sync::{Arc, Mutex};

use axum::http::Method;
use fhirward_harness::report::{Event, Kind, Recorded, Report, json, read};
use fhirward_harness::run::{Cancel, SnapshotMode};
use fhirward_harness::{RunOptions, run};
use rstest::rstest;
use serde_json::{Value, json as value};

use crate::suite;
use crate::support::{ADMIN_SECRET, Call, Fake, Fault, limits, target};

/// How a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    Good,
    Leak,
    Refusal,
    Trouble,
    LeftBehind,
    Interrupted,
    Nobody,
    NoSnapshot,
}

fn fault(weather: Weather, call: &Call) -> Fault {
    let reads = call.method == Method::GET && call.path.contains("Communication/");
    match weather {
        Weather::Leak if call.actor == "outsider" && reads => Fault::Bypass,
        Weather::Refusal if call.actor == "alice" && reads => Fault::Answer(
            404,
            "application/fhir+json",
            r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found"}]}"#
                .into(),
        ),
        Weather::Trouble if call.actor == "jackie" => {
            let text = format!("secret {} <script>|\n", call.token);
            Fault::Answer(500, "application/fhir+json", text)
        }
        Weather::LeftBehind
            if call.method == Method::DELETE && call.path.contains("/Practitioner/") =>
        {
            Fault::Answer(500, "application/fhir+json", "{}".into())
        }
        _ => Fault::None,
    }
}

/// The events of a run, and the tokens that the server saw in it.
async fn played(weather: Weather) -> (Vec<Recorded>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    suite::write(folder.path());
    let suite = suite::load(folder.path());
    let options = RunOptions {
        limits: limits(),
        snapshots: match weather {
            Weather::NoSnapshot => SnapshotMode::CompareOnly,
            _ => SnapshotMode::Off,
        },
        cancel: Cancel::default(),
        ..RunOptions::default()
    };
    let tokens: Arc<Mutex<Vec<String>>> = Arc::default();
    let target = if weather == Weather::Nobody {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        target(&format!("http://{}", listener.local_addr().unwrap()))
    } else {
        let seen = Arc::clone(&tokens);
        let script = move |call: &Call| {
            if !call.token.is_empty() {
                seen.lock().unwrap().push(call.token.clone());
            }
            fault(weather, call)
        };
        Fake::scripted("a", script).await.target()
    };
    let stop = options.cancel.clone();
    let mut recorded = Vec::new();
    run(&suite, &target, &options, &mut |event: &Event| {
        if weather == Weather::Interrupted && matches!(event, Event::MatrixObserved { .. }) {
            stop.terminate();
        }
        recorded.push(Recorded {
            at_ms: recorded.len() as u64,
            event: event.clone(),
        });
    })
    .await;
    let mut tokens = tokens.lock().unwrap().clone();
    tokens.push(ADMIN_SECRET.to_owned());
    (recorded, tokens)
}

#[rstest]
#[case::good(Weather::Good, 0)]
#[case::leak(Weather::Leak, 5)]
#[case::refusal(Weather::Refusal, 4)]
#[case::trouble(Weather::Trouble, 3)]
#[case::left_behind(Weather::LeftBehind, 0)]
#[case::interrupted(Weather::Interrupted, 143)]
#[case::nobody(Weather::Nobody, 3)]
#[case::no_snapshot(Weather::NoSnapshot, 4)]
#[tokio::test]
async fn each_report_opens_in_its_consumer(#[case] weather: Weather, #[case] exit: u8) {
    let (recorded, secrets) = played(weather).await;
    let events: Vec<Event> = recorded.iter().map(|one| one.event.clone()).collect();
    let report = Report::of(&events);
    assert_eq!(report.summary().exit_code(), exit);
    let text = |kind: Kind| kind.render(&recorded).unwrap();

    // What is recorded is the run: all reports of it are the same.
    let again = read(&text(Kind::Jsonl)).unwrap();
    for kind in Kind::ALL {
        assert_eq!(kind.render(&again).unwrap(), text(kind), "{}", kind.name());
    }
    assert!(secrets.len() > 5 || weather == Weather::Nobody);
    consumers::events(&text(Kind::Jsonl));
    consumers::json(&json(&report));
    consumers::junit(&text(Kind::Junit), exit);
    consumers::junit(&text(Kind::Xunit), exit);
    assert_eq!(consumers::refused(&text(Kind::Xunit)), Vec::<String>::new());
    consumers::tap(&text(Kind::Tap), exit);
    consumers::sarif(&text(Kind::Sarif), exit);
    consumers::github(&text(Kind::Github), exit);
    consumers::markdown(&text(Kind::Markdown));
    consumers::html(&text(Kind::Html));
    consumers::test_report(&text(Kind::TestReport), exit);

    for kind in Kind::ALL {
        let text = text(kind);
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{}: {text}", kind.name());
        }
        if weather == Weather::LeftBehind {
            assert!(text.contains("left behind"), "{}: {text}", kind.name());
        }
        if weather == Weather::Leak && kind != Kind::TestReport {
            assert!(text.to_lowercase().contains("leak"), "{}", kind.name());
        }
    }
}

#[tokio::test]
async fn a_recording_that_is_cut_off_is_no_run() {
    let text = Kind::Jsonl.render(&played(Weather::Good).await.0).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let fault = |lines: &[&str]| read(&lines.join("\n")).unwrap_err().to_string();
    assert_eq!(
        fault(&lines[..5]),
        "line 5: the run does not end: the file is cut off"
    );
    assert_eq!(
        fault(&lines[1..]),
        "line 1: the event's `seq` is 1, and 0 comes next"
    );
    assert_eq!(fault(&[]), "line 1: the run does not begin here");
    let missing = [&lines[..3], &lines[4..]].concat();
    assert_eq!(
        fault(&missing),
        "line 4: the event's `seq` is 4, and 3 comes next"
    );
    let newer = lines[0].replace("\"fhirward-events\":1", "\"fhirward-events\":2");
    assert_eq!(
        fault(&[newer.as_str()]),
        "line 1: events of version 2, and this fhirward reads 1"
    );
    assert_eq!(
        fault(&["{\"summary\": {}}"]),
        "line 1: no event: there is no `fhirward-events`"
    );
    assert!(fault(&["{"]).starts_with("line 1: no JSON: "));
    let with = |part: &str, value: Value| {
        let mut line: Value = serde_json::from_str(lines[0]).unwrap();
        line[part] = value;
        fault(&[line.to_string().as_str()])
    };
    assert_eq!(
        with("at_ms", value!("4")),
        "line 1: the event's `at_ms` is no number"
    );
    assert_eq!(
        with("event", value!(7)),
        "line 1: the event's `event` is no text"
    );
    let unknown = lines[0].replace("run-started", "run-begun");
    assert!(fault(&[unknown.as_str()]).contains("the event `run-begun`: unknown variant"));
}
