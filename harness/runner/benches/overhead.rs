//! What the harness adds to a request: `cargo bench -p fhirward-harness --bench overhead`.
//!
//! A server on the loopback answers every request at once with the same resource. The same reads are
//! made one after the other by reqwest alone and by the harness's client, in turns, so that both meet
//! the same machine; the fastest turn of each counts.

#![expect(
    clippy::unwrap_used,
    reason = "a measurement that cannot be taken has failed"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use fhirward_harness::client::{Auth, Client, Limits, Redactor, Request, ServerProfile, Target};

/// What the server answers: a message of the size that they have.
fn resource() -> String {
    let words = "the specimen was received and goes to the laboratory ".repeat(12);
    format!(
        r#"{{"resourceType":"Communication","id":"m","status":"in-progress","payload":[{{"contentString":"{words}"}}]}}"#
    )
}

const TURNS: usize = 7;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    // A run of the tests takes one short turn, to see that it works.
    let quick = !std::env::args().any(|argument| argument == "--bench");
    let (turns, requests) = if quick { (1, 20) } else { (TURNS, 3000) };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/fhir/R4/", listener.local_addr().unwrap());
    let answer = resource();
    let app = Router::new().fallback(move || {
        let answer = answer.clone();
        async move { ([(CONTENT_TYPE, "application/fhir+json")], answer) }
    });
    tokio::spawn(async move { axum::serve(listener, app).await });

    let url = format!("{base}Communication/m");
    let target = Target::new(&base, Auth::Nobody, ServerProfile::embedded()).unwrap();
    let ours = Client::new(
        &Arc::new(target),
        Auth::Nobody,
        Limits::default(),
        &Redactor::default(),
    )
    .unwrap();
    // After the harness's client, which has installed the provider of cryptography.
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();

    let (mut alone, mut harness) = (Duration::MAX, Duration::MAX);
    for _ in 0..turns {
        let begun = Instant::now();
        for _ in 0..requests {
            let answer = plain.get(&url).send().await.unwrap();
            assert!(answer.status().is_success());
            answer.json::<serde_json::Value>().await.unwrap();
        }
        alone = alone.min(begun.elapsed());
        let begun = Instant::now();
        for _ in 0..requests {
            let answer = ours.send(Request::get("Communication/m")).await.unwrap();
            assert!(answer.is_success());
        }
        harness = harness.min(begun.elapsed());
    }
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / requests as f64;
    let (alone, harness) = (micros(alone), micros(harness));
    println!("a request by reqwest, parsed   {alone:8.1} µs");
    println!("a request by the harness       {harness:8.1} µs");
    println!("added                          {:8.1} µs", harness - alone);
    println!("ratio                          {:8.2}", harness / alone);
}
