//! How long history is kept: by age and by size, a period at a time.

use crate::limit::Bytes;
use crate::time::{Instant, Span};

/// A stretch of history that goes as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first instant that is no longer in it.
    pub end: Instant,
    /// What it takes on disk.
    pub bytes: u64,
}

/// What bounds history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub age: Span,
    pub bytes: Bytes,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention { age: Span::from_secs(30 * 86_400), bytes: Bytes::mib(10 * 1024) }
    }
}

impl Retention {
    /// The end of the oldest period, if it is to go at `now`: it is too old, or all together are too large.
    /// A period that has not ended stays, whatever it takes. `periods` are oldest first.
    pub fn goes(&self, periods: &[Period], now: Instant) -> Option<Instant> {
        let oldest = periods.first()?;
        let bytes = periods.iter().fold(0u64, |sum, period| sum.saturating_add(period.bytes));
        let is_old = oldest.end <= now.minus(self.age);
        (oldest.end <= now && (is_old || bytes > self.bytes.0)).then_some(oldest.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    fn day(number: i64, bytes: u64) -> Period {
        Period { end: Instant::from_millis((number + 1) * DAY), bytes }
    }

    #[test]
    fn the_oldest_goes_by_age_or_by_size() {
        let retention = Retention { age: Span::from_secs(2 * 86_400), bytes: Bytes(100) };
        for (periods, now_days, goes) in [
            (vec![], 9, false),
            (vec![day(0, 1)], 2, false),
            (vec![day(0, 1)], 3, true),
            (vec![day(1, 60), day(2, 40)], 3, false),
            (vec![day(1, 60), day(2, 41)], 3, true),
            // The day that goes on stays, however large.
            (vec![day(3, 1000)], 3, false),
            // A day of the future too: the clock was ahead when it was made.
            (vec![day(9, 1000)], 3, false),
        ] {
            let now = Instant::from_millis(now_days * DAY);
            let expected = goes.then(|| periods[0].end);
            assert_eq!(retention.goes(&periods, now), expected, "{periods:?} at day {now_days}");
        }
    }
}
