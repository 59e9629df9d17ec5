//! What the operations promise, over the in-memory store: given a job and its runs, when something happens,
//! then this is what is stored.

use crate::world::{World, line, name};
use sandglass_core::effect::{Change, Effects, Expected, RowKey};
use sandglass_core::job::Reason;
use sandglass_core::policy::Overlap;
use sandglass_core::run::{Cause, Failure, Outcome, Traces, Trigger, Usage};
use sandglass_core::{Instant, Span};
use sandglass_store::op::attempt::{self, CheckpointError};
use sandglass_store::op::{OpError, due, job, log, run, table};
use sandglass_store::{StoreError, StoreExt};
use serde_json::json;

#[test]
fn a_run_writes_six_records() {
    let mut world = World::new();
    world.put("a", json!({"every": "10s"}));
    world.run_once(10);
    let before = world.writes();
    world.run_once(20);
    let writes = world.writes() - before;
    assert_eq!(writes, 6, "due entry out and in, live run in and out, ended run, status");
}

#[test]
fn each_occurrence_becomes_one_run() {
    let mut world = World::new();
    world.put("a", json!({"every": "10s"}));
    assert!(world.claim(9, 8).started.is_empty());
    for tick in 1..=5 {
        let run = world.run_once(tick * 10);
        assert_eq!((run.trigger, run.scheduled_for), (Trigger::Schedule, world.at(tick * 10)));
        assert_eq!(run.status(), "succeeded");
        assert!(world.claim(tick * 10 + 1, 8).started.is_empty());
    }
    let runs = world.runs("a");
    assert_eq!(runs.len(), 5);
    assert!(runs.is_sorted_by_key(|run| std::cmp::Reverse(run.scheduled_for)));
    assert_eq!(world.status("a").succeeded, 5);
}

#[test]
fn overlap_skips_in_a_row_are_one_record() {
    let mut world = World::new();
    world.put("a", json!({"every": "10s"}));
    let long = world.claim(10, 8).started.remove(0);
    for tick in 2..=4 {
        assert!(world.claim(tick * 10, 8).started.is_empty());
    }
    world.succeed(&long, 45);
    world.run_once(50);
    let skips = world.skips("a");
    assert_eq!(skips.len(), 1);
    assert_eq!((skips[0].reason, skips[0].count), (Reason::Overlap, 3));
    assert_eq!((skips[0].from, skips[0].to), (world.at(20), world.at(40)));
    assert_eq!(world.status("a").skipped, 3);
    // A run between ends the row: the next skip is another record.
    let long = world.claim(60, 8).started.remove(0);
    world.claim(70, 8);
    world.succeed(&long, 75);
    assert_eq!(world.skips("a").len(), 2);
}

#[test]
fn a_queued_occurrence_starts_when_the_run_before_it_ends() {
    let mut world = World::new();
    world.put_with("a", json!({"schedule": {"every": "10s"}, "policy": {"overlap": Overlap::Queue}}));
    let first = world.claim(10, 8).started.remove(0);
    assert!(world.claim(20, 8).started.is_empty());
    assert!(world.claim(30, 8).started.is_empty(), "one waits, the other is skipped");
    world.succeed(&first, 35);
    let second = world.claim(35, 8).started.remove(0);
    assert_eq!(second.run.scheduled_for, world.at(20));
    world.succeed(&second, 36);
    assert_eq!(world.skips("a")[0].count, 1);
}

#[test]
fn a_host_that_was_off_catches_up_with_one_run() {
    let mut world = World::new();
    world.put("a", json!({"every": "1s"}));
    let year = 365 * 86_400;
    let claimed = world.claim(year, 8);
    assert_eq!(claimed.started.len(), 1);
    assert_eq!(claimed.started[0].run.trigger, Trigger::CatchUp);
    let skips = world.skips("a");
    assert_eq!((skips.len(), skips[0].reason), (1, Reason::Missed));
    // The newest 60 seconds, and the one before them, are late and not missed; one is caught up.
    assert_eq!(skips[0].count, year as u64 - 61 - 1);
    assert_eq!(world.status("a").missed, skips[0].count);
}

#[test]
fn without_a_slot_an_occurrence_is_recorded_and_waits() {
    let mut world = World::new();
    world.put("a", json!({"every": "10s"}));
    assert_eq!(world.claim(10, 0).occurrences, 0, "a slot may become free at once");
    let claimed = world.claim(15, 0);
    assert_eq!((claimed.started.len(), claimed.occurrences), (0, 1));
    assert_eq!(world.runs("a")[0].status(), "queued");
    let started = world.claim(16, 8).started.remove(0);
    assert_eq!(started.run.scheduled_for, world.at(10));
}

