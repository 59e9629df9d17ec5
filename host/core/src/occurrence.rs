//! What becomes of an occurrence that is due.

use crate::id::JobId;
use crate::job::{Reason, Skip};
use crate::policy::{CatchUp, Overlap, Policy};
use crate::run::Trigger;
use crate::schedule::Schedule;
use crate::time::{Instant, Span};

/// What is decided at once for the occurrence that is due, and for those missed along with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The run to make, and the nominal instant that it stands for.
    pub run: Option<(Instant, Trigger)>,
    pub skip: Option<Skip>,
    /// The nominal instant of the occurrence to wait for next.
    pub next: Option<Instant>,
}

/// Decides at `now` on the occurrence whose nominal instant is `nominal`, of a job that has `live` runs
/// which have not ended. `until` ends the schedule's reign: the instant of the edit that replaced it.
pub fn decide(
    job: JobId,
    schedule: &Schedule,
    policy: &Policy,
    nominal: Instant,
    live: usize,
    until: Option<Instant>,
    now: Instant,
) -> Decision {
    let reign = |instant: &Instant| until.is_none_or(|until| *instant <= until);
    let late = now.since(schedule.jittered(job, nominal));
    if late <= policy.late_after {
        let next = schedule.next_after(nominal).filter(reign);
        let room = match policy.overlap {
            Overlap::Skip => 1,
            Overlap::Queue => 2,
            Overlap::Allow => policy.max_concurrency as usize,
        };
        if live < room {
            return Decision { run: Some((nominal, Trigger::Schedule)), skip: None, next };
        }
        let skip = Skip { reason: Reason::Overlap, from: nominal, to: nominal, count: 1 };
        return Decision { run: None, skip: Some(skip), next };
    }
    // Nothing whose jittered instant is within `late_after` may be taken for missed.
    let before = nominal.minus(Span::from_millis(1));
    let cutoff = now.minus(policy.late_after).minus(schedule.jitter());
    let cutoff = until.map_or(cutoff, |until| cutoff.min(until));
    let last = schedule.last_until(before, cutoff).unwrap_or(nominal).max(nominal);
    let next = schedule.next_after(last).filter(reign);
    let (run, skipped_to) = match policy.catch_up {
        CatchUp::Latest => {
            (Some((last, Trigger::CatchUp)), schedule.last_until(before, last.minus(Span::from_millis(1))))
        }
        CatchUp::None => (None, Some(last)),
    };
    let skip = skipped_to.map(|to| Skip {
        reason: Reason::Missed,
        from: nominal,
        to,
        count: schedule.count(before, to),
    });
    Decision { run, skip, next }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::ScheduleSpec;

    fn at(seconds: i64) -> Instant {
        Instant::from_millis(seconds * 1000)
    }

    fn every(text: &str) -> Schedule {
        let spec = ScheduleSpec { every: Some(text.into()), ..ScheduleSpec::default() };
        Schedule::new(&spec, Instant::EPOCH).unwrap()
    }

    fn decide_at(policy: &Policy, live: usize, now: Instant) -> Decision {
        decide(JobId(1), &every("10s"), policy, at(10), live, None, now)
    }

    #[test]
    fn on_time_it_runs_where_there_is_room() {
        let policy = |overlap, max_concurrency| Policy { overlap, max_concurrency, ..Policy::default() };
        for (policy, live, runs) in [
            (policy(Overlap::Skip, 1), 0, true),
            (policy(Overlap::Skip, 1), 1, false),
            (policy(Overlap::Queue, 1), 1, true),
            (policy(Overlap::Queue, 1), 2, false),
            (policy(Overlap::Allow, 3), 2, true),
            (policy(Overlap::Allow, 3), 3, false),
        ] {
            let decision = decide_at(&policy, live, at(12));
            assert_eq!(decision.run, runs.then_some((at(10), Trigger::Schedule)), "{policy:?} {live}");
            assert_eq!(decision.skip.is_some(), !runs);
            assert_eq!(decision.next, Some(at(20)));
        }
    }

    #[test]
    fn missed_ones_are_counted_and_the_newest_is_caught_up() {
        let decision = decide_at(&Policy::default(), 0, at(1000));
        // 60 s of lateness are allowed: the instants up to 940 are missed, and 940 stands for them.
        assert_eq!(decision.run, Some((at(940), Trigger::CatchUp)));
        let skip = decision.skip.unwrap();
        assert_eq!((skip.reason, skip.from, skip.to, skip.count), (Reason::Missed, at(10), at(930), 93));
        assert_eq!(decision.next, Some(at(950)));
    }

    #[test]
    fn one_missed_occurrence_that_is_caught_up_skips_nothing() {
        let decision = decide_at(&Policy::default(), 0, at(75));
        assert_eq!((decision.run, decision.skip), (Some((at(10), Trigger::CatchUp)), None));
    }

    #[test]
    fn without_catch_up_all_missed_ones_are_skipped() {
        let policy = Policy { catch_up: CatchUp::None, ..Policy::default() };
        let decision = decide_at(&policy, 0, at(1000));
        assert_eq!(decision.run, None);
        assert_eq!(decision.skip.unwrap().count, 94);
    }

    #[test]
    fn a_replaced_schedule_owns_nothing_after_the_edit() {
        let policy = Policy::default();
        let decision = decide(JobId(1), &every("10s"), &policy, at(10), 0, Some(at(25)), at(1000));
        assert_eq!(decision.run, Some((at(20), Trigger::CatchUp)));
        assert_eq!(decision.next, None);
        let decision = decide(JobId(1), &every("10s"), &policy, at(10), 0, Some(at(15)), at(11));
        assert_eq!((decision.run.is_some(), decision.next), (true, None));
    }
}
