//! Clock epochs: what becomes of time when the wall clock is set back.
//!
//! Instants are read from the wall clock, and a clock that steps back repeats nothing: what was dealt with is
//! behind the schedule, whatever the clock says. That is right for the steps of everyday life. A machine that
//! once woke in the year 2099 would by the same rule do nothing until then. So a step back by more than a
//! day opens a new epoch, in which schedules go on from the instant that the clock shows.

use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};

/// A step back by more than this opens a new epoch.
pub const STEP: Span = Span::from_secs(86_400);
/// How exactly the newest instant is remembered: one write in so long.
const GRAIN: Span = Span::from_secs(3_600);

/// Most hosts see no other: what belongs to the first epoch does not say so.
#[allow(clippy::trivially_copy_pass_by_ref)] // As serde hands it over.
pub(crate) fn is_first(number: &u32) -> bool {
    *number == 0
}

/// The epoch that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Epoch {
    /// Counted from 0.
    pub number: u32,
    /// What the clock showed when it began.
    pub began: Instant,
    /// The newest instant that was seen in it, to the hour.
    pub reached: Instant,
    /// The steps back, oldest first, the newest [`Epoch::STEPS_KEPT`].
    pub steps: Vec<Step>,
}

/// A clock that was set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What it showed before, to the hour.
    pub from: Instant,
    /// And after.
    pub to: Instant,
}

impl Default for Epoch {
    fn default() -> Epoch {
        Epoch { number: 0, began: Instant::MIN, reached: Instant::MIN, steps: Vec::new() }
    }
}

impl Epoch {
    pub const STEPS_KEPT: usize = 20;

    /// No instant of this epoch was seen after this one.
    pub fn latest(&self) -> Instant {
        self.reached.plus(GRAIN)
    }

    /// What is to be stored when the clock shows `now`; none where all is as it was.
    pub fn observe(&self, now: Instant) -> Option<Epoch> {
        if self.reached.since(now) > STEP {
            let mut steps = self.steps.clone();
            if steps.len() == Epoch::STEPS_KEPT {
                steps.remove(0);
            }
            steps.push(Step { from: self.reached, to: now });
            return Some(Epoch { number: self.number + 1, began: now, reached: now, steps });
        }
        (now.since(self.reached) >= GRAIN).then(|| Epoch { reached: now, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Instant {
        Instant::from_millis(hours * 3_600_000)
    }

    #[test]
    fn only_a_step_of_more_than_a_day_opens_an_epoch() {
        let epoch = Epoch { reached: at(1000), ..Epoch::default() };
        for (now, number, reached) in [
            (at(1000), None, None),
            (at(1001).minus(Span::from_millis(1)), None, None),
            (at(1001), Some(0), Some(at(1001))),
            (at(999), None, None),
            (at(976), None, None),
            (at(976).minus(Span::from_millis(1)), Some(1), Some(at(976).minus(Span::from_millis(1)))),
        ] {
            let observed = epoch.observe(now);
            assert_eq!(observed.as_ref().map(|epoch| epoch.number), number, "{now}");
            assert_eq!(observed.map(|epoch| epoch.reached), reached, "{now}");
        }
        let second = epoch.observe(at(5)).unwrap();
        assert_eq!(second.steps, [Step { from: at(1000), to: at(5) }]);
        assert_eq!(second.began, at(5));
    }

    #[test]
    fn the_first_instant_opens_none() {
        let first = Epoch::default().observe(at(0)).unwrap();
        assert_eq!((first.number, first.reached, first.steps.len()), (0, at(0), 0));
    }
}
