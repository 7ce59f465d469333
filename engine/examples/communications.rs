//! Writes conversations as NDJSON, for measuring: `cargo run --release -p fhirward-engine --example
//! communications -- 50000 19 > c.ndjson` is a million Communications in 50,000 threads.

use std::io::{BufWriter, Write};

use serde_json::json;

fn main() -> std::io::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let (Some(Ok(threads)), Some(Ok(messages))) = (numbers.next(), numbers.next()) else {
        return Err(std::io::Error::other(
            "usage: communications THREADS MESSAGES",
        ));
    };
    let mut out = BufWriter::new(std::io::stdout().lock());
    // Messages of one thread do not stand together, as in an export by time.
    for n in 0..=messages {
        for thread in 0..threads {
            let (patient, doctor) = (thread % 10_007, thread % 211);
            let patient = format!("Patient/00000000-0000-4000-8000-{patient:012}");
            let doctor = format!("Practitioner/00000000-0000-4000-9000-{doctor:012}");
            let id = |n: u64| format!("{thread:08x}-0000-4000-a000-{n:012}");
            let header = format!("Communication/{}", id(0));
            let line = if n == 0 {
                json!({
                    "resourceType": "Communication", "id": id(0), "status": "in-progress",
                    "meta": {"versionId": "1", "lastUpdated": "2024-04-09T10:00:00Z"},
                    "topic": {"text": format!("Thread {thread}")}, "subject": {"reference": patient},
                    "sender": {"reference": doctor},
                    "recipient": [{"reference": patient}, {"reference": doctor}],
                })
            } else {
                let (from, to) = if n % 2 == 0 {
                    (&doctor, &patient)
                } else {
                    (&patient, &doctor)
                };
                json!({
                    "resourceType": "Communication", "id": id(n), "status": "in-progress",
                    "meta": {"versionId": "1", "lastUpdated": "2024-04-10T10:00:00Z"},
                    "partOf": [{"reference": header}],
                    "sender": {"reference": from}, "recipient": [{"reference": to}],
                    "payload": [{"contentString": "It still hurts when I go down the stairs. Is that to be expected?"}],
                    "sent": format!("2024-04-10T10:{:02}:{:02}Z", n / 60 % 60, n % 60),
                })
            };
            writeln!(out, "{line}")?;
        }
    }
    out.flush()
}
