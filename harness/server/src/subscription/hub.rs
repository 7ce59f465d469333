//! From commits to notifications.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::ws::Utf8Bytes;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::mpsc::{self, UnboundedReceiver, error::TrySendError};
use tokio::task::{AbortHandle, JoinSet};

use super::definition::{Channel, Definition, Status};
use super::delivery::{self, Job};
use super::socket::is_for_sockets;
use super::status::{Turn, turn};
use super::{author, notice, protocol};
use crate::app::App;
use crate::http::outcome::operation_outcome;
use crate::lost::{self, Lost};
use crate::store::{Committed, Version, View as _, instant};

/// The Subscriptions that are carried out, by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Live(Arc<Mutex<HashMap<String, Arc<Definition>>>>);

impl Live {
    /// The newest definition, while it is carried out.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Definition>> {
        let live = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        live.get(id).cloned()
    }

    fn set(&self, id: &str, definition: Option<Arc<Definition>>) {
        let mut live = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match definition {
            Some(definition) => live.insert(id.to_owned(), definition),
            None => live.remove(id),
        };
    }
}

/// Looks at every commit, in order.
#[derive(Debug)]
pub(crate) struct Hub {
    app: Arc<App>,
    live: Live,
    /// The ids of live Subscriptions by the type that they are on.
    by_type: HashMap<String, BTreeSet<String>>,
    /// The workers of rest-hooks, by id.
    workers: HashMap<String, Worker>,
    /// All that runs; it ends with the hub.
    tasks: JoinSet<()>,
}

/// Who delivers for one Subscription.
#[derive(Debug)]
struct Worker {
    queue: mpsc::Sender<Job>,
    task: AbortHandle,
}

/// Ends the WebSockets when the hub ends, however it does.
struct Closing(Arc<App>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.messaging.sockets.close_all();
    }
}

impl Hub {
    /// A hub with the Subscriptions that are stored.
    pub(crate) fn new(app: Arc<App>) -> Self {
        let mut hub = Self {
            live: Live::default(),
            by_type: HashMap::new(),
            workers: HashMap::new(),
            tasks: JoinSet::new(),
            app,
        };
        for version in hub.app.store.scan("Subscription") {
            hub.define(&version);
        }
        hub
    }

    /// Works until there are no more commits, or it is dropped.
    pub(crate) async fn run(mut self, mut feed: UnboundedReceiver<Committed>) {
        let _closing = Closing(Arc::clone(&self.app));
        while let Some(committed) = feed.recv().await {
            for (before, after) in &committed.changes {
                // Logged; the changes behind it are looked at all the same.
                let _: Result<(), Lost> =
                    lost::or("a change that Subscriptions are told of", || {
                        if &*after.resource_type == "Subscription" {
                            self.define(after);
                        }
                        self.tell(before.as_ref(), after);
                    });
            }
            // Those that have ended are let go.
            while let Some(ended) = self.tasks.try_join_next() {
                if let Err(ended) = ended {
                    lost::tell("a worker of the Subscriptions", &ended);
                }
            }
        }
    }

    /// Takes up a new version of a Subscription.
    fn define(&mut self, version: &Version) {
        let id = &*version.id;
        // A worker looks at the live ones at any time, so this one is only ever replaced there.
        self.unlist(id);
        if version.is_deletion() {
            return self.end(id);
        }
        let hosts = self.app.messaging.caller.hosts();
        let definition = match Definition::parse(&version.resource, &self.app.options, hosts) {
            Ok(definition) => definition,
            // It was accepted by a server that was started otherwise, or came as a seed.
            Err(issues) => {
                self.end(id);
                let outcome = operation_outcome(None, &issues);
                let reason = outcome.pointer("/issue/0/diagnostics");
                let reason = reason.or_else(|| outcome.pointer("/issue/0/details/text"));
                let reason = reason
                    .and_then(Value::as_str)
                    .unwrap_or("it cannot be read");
                return self.turn(id, Turn::Failed(reason.to_owned()));
            }
        };
        let now = Timestamp::now();
        if !definition.is_live(now) {
            self.end(id);
            if definition.has_ended(now) {
                self.turn(id, Turn::Ended);
            }
            return;
        }
        if author::kept(&self.app, id).is_none() {
            self.end(id);
            let reason = "nobody has written this Subscription, so that it has no rights; \
                          write it as a client that has signed in";
            return self.turn(id, Turn::Failed(reason.to_owned()));
        }
        if definition.status == Status::Requested {
            self.turn(id, Turn::Accepted);
        }
        if matches!(definition.channel, Channel::RestHook(_)) {
            self.app.messaging.sockets.unbind_all(id);
        }
        self.by_type
            .entry(definition.resource_type.clone())
            .or_default()
            .insert(id.to_owned());
        self.live.set(id, Some(Arc::new(definition)));
    }

    /// No change is looked at for it.
    fn unlist(&mut self, id: &str) {
        if let Some(before) = self.live.get(id)
            && let Some(ids) = self.by_type.get_mut(&before.resource_type)
        {
            ids.remove(id);
        }
    }

    /// It is not carried out. What waits for it is not delivered any more, not even if it is taken
    /// up again.
    fn end(&mut self, id: &str) {
        self.unlist(id);
        self.live.set(id, None);
        if let Some(worker) = self.workers.remove(id) {
            worker.task.abort();
        }
        self.app.messaging.sockets.unbind_all(id);
    }

