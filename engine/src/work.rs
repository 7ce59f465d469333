//! Work that tests count where it could grow with the square of the input. A clock would not do:
//! it also counts what the machine does beside.

use std::cell::Cell;

thread_local! {
    static DONE: Cell<usize> = const { Cell::new(0) };
}

/// Counts one unit of work.
pub(crate) fn count() {
    DONE.set(DONE.get() + 1);
}

/// The units that `work` takes on this thread.
pub(crate) fn of(work: impl FnOnce()) -> usize {
    let before = DONE.get();
    work();
    DONE.get() - before
}
