//! What all callers of a run share: how fast they ask, how many at once, and who hears of it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::hurry::Hurry;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// A rate, a number of places, and a listener. Clones share the first two.
#[derive(Clone, Default)]
pub struct Traffic {
    gate: Arc<Gate>,
    listener: Option<Arc<Listener>>,
    bodies: bool,
    /// Whether nobody waits long any more.
    pub(super) hurry: Hurry,
}

type Listener = dyn Fn(Heard) + Send + Sync;

#[derive(Default)]
struct Gate {
    places: Option<Arc<Semaphore>>,
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

impl fmt::Debug for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traffic")
            .field("interval", &self.gate.interval)
            .finish_non_exhaustive()
    }
}

/// What a listener hears. Without any secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A request is tried again.
    Retried(Retried),
    /// A request was answered; only where bodies are asked for.
    Exchanged(Exchanged),
}

/// Who asks: an actor, or the harness itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Caller {
    /// The scenario.
    pub scenario: Option<String>,
    /// The actor; nothing for the admin.
    pub actor: Option<String>,
}

/// A request that is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retried {
    /// Who asked.
    #[serde(flatten)]
    pub caller: Caller,
    /// Method and path.
    pub request: String,
    /// What came instead of an answer.
    pub because: String,
    /// Which try the next one is, from 2.
    pub attempt: u32,
    /// How long is waited before it.
    pub wait_ms: u64,
}

/// A request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exchanged {
    /// Who asked.
    #[serde(flatten)]
    pub caller: Caller,
    /// Method and path.
    pub request: String,
    /// What was sent.
    pub sent: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// What was answered.
    pub received: Option<String>,
}

/// The right to send one request.
#[derive(Debug)]
pub(super) struct Admitted {
    _place: Option<OwnedSemaphorePermit>,
}

impl Traffic {
    /// At most so many requests a second, and so many at once.
    pub fn limited(per_second: Option<u32>, at_once: Option<usize>) -> Self {
        let interval = per_second
            .filter(|rate| *rate > 0)
            .map_or(Duration::ZERO, |rate| Duration::from_secs(1) / rate);
        Self {
            gate: Arc::new(Gate {
                places: at_once.map(|places| Arc::new(Semaphore::new(places.max(1)))),
                interval,
                next: Mutex::new(None),
            }),
            listener: None,
            bodies: false,
            hurry: Hurry::default(),
        }
    }

    /// The same, heard by a listener, who gets bodies only if they are asked for.
    #[must_use]
    pub fn heard_by(&self, listener: impl Fn(Heard) + Send + Sync + 'static, bodies: bool) -> Self {
        Self {
            gate: Arc::clone(&self.gate),
            listener: Some(Arc::new(listener)),
            bodies,
            hurry: self.hurry.clone(),
        }
    }

    /// The same, for requests that have no time any more once there is haste.
    #[must_use]
    pub fn hurried_by(&self, hurry: &Hurry) -> Self {
        Self {
            hurry: hurry.clone(),
            ..self.clone()
        }
    }

    /// Waits for its turn.
    pub(super) async fn admit(&self) -> Admitted {
        let place = match &self.gate.places {
            // It is never closed.
            Some(places) => Arc::clone(places).acquire_owned().await.ok(),
            None => None,
        };
        if !self.gate.interval.is_zero() {
            tokio::time::sleep_until(self.turn()).await;
        }
        Admitted { _place: place }
    }

    fn turn(&self) -> Instant {
        let mut next = self
            .gate
            .next
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let turn = next.map_or(now, |next| next.max(now));
        *next = Some(turn + self.gate.interval);
        turn
    }

    pub(super) fn wants_bodies(&self) -> bool {
        self.bodies && self.listener.is_some()
    }

    pub(super) fn tell(&self, heard: impl FnOnce() -> Heard) {
        if let Some(listener) = &self.listener {
            listener(heard());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn requests_keep_their_distance() {
        let traffic = Traffic::limited(Some(10), None);
        let begun = Instant::now();
        for _ in 0..5 {
            drop(traffic.admit().await);
        }
        assert_eq!(begun.elapsed(), Duration::from_millis(400));
        // Who comes late is not owed the turns that nobody took.
        tokio::time::sleep(Duration::from_secs(10)).await;
        let begun = Instant::now();
        drop(traffic.admit().await);
        drop(traffic.admit().await);
        assert_eq!(begun.elapsed(), Duration::from_millis(100));
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_at_once() {
        let traffic = Traffic::limited(None, Some(2));
        let first = traffic.admit().await;
        let _second = traffic.admit().await;
        let third = tokio::time::timeout(Duration::from_secs(1), traffic.admit());
        assert!(third.await.is_err());
        drop(first);
        let third = tokio::time::timeout(Duration::from_secs(1), traffic.admit());
        assert!(third.await.is_ok());
    }
}