    fn turn(&mut self, id: &str, what: Turn) {
        self.tasks
            .spawn(turn(Arc::clone(&self.app), id.to_owned(), what));
    }

    /// Tells those who want to know.
    fn tell(&mut self, before: Option<&Arc<Version>>, after: &Arc<Version>) {
        if is_socket(after) {
            return;
        }
        let Some(ids) = self.by_type.get(&*after.resource_type) else {
            return;
        };
        let now = Timestamp::now();
        for definition in ids
            .iter()
            .filter_map(|id| self.live.get(id))
            .collect::<Vec<_>>()
        {
            if definition.has_ended(now) {
                self.end(&definition.id);
                self.turn(&definition.id, Turn::Ended);
                continue;
            }
            let notice = lost::or("what a Subscription is told of", || {
                notice::of(&self.app, &definition, before.map(|b| &**b), after)
            });
            match notice.unwrap_or_else(|lost| Err(lost.to_string())) {
                Ok(None) => {}
                Err(reason) => self.turn(&definition.id, Turn::Failed(reason)),
                Ok(Some(notice)) => match definition.channel {
                    Channel::WebSocket => {
                        let (app, id) = (&self.app, &definition.id);
                        let text = protocol::notification(
                            id,
                            &notice.resource,
                            &notice.reference,
                            &app.fhir_base,
                            &instant(now),
                        );
                        if let Some(author) = author::kept(app, id) {
                            let sockets = &app.messaging.sockets;
                            sockets.send(id, &author.to_text(), &Utf8Bytes::from(text), App::now());
                        }
                    }
                    Channel::RestHook(_) => {
                        self.enqueue(&definition, before.cloned(), Arc::clone(after));
                    }
                },
            }
        }
    }

    /// Who delivers for a Subscription.
    fn worker(&mut self, id: &str) -> &Worker {
        match self.workers.entry(id.to_owned()) {
            Entry::Occupied(worker) => worker.into_mut(),
            Entry::Vacant(place) => {
                let (queue, jobs) = mpsc::channel(self.app.messaging.settings.waiting);
                let (app, live) = (Arc::clone(&self.app), self.live.clone());
                let task = self.tasks.spawn(delivery::work(app, live, jobs));
                place.insert(Worker { queue, task })
            }
        }
    }

    fn enqueue(
        &mut self,
        definition: &Arc<Definition>,
        before: Option<Arc<Version>>,
        after: Arc<Version>,
    ) {
        let id = &definition.id;
        let job = Job {
            definition: Arc::clone(definition),
            before,
            after,
        };
        let sent = match self.worker(id).queue.try_send(job) {
            Err(TrySendError::Closed(job)) => {
                tracing::error!(subscription = %id, "who delivers was lost, with all that waited");
                self.workers.remove(id);
                self.worker(id).queue.try_send(job)
            }
            sent => sent,
        };
        match sent {
            Ok(()) => {}
            Err(TrySendError::Closed(_)) => {
                let reason = "who delivers is lost again and again";
                self.turn(id, Turn::Failed(reason.to_owned()));
            }
            Err(TrySendError::Full(_)) => {
                let waiting = self.app.messaging.settings.waiting;
                let reason = format!("{waiting} notifications wait to be delivered");
                self.end(id);
                self.turn(id, Turn::Off(reason));
            }
        }
    }
}

/// Whether this is a Subscription for a WebSocket. Those come and go with each page that somebody
/// opens, so nobody is told of them.
fn is_socket(version: &Version) -> bool {
    &*version.resource_type == "Subscription" && is_for_sockets(&version.resource)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::{Config, Credentials};
    use crate::store::Draft;

    /// A hub whose server has one Subscription, its definition, and a message.
    fn hub() -> (Hub, Arc<Definition>, Arc<Version>) {
        let config = Config::new(Credentials::random().unwrap());
        let app = App::new(config, "http://127.0.0.1:1/".parse().unwrap()).unwrap();
        let subscription = json!({
            "resourceType": "Subscription",
            "id": "s",
            "status": "active",
            "reason": "test",
            "criteria": "Communication",
            "channel": { "type": "rest-hook", "endpoint": "http://127.0.0.1:1/" },
        });
        let hosts = app.messaging.caller.hosts();
        let definition = Definition::parse(&subscription, &app.options, hosts).unwrap();
        let transaction = app.store.begin();
        let message = json!({ "resourceType": "Communication" });
        let message = transaction.insert(Draft::new("Communication", "c".into(), message));
        transaction.commit().unwrap();
        (Hub::new(Arc::new(app)), Arc::new(definition), message)
    }

    /// How many notifications wait for the worker, which has not run yet.
    fn waiting(hub: &Hub) -> usize {
        let queue = &hub.workers["s"].queue;
        queue.max_capacity() - queue.capacity()
    }

    #[tokio::test]
    async fn who_delivers_is_replaced_and_the_notification_goes_to_the_next_one() {
        let (mut hub, definition, message) = hub();
        let (queue, jobs) = mpsc::channel(1);
        drop(jobs);
        let task = hub.tasks.spawn(async {});
        hub.workers.insert("s".into(), Worker { queue, task });
        hub.enqueue(&definition, None, Arc::clone(&message));
        assert_eq!(waiting(&hub), 1);
        hub.enqueue(&definition, None, message);
        assert_eq!(waiting(&hub), 2);
    }
}
