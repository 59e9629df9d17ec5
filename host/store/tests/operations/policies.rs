//! Policies and requests over the in-memory store: overlap, catching up, waiting, turns, and what somebody asks
//! for.

use crate::world::{World, name};
use sandglass_core::effect::Effects;
use sandglass_core::job::Reason;
use sandglass_core::limit::Bytes;
use sandglass_core::run::{Cause, Failure, Outcome, Run, State, Trigger};
use sandglass_core::{Digest, Instant};
use sandglass_store::op::claim::{Claimed, Room};
use sandglass_store::op::{OpError, epoch, notice, once, run};
use sandglass_store::{StoreError, StoreExt};
use serde_json::json;

fn statuses(world: &World, job: &str) -> Vec<&'static str> {
    world.runs(job).iter().map(Run::status).collect()
}

fn failed(cause: Cause) -> Result<Option<String>, Failure> {
    Err(Failure::new(cause, "as told"))
}

#[test]
fn a_newer_occurrence_replaces_the_older_ones_and_nothing_else() {
    let mut world = World::new();
    world.put_with("a", json!({"schedule": {"every": "10s"}, "policy": {"overlap": "replace"}}));
    let first = world.claim(10, 8).started.remove(0);
    let claimed = world.claim(20, 8);
    assert_eq!(claimed.ended, [first.run.id]);
    assert_eq!(world.run(first.run.id).outcome(), Some(Outcome::Cancelled));
    assert!(world.end(&first, 21, Ok(None), &Effects::default()).is_none(), "its attempt comes too late");
    // What somebody asked for is nobody's older occurrence, and goes before the next one.
    world.succeed(&claimed.started[0], 22);
    let asked = world.ask("a", 23).unwrap();
    let manual = world.claim(23, 8).started.remove(0);
    assert_eq!(manual.run.id, asked.id);
    let claimed = world.claim(30, 8);
    assert_eq!((claimed.started.len(), claimed.ended.len()), (0, 0));
    let claimed = world.claim(40, 8);
    assert_eq!((claimed.started.len(), claimed.ended.len()), (0, 1), "the one that waited is replaced");
    world.succeed(&manual, 41);
    assert_eq!(world.claim(41, 8).started[0].run.scheduled_for, world.at(40));
    assert_eq!(world.skips("a"), []);
}

#[test]
fn all_missed_ones_are_caught_up_one_after_the_other() {
    let mut world = World::new();
    let policy = json!({"catch_up": {"all": {"max": 3, "window": "1h"}}});
    world.put_with("a", json!({"schedule": {"every": "10s"}, "policy": policy}));
    let mut claimed = world.claim(1_000, 8);
    for (tick, next) in [(910, 920), (920, 930), (930, 0)] {
        assert_eq!(claimed.started.len(), 1, "one after the other");
        let started = claimed.started.remove(0);
        assert_eq!((started.run.trigger, started.run.scheduled_for), (Trigger::CatchUp, world.at(tick)));
        world.succeed(&started, 1_000);
        claimed = if next == 0 { claimed } else { world.claim(1_000, 8) };
    }
    let skips = world.skips("a");
    let missed = skips.iter().find(|skip| skip.reason == Reason::Missed).unwrap();
    assert_eq!((missed.count, missed.from, missed.to), (90, world.at(10), world.at(900)));
}

#[test]
fn a_run_that_has_not_begun_in_time_is_skipped() {
    let mut world = World::new();
    let policy = json!({"overlap": "queue", "start_within": "30s"});
    world.put_with("a", json!({"schedule": {"every": "10s"}, "policy": policy}));
    let long = world.claim(10, 8).started.remove(0);
    world.claim(20, 8);
    assert_eq!(statuses(&world, "a"), ["queued", "running"]);
    assert!(world.claim(49, 8).ended.is_empty());
    let ended = world.claim(50, 8).ended;
    assert_eq!(ended.len(), 1);
    let skipped = world.run(ended[0]);
    assert_eq!((skipped.outcome(), skipped.scheduled_for), (Some(Outcome::Skipped), world.at(20)));
    assert_eq!(world.status("a").missed, 1);
    assert_eq!(world.status("a").failures_in_a_row, 0);
    // One that begins in time is not looked at again.
    world.succeed(&long, 51);
    let next = world.claim(51, 8).started.remove(0);
    assert!(world.claim(200, 0).ended.iter().all(|run| *run != next.run.id));
}