#[test]
fn a_pause_records_what_it_skipped_and_resumes_with_the_next() {
    let mut world = World::new();
    world.put("a", json!({"every": "10s"}));
    world.run_once(10);
    world.pause("a", 15);
    assert!(world.claim(30, 8).started.is_empty());
    assert_eq!(world.store.read(|read| due::next(read, true)).unwrap(), None, "a paused job costs nothing");
    world.resume("a", 45);
    let skips = world.skips("a");
    assert_eq!((skips[0].reason, skips[0].count), (Reason::Paused, 3));
    assert_eq!(world.claim(50, 8).started[0].run.scheduled_for, world.at(50));
}

#[test]
fn the_old_schedule_owns_the_instants_up_to_the_edit() {
    let mut world = World::new();
    world.put("a", json!({"every": "10s"}));
    // Due at 10, not claimed before the edit at 12.
    world.set_now(12);
    world.put("a", json!({"every": "7s"}));
    let claimed = world.claim(12, 8);
    assert_eq!(claimed.started[0].run.scheduled_for, world.at(10));
    world.succeed(&claimed.started[0], 13);
    assert!(world.claim(18, 8).started.is_empty());
    assert_eq!(world.run_once(19).scheduled_for, world.at(19), "7 s after the edit");
    assert_eq!(world.runs("a").len(), 2);
}

#[test]
fn deploying_often_starves_nobody() {
    let mut world = World::new();
    for second in [0, 4, 8] {
        world.set_now(second);
        world.put_with("a", json!({"schedule": {"every": "10s"}, "env": {"N": second.to_string()}}));
    }
    let claimed = world.claim(10, 8);
    assert_eq!(claimed.started.len(), 1);
    assert_eq!(claimed.started[0].revision.number, 3, "the newest revision runs");
}

#[test]
fn a_failed_run_waits_and_is_tried_again() {
    let mut world = World::new();
    world.put("a", json!({}));
    let asked = world.ask("a", 0).unwrap();
    let started = world.claim(0, 8).started.remove(0);
    world.end(&started, 1, Err(Failure::new(Cause::HostError, "x")), &Effects::default()).unwrap();
    let again = world.claim(100, 8).started.remove(0);
    assert_eq!((again.run.id, again.run.running_attempt()), (asked.id, Some(2)));
    world.succeed(&again, 101);
    assert_eq!(world.run(asked.id).attempts.len(), 2);
}

#[test]
fn nothing_of_a_stale_attempt_is_kept() {
    let mut world = World::new();
    world.put("a", json!({}));
    world.ask("a", 0).unwrap();
    let started = world.claim(0, 8).started.remove(0);
    let lost = world.lose_all(1);
    assert_eq!(lost, 1);
    assert_eq!(world.end(&started, 2, Ok(None), &insert("t", "x")), None);
    assert!(matches!(world.checkpoint(&started, 2, &insert("t", "x")), Err(CheckpointError::Stale)));
    assert!(world.row("t", "x").is_none());
    let again = world.claim(3, 8).started.remove(0);
    assert_eq!(again.run.running_attempt(), Some(2));
    world.end(&again, 4, Ok(None), &insert("t", "x")).unwrap();
    assert!(world.row("t", "x").is_some());
}

fn insert(table: &str, id: &str) -> Effects {
    change(table, id, Expected::Anything)
}

fn change(table: &str, id: &str, expected: Expected) -> Effects {
    let key = RowKey { table: name(table), id: id.parse().unwrap() };
    let fields = json!({"n": 1}).as_object().unwrap().clone();
    let change = Change { fields: Some(fields), expected, at: Instant::EPOCH, created_at: None, size: 7 };
    let mut effects = Effects::default();
    effects.rows.insert(key, change);
    effects
}

