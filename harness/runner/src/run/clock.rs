//! Times for people.

use std::time::Instant;

use jiff::Timestamp;

/// Now, RFC 3339, UTC, to the second.
pub(super) fn now() -> String {
    told(Timestamp::now())
}

/// Whole milliseconds since then.
pub(super) fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn told(time: Timestamp) -> String {
    format!("{time:.0}")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use rstest::rstest;

    #[rstest]
    #[case::before_1970(-1, "1969-12-31T23:59:59Z")]
    #[case::leap_day(951_782_400, "2000-02-29T00:00:00Z")]
    #[case::second(1_795_262_399, "2026-11-21T11:59:59Z")]
    fn dates(#[case] seconds: i64, #[case] text: &str) {
        let time = Timestamp::new(seconds, 0).unwrap();
        assert_eq!(super::told(time), text);
    }
}