#[test]
fn jobs_that_contend_take_turns() {
    let mut world = World::new();
    for job in ["many", "few"] {
        world.put_with(job, json!({"policy": {"overlap": "allow", "max_concurrency": 100}}));
    }
    for _ in 0..50 {
        world.ask("many", 1).unwrap();
    }
    let few: Vec<_> = (0..3).map(|_| world.ask("few", 2).unwrap().id).collect();
    let mut order = Vec::new();
    for second in 3..11 {
        let started = world.claim(second, 1).started.remove(0);
        order.push(started.run.job.to_string());
        world.succeed(&started, second);
    }
    assert_eq!(order, ["many", "few", "many", "few", "many", "few", "many", "many"]);
    assert!(few.into_iter().all(|id| world.run(id).outcome().is_some()));
}

#[test]
fn what_begins_fits_the_memory_that_is_left() {
    let mut world = World::new();
    for (job, memory, second) in [("a", "64MiB", 1), ("b", "64MiB", 2), ("large", "1GiB", 3)] {
        world.put_with(job, json!({"limits": {"memory": memory}}));
        world.ask(job, second).unwrap();
    }
    let room = |mib, idle| Room { slots: 8, memory: Bytes::mib(mib), idle };
    let jobs = |claimed: Claimed| -> Vec<String> {
        claimed.started.iter().map(|started| started.run.job.to_string()).collect()
    };
    assert_eq!(jobs(world.claim_within(4, room(100, true))), ["a"], "there is no room for a second");
    assert_eq!(jobs(world.claim_within(5, room(36, false))), [""; 0]);
    assert_eq!(jobs(world.claim_within(6, room(100, false))), ["b"]);
    assert_eq!(jobs(world.claim_within(7, room(100, false))), [""; 0], "the large one waits for all others");
    assert_eq!(jobs(world.claim_within(8, room(100, true))), ["large"]);
}

#[test]
fn nothing_that_comes_later_passes_one_that_needs_more_memory() {
    let mut world = World::new();
    world.put_with("large", json!({"limits": {"memory": "1GiB"}}));
    world.put_with("small", json!({"schedule": {"every": "10s"}, "limits": {"memory": "1MiB"}}));
    let room = |mib, idle| Room { slots: 8, memory: Bytes::mib(mib), idle };
    let large = world.ask("large", 5).unwrap().id;
    assert!(world.claim_within(10, room(100, false)).started.is_empty());
    assert!(world.claim_within(15, room(100, false)).started.is_empty());
    let begun = world.claim_within(20, room(1_024, true)).started;
    assert_eq!(begun.iter().map(|started| started.run.id).collect::<Vec<_>>(), [large]);
}

#[test]
fn a_policy_that_allows_more_lets_the_next_one_begin() {
    let mut world = World::new();
    world.put("a", json!({}));
    for _ in 0..3 {
        world.ask("a", 1).unwrap();
    }
    assert_eq!(world.claim(1, 8).started.len(), 1);
    assert_eq!(world.claim(2, 8).started.len(), 0);
    world.put_with("a", json!({"policy": {"overlap": "allow", "max_concurrency": 9}}));
    assert_eq!(world.claim(3, 8).started.len() + world.claim(3, 8).started.len(), 2);
}

#[test]
fn a_backfill_makes_a_run_for_each_instant_in_their_order() {
    let mut world = World::new();
    world.put("a", json!({"every": "10s", "start": "2026-01-01T00:00:00Z"}));
    world.set_now(500);
    let backfill = |world: &World, from: i64, to: i64| {
        let (from, to) = (world.at(from), world.at(to));
        world.write(move |write, now| {
            let mut random = 0;
            let mut draw = || {
                random = 0x9e37_79b9_7f4a_7c15_u64.wrapping_add(random);
                random
            };
            run::backfill(write, &name("a"), from, to, now, &mut draw)
        })
    };
    let runs = backfill(&world, 20, 60).unwrap();
    let instants: Vec<Instant> = runs.iter().map(|run| run.scheduled_for).collect();
    assert_eq!(instants, [20, 30, 40, 50, 60].map(|at| world.at(at)));
    assert!(runs.is_sorted_by_key(|run| run.id) && runs.iter().all(|run| run.trigger == Trigger::Backfill));
    assert!(matches!(backfill(&world, 21, 29), Err(OpError::Invalid(_))), "no instant");
    assert!(matches!(backfill(&world, 60, 20), Err(OpError::Invalid(_))), "backwards");
    assert!(matches!(backfill(&world, 20, 501), Err(OpError::Invalid(_))), "still to come");
    world.set_now(100_000);
    assert!(matches!(backfill(&world, 0, 99_999), Err(OpError::Limit(_))), "more than may wait");
}

