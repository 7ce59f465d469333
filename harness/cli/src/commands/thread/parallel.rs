//! Work on what is read, on several cores; the results are taken in the order of the input.

use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::inputs::Inputs;
use super::raw::{Raw, Unit};
use crate::output::Failure;

/// What is handed to a worker at once, about.
const BATCH_BYTES: usize = 256 * 1024;
/// The same in files, where they are small.
const BATCH_PARTS: usize = 1024;
/// What may be read and not yet taken, unless one value alone is longer.
const MAX_UNDER_WAY: usize = 16 * 1024 * 1024;

/// A part of the input: the same in every pass over it.
#[derive(Debug)]
pub struct Batch {
    /// Its number, from 0.
    pub number: usize,
    /// What is in it.
    parts: Vec<Raw>,
    bytes: usize,
}

impl Batch {
    /// Each value in it, in order.
    pub fn each(self, visit: &mut dyn FnMut(Unit<'_>)) {
        for part in self.parts {
            part.each(visit);
        }
    }
}

/// Reads everything once; `work` may run for several batches at a time, `take` gets the results one
/// after the other in the order of the input. What is kept in between is bounded.
///
/// # Errors
/// As [`Inputs::read`].
pub fn each<T: Send>(
    inputs: &Inputs,
    jobs: NonZeroUsize,
    work: &(dyn Fn(Batch) -> T + Sync),
    take: &mut dyn FnMut(T),
) -> Result<(), Failure> {
    if jobs.get() == 1 {
        return batches(inputs, &mut |batch| {
            take(work(batch));
            true
        });
    }
    let budget = Budget::default();
    thread::scope(|scope| {
        let mut to_workers: Vec<SyncSender<Batch>> = Vec::new();
        let mut from_workers: Vec<Receiver<(usize, T)>> = Vec::new();
        for _ in 0..jobs.get() {
            let (give, get) = sync_channel::<Batch>(1);
            let (done, results) = sync_channel(1);
            to_workers.push(give);
            from_workers.push(results);
            scope.spawn(move || {
                for batch in get {
                    let bytes = batch.bytes;
                    if done.send((bytes, work(batch))).is_err() {
                        return;
                    }
                }
            });
        }
        // In turn, so that the results are in order when they are asked for in turn.
        let reader = scope.spawn(|| {
            let to_workers = to_workers;
            let mut turn = to_workers.iter().cycle();
            batches(inputs, &mut |batch| {
                budget.claim(batch.bytes)
                    && turn.next().is_some_and(|worker| worker.send(batch).is_ok())
            })
        });
        for results in from_workers.iter().cycle() {
            let Ok((bytes, result)) = results.recv() else {
                break;
            };
            take(result);
            budget.release(bytes);
        }
        // Where a worker has failed, nobody takes what the reader waits to give.
        budget.close();
        drop(from_workers);
        match reader.join() {
            Ok(ended) => ended,
            Err(failure) => std::panic::resume_unwind(failure),
        }
    })
}

/// The batches of the input, as long as they are wanted.
fn batches(inputs: &Inputs, give: &mut dyn FnMut(Batch) -> bool) -> Result<(), Failure> {
    let mut number = 0;
    let mut is_wanted = true;
    let mut parts = Vec::new();
    let mut bytes = 0;
    let mut end = |parts: &mut Vec<Raw>, bytes: &mut usize| {
        let batch = Batch {
            number,
            parts: std::mem::take(parts),
            bytes: std::mem::take(bytes),
        };
        number += 1;
        is_wanted = is_wanted && give(batch);
    };
    inputs.read(&mut |raw| {
        bytes += raw.bytes();
        parts.push(raw);
        if bytes >= BATCH_BYTES || parts.len() >= BATCH_PARTS {
            end(&mut parts, &mut bytes);
        }
    })?;
    if !parts.is_empty() {
        end(&mut parts, &mut bytes);
    }
    Ok(())
}

/// How many bytes are under way.
#[derive(Debug, Default)]
struct Budget {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    under_way: usize,
    is_closed: bool,
}

impl Budget {
    fn state(&self) -> MutexGuard<'_, State> {
        // A number is never half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is room; `false` when nobody takes anything any more.
    fn claim(&self, bytes: usize) -> bool {
        let is_full = |state: &mut State| {
            !state.is_closed
                && state.under_way > 0
                && state.under_way.saturating_add(bytes) > MAX_UNDER_WAY
        };
        let state = self.state();
        let waited = self.changed.wait_while(state, is_full);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.under_way = state.under_way.saturating_add(bytes);
        !state.is_closed
    }

    fn release(&self, bytes: usize) {
        let mut state = self.state();
        state.under_way = state.under_way.saturating_sub(bytes);
        self.changed.notify_all();
    }

    fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn lines(count: usize) -> (tempfile::NamedTempFile, Inputs) {
        let mut file = tempfile::Builder::new()
            .suffix(".ndjson")
            .tempfile()
            .unwrap();
        for n in 0..count {
            // Lines of very different lengths, so that the workers do not end in turn.
            let filling = " ".repeat(if n % 97 == 0 { 9000 } else { n % 7 });
            writeln!(file, "{{\"n\":{n},\"f\":\"{filling}\"}}").unwrap();
        }
        let inputs = Inputs::open(&[file.path().to_owned()])
            .map_err(|_| "not opened")
            .unwrap();
        (file, inputs)
    }

    #[test]
    fn results_are_in_the_order_of_the_input_for_any_number_of_workers() {
        let (_file, inputs) = lines(60_000);
        let read = |jobs: usize| {
            let mut numbers = Vec::new();
            let work = |batch: Batch| {
                let (number, mut lengths) = (batch.number, Vec::new());
                batch.each(&mut |unit| {
                    if let Unit::Line(line) = unit {
                        lengths.push(line.text().len());
                    }
                });
                (number, lengths)
            };
            let jobs = NonZeroUsize::new(jobs).unwrap();
            each(&inputs, jobs, &work, &mut |found| numbers.push(found))
                .map_err(|_| "not read")
                .unwrap();
            numbers
        };
        let alone = read(1);
        assert!(alone.len() > 20, "{}", alone.len());
        assert!(alone.iter().map(|(n, _)| *n).eq(0..alone.len()));
        for jobs in [2, 3, 8] {
            assert_eq!(read(jobs), alone, "{jobs}");
        }
    }

    #[test]
    fn a_worker_that_fails_does_not_leave_the_reader_waiting() {
        let (_file, inputs) = lines(200_000);
        let jobs = NonZeroUsize::new(2).unwrap();
        let failed = std::panic::catch_unwind(|| {
            let work = |batch: Batch| assert!(batch.number < 3);
            each(&inputs, jobs, &work, &mut |()| {}).is_ok()
        });
        assert!(failed.is_err());
    }
}
