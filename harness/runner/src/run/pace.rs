//! How often an expectation is looked at: once, until it is met, or as long as it has to be.

use std::time::Duration;

use crate::scenario::Patience;

/// Counts the looks of one step. It has no clock of its own: whoever looks says how much time has
/// passed since the first look began.
#[derive(Debug)]
pub(super) struct Pace {
    patience: Patience,
    passed: Duration,
    pub(super) looks: usize,
}

/// What follows a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The step is decided.
    Done,
    /// Another look after this time.
    After(Duration),
}

impl Pace {
    pub(super) fn new(patience: Patience) -> Self {
        Self {
            patience,
            passed: Duration::ZERO,
            looks: 0,
        }
    }

    /// After a look that met the expectation or not.
    pub(super) fn next(&mut self, met: bool, passed: Duration) -> Next {
        self.looks += 1;
        self.passed = passed;
        let (limit, every, over) = match self.patience {
            Patience::None => return Next::Done,
            Patience::Eventually { within, every } => (within, every, met),
            Patience::Throughout { window, every } => (window, every, !met),
        };
        if over || passed >= limit {
            return Next::Done;
        }
        // The last look is at the end of the time, not after it.
        Next::After(every.min(limit - passed))
    }

    /// What the looks together say, where they failed.
    pub(super) fn verdict(&self) -> Option<String> {
        let passed = self.passed.as_millis();
        match self.patience {
            Patience::None => None,
            Patience::Eventually { within, .. } => Some(format!(
                "not within {} ms, in {} looks",
                within.as_millis(),
                self.looks
            )),
            Patience::Throughout { window, .. } => Some(format!(
                "not for {} ms: after {passed} ms, at look {}",
                window.as_millis(),
                self.looks
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const EVERY: Duration = Duration::from_millis(200);
    const SECOND: Duration = Duration::from_secs(1);

    /// Looks until it is decided, and tells when that was and how it ended.
    fn watch(patience: Patience, met: impl Fn(u128) -> bool) -> (u128, usize, bool) {
        let mut passed = Duration::ZERO;
        let mut pace = Pace::new(patience);
        loop {
            let now = met(passed.as_millis());
            match pace.next(now, passed) {
                Next::Done => return (passed.as_millis(), pace.looks, now),
                Next::After(wait) => passed += wait,
            }
        }
    }

    #[rstest]
    #[case::once(Patience::None, 5000, 9000, (0, 1, false))]
    #[case::at_once(Patience::Eventually { within: SECOND, every: EVERY }, 0, 9000, (0, 1, true))]
    #[case::in_time(Patience::Eventually { within: SECOND, every: EVERY }, 500, 9000, (600, 4, true))]
    #[case::at_the_last_moment(Patience::Eventually { within: SECOND, every: Duration::from_millis(300) }, 1000, 9000, (1000, 5, true))]
    #[case::too_late(Patience::Eventually { within: SECOND, every: EVERY }, 1001, 9000, (1000, 6, false))]
    #[case::all_the_time(Patience::Throughout { window: SECOND, every: EVERY }, 0, 9000, (1000, 6, true))]
    #[case::not_to_the_end(Patience::Throughout { window: SECOND, every: EVERY }, 0, 900, (1000, 6, false))]
    #[case::never(Patience::Throughout { window: SECOND, every: EVERY }, 9000, 9000, (0, 1, false))]
    fn looks(
        #[case] patience: Patience,
        #[case] from: u128,
        #[case] to: u128,
        #[case] expected: (u128, usize, bool),
    ) {
        let seen = watch(patience, |now| (from..to).contains(&now));
        assert_eq!(seen, expected);
    }
}
