//! The thread that makes commits lasting, many with one write.
//!
//! While one write waits for the disk, the transactions decided meanwhile queue up, in the order
//! in which they were decided; the next write takes them all. What is on the disk becomes visible
//! and is answered. When a write fails, everything that is not yet visible is taken back, since
//! each transaction may have seen what those before it wrote.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;

use super::StoreError;
use super::disk::{Batch, Disk};
use super::state::State;

/// The most transactions in one write.
const MOST: usize = 1024;

/// The queue, and the thread behind it.
#[derive(Debug)]
pub(super) struct Log {
    queue: Option<Sender<Waiting>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Waiting {
    batch: Batch,
    answer: SyncSender<Result<(), StoreError>>,
}

/// A transaction on its way to the disk.
#[derive(Debug)]
pub(super) struct Ticket(Receiver<Result<(), StoreError>>);

impl Ticket {
    /// Waits until it is there.
    pub(super) fn wait(self) -> Result<(), StoreError> {
        self.0.recv().unwrap_or(Err(StoreError::Stopped))
    }
}

impl Log {
    pub(super) fn start(disk: Disk, state: Arc<RwLock<State>>) -> std::io::Result<Self> {
        let (queue, waiting) = channel();
        let thread = std::thread::Builder::new()
            .name("fhirward-store".into())
            .spawn(move || work(disk, &state, &waiting))?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// Queues a transaction. The caller still has the right to write, so the queue has the order
    /// of the sequence.
    pub(super) fn append(&self, batch: Batch) -> Result<Ticket, StoreError> {
        let (answer, ticket) = sync_channel(1);
        let queue = self.queue.as_ref().ok_or(StoreError::Stopped)?;
        queue
            .send(Waiting { batch, answer })
            .map_err(|_| StoreError::Stopped)?;
        Ok(Ticket(ticket))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // What is queued is still written, and the file closed in order.
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's thread ended in a panic");
        }
    }
}

fn work(mut disk: Disk, state: &RwLock<State>, queue: &Receiver<Waiting>) {
    while let Ok(first) = queue.recv() {
        let mut batches = Vec::new();
        let mut answers = Vec::new();
        let (losses, horizon) = {
            let state = state.read().unwrap_or_else(PoisonError::into_inner);
            (state.losses(), state.horizon())
        };
        for waiting in std::iter::once(first).chain(queue.try_iter().take(MOST - 1)) {
            // It was decided upon what has been taken back.
            if waiting.batch.losses != losses {
                answer(&waiting.answer, Err(StoreError::Lost));
                continue;
            }
            batches.push(waiting.batch);
            answers.push(waiting.answer);
        }
        let written = if batches.iter().all(Batch::is_empty) {
            Ok(())
        } else {
            disk.write(&batches, horizon, || {
                let state = state.read().unwrap_or_else(PoisonError::into_inner);
                state.all_records()
            })
        };
        let result = {
            let mut state = state.write().unwrap_or_else(PoisonError::into_inner);
            match written {
                Ok(()) => {
                    for batch in &batches {
                        state.publish(batch.end, &batch.committed);
                    }
                    Ok(())
                }
                Err(error) => {
                    state.lose();
                    Err(StoreError::Disk(Arc::from(error.to_string())))
                }
            }
        };
        for waiting in &answers {
            answer(waiting, result.clone());
        }
    }
}

fn answer(to: &SyncSender<Result<(), StoreError>>, result: Result<(), StoreError>) {
    // There is room for the one answer; whoever asked may have given up.
    drop(to.try_send(result));
}