#[test]
fn a_run_is_done_again_from_its_last_checkpoint() {
    let mut world = World::new();
    world.put("a", json!({"every": "10s"}));
    let started = world.claim(10, 8).started.remove(0);
    world.checkpoint(&started, 11, &Effects::default()).unwrap();
    let again = |world: &World, id| world.write(move |write, now| run::again(write, id, now, 99));
    assert!(matches!(again(&world, started.run.id), Err(OpError::Conflict(_))), "it has not ended");
    world.end(&started, 12, failed(Cause::Trap), &Effects::default()).unwrap();
    let run = again(&world, started.run.id).unwrap();
    assert_eq!((run.retry_of, run.trigger), (Some(started.run.id), Trigger::Manual));
    assert_eq!((run.scheduled_for, run.progress.as_deref()), (world.at(10), Some("half")));
    let second = world.claim(13, 8).started.remove(0);
    assert_eq!((second.run.id, second.run.running_attempt()), (run.id, Some(1)));
    world.succeed(&second, 14);
    assert_eq!(again(&world, run.id).unwrap().progress, None, "one that succeeded begins anew");
    world.delete("a", 15);
    assert!(matches!(again(&world, run.id), Err(OpError::Conflict(_))), "its job is gone");
}

#[test]
fn a_request_with_a_key_is_done_once_for_a_day() {
    let mut world = World::new();
    world.put("a", json!({}));
    let ask = |world: &World, key: &str, body: &str| {
        let request = once::Request { id: Digest::of(key.as_bytes()), body: Digest::of(body.as_bytes()) };
        world.write(move |write, now| {
            once::once(write, Some(request), now, |write| {
                run::ask(write, &name("a"), Trigger::Manual, None, now, now.millis() as u64)
            })
        })
    };
    let first = ask(&world, "k", "{}").unwrap();
    world.set_now(86_399);
    assert_eq!(ask(&world, "k", "{}").unwrap(), first);
    assert_ne!(ask(&world, "other", "{}").unwrap().id, first.id);
    assert!(matches!(ask(&world, "k", "{ }"), Err(OpError::Invalid(_))), "another body");
    // A clock that was set back forgets nothing.
    world.claim(86_399, 0);
    world.set_now(7_200);
    let later = ask(&world, "later", "{}").unwrap();
    world.set_now(10);
    assert_eq!(ask(&world, "later", "{}").unwrap(), later);
    world.set_now(86_400);
    assert_ne!(ask(&world, "k", "{ }").unwrap().id, first.id);
    world.set_now(86_400 * 3);
    let pruned = world.write::<_, StoreError>(|write, now| once::prune(write, now, 100)).unwrap();
    assert_eq!(pruned, 4);
}

#[test]
fn a_clock_that_was_years_ahead_silences_no_job() {
    let mut world = World::new();
    world.put("ticking", json!({"every": "1h"}));
    world.put("paused", json!({"every": "1h"}));
    world.pause("paused", 10);
    world.run_once(3_600);
    let years = 73 * 365 * 86_400;
    world.set_now(years);
    let ahead = world.claim(years, 8).started.remove(0);
    world.succeed(&ahead, years);
    world.put("made_then", json!({"every": "1h"}));
    // The clock is set right. At once nothing is due, then each goes on.
    assert!(world.claim(7_300, 8).started.is_empty());
    assert_eq!(world.status("ticking").last_success, Some(world.at(7_300)), "nothing is newer than now");
    assert_eq!(world.status("paused").last_skip, Some(world.at(7_300)), "nothing is newer than now");
    let mut started = world.claim(2 * 3_600 + 7_300, 8).started;
    started.sort_by_key(|started| started.run.job.clone());
    let jobs: Vec<(String, u32)> =
        started.iter().map(|started| (started.run.job.to_string(), started.run.epoch)).collect();
    assert_eq!(jobs, [("made_then".to_string(), 1), ("ticking".to_string(), 1)]);
    world.resume("paused", 4 * 3_600);
    let skips = world.skips("paused");
    let by_clock =
        |epoch| skips.iter().filter(|skip| skip.epoch == epoch).map(|skip| skip.count).collect::<Vec<_>>();
    assert_eq!(by_clock(0), [years as u64 / 3_600], "what the pause skipped by the clock that ran ahead");
    assert_eq!(by_clock(1), [2], "and by the one that was set right");
    assert!(world.status("paused").last_skip > Some(world.at(7_300)), "what comes is newer");
    // The entries of the clock that ran ahead mean nothing when their time comes.
    let again = world.claim(years + 7_200, 8);
    assert!(again.started.iter().all(|started| started.run.epoch == 1));
}

