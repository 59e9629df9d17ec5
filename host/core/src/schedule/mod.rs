//! Schedules: which instants ask for a job.
//!
//! A schedule is a set of wall-clock instants, computed here and nowhere else: the scheduler, the preview in
//! the API, the CLI and the portal ask the same [`Schedule`], so that a preview never disagrees with reality.
//! It must not know what becomes of an occurrence, nor what time it is.
//!
//! # What a specification means
//!
//! - `every`: up to hours it is elapsed time from the start, from days on it is civil time in the zone. A
//!   `start` that is given is itself an occurrence. One that is not given (then it is the anchor, the instant
//!   of the deployment) is none: the first occurrence is one period later.
//! - `cron`: as crontab(5) has it, read in the zone.
//! - `at`: one instant.
//!
//! A wall time that a zone skips or repeats follows `dst_gap` and `dst_repeat`; but a cron whose hour field is
//! `*` or `*/n` follows elapsed time through both, as cron(8) does: it occurs in both of two equal hours, and
//! what is skipped does not shift. `not_before` and `not_after` bound everything, both inclusive. Nothing occurs after 9999-12-29T00:00Z, where civil time ends.

mod civil;
mod cron;
mod day;
mod every;
mod field;
#[cfg(test)]
mod oracle;
mod spec;
#[cfg(test)]
mod tests;
mod words;

pub use spec::{DstGap, DstRepeat, ScheduleSpec};

use crate::id::JobId;
use crate::problem::Problem;
use crate::time::{Instant, Span};
use civil::{Clock, Pattern, wall_of};
use cron::Cron;
use every::{Every, Period};
use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};
use spec::{Asked, Checked};
use std::sync::Arc;

/// 9999-12-29T00:00:00Z: the walls of every zone are still within the calendar then.
const LAST_MS: i64 = 253_402_041_600_000;

/// A valid schedule, ready to be asked. Cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule(Arc<Parts>);

#[derive(Debug, PartialEq)]
struct Parts {
    rule: Rule,
    zone: TimeZone,
    not_before: Option<Instant>,
    not_after: Option<Instant>,
    jitter: Span,
}

#[derive(Debug, PartialEq)]
enum Rule {
    OnDemand,
    At(Instant),
    /// Elapsed time. `start` is what the specification gave.
    Elapsed {
        every: Every,
        start: Option<Instant>,
    },
    /// Walls of a zone's clock, at instants from `from_ms` on; and at `start`, where that is given.
    Civil {
        pattern: Pattern,
        clock: Clock,
        from_ms: i64,
        start: Option<Instant>,
    },
}

impl Schedule {
    /// Reads a specification. `anchor` is the start of an `every` that gives none: the commit of the revision
    /// that first set this schedule. Whether a specification is valid does not depend on it.
    ///
    /// Gives every problem at once; pointers are relative to the specification: `/cron`.
    pub fn new(spec: &ScheduleSpec, anchor: Instant) -> Result<Schedule, Vec<Problem>> {
        let Checked { asked, zone } = spec.check()?;
        let rule = match asked {
            Asked::OnDemand => Rule::OnDemand,
            Asked::At(at) => Rule::At(at),
            Asked::Every(period) => Rule::every(period, spec, &zone, anchor),
            Asked::Cron(cron) => Rule::cron(cron, spec, &zone),
        };
        Ok(Schedule(Arc::new(Parts {
            rule,
            zone,
            not_before: spec.not_before,
            not_after: spec.not_after,
            jitter: spec.jitter.unwrap_or_default(),
        })))
    }

    /// Whether nothing but a request starts this job.
    pub fn is_on_demand(&self) -> bool {
        matches!(self.0.rule, Rule::OnDemand)
    }

    /// All nominal instants strictly after `t`, as the scheduler finds them: one after the other. They may never end.
    pub fn instants_after(&self, t: Instant) -> impl Iterator<Item = Instant> + '_ {
        std::iter::successors(self.next_after(t), |at| self.next_after(*at))
    }

    /// The first nominal instant strictly after `t`.
    pub fn next_after(&self, t: Instant) -> Option<Instant> {
        let (first, last) = self.0.bounds();
        let from = first.max(t.millis() + 1);
        if from > last {
            return None;
        }
        self.0.rule.next_from(from).filter(|ms| *ms <= last).map(Instant::from_millis)
    }

    /// The newest nominal instant in (`after`, `until`].
    pub fn last_until(&self, after: Instant, until: Instant) -> Option<Instant> {
        let (from, until) = self.0.within(after, until)?;
        self.0.rule.last_until(from, until).map(Instant::from_millis)
    }

    /// How many nominal instants are in (`after`, `until`]. Costs a few steps per month and per change of the
    /// zone's offset in between, and none per occurrence.
    pub fn count(&self, after: Instant, until: Instant) -> u64 {
        self.0.within(after, until).map_or(0, |(from, until)| self.0.rule.count(from, until + 1))
    }

    /// When the occurrence of `nominal` is due: up to the jitter later, but not past `not_after`, and before the
    /// next occurrence: none overtakes another, nor has to wait for one. A hash of job and occurrence decides, so
    /// that it is the same after a restart, and differs from job to job.
    pub fn jittered(&self, job: JobId, nominal: Instant) -> Instant {
        let most = self.0.not_after.unwrap_or(Instant::MAX).since(nominal).min(self.0.jitter);
        if most == Span::ZERO {
            return nominal;
        }
        let gap =
            self.next_after(nominal).map_or(most, |next| next.minus(Span::from_millis(1)).since(nominal));
        let room = most.min(gap).millis();
        let mut hasher = Sha256::new();
        hasher.update(job.0.to_be_bytes());
        hasher.update(nominal.millis().to_be_bytes());
        let hash = hasher.finalize().iter().take(8).fold(0, |hash, byte| hash << 8 | u128::from(*byte));
        // 64 bits of hash, scaled to 0..=room.
        nominal.plus(Span::from_millis(((hash * (u128::from(room) + 1)) >> 64) as u64))
    }

    /// In plain English: `every hour`, `at 03:00 on Monday to Friday, Europe/Zurich`, `on demand`.
    pub fn words(&self) -> String {
        words::words(&self.0)
    }
}

