//! Occurrences around pauses: each has one outcome, whenever it is dealt with.

use crate::world::World;
use sandglass_core::Instant;
use sandglass_store::StoreExt;
use sandglass_store::op::claim::Room;
use sandglass_store::op::due;
use serde_json::json;

/// The instants of a schedule of whole seconds that have an outcome, in seconds since the world began.
fn accounted(world: &World, job: &str) -> Vec<i64> {
    let second = |at: Instant| (at.millis() - world.at(0).millis()) / 1000;
    let mut accounted: Vec<i64> = world.runs(job).iter().map(|run| second(run.scheduled_for)).collect();
    for skip in world.skips(job) {
        let (from, to) = (second(skip.from), second(skip.to));
        assert!(skip.count as i64 <= to - from + 1, "{skip:?}");
        let step = if skip.count == 1 { 1 } else { (to - from) / (skip.count as i64 - 1) };
        accounted.extend((from..=to).step_by(step as usize));
    }
    accounted.sort_unstable();
    accounted
}

#[test]
fn an_occurrence_that_is_dealt_with_after_a_pause_leaves_the_pause_alone() {
    let mut world = World::new();
    world.put("a", json!({"every": "1s"}));
    // There is no room: what is due waits for some in the index.
    assert_eq!(world.claim_within(1, Room::NONE).occurrences, 0);
    world.pause("a", 2);
    world.resume("a", 3);
    world.pause("a", 3);
    world.put("a", json!({"every": "1s", "not_after": "2026-01-01T01:00:00Z"}));
    world.resume("a", 4);
    for second in 5..9 {
        while world.claim(second, 8).occurrences > 0 {}
    }
    assert_eq!(accounted(&world, "a"), (1..9).collect::<Vec<_>>());
}

#[test]
fn a_pause_that_is_shorter_than_the_jitter_is_skipped_once() {
    for resumed in [41, 65, 90] {
        let mut world = World::new();
        world.put("a", json!({"every": "10s", "jitter": "1m"}));
        for second in 1..300 {
            match second {
                40 => world.pause("a", second),
                _ if second == resumed => world.resume("a", second),
                _ => {}
            }
            while world.claim(second, 8).occurrences > 0 {}
        }
        let accounted = accounted(&world, "a");
        let expected: Vec<i64> = (1..=accounted.len() as i64).map(|n| n * 10).collect();
        assert_eq!(accounted, expected, "resumed at {resumed}");
        assert!(accounted.len() >= 23, "{accounted:?}");
    }
}

#[test]
fn a_schedule_outlives_the_pauses_of_a_clock_that_ran_ahead() {
    let mut world = World::new();
    world.put("a", json!({"every": "10s"}));
    world.pause("a", 3_600);
    world.resume("a", 3_605);
    // An hour back, and another pause then.
    world.pause("a", 5);
    world.resume("a", 15);
    for second in 16..4_000 {
        while world.claim(second, 8).occurrences > 0 {}
    }
    let next = world.store.read(|read| due::next(read, true)).unwrap();
    assert_eq!(next, Some(world.at(4_000)), "it goes on");
}

#[test]
fn what_was_due_before_a_pause_does_not_go_on_into_it() {
    let mut world = World::new();
    let policy = json!({"overlap": "allow", "max_concurrency": 9});
    world.put_with("a", json!({"schedule": {"every": "10s"}, "policy": policy}));
    // It is due and was not claimed yet when the pause begins, nor when it ends.
    world.pause("a", 12);
    world.resume("a", 35);
    let started = world.claim(36, 8).started;
    assert_eq!(started.iter().map(|started| started.run.scheduled_for).collect::<Vec<_>>(), [world.at(10)]);
    assert_eq!(world.claim(40, 8).started[0].run.scheduled_for, world.at(40));
    let paused: Vec<_> = world.skips("a").iter().map(|skip| (skip.from, skip.to, skip.count)).collect();
    assert_eq!(paused, [(world.at(20), world.at(30), 2)]);
}

#[test]
fn what_was_due_before_an_edit_that_pauses_too_is_the_old_schedules() {
    let mut world = World::new();
    let policy = json!({"overlap": "allow", "max_concurrency": 9});
    world.put_with("a", json!({"schedule": {"every": "10s"}, "policy": policy}));
    world.set_now(12);
    // One commit, as a deployment that pauses: the occurrence at 10 is due and was not claimed yet.
    world.put_paused("a", json!({"schedule": {"every": "3s"}, "policy": policy}));
    let started = world.claim(13, 8).started;
    assert_eq!(started.iter().map(|started| started.run.scheduled_for).collect::<Vec<_>>(), [world.at(10)]);
    for second in 14..30 {
        assert_eq!(world.claim(second, 8).occurrences, 0, "nothing is due while it is paused");
    }
    world.resume("a", 30);
    // The new schedule counts from the edit.
    let paused: Vec<_> = world.skips("a").iter().map(|skip| (skip.from, skip.to, skip.count)).collect();
    assert_eq!(paused, [(world.at(15), world.at(30), 6)]);
    assert_eq!(world.claim(33, 8).started[0].run.scheduled_for, world.at(33));
}