#[test]
fn a_conflict_drops_everything_and_is_tried_again_at_once() {
    let mut world = World::new();
    world.put("a", json!({}));
    world.ask("a", 0).unwrap();
    let started = world.claim(0, 8).started.remove(0);
    let mut effects = insert("t", "other");
    effects.rows.extend(change("t", "x", Expected::Version(99)).rows);
    let run = world.end(&started, 1, Ok(None), &effects).unwrap();
    assert_eq!(run.status(), "retrying");
    assert_eq!(run.attempts[0].outcome, Outcome::Failed(Cause::Conflict));
    assert!(world.row("t", "other").is_none() && world.row("t", "x").is_none());
    let again = world.claim(1, 8).started.remove(0);
    world.end(&again, 2, Ok(None), &change("t", "x", Expected::Version(0))).unwrap();
    let version = world.row("t", "x").unwrap().version;
    world.ask("a", 3).unwrap();
    let started = world.claim(3, 8).started.remove(0);
    world.end(&started, 4, Ok(None), &change("t", "x", Expected::Version(version))).unwrap();
    assert!(world.row("t", "x").unwrap().version > version);
}

#[test]
fn a_checkpoint_outlives_the_attempt() {
    let mut world = World::new();
    world.put("a", json!({}));
    let asked = world.ask("a", 0).unwrap();
    let started = world.claim(0, 8).started.remove(0);
    world.checkpoint(&started, 1, &insert("t", "x")).unwrap();
    world.lose_all(2);
    assert!(world.row("t", "x").is_some());
    let again = world.claim(2, 8).started.remove(0);
    assert_eq!(again.run.progress.as_deref(), Some("half"));
    world.succeed(&again, 3);
    assert_eq!(world.run(asked.id).attempts[0].outcome, Outcome::Failed(Cause::Lost));
}

#[test]
fn order_decides_between_a_cancel_and_an_end() {
    let mut world = World::new();
    world.put("a", json!({}));
    let asked = world.ask("a", 0).unwrap();
    let started = world.claim(0, 8).started.remove(0);
    world.cancel(asked.id, 1).unwrap();
    assert_eq!(world.end(&started, 2, Ok(None), &insert("t", "x")), None);
    assert!(world.row("t", "x").is_none());
    assert!(matches!(world.cancel(asked.id, 3), Err(OpError::Conflict(_))));
    assert_eq!(world.run(asked.id).status(), "cancelled");
}

#[test]
fn what_a_cancelled_attempt_used_is_noted_afterwards() {
    let mut world = World::new();
    world.put("a", json!({}));
    let asked = world.ask("a", 0).unwrap();
    let started = world.claim(0, 8).started.remove(0);
    world.cancel(asked.id, 1).unwrap();
    let usage = Usage { fuel: 7, ..Usage::default() };
    let number = started.run.running_attempt().unwrap();
    for attempt in [number, number + 1] {
        let last_error = Some(format!("of {attempt}"));
        let traces = Traces { usage, last_error, ..Traces::default() };
        world
            .write::<_, StoreError>(move |write, _| attempt::note(write, asked.id, attempt, traces))
            .unwrap();
    }
    let run = world.run(asked.id);
    assert_eq!((run.attempts[0].usage.fuel, run.attempts[0].last_error.as_deref()), (7, Some("of 1")));
}

#[test]
fn failures_in_a_row_pause_the_job() {
    let mut world = World::new();
    world.put_with("a", json!({"schedule": {"every": "10s"}, "policy": {"pause_after": 2}}));
    for tick in 1..=2 {
        let started = world.claim(tick * 10, 8).started.remove(0);
        world.end(&started, tick * 10 + 1, Err(Failure::new(Cause::Trap, "x")), &Effects::default()).unwrap();
    }
    assert!(world.claim(30, 8).started.is_empty());
    assert_eq!(world.job("a").paused.unwrap().reason, "2 runs in a row failed");
    world.resume("a", 35);
    assert_eq!(world.claim(40, 8).started.len(), 1);
}

#[test]
fn deleting_a_job_cancels_what_waits_and_lets_go_on_what_runs() {
    let mut world = World::new();
    world.put("a", json!({"every": "10s"}));
    let running = world.claim(10, 8).started.remove(0);
    let waiting = world.ask("a", 11).unwrap();
    world.delete("a", 12);
    assert_eq!(world.run(waiting.id).status(), "cancelled");
    let ended = world.end(&running, 13, Ok(None), &Effects::default()).unwrap();
    assert_eq!(ended.status(), "succeeded");
    assert!(world.claim(1000, 8).started.is_empty());
    // The name made again is another job.
    world.put("a", json!({}));
    assert!(world.runs("a").is_empty());
    assert_ne!(world.job("a").id, running.run.id.job());
}

