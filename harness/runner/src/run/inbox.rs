//! What has arrived at a sink, and whether anything still can.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;
use serde_json::Value;
use tokio::sync::{Notify, watch};

/// Something that the server sent.
#[derive(Debug, Clone)]
pub(super) struct Delivered {
    pub(super) headers: HeaderMap,
    pub(super) text: String,
    pub(super) body: Option<Value>,
}

/// What has arrived and was not yet waited for.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: Mutex<Vec<Delivered>>,
    /// Something came, or a way by which it could have come has ended.
    pub(super) changed: Notify,
}

impl Inbox {
    pub(super) fn put(&self, delivered: Delivered) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(delivered);
        drop(waiting);
        self.changed.notify_waiters();
    }

    /// Takes out what is wanted, up to a number.
    pub(super) fn take(&self, most: usize, wanted: &dyn Fn(&Delivered) -> bool) -> Vec<Delivered> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = Vec::new();
        waiting.retain(|delivered| {
            let take = taken.len() < most && wanted(delivered);
            if take {
                taken.push(delivered.clone());
            }
            !take
        });
        taken
    }

    /// What nobody has waited for.
    pub(super) fn all(&self) -> Vec<Delivered> {
        let waiting = self.waiting.lock();
        waiting.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Life {
    /// The server did not say yet that it will deliver.
    New,
    Bound,
    /// And why.
    Ended(String),
}

/// A way by which things come into an inbox, from the server's first word to the end.
#[derive(Debug, Clone)]
pub(super) struct Line {
    inbox: Arc<Inbox>,
    life: Arc<watch::Sender<Life>>,
}

impl Line {
    pub(super) fn into(inbox: &Arc<Inbox>) -> Self {
        Self {
            inbox: Arc::clone(inbox),
            life: Arc::new(watch::Sender::new(Life::New)),
        }
    }

    pub(super) fn put(&self, delivered: Delivered) {
        self.inbox.put(delivered);
    }

    /// The server says that it delivers from now on.
    pub(super) fn bind(&self) {
        self.life.send_if_modified(|life| {
            let is_new = *life == Life::New;
            if is_new {
                *life = Life::Bound;
            }
            is_new
        });
    }

    /// Nothing comes any more. The first reason stays.
    pub(super) fn end(&self, why: String) {
        self.life.send_if_modified(|life| {
            let lives = !matches!(life, Life::Ended(_));
            if lives {
                *life = Life::Ended(why);
            }
            lives
        });
        self.inbox.changed.notify_waiters();
    }

    /// Why nothing comes any more.
    pub(super) fn ended(&self) -> Option<String> {
        match &*self.life.borrow() {
            Life::Ended(why) => Some(why.clone()),
            Life::New | Life::Bound => None,
        }
    }

    /// Waits until the server has said whether it delivers.
    pub(super) async fn decided(&self) {
        let mut life = self.life.subscribe();
        // The sender lives as long as this does.
        let _: Result<_, watch::error::RecvError> =
            life.wait_for(|life| *life != Life::New).await.map(drop);
    }
}