#[test]
fn a_small_step_back_repeats_nothing() {
    let mut world = World::new();
    world.put("a", json!({"every": "1h"}));
    world.run_once(3_600);
    world.run_once(7_200);
    for second in [3_600, 5_000, 7_199, 7_200] {
        assert!(world.claim(second, 8).started.is_empty());
    }
    assert_eq!(world.run_once(10_800).epoch, 0);
}

#[test]
fn what_waits_does_not_wait_for_a_clock_that_was_set_back() {
    let mut world = World::new();
    world.put_with("a", json!({"policy": {"retry": {"initial": "100s", "max": "100s"}}}));
    let started =
        |claimed: Claimed| claimed.started.into_iter().map(|started| started.run.id).collect::<Vec<_>>();
    let first = world.ask("a", 10_000).unwrap().id;
    world.set_now(5_000);
    assert_eq!(started(world.claim(5_000, 8)), []);
    world.write::<_, StoreError>(epoch::set_back).unwrap();
    let claimed = world.claim(5_000, 8).started.remove(0);
    assert_eq!(claimed.run.id, first);
    // It fails, and is tried again within 100 s; before that the clock is set back once more.
    world.end(&claimed, 5_010, failed(Cause::HostError), &Effects::default());
    let State::Retrying { due } = world.run(first).state else { panic!("it is tried again") };
    let moved = world.at(1_000).plus(due.since(world.at(5_010)));
    world.set_now(1_000);
    world.write::<_, StoreError>(epoch::set_back).unwrap();
    assert_eq!(world.run(first).state, State::Retrying { due: moved });
    assert_eq!(started(world.claim(1_100, 8)), [first]);
}

#[test]
fn a_run_waits_as_long_as_it_may_however_often_the_clock_is_set_back() {
    const DAY: i64 = 86_400;
    let mut world = World::new();
    world.put_with("a", json!({"policy": {"start_within": "100s"}}));
    let asked = world.ask("a", 10 * DAY).unwrap().id;
    world.claim(10 * DAY, 0);
    for back in [8 * DAY, 6 * DAY, 4 * DAY] {
        world.set_now(back);
        assert_eq!(world.claim(back, 0).ended, []);
        assert_eq!(world.run(asked).start_by, Some(world.at(back + 100)));
        assert_eq!(world.claim(back + 99, 0).ended, []);
    }
    assert_eq!(world.claim(4 * DAY + 100, 0).ended, [asked]);
}

#[test]
fn no_run_takes_the_id_of_one_that_was_replaced_in_the_same_millisecond() {
    let mut world = World::new();
    world.put_with("a", json!({"schedule": {"every": "1s"}, "policy": {"overlap": "replace"}}));
    world.ask("a", 40).unwrap();
    while world.claim(40, 0).occurrences > 0 {}
    let runs = world.runs("a");
    let occurrences: Vec<Instant> = runs.iter().map(|run| run.scheduled_for).collect();
    assert_eq!(
        runs.len(),
        36,
        "the one asked for, and those that waited no longer than without a slot: {occurrences:?}"
    );
}

#[test]
fn what_begins_and_is_replaced_in_one_claim_is_not_executed() {
    let mut world = World::new();
    world.put_with("a", json!({"schedule": {"every": "10s"}, "policy": {"overlap": "replace"}}));
    assert!(world.claim(16, 0).started.is_empty(), "the first waits for a slot");
    let claimed = world.claim(20, 8);
    let ended: Vec<Outcome> = claimed.ended.iter().filter_map(|id| world.run(*id).outcome()).collect();
    assert_eq!(ended, [Outcome::Cancelled]);
    assert!(claimed.started.iter().all(|started| !claimed.ended.contains(&started.run.id)));
}

