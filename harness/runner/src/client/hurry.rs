//! After somebody has stopped a run nobody waits long for a server any more.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// How long a request may take from then on.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// How long all of them together may take.
const TOGETHER: Duration = Duration::from_secs(60);

/// After so many without an answer nobody asks any more.
const SILENT: usize = 2;

/// Whether there is haste. Clones share it.
#[derive(Debug, Clone)]
pub struct Hurry {
    since: Arc<watch::Sender<Option<Instant>>>,
    silent: Arc<AtomicUsize>,
}

impl Default for Hurry {
    fn default() -> Self {
        Self {
            since: Arc::new(watch::Sender::new(None)),
            silent: Arc::default(),
        }
    }
}

impl Hurry {
    /// From now on every request has a short time only.
    pub fn begin(&self) {
        self.since.send_if_modified(|since| {
            let begins = since.is_none();
            since.get_or_insert_with(Instant::now);
            begins
        });
    }

    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        self.since.borrow().is_some()
    }

    /// Ends when a request that begins now has waited long enough; without haste never.
    pub(super) async fn is_over(&self) {
        let begun = Instant::now();
        let mut receiver = self.since.subscribe();
        // The sender is in `self`, so there is no other end than a beginning.
        let since = receiver.wait_for(Option::is_some).await;
        let since = since.ok().and_then(|since| *since);
        let Some(since) = since else {
            return pending().await;
        };
        if self.silent.load(Ordering::Relaxed) >= SILENT {
            return;
        }
        sleep_until((begun.max(since) + PATIENCE).min(since + TOGETHER)).await;
    }

    /// Remembers whether there was an answer.
    pub(super) fn note(&self, answered: bool) {
        if answered {
            self.silent.store(0, Ordering::Relaxed);
        } else if self.has_begun() {
            self.silent.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_under_way_has_a_short_time_from_the_stop_on() {
        let hurry = Hurry::default();
        let begun = Instant::now();
        let stop = async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            hurry.begin();
        };
        tokio::join!(hurry.is_over(), stop);
        assert_eq!(begun.elapsed(), Duration::from_secs(10) + PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn without_haste_there_is_no_end() {
        let hurry = Hurry::default();
        let waited = tokio::time::timeout(Duration::from_secs(3600), hurry.is_over()).await;
        assert!(waited.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_server_is_not_asked_again_and_one_that_answers_is() {
        let hurry = Hurry::default();
        hurry.note(false);
        hurry.begin();
        let begun = Instant::now();
        hurry.note(false);
        hurry.is_over().await;
        assert_eq!(begun.elapsed(), PATIENCE);
        hurry.note(false);
        hurry.is_over().await;
        assert_eq!(begun.elapsed(), PATIENCE);
        hurry.note(true);
        hurry.is_over().await;
        assert_eq!(begun.elapsed(), PATIENCE * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn all_of_it_has_an_end() {
        let hurry = Hurry::default();
        hurry.begin();
        let begun = Instant::now();
        tokio::time::sleep(TOGETHER - Duration::from_secs(1)).await;
        hurry.is_over().await;
        assert_eq!(begun.elapsed(), TOGETHER);
        hurry.is_over().await;
        assert_eq!(begun.elapsed(), TOGETHER);
    }
}
