//! How much the server answers: reads, creates and searches by recipient at 1, 8 and 64
//! connections, over the loopback, as a participant of the conversations.
//!
//! ```text
//! cargo bench -p fhirward-server --bench load -- [--messages N] [--seconds S] [--data] [--only read,create,search]
//! ```
//!
//! Server and client share the machine and the process; each has two threads. Every run is bounded
//! by `--seconds` for each row. Without `--bench` (`cargo test --benches`) it is a small run that
//! only looks for errors.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a load test that cannot be set up has failed"
)]

#[path = "support/client.rs"]
mod client;
#[path = "support/corpus.rs"]
mod corpus;

use std::time::{Duration, Instant};

use client::{Connection, Request};
use fhirward_server::{Config, Credentials, Running, start};
use tokio::runtime::{Builder, Runtime};

/// The connections of each row.
const CONNECTIONS: [usize; 3] = [1, 8, 64];

#[derive(Debug)]
struct Options {
    messages: usize,
    time: Duration,
    data: bool,
    only: Option<String>,
}

impl Options {
    fn read() -> Self {
        let arguments: Vec<String> = std::env::args().collect();
        let measured = arguments.iter().any(|argument| argument == "--bench");
        let value = |name: &str| {
            let at = arguments.iter().position(|argument| argument == name)?;
            arguments.get(at + 1).cloned()
        };
        let number =
            |name: &str, default: usize| value(name).map_or(default, |text| text.parse().unwrap());
        let (messages, millis) = if measured {
            (100_000, 5000)
        } else {
            (500, 100)
        };
        Self {
            messages: number("--messages", messages),
            time: value("--seconds").map_or(Duration::from_millis(millis), |text| {
                Duration::from_secs_f64(text.parse().unwrap())
            }),
            data: arguments.iter().any(|argument| argument == "--data"),
            only: value("--only"),
        }
    }

    fn wants(&self, what: &str) -> bool {
        let only = self.only.as_deref();
        only.is_none_or(|only| only.split(',').any(|name| name == what))
    }
}

fn runtime(name: &str) -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name(name)
        .enable_all()
        .build()
        .unwrap()
}

fn main() {
    let options = Options::read();
    let folder = options.data.then(|| tempfile::tempdir().unwrap());
    let begun = Instant::now();
    let mut config = Config::new(Credentials {
        id: "admin".into(),
        secret: "an administrator's secret".into(),
    });
    config.data = folder.as_ref().map(|folder| folder.path().join("data"));
    config.project = corpus::PROJECT.into();
    config.seed = corpus::seed(options.messages);
    let made = begun.elapsed();
    let (serving, asking) = (runtime("server"), runtime("client"));
    let server = serving.block_on(async { start(config).await.unwrap() });
    println!(
        "{} Communications, {}; made and checked in {:.1} s, stored and indexed in {:.1} s; {} MB resident",
        options.messages,
        if options.data {
            "in a data folder"
        } else {
            "in memory"
        },
        made.as_secs_f64(),
        (begun.elapsed() - made).as_secs_f64(),
        resident_mb(),
    );
    let token = asking.block_on(client::token(&server, corpus::CLIENT, corpus::SECRET));
    println!("\n| what | connections | a second | p50 ms | p99 ms | errors | MB resident |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    let mut errors = 0;
    for what in ["read", "create", "search"] {
        if !options.wants(what) {
            continue;
        }
        for connections in CONNECTIONS {
            let requests = corpus::requests(what, options.messages, &token);
            let row = asking.block_on(measure(&server, connections, options.time, &requests));
            println!(
                "| {what} | {connections} | {:.0} | {:.2} | {:.2} | {} | {} |",
                row.per_second,
                row.quantile(0.5),
                row.quantile(0.99),
                row.errors,
                resident_mb(),
            );
            errors += row.errors;
        }
    }
    serving.block_on(async { server.stop().await.unwrap() });
    assert_eq!(errors, 0, "there were errors");
}

struct Row {
    per_second: f64,
    /// Of each request, in ascending order.
    times: Vec<Duration>,
    errors: usize,
}

impl Row {
    fn quantile(&self, part: f64) -> f64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index into a list that fits in memory"
        )]
        let at = (self.times.len().saturating_sub(1) as f64 * part) as usize;
        self.times[at].as_secs_f64() * 1000.0
    }
}

/// Sends the requests in turn, over some connections at once, until the time is over.
async fn measure(
    server: &Running,
    connections: usize,
    time: Duration,
    requests: &[Request],
) -> Row {
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::open(server.addr).await);
    }
    let begun = Instant::now();
    let end = begun + time;
    let tasks: Vec<_> = open
        .into_iter()
        .enumerate()
        .map(|(number, mut connection)| {
            let (mut times, mut errors) = (Vec::new(), 0);
            let requests = requests.to_vec();
            tokio::spawn(async move {
                for request in requests.iter().cycle().skip(number * 61) {
                    let sent = Instant::now();
                    if sent >= end {
                        break;
                    }
                    if connection.send(&request.bytes).await != request.expected {
                        errors += 1;
                    }
                    times.push(sent.elapsed());
                }
                (times, errors)
            })
        })
        .collect();
    let (mut times, mut errors) = (Vec::new(), 0);
    for task in tasks {
        let (some, wrong) = task.await.unwrap();
        times.extend(some);
        errors += wrong;
    }
    let took = begun.elapsed();
    times.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    let per_second = times.len() as f64 / took.as_secs_f64();
    Row {
        per_second,
        times,
        errors,
    }
}

/// The memory of the process, client included; 0 where the system does not tell.
fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kb = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kb.unwrap_or_default() / 1024
}
