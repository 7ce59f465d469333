//! Hard weather between the harness and a server that works: whatever happens on the way, nobody
//! is called denied, nothing is created twice, and the run ends with a complete report.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fhirward_harness::client::{Heard, Limits, Target};
use fhirward_harness::expect::CellVerdict;
use fhirward_harness::report::{StepVerdict, Verdict};
use fhirward_harness::{RunOptions, RunOutcome};
use rstest::rstest;

use crate::faults::{cells_with, only, options, play_at, steps_with, words};
use crate::proxy::{Ask, Proxy, Weather};
use crate::support::{Fake, limits, target};

const HTML: &[u8] = b"<!doctype html><html><head><title>Sign in to Proxy</title></head></html>";
const FHIR: &str = "content-type: application/fhir+json\r\n";

/// Plays behind a proxy.
async fn under(
    script: impl Fn(&Ask, &str) -> Weather + Send + Sync + 'static,
) -> (Fake, Proxy, RunOutcome) {
    let fake = Fake::start().await;
    let behind = fake.clone();
    let base = fake.target().base_url.join("/").unwrap();
    let proxy = Proxy::before(base.as_str(), move |ask| {
        script(ask, &behind.actor_of(&ask.token))
    })
    .await;
    let quick = RunOptions {
        limits: Limits {
            request: Duration::from_millis(700),
            ..limits()
        },
        ..options()
    };
    let (outcome, _) = play_at(&target(&proxy.base), &quick).await;
    (fake, proxy, outcome)
}

fn huge() -> Vec<u8> {
    vec![b' '; 2 * 1024 * 1024]
}

/// The head of a gzip file that goes on for gigabytes.
fn bomb() -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    bytes.extend(std::iter::repeat_n(0, 4096));
    bytes
}

/// Everything that a path between two computers can do to an answer. None of it says that the
/// server denies anything.
#[rstest]
#[case::too_late(Weather::Late(Duration::from_secs(5)), "no answer within 700 ms")]
#[case::reset(Weather::Reset, "the connection broke")]
#[case::lost(Weather::Lost, "the connection broke")]
#[case::half_a_body(Weather::Half, "the connection broke")]
#[case::length_too_long(Weather::Length(40), "the connection broke")]
#[case::length_too_short(Weather::Length(-9), "not JSON")]
#[case::status_500(Weather::Answer(500, FHIR, b"{}".to_vec()), "the server answers 500")]
#[case::status_502_html(Weather::Answer(502, "content-type: text/html\r\n", HTML.to_vec()), "answers 502")]
#[case::status_503(Weather::Answer(503, FHIR, vec![]), "the server answers 503")]
#[case::quota(Weather::Answer(429, "", vec![]), "the server answers 429")]
#[case::quota_with_a_time(Weather::Answer(429, "retry-after: 0\r\n", vec![]), "answers 429")]
#[case::quota_for_an_hour(Weather::Answer(429, "retry-after: 3600\r\n", vec![]), "answers 429")]
#[case::a_page(Weather::Answer(200, "content-type: text/html\r\n", HTML.to_vec()), "Sign in to Proxy")]
#[case::a_page_that_denies(Weather::Answer(403, "content-type: text/html\r\n", HTML.to_vec()), "a web page")]
#[case::a_page_that_hides(Weather::Answer(404, "content-type: text/html\r\n", HTML.to_vec()), "a web page")]
#[case::bomb(
    Weather::Answer(
        200,
        "content-type: application/fhir+json\r\ncontent-encoding: gzip\r\n",
        bomb()
    ),
    "compressed"
)]
#[case::huge(Weather::Answer(200, FHIR, huge()), "larger than 1048576 bytes")]
#[case::redirect(Weather::Answer(302, "location: https://evil.example/x\r\n", vec![]), "redirects (302) to `evil.example`")]
#[case::redirect_here(Weather::Answer(308, "location: /fhir/R4/metadata\r\n", vec![]), "redirects (308)")]
#[case::empty(Weather::Answer(200, FHIR, vec![]), "another resource")]
#[case::no_fhir(Weather::Answer(200, FHIR, b"[1]".to_vec()), "another resource")]
#[tokio::test]
async fn weather_is_never_a_denial(#[case] weather: Weather, #[case] says: &str) {
    let begun = Instant::now();
    let (fake, _proxy, outcome) = under(move |ask, actor| {
        if actor == "jackie" && ask.is("GET", "Communication/") {
            weather.clone()
        } else {
            Weather::Fair
        }
    })
    .await;
    let words = words(&outcome);
    assert!(begun.elapsed() < Duration::from_secs(30), "{words}");
    assert_eq!(outcome.exit_code(), 3, "{words}");
    assert_eq!(only(&outcome).verdict, Verdict::Error, "{words}");
    assert!(words.contains(says), "{says}: {words}");
    for wrong in [CellVerdict::UnexpectedDeny, CellVerdict::UnexpectedAllow] {
        assert_eq!(cells_with(&outcome, wrong), Vec::<String>::new(), "{words}");
    }
    assert_eq!(
        steps_with(&outcome, StepVerdict::Failed),
        Vec::<&str>::new(),
        "{words}"
    );
    assert_eq!(fake.leftovers(), Vec::<String>::new());
}

