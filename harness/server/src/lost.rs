//! Work that panics: it is logged, and takes nothing else with it.
//!
//! What the panic says is not logged: it may quote a resource.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt as _;
use thiserror::Error;
use tokio::task::JoinError;

/// The work ended by a panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the server failed at it; that is a fault of the server")]
pub(crate) struct Lost;

/// Works; `what` names the work in the log if it panics.
///
/// # Errors
/// [`Lost`] when it panics.
pub(crate) fn or<T>(what: &'static str, work: impl FnOnce() -> T) -> Result<T, Lost> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| told(what))
}

/// As [`or`], for work that waits.
///
/// # Errors
/// [`Lost`] when it panics.
pub(crate) async fn or_later<T>(
    what: &'static str,
    work: impl Future<Output = T>,
) -> Result<T, Lost> {
    let ended = AssertUnwindSafe(work).catch_unwind().await;
    ended.map_err(|_| told(what))
}

/// Logs that a task ended by a panic; one that was told to end has not been lost.
pub(crate) fn tell(what: &'static str, ended: &JoinError) {
    if ended.is_panic() {
        let Lost = told(what);
    }
}

fn told(what: &'static str) -> Lost {
    tracing::error!(what, "work was lost by a panic");
    Lost
}

#[cfg(test)]
mod tests {
    use std::panic::resume_unwind;

    use super::*;

    #[test]
    fn a_panic_loses_the_work_and_nothing_else() {
        assert_eq!(or("work", || 1), Ok(1));
        let lost: Result<(), Lost> = or("work", || resume_unwind(Box::new(())));
        assert_eq!(lost, Err(Lost));
    }

    #[tokio::test]
    async fn a_panic_after_waiting_does_as_well() {
        assert_eq!(or_later("work", async { 1 }).await, Ok(1));
        let lost = or_later("work", async {
            tokio::task::yield_now().await;
            resume_unwind(Box::new(()))
        });
        let lost: Result<(), Lost> = lost.await;
        assert_eq!(lost, Err(Lost));
    }
}