impl Parts {
    /// The first and last millisecond at which something may occur.
    fn bounds(&self) -> (i64, i64) {
        let first = self.not_before.unwrap_or(Instant::MIN).millis();
        let last = self.not_after.unwrap_or(Instant::MAX).millis();
        (first, last.min(LAST_MS))
    }

    /// (`after`, `until`] as the first and last millisecond of it that the bounds leave, if any.
    fn within(&self, after: Instant, until: Instant) -> Option<(i64, i64)> {
        let (first, last) = self.bounds();
        let (from, until) = (first.max(after.millis() + 1), last.min(until.millis()));
        (from <= until).then_some((from, until))
    }
}

impl Rule {
    fn every(period: Period, spec: &ScheduleSpec, zone: &TimeZone, anchor: Instant) -> Rule {
        let start = spec.start;
        let from = start.unwrap_or(anchor);
        if period.is_elapsed() {
            // The anchor is when somebody deployed, not an instant that somebody asked for.
            let first = i64::from(start.is_none());
            let every = Every::new(period, from.millis(), first);
            return Rule::Elapsed { every, start };
        }
        let (gap, repeat) = (spec.dst_gap.unwrap_or_default(), spec.dst_repeat.unwrap_or_default());
        Rule::Civil {
            // A start is an instant already, whatever else its wall may stand for.
            pattern: Pattern::Every(Every::new(period, wall_of(zone, from), 1)),
            clock: Clock::new(zone.clone(), gap, repeat),
            from_ms: from.millis() + 1,
            start,
        }
    }

    fn cron(cron: Box<Cron>, spec: &ScheduleSpec, zone: &TimeZone) -> Rule {
        let (gap, repeat) = if cron.follows_elapsed_time() {
            (DstGap::Skip, DstRepeat::Both)
        } else {
            (spec.dst_gap.unwrap_or_default(), spec.dst_repeat.unwrap_or_default())
        };
        Rule::Civil {
            pattern: Pattern::Cron(cron),
            clock: Clock::new(zone.clone(), gap, repeat),
            from_ms: Instant::MIN.millis(),
            start: None,
        }
    }

    /// The first that is not before `from`.
    fn next_from(&self, from: i64) -> Option<i64> {
        match self {
            Rule::OnDemand => None,
            Rule::At(at) => Some(at.millis()).filter(|at| *at >= from),
            Rule::Elapsed { every, .. } => every.next_from(from),
            Rule::Civil { pattern, clock, from_ms, start } => match start {
                Some(start) if start.millis() >= from => Some(start.millis()),
                _ => clock.next_from(pattern, from.max(*from_ms)),
            },
        }
    }

    /// The newest in `from..=until`.
    fn last_until(&self, from: i64, until: i64) -> Option<i64> {
        match self {
            Rule::OnDemand => None,
            Rule::At(at) => Some(at.millis()).filter(|at| (from..=until).contains(at)),
            Rule::Elapsed { every, .. } => every.last_before(until + 1).filter(|at| *at >= from),
            Rule::Civil { pattern, clock, from_ms, start } => {
                let start = start.map(Instant::millis).filter(|start| (from..=until).contains(start));
                clock.last_until(pattern, from.max(*from_ms), until).or(start)
            }
        }
    }

    /// How many in `from..to`.
    fn count(&self, from: i64, to: i64) -> u64 {
        match self {
            Rule::OnDemand => 0,
            Rule::At(at) => u64::from((from..to).contains(&at.millis())),
            Rule::Elapsed { every, .. } => every.count(from, to),
            Rule::Civil { pattern, clock, from_ms, start } => {
                let start = start.is_some_and(|start| (from..to).contains(&start.millis()));
                u64::from(start) + clock.count(pattern, from.max(*from_ms), to)
            }
        }
    }
}