/// Writes that may have been carried out are not sent again.
#[rstest]
#[case::lost(Weather::Lost, 1, 1)]
#[case::half(Weather::Half, 1, 1)]
#[case::late(Weather::Late(Duration::from_secs(3)), 1, 1)]
#[case::unavailable(Weather::Answer(503, "retry-after: 0\r\n", vec![]), 1, 0)]
#[case::quota(Weather::Answer(429, "retry-after: 0\r\n", vec![]), 2, 0)]
#[tokio::test]
async fn nothing_is_created_twice(
    #[case] weather: Weather,
    #[case] asked: usize,
    #[case] made: usize,
) {
    let is_answer = |ask: &Ask| ask.is("POST", "Communication");
    let late = matches!(weather, Weather::Late(_));
    let (fake, proxy, outcome) = under(move |ask, actor| {
        if actor == "jackie" && is_answer(ask) {
            weather.clone()
        } else {
            Weather::Fair
        }
    })
    .await;
    assert_eq!(outcome.exit_code(), 3, "{}", words(&outcome));
    assert_eq!(steps_with(&outcome, StepVerdict::Error), ["answer"]);
    let by_jackie = |ask: &Ask| fake.actor_of(&ask.token) == "jackie" && is_answer(ask);
    assert_eq!(proxy.count(by_jackie), asked);
    if late {
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    let people = fake.stored("Practitioner");
    let is_jackie = |p: &&serde_json::Value| p["name"].to_string().contains("Jackie");
    let jackie = people.iter().find(is_jackie).unwrap();
    let sender = format!("Practitioner/{}", jackie["id"].as_str().unwrap());
    let stored = fake.stored("Communication");
    let by_jackie = stored
        .iter()
        .filter(|r| r["sender"]["reference"] == sender.as_str());
    assert_eq!(by_jackie.count(), made);
}

#[rstest]
#[case::quota(Weather::Answer(429, "retry-after: 0\r\n", vec![]), "the server answers 429")]
#[case::busy(Weather::Answer(503, "", vec![]), "the server answers 503")]
#[case::broken(Weather::Reset, "the connection broke")]
#[case::half(Weather::Half, "the connection broke")]
#[tokio::test]
async fn what_passes_by_is_waited_for_and_told(#[case] weather: Weather, #[case] says: &str) {
    let fake = Fake::start().await;
    let base = fake.target().base_url.join("/").unwrap();
    let first = AtomicUsize::new(0);
    let proxy = Proxy::before(base.as_str(), move |ask| {
        let hit = ask.is("GET", "Communication/") && first.fetch_add(1, Ordering::SeqCst) == 0;
        if hit { weather.clone() } else { Weather::Fair }
    })
    .await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let mut target: Target = target(&proxy.base);
    target.traffic = target.traffic.heard_by(
        move |event| {
            if let Heard::Retried(retried) = event {
                heard.lock().unwrap().push(retried);
            }
        },
        false,
    );
    let (outcome, _) = play_at(&target, &options()).await;
    assert_eq!(outcome.exit_code(), 0, "{}", words(&outcome));
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1);
    assert!(told[0].because.contains(says), "{}", told[0].because);
    assert_eq!(told[0].attempt, 2);
}

/// A token may end before its time: a new one is got once, and the run goes on.
#[tokio::test]
async fn a_token_that_ends_in_the_middle_is_renewed() {
    let refused = Arc::new(Mutex::new(BTreeSet::new()));
    let known = Arc::clone(&refused);
    let (_fake, proxy, outcome) = under(move |ask, actor| {
        let first = ask.is("GET", "Communication/")
            && !actor.is_empty()
            && known.lock().unwrap().insert(actor.to_owned());
        if first {
            Weather::Answer(401, FHIR, b"{}".to_vec())
        } else {
            Weather::Fair
        }
    })
    .await;
    assert_eq!(outcome.exit_code(), 0, "{}", words(&outcome));
    let refused = refused.lock().unwrap().len();
    assert_eq!(refused, 5);
    // Each signs in once at the start and once more.
    assert_eq!(proxy.count(|ask| ask.path == "/oauth2/token"), 2 * refused);
}

/// What the admin cannot remove because of the weather is tried, and told.
#[tokio::test]
async fn cleaning_up_is_tried_in_any_weather() {
    let (fake, proxy, outcome) = under(|ask, _| {
        if ask.method == "DELETE" {
            Weather::Reset
        } else {
            Weather::Fair
        }
    })
    .await;
    assert!(proxy.count(|ask| ask.method == "DELETE") >= 3);
    assert!(!fake.leftovers().is_empty());
    assert!(!only(&outcome).cleanup.problems.is_empty());
    assert!(words(&outcome).contains("is left behind"));
}
