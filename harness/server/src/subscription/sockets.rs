//! Which WebSockets hear of which Subscription.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::{Notify, mpsc, watch};

use super::binding::Binding;

/// The most Subscriptions that one socket is bound to.
const MAX_BOUND: usize = 1000;

/// All sockets.
#[derive(Debug)]
pub(crate) struct Sockets {
    /// By Subscription and socket.
    bound: Mutex<HashMap<String, HashMap<u64, Bound>>>,
    next: AtomicU64,
    closing: watch::Sender<bool>,
}

impl Default for Sockets {
    fn default() -> Self {
        Self {
            bound: Mutex::default(),
            next: AtomicU64::new(0),
            closing: watch::channel(false).0,
        }
    }
}

#[derive(Debug)]
struct Bound {
    queue: mpsc::Sender<Utf8Bytes>,
    too_slow: Arc<Notify>,
    author: String,
    expires: i64,
}

/// One socket, as long as it is open.
#[derive(Debug)]
pub(crate) struct Socket<'s> {
    sockets: &'s Sockets,
    id: u64,
    queue: mpsc::Sender<Utf8Bytes>,
    /// Told when more waits than may.
    pub(crate) too_slow: Arc<Notify>,
    pub(crate) waiting: mpsc::Receiver<Utf8Bytes>,
    pub(crate) closing: watch::Receiver<bool>,
}

impl Sockets {
    /// Takes up a socket for which at most `waiting` messages may wait.
    pub(crate) fn open(&self, waiting: usize) -> Socket<'_> {
        let (queue, receiver) = mpsc::channel(waiting);
        Socket {
            sockets: self,
            id: self.next.fetch_add(1, Ordering::Relaxed),
            queue,
            too_slow: Arc::default(),
            waiting: receiver,
            closing: self.closing.subscribe(),
        }
    }

    /// Sends a message to the sockets that are bound to a Subscription of this author.
    pub(crate) fn send(&self, subscription: &str, author: &str, text: &Utf8Bytes, now: i64) {
        let mut bound = self.bound();
        let Some(sockets) = bound.get_mut(subscription) else {
            return;
        };
        sockets.retain(|_, socket| {
            // Its Subscription has become somebody else's.
            if socket.author != author || now >= socket.expires {
                return false;
            }
            match socket.queue.try_send(text.clone()) {
                Ok(()) => true,
                Err(_) => {
                    socket.too_slow.notify_one();
                    false
                }
            }
        });
        if sockets.is_empty() {
            bound.remove(subscription);
        }
    }

    /// Nobody hears of a Subscription any more.
    pub(crate) fn unbind_all(&self, subscription: &str) {
        self.bound().remove(subscription);
    }

    /// Closes all sockets, and every one that is opened from now on.
    pub(crate) fn close_all(&self) {
        self.closing.send_replace(true);
    }

    fn bound(&self) -> MutexGuard<'_, HashMap<String, HashMap<u64, Bound>>> {
        // Inserts and removes cannot leave it half changed.
        self.bound.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Socket<'_> {
    /// Binds the socket to a Subscription. `false` when it is bound to as many as it may.
    pub(crate) fn bind(&self, binding: &Binding) -> bool {
        let subscription = &binding.subscription;
        let mut bound = self.sockets.bound();
        let is_new = !bound
            .get(subscription)
            .is_some_and(|sockets| sockets.contains_key(&self.id));
        let count = bound
            .values()
            .filter(|sockets| sockets.contains_key(&self.id))
            .count();
        if is_new && count >= MAX_BOUND {
            return false;
        }
        bound.entry(subscription.clone()).or_default().insert(
            self.id,
            Bound {
                queue: self.queue.clone(),
                too_slow: Arc::clone(&self.too_slow),
                author: binding.author.clone(),
                expires: binding.expires,
            },
        );
        true
    }

    pub(crate) fn unbind(&self, subscription: &str) {
        let mut bound = self.sockets.bound();
        if let Some(sockets) = bound.get_mut(subscription) {
            sockets.remove(&self.id);
            if sockets.is_empty() {
                bound.remove(subscription);
            }
        }
    }

    /// The Subscriptions that the socket is bound to now; those whose token has ended are not.
    pub(crate) fn subscriptions(&self, now: i64) -> Vec<String> {
        let mut bound = self.sockets.bound();
        bound.retain(|_, sockets| {
            if sockets.get(&self.id).is_some_and(|own| now >= own.expires) {
                sockets.remove(&self.id);
            }
            !sockets.is_empty()
        });
        let mut subscriptions: Vec<String> = bound
            .iter()
            .filter(|(_, sockets)| sockets.contains_key(&self.id))
            .map(|(subscription, _)| subscription.clone())
            .collect();
        subscriptions.sort_unstable();
        subscriptions
    }
}

impl Drop for Socket<'_> {
    fn drop(&mut self) {
        self.sockets.bound().retain(|_, sockets| {
            sockets.remove(&self.id);
            !sockets.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(subscription: &str, expires: i64) -> Binding {
        Binding {
            subscription: subscription.into(),
            author: "m".into(),
            expires,
        }
    }

    fn heard(socket: &mut Socket<'_>) -> Vec<String> {
        std::iter::from_fn(|| socket.waiting.try_recv().ok())
            .map(|text| text.to_string())
            .collect()
    }

    #[test]
    fn a_socket_hears_of_what_it_is_bound_to() {
        let sockets = Sockets::default();
        let (mut one, mut two) = (sockets.open(4), sockets.open(4));
        one.bind(&binding("a", 10));
        two.bind(&binding("b", 10));
        sockets.send("a", "m", &"1".into(), 0);
        sockets.send("b", "m", &"2".into(), 0);
        assert_eq!(
            (heard(&mut one), heard(&mut two)),
            (vec!["1".into()], vec!["2".into()])
        );
        one.unbind("a");
        sockets.send("a", "m", &"3".into(), 0);
        assert!(heard(&mut one).is_empty());
    }

    #[test]
    fn a_binding_ends_with_its_token_its_author_and_its_socket() {
        let sockets = Sockets::default();
        let mut socket = sockets.open(4);
        socket.bind(&binding("a", 10));
        sockets.send("a", "other", &"1".into(), 0);
        socket.bind(&binding("a", 10));
        sockets.send("a", "m", &"2".into(), 10);
        assert!(heard(&mut socket).is_empty());
        socket.bind(&binding("a", 10));
        assert_eq!(socket.subscriptions(9), ["a"]);
        assert!(socket.subscriptions(10).is_empty());
        socket.bind(&binding("a", 10));
        drop(socket);
        assert!(sockets.bound().is_empty());
    }

    #[tokio::test]
    async fn a_socket_that_is_too_slow_is_dropped_and_no_other() {
        let sockets = Sockets::default();
        let (slow, mut quick) = (sockets.open(2), sockets.open(3));
        slow.bind(&binding("a", 10));
        quick.bind(&binding("a", 10));
        for text in ["1", "2", "3"] {
            sockets.send("a", "m", &text.into(), 0);
        }
        slow.too_slow.notified().await;
        assert!(slow.subscriptions(0).is_empty());
        assert_eq!(heard(&mut quick), ["1", "2", "3"]);
    }
}