#[test]
fn a_change_after_a_small_step_back_repeats_nothing_either() {
    let hourly = || json!({"every": "1h", "start": "2026-01-01T00:00:00Z"});
    let changes: [fn(&mut World); 4] = [
        |world| {
            world.pause("a", 5_400);
            world.resume("a", 5_500);
        },
        |world| {
            world.pause("a", 5_400);
            world.resume("a", 9_000);
        },
        |world| {
            world.set_now(5_400);
            world.put("a", json!({"every": "30m", "start": "2026-01-01T00:00:00Z"}));
        },
        |world| {
            world.set_now(5_400);
            world.put("a", json!({}));
            world.put("a", json!({"cron": "0 * * * *"}));
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut world = World::new();
        world.put("a", hourly());
        world.run_once(3_600);
        world.run_once(7_200);
        // The clock is set back to half past one, and somebody changes the job.
        change(&mut world);
        for second in [5_600, 7_199, 7_200, 7_300] {
            assert!(world.claim(second, 8).started.is_empty(), "change {number}, second {second}");
        }
        assert_eq!(world.skips("a"), [], "change {number}");
        let next = if number == 2 { 9_000 } else { 10_800 };
        assert_eq!(world.run_once(next).scheduled_for, world.at(next), "change {number}");
    }
    let mut world = World::new();
    world.put("a", hourly());
    world.run_once(3_600);
    world.set_now(5_000);
    world.put("a", json!({}));
    world.set_now(1_000);
    world.put("a", hourly());
    assert!(world.claim(3_600, 8).started.is_empty(), "it was dealt with before the schedule was taken away");
    assert_eq!(world.run_once(7_200).scheduled_for, world.at(7_200));
    let mut world = World::new();
    world.put("once", json!({"at": "2026-01-01T01:00:00Z"}));
    world.run_once(3_600);
    world.pause("once", 1_800);
    world.resume("once", 1_900);
    assert!(world.claim(3_600, 8).started.is_empty(), "the only one was dealt with");
}

#[test]
fn no_occurrence_overtakes_a_run_behind_one_that_comes_to_nothing() {
    let mut world = World::new();
    let allow = |most: u32| json!({"policy": {"overlap": "allow", "max_concurrency": most}});
    world.put("c", json!({"every": "10s"}));
    world.put_with("a", allow(2));
    world.put("b", json!({}));
    let (first, second) = (world.ask("a", 1).unwrap(), world.ask("a", 2).unwrap());
    assert_eq!(world.claim(2, 1).started[0].run.id, first.id);
    // The second one of `a` has its turn, and then the job allows one only.
    world.put_with("a", allow(1));
    let other = world.ask("b", 9).unwrap();
    let started = world.claim(10, 1).started;
    assert_eq!(started.iter().map(|started| started.run.id).collect::<Vec<_>>(), [other.id]);
    assert_eq!(world.run(second.id).status(), "queued");
}

#[test]
fn a_failure_is_told_by_mail_and_webhook_with_its_commit() {
    let mut world = World::new();
    let notify = json!({"email": ["ops@example.com"], "webhook": "https://example.com/hook", "secret": "K"});
    world.put_with("a", json!({"schedule": {"every": "10s"}, "notify": notify}));
    let started = world.claim(10, 8).started.remove(0);
    world.end(&started, 11, failed(Cause::Trap), &Effects::default());
    let emails = world.store.read(|read| sandglass_store::op::email::list(read, None, None, 9)).unwrap();
    assert_eq!(emails.entries.len(), 1);
    assert_eq!(emails.entries[0].email.message.subject, "[sandglass] a failed: trap");
    let due = |world: &World, at| world.store.read(|read| notice::due(read, at, 9)).unwrap();
    let notices = due(&world, world.at(11));
    assert_eq!(notices.len(), 1);
    // Nobody takes it: it is tried again later, and given up in the end.
    let mut key = notices[0].0;
    for failures in 1..=10 {
        let next =
            world.write::<_, StoreError>(move |write, now| notice::failed(write, key, "no answer", now));
        match next.unwrap() {
            Some(at) => key.at = at,
            None => assert_eq!(failures, 10),
        }
    }
    assert_eq!(due(&world, Instant::MAX), []);
    let status = world.status("a");
    assert_eq!((status.undelivered, status.undelivered_reason.as_deref()), (1, Some("no answer")));
}

#[test]
fn what_was_missed_and_what_waits_is_told() {
    let mut world = World::new();
    let notify = json!({"on": ["late"], "email": ["ops@example.com"]});
    let policy = json!({"overlap": "queue"});
    world.put_with("a", json!({"schedule": {"every": "100s"}, "notify": notify, "policy": policy}));
    let subjects = |world: &World| -> Vec<String> {
        let emails = world.store.read(|read| sandglass_store::op::email::list(read, None, None, 9)).unwrap();
        emails.entries.into_iter().rev().map(|entry| entry.email.message.subject).collect()
    };
    let long = world.claim(100, 8).started.remove(0);
    world.claim(200, 8);
    world.claim(259, 8);
    assert_eq!(subjects(&world), [""; 0]);
    world.claim(260, 8);
    assert_eq!(subjects(&world), ["[sandglass] a is late"], "the one of 200 still waits");
    world.succeed(&long, 261);
    world.run_once(261);
    world.claim(1_000, 8);
    assert_eq!(subjects(&world).len(), 2);
    assert_eq!(subjects(&world)[1], "[sandglass] a is late: 7 missed");
}
