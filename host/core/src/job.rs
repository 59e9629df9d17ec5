//! A job, its revisions, and what it remembers of its runs.

use crate::id::{JobId, Name, RunId};
use crate::limit::fixed;
use crate::run::{Outcome, Run, Trigger};
use crate::schedule::{Schedule, ScheduleSpec};
use crate::spec::Specification;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A name with an id of its own. A name deleted and made again is another job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub id: JobId,
    pub name: Name,
    /// The newest revision's number.
    pub revision: u32,
    pub created_at: Instant,
    /// Grows with every change of the job: what `If-Match` compares.
    pub version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause>,
    /// Instants up to here belong to schedules that the job had before, or to a pause, whatever the clock shows
    /// since. None in a job that has not changed in this epoch of the clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_to: Option<Instant>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub since: Instant,
    /// Up to where the occurrences that the pause skips are recorded.
    pub recorded_to: Instant,
    /// Why, for people.
    pub reason: String,
}

/// A component with its whole specification. Never changed, only added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Revision {
    pub number: u32,
    pub committed_at: Instant,
    /// Where the schedule starts to count when it does not say: the commit of the revision that first set
    /// this schedule, copied while the schedule stays the same.
    pub anchor: Instant,
    /// The number of that revision.
    pub schedule_since: u32,
    pub spec: Specification,
}

impl Revision {
    /// The revision that follows `before` with this specification, committed at `now`.
    pub fn following(before: Option<&Revision>, spec: Specification, now: Instant) -> Revision {
        let same = before.filter(|before| before.spec.schedule == spec.schedule);
        let number = before.map_or(1, |before| before.number + 1);
        Revision {
            number,
            committed_at: now,
            anchor: same.map_or(now, |before| before.anchor),
            schedule_since: same.map_or(number, |before| before.schedule_since),
            spec,
        }
    }

    /// The schedule as it stands in the specification, which was checked before it was stored.
    pub fn schedule(&self) -> Schedule {
        Schedule::new(&self.spec.schedule, self.anchor).unwrap_or_else(|_| {
            // A rule that has become stricter since: the job is on demand until it is deployed again.
            Schedule::new(&ScheduleSpec::default(), self.anchor).expect("on demand is always valid")
        })
    }
}

/// What a job remembers of its runs and skips, however soon history goes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The occurrence of the newest run that succeeded.
    pub last_success: Option<Instant>,
    /// The newest ends, newest first, at most [`fixed::RECENT_ENDS`].
    pub recent: VecDeque<End>,
    pub failures_in_a_row: u32,
    pub succeeded: u64,
    pub failed: u64,
    pub cancelled: u64,
    /// Occurrences that were skipped because of overlap or a pause.
    pub skipped: u64,
    /// Occurrences that were missed.
    pub missed: u64,
    /// The newest occurrence that was skipped or missed.
    pub last_skip: Option<Instant>,
    /// Emails committed, for the hours that the daily quota still counts.
    pub emails: HourlyCount,
    /// Notifications, likewise.
    pub notices: HourlyCount,
    /// When the failures that go on were last told of.
    pub told_failure: Option<Instant>,
    /// Whether it was told that occurrences are late, and none was on time since.
    pub told_late: bool,
    /// Notifications that nobody took, and the reason of the newest.
    pub undelivered: u64,
    pub undelivered_reason: Option<String>,
}

/// How one run ended, in brief.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    pub run: RunId,
    pub outcome: Outcome,
    pub at: Instant,
    /// Wall time of its last attempt.
    pub millis: u64,
}

const HOUR_MILLIS: i64 = 3_600_000;

/// How many of something there were, by the hour since 1970, for the hours that a daily quota counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HourlyCount(VecDeque<(i64, u32)>);

impl HourlyCount {
    /// Those of the 24 hours before `now`, to the hour.
    pub fn today(&self, now: Instant) -> u32 {
        let hour = now.millis().div_euclid(HOUR_MILLIS);
        let counted = hour - 24..=hour;
        self.0.iter().filter(|(at, _)| counted.contains(at)).map(|(_, count)| count).sum()
    }

    pub fn add(&mut self, count: u32, now: Instant) {
        let hour = now.millis().div_euclid(HOUR_MILLIS);
        self.0.retain(|(at, _)| (hour - 24..=hour).contains(at));
        match self.0.iter_mut().find(|(at, _)| *at == hour) {
            Some((_, sum)) => *sum += count,
            None => self.0.push_back((hour, count)),
        }
    }
}

impl Status {
    /// Takes in occurrences that did not run.
    pub fn record_skip(&mut self, skip: &Skip) {
        match skip.reason {
            Reason::Missed => self.missed += skip.count,
            Reason::Overlap | Reason::Paused => self.skipped += skip.count,
        }
        self.last_skip = self.last_skip.max(Some(skip.to));
    }

    /// Takes in a run that has ended.
    pub fn record(&mut self, run: &Run, outcome: Outcome, at: Instant) {
        match outcome {
            Outcome::Succeeded => {
                self.last_success = self.last_success.max(Some(run.scheduled_for));
                self.failures_in_a_row = 0;
                self.succeeded += 1;
            }
            Outcome::Failed(_) => {
                self.failures_in_a_row += 1;
                self.failed += 1;
            }
            Outcome::Cancelled => self.cancelled += 1,
            Outcome::Skipped => self.missed += 1,
        }
        if run.trigger == Trigger::Schedule && outcome != Outcome::Skipped {
            self.told_late = false;
        }
        let millis =
            run.attempts.last().map_or(0, |attempt| attempt.ended_at.since(attempt.started_at).millis());
        self.recent.push_front(End { run: run.id, outcome, at, millis });
        self.recent.truncate(fixed::RECENT_ENDS);
    }
}

/// Occurrences in a row that did not run, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skip {
    pub reason: Reason,
    /// The first of them, and the last.
    pub from: Instant,
    pub to: Instant,
    pub count: u64,
    /// Which clock these were read from: see [`crate::epoch`].
    #[serde(default, skip_serializing_if = "crate::epoch::is_first")]
    pub epoch: u32,
}

impl Skip {
    /// Of the first epoch.
    pub fn new(reason: Reason, from: Instant, to: Instant, count: u64) -> Skip {
        Skip { reason, from, to, count, epoch: 0 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    Overlap,
    Missed,
    Paused,
}
