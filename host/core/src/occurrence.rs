//! What becomes of an occurrence that is due.

use crate::id::JobId;
use crate::job::{Reason, Skip};
use crate::policy::{CatchUp, Overlap, Policy};
use crate::run::Trigger;
use crate::schedule::Schedule;
use crate::time::{Instant, Span};

/// The runs of the job that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// Those that have not ended, counted as far as the policy can tell them apart.
    pub live: usize,
    /// How many more may wait.
    pub room: usize,
}

/// What is decided at once for the occurrence that is due, and for those missed along with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The runs to make, oldest first: the nominal instants that they stand for.
    pub runs: Vec<Instant>,
    /// What they are: of the schedule, or catching up.
    pub trigger: Trigger,
    /// Whether the older occurrences of the job that are live are cancelled.
    pub replaces: bool,
    /// Skipped, all of them before the runs.
    pub skip: Option<Skip>,
    /// The nominal instant of the occurrence to wait for next.
    pub next: Option<Instant>,
}

const MILLISECOND: Span = Span::from_millis(1);

/// Decides at `now` on the occurrence whose nominal instant is `nominal`. `until` ends the schedule's reign:
/// the instant of the edit that replaced it.
pub fn decide(
    job: JobId,
    schedule: &Schedule,
    policy: &Policy,
    nominal: Instant,
    queue: Queue,
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
            Overlap::Replace => usize::MAX,
        };
        let runs = queue.live < room;
        return Decision {
            runs: if runs { vec![nominal] } else { Vec::new() },
            trigger: Trigger::Schedule,
            replaces: runs && policy.overlap == Overlap::Replace,
            skip: (!runs).then_some(Skip::new(Reason::Overlap, nominal, nominal, 1)),
            next,
        };
    }
    let before = nominal.minus(MILLISECOND);
    let cutoff = now.minus(policy.late_after).minus(MILLISECOND);
    let last =
        schedule.last_until(before, until.map_or(cutoff, |until| cutoff.min(until))).unwrap_or(nominal);
    // Only the newest may be due later than the cutoff: jitter lets none overtake the next one.
    let last = if schedule.jittered(job, last) <= cutoff {
        last
    } else {
        schedule.last_until(before, last.minus(MILLISECOND)).unwrap_or(nominal)
    };
    let next = schedule.next_after(last).filter(reign);
    let (most, oldest) = match policy.catch_up {
        CatchUp::None => (0, Instant::MAX),
        CatchUp::Latest => (1, Instant::MIN),
        CatchUp::All(missed) => (missed.max as usize, now.minus(missed.window)),
    };
    let caught_up = newest(schedule, before, last, most.min(queue.room), oldest);
    let skipped_to = match caught_up.first() {
        Some(first) => schedule.last_until(before, first.minus(MILLISECOND)),
        None => Some(last),
    };
    let skip = skipped_to.map(|to| Skip::new(Reason::Missed, nominal, to, schedule.count(before, to)));
    Decision { runs: caught_up, trigger: Trigger::CatchUp, replaces: false, skip, next }
}

