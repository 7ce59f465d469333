//! Waiting for an index that lags behind.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::client::{Client, search_path};

/// The first wait between two looks; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// Waits until searches find everything that is there, at the longest for the lag that the server's
/// profile allows. Says what was still missing then: its absence from a search means nothing.
pub(crate) async fn indexed(admin: &Client, references: &[&str], lag: Duration) -> Vec<String> {
    if lag.is_zero() || references.is_empty() {
        return Vec::new();
    }
    let until = Instant::now() + lag;
    let mut wait = FIRST_WAIT;
    let mut missing: Vec<String> = references.iter().map(|r| (*r).to_owned()).collect();
    loop {
        missing = still_missing(admin, &missing).await;
        let now = Instant::now();
        if missing.is_empty() || now >= until || admin.is_hurried() {
            return missing;
        }
        tokio::time::sleep(wait.min(until - now)).await;
        wait *= 2;
    }
}

async fn still_missing(admin: &Client, references: &[String]) -> Vec<String> {
    let mut by_type: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for reference in references {
        if let Some((kind, id)) = reference.split_once('/') {
            by_type.entry(kind).or_default().push(id);
        }
    }
    let mut missing = Vec::new();
    for (kind, ids) in by_type {
        // What cannot be asked is not known to be there.
        let found = match admin.search(&search_path(kind, &ids)).await {
            Ok(found) => found.references(),
            Err(_) => Vec::new(),
        };
        missing.extend(
            ids.iter()
                .map(|id| format!("{kind}/{id}"))
                .filter(|reference| !found.contains(reference)),
        );
    }
    missing
}
