//! `serve --data`: what was acknowledged survives the end of the process at any moment.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::serve::{Connection, Server};

/// How often the server is killed.
const KILLS: u64 = 100;
/// How many write at a time.
const WRITERS: usize = 4;

/// How long the first write of a process may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A small generator of numbers that are the same in every run (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// By `Type/id/_history/version`, the status of each version that was acknowledged.
type Acknowledged = Mutex<HashMap<String, String>>;

/// Writes until the server is gone: a Task, then versions of it.
fn write(mut to: Connection, round: u64, acknowledged: &Acknowledged) {
    let statuses = ["requested", "accepted", "in-progress", "completed"];
    loop {
        let mut task = json!({
            "resourceType": "Task", "status": "draft", "intent": "order",
            "description": format!("round {round}"),
        });
        let Some((code, made)) = to.send("POST", "Task", &task.to_string()) else {
            return;
        };
        assert_eq!(code, 201, "{made}");
        note(&made, acknowledged);
        let id = made["id"].as_str().unwrap().to_owned();
        task["id"] = id.clone().into();
        for status in statuses {
            task["status"] = status.into();
            let path = format!("Task/{id}");
            let Some((code, made)) = to.send("PUT", &path, &task.to_string()) else {
                return;
            };
            assert_eq!(code, 200, "{made}");
            note(&made, acknowledged);
        }
    }
}

fn note(task: &serde_json::Value, acknowledged: &Acknowledged) {
    let text = |pointer: &str| task.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let version = format!("Task/{}/_history/{}", text("/id"), text("/meta/versionId"));
    let before = acknowledged
        .lock()
        .unwrap()
        .insert(version, text("/status"));
    assert!(before.is_none(), "a version was acknowledged twice");
}

fn start(folder: &Path, token: &str) -> Server {
    Server::start_again(folder, &["--data", "data", "--log", "off"], token)
}

#[test]
fn every_acknowledged_version_survives_a_hundred_kills() {
    let folder = tempfile::tempdir().unwrap();
    let acknowledged = Acknowledged::default();
    let mut random = Random(7);
    let mut token = String::new();
    let mut checked = 0;
    for round in 0..KILLS {
        let server = start(folder.path(), &token);
        token.clone_from(&server.token);
        let before: Vec<(String, String)> = acknowledged.lock().unwrap().drain().collect();
        std::thread::scope(|scope| {
            for _ in 0..WRITERS {
                let connection = server.connect();
                let acknowledged = &acknowledged;
                scope.spawn(move || write(connection, round, acknowledged));
            }
            // Meanwhile, under load: what the round before was told.
            let mut reader = server.connect();
            for (version, status) in &before {
                let (code, task) = reader.send("GET", version, "").unwrap();
                assert_eq!(code, 200, "round {round}: {version} is lost: {task}");
                assert_eq!(task["status"], **status, "round {round}: {version}");
                checked += 1;
            }
            // The first write of a process takes longer than all that follow. Each fifth time the
            // end comes about then.
            let begun = Instant::now();
            while round % 5 != 0 && acknowledged.lock().unwrap().is_empty() {
                assert!(
                    begun.elapsed() < PATIENCE,
                    "round {round}: nothing is acknowledged"
                );
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_micros(random.next() % 60_000));
            server.kill();
        });
    }
    let server = start(folder.path(), &token);
    let mut reader = server.connect();
    for (version, status) in acknowledged.lock().unwrap().iter() {
        let (code, task) = reader.send("GET", version, "").unwrap();
        assert_eq!(
            (code, task["status"].as_str()),
            (200, Some(&**status)),
            "{version}"
        );
        checked += 1;
    }
    server.kill();
    assert!(checked > KILLS, "hardly anything was written: {checked}");
    println!("{checked} acknowledged versions survived {KILLS} kills");
}