/// The newest `most` instants in (`before`, `last`] that are not before `oldest`, oldest first.
fn newest(schedule: &Schedule, before: Instant, last: Instant, most: usize, oldest: Instant) -> Vec<Instant> {
    let back = |at: &Instant| schedule.last_until(before, at.minus(MILLISECOND));
    let mut instants: Vec<Instant> =
        std::iter::successors(Some(last), back).take(most).take_while(|instant| *instant >= oldest).collect();
    instants.reverse();
    instants
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Missed;
    use crate::schedule::ScheduleSpec;

    fn at(seconds: i64) -> Instant {
        Instant::from_millis(seconds * 1000)
    }

    fn every(text: &str) -> Schedule {
        let spec = ScheduleSpec { every: Some(text.into()), ..ScheduleSpec::default() };
        Schedule::new(&spec, Instant::EPOCH).unwrap()
    }

    fn decide_at(policy: &Policy, live: usize, now: Instant) -> Decision {
        let queue = Queue { live, room: 1_000 };
        decide(JobId(1), &every("10s"), policy, at(10), queue, None, now)
    }

    fn catching_up(catch_up: CatchUp) -> Policy {
        Policy { catch_up, ..Policy::default() }
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
            (policy(Overlap::Replace, 1), 9, true),
        ] {
            let decision = decide_at(&policy, live, at(12));
            assert_eq!(decision.runs, if runs { vec![at(10)] } else { vec![] }, "{policy:?} {live}");
            assert_eq!(decision.trigger, Trigger::Schedule);
            assert_eq!(decision.replaces, policy.overlap == Overlap::Replace);
            assert_eq!(decision.skip.is_some(), !runs);
            assert_eq!(decision.next, Some(at(20)));
        }
    }

    #[test]
    fn missed_ones_are_counted_and_the_newest_is_caught_up() {
        let decision = decide_at(&Policy::default(), 0, at(1000));
        // 60 s of lateness are allowed: the instants up to 930 are missed, and 930 stands for them.
        assert_eq!((decision.runs, decision.trigger), (vec![at(930)], Trigger::CatchUp));
        let skip = decision.skip.unwrap();
        assert_eq!((skip.reason, skip.from, skip.to, skip.count), (Reason::Missed, at(10), at(920), 92));
        assert_eq!(decision.next, Some(at(940)));
    }

    #[test]
    fn one_missed_occurrence_that_is_caught_up_skips_nothing() {
        let decision = decide_at(&Policy::default(), 0, at(75));
        assert_eq!((decision.runs, decision.skip), (vec![at(10)], None));
    }

    #[test]
    fn without_catch_up_all_missed_ones_are_skipped() {
        let decision = decide_at(&catching_up(CatchUp::None), 0, at(1000));
        assert_eq!(decision.runs, []);
        assert_eq!(decision.skip.unwrap().count, 93);
    }

    #[test]
    fn all_are_caught_up_within_their_bounds() {
        let all = |max, seconds| {
            let window = Span::from_secs(seconds);
            decide_at(&catching_up(CatchUp::All(Missed { max, window })), 0, at(1000))
        };
        // Missed are 10, 20, ... 930.
        for (decision, runs, first, skipped) in [
            (all(1_000, 10_000), 93, Some(10), 0),
            (all(3, 10_000), 3, Some(910), 90),
            (all(1_000, 100), 4, Some(900), 89),
            (all(1_000, 60), 0, None, 93),
        ] {
            assert_eq!(decision.runs.len(), runs);
            assert_eq!(decision.runs.first().copied(), first.map(at));
            assert!(decision.runs.is_sorted() && decision.runs.last().is_none_or(|last| *last == at(930)));
            assert_eq!(decision.skip.map_or(0, |skip| skip.count), skipped);
            assert_eq!(decision.next, Some(at(940)));
        }
    }

    #[test]
    fn what_finds_no_room_to_wait_is_missed() {
        let policy = catching_up(CatchUp::All(Missed::default()));
        for (room, runs) in [(0, 0), (2, 2), (1_000, 93)] {
            let queue = Queue { live: 5, room };
            let decision = decide(JobId(1), &every("10s"), &policy, at(10), queue, None, at(1000));
            assert_eq!(decision.runs.len(), runs);
            assert_eq!(decision.skip.map_or(0, |skip| skip.count), 93 - runs as u64);
        }
    }

    #[test]
    fn what_jitter_made_late_is_missed_along_with_the_others() {
        let spec = ScheduleSpec {
            every: Some("10s".into()),
            jitter: Some(Span::from_secs(9)),
            ..ScheduleSpec::default()
        };
        let schedule = Schedule::new(&spec, Instant::EPOCH).unwrap();
        for now in 1_000..1_100 {
            let queue = Queue { live: 0, room: 9 };
            let decision = decide(JobId(1), &schedule, &Policy::default(), at(10), queue, None, at(now));
            let due = |nominal| schedule.jittered(JobId(1), nominal);
            let limit = at(now).minus(Policy::default().late_after);
            assert!(due(decision.runs[0]) < limit, "missed, and caught up");
            assert!(due(decision.next.unwrap()) >= limit, "the next one is not missed: one run catches up");
        }
    }

    #[test]
    fn a_replaced_schedule_owns_nothing_after_the_edit() {
        let decided = |until, now| {
            let queue = Queue { live: 0, room: 9 };
            decide(JobId(1), &every("10s"), &Policy::default(), at(10), queue, Some(at(until)), at(now))
        };
        let decision = decided(25, 1000);
        assert_eq!(decision.runs, [at(20)]);
        assert_eq!(decision.next, None);
        let decision = decided(15, 11);
        assert_eq!((decision.runs.len(), decision.next), (1, None));
    }
}
