//! How long to wait before a delivery is attempted again.

use std::time::Duration;

/// The longest wait between two attempts.
const LONGEST: Duration = Duration::from_secs(300);

/// The wait after the `attempt`th attempt (from 1): twice as long each time.
pub(crate) fn after(attempt: u32, first: Duration) -> Duration {
    let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
    first.saturating_mul(factor).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit() {
        let waits = [1, 2, 3, 18, u32::MAX].map(|n| after(n, Duration::from_secs(1)).as_secs());
        assert_eq!(waits, [1, 2, 4, 300, 300]);
    }
}