#[test]
fn waiting_runs_of_a_job_are_bounded() {
    let mut world = World::new();
    world.put("a", json!({}));
    for _ in 0..1000 {
        world.ask("a", 0).unwrap();
    }
    let refused = world.ask("a", 0).unwrap_err();
    assert!(matches!(&refused, OpError::Limit(message) if message.contains("1000")), "{refused}");
    let started = world.claim(0, 8).started;
    assert_eq!(started.len(), 1, "one at a time");
}

#[test]
fn runs_are_listed_in_pages() {
    let mut world = World::new();
    world.put("a", json!({}));
    for second in 0..7 {
        world.ask("a", second).unwrap();
        if second < 5 {
            let started = world.claim(second, 8).started.remove(0);
            world.succeed(&started, second);
        }
    }
    let job = world.job("a").id;
    let filter = run::Filter::default();
    for by_job in [true, false] {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = world
                .store
                .read(|read| {
                    if by_job {
                        run::list_of_job(read, job, &filter, after, 2)
                    } else {
                        run::list(read, &filter, after, 2)
                    }
                })
                .unwrap();
            assert!(page.runs.len() <= 2);
            all.extend(page.runs.iter().map(|run| run.scheduled_for));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let expected: Vec<_> = (0..7).rev().map(|second| world.at(second)).collect();
        assert_eq!(all, expected, "by job: {by_job}");
    }
    let failed = run::Filter { outcome: Some("failed".into()), ..run::Filter::default() };
    assert!(world.store.read(|read| run::list(read, &failed, None, 10)).unwrap().runs.is_empty());
}

#[test]
fn a_job_is_changed_only_as_expected() {
    let mut world = World::new();
    world.put("a", json!({}));
    let version = world.job("a").version;
    let expect = |expect| move |world: &World| world.try_put("a", json!({"env": {"A": "1"}}), expect);
    assert!(matches!(expect(job::Expect::Absent)(&world), Err(OpError::Stale(_))));
    assert!(matches!(expect(job::Expect::Version(version + 1))(&world), Err(OpError::Stale(_))));
    assert_eq!(expect(job::Expect::Version(version))(&world).unwrap().job.revision, 2);
    assert_eq!(expect(job::Expect::Anything)(&world).unwrap().job.revision, 2, "the same adds no revision");
}

#[test]
fn rows_from_outside() {
    let world = World::new();
    let put = |id: &str, existing| {
        let (id, fields) = (id.parse().unwrap(), json!({"a": 1}).as_object().unwrap().clone());
        world.write(move |write, now| table::put(write, &name("t"), vec![(id, fields)], existing, now))
    };
    let row = put("x", table::Existing::Refuse).unwrap().remove(0);
    assert!(matches!(put("x", table::Existing::Refuse), Err(OpError::Conflict(_))));
    let replaced = put("x", table::Existing::Replace).unwrap().remove(0);
    assert!(replaced.version > row.version);
    let delete = |version| {
        world.write(move |write, _| table::delete(write, &name("t"), &"x".parse().unwrap(), version))
    };
    assert!(matches!(delete(Some(row.version)), Err(OpError::Stale(_))));
    assert_eq!(delete(Some(replaced.version)), Ok(true));
    assert_eq!(delete(None), Ok(false));
}

#[test]
fn a_log_is_read_in_pieces() {
    let world = World::new();
    let run = sandglass_core::RunId::new(sandglass_core::JobId(1), Instant::EPOCH, 1);
    for number in 0..3 {
        world
            .write::<_, OpError>(move |write, now| Ok(log::add(write, run, number, &[line(now, number)])?))
            .unwrap();
    }
    let mut seen = Vec::new();
    let read = |read: &dyn sandglass_store::Read| {
        assert_eq!(log::next_number(read, run).unwrap(), 3);
        log::each(read, run, 1, |number, lines| {
            seen.push((number, lines[0].message.clone()));
            std::ops::ControlFlow::Continue(())
        })
    };
    world.store.read(read).unwrap();
    assert_eq!(seen, [(1, "line 1".to_string()), (2, "line 2".to_string())]);
}

#[test]
fn jitter_moves_the_start_and_not_the_occurrence() {
    let mut world = World::new();
    world.put("a", json!({"every": "60s", "jitter": "30s"}));
    let due = world.store.read(|read| due::next(read, true)).unwrap().unwrap();
    assert!(due >= world.at(60) && due <= world.at(60).plus(Span::from_secs(30)));
    let claimed = world.claim(95, 8);
    assert_eq!(claimed.started[0].run.scheduled_for, world.at(60));
}
