//! Records that age out.

use super::{Numbers, Open, Records, all, commit, put, scan, submit, wait};
use crate::key::{Key, KeyRange, PieceKey};
use crate::space::Space;
use crate::store::{Store, StoreExt, Verdict};
use sandglass_core::{Instant, JobId, RunId};
use std::ops::Bound;

const DAY: i64 = 86_400_000;

/// Noon of a day in May 2026.
fn noon(day: u8) -> Instant {
    format!("2026-05-{day:02}T12:00:00Z").parse().expect("an instant")
}

fn run(at: Instant, random: u64) -> RunId {
    RunId::new(JobId(1), at, random)
}

/// A run for each of these days, with a piece of its log.
fn fill(store: &dyn Store, days: impl IntoIterator<Item = u8>) {
    for day in days {
        commit(store, move |write| {
            let run = run(noon(day), 0);
            write.put(Space::Ended, run.to_bytes().to_vec(), vec![day]);
            write.put(Space::Log, PieceKey { of: run, number: 0 }.to_bytes(), vec![day]);
        });
    }
}

fn days_of(store: &dyn Store, space: Space) -> Vec<u8> {
    all(store, space).iter().map(|(_, value)| value[0]).collect()
}

pub fn days_lie_in_the_order_of_keys(open: Open) {
    let store = open();
    let mut numbers = Numbers(11);
    let start = noon(1).millis();
    let mut runs: Vec<RunId> = (0..300)
        .map(|_| run(Instant::from_millis(start + numbers.below(12 * DAY as u64) as i64), numbers.next()))
        .collect();
    // The last and the first moment of two days that follow each other.
    let midnight = noon(3).millis() + DAY / 2;
    runs.extend([midnight - 1, midnight].map(|at| run(Instant::from_millis(at), 1)));
    for some in runs.chunks(40) {
        let some = some.to_vec();
        commit(&*store, move |write| {
            for run in some {
                write.put(Space::Ended, run.to_bytes().to_vec(), run.to_bytes().to_vec());
            }
        });
    }
    runs.sort();
    let records: Records = runs.iter().map(|run| (run.to_bytes(), run.to_bytes())).collect();
    drop(store);
    for _ in 0..2 {
        let store = open();
        store.view(&mut |read| {
            let mut backwards = scan(read, Space::Ended, &KeyRange::all(), true);
            backwards.reverse();
            assert_eq!(scan(read, Space::Ended, &KeyRange::all(), false), records);
            assert_eq!(backwards, records);
            for _ in 0..50 {
                let mut end = || {
                    let key = records[numbers.below(records.len() as u64) as usize].0.clone();
                    // Whole keys and their beginnings.
                    let key = key[..[16, 16, 6, 3][numbers.below(4) as usize]].to_vec();
                    if numbers.below(2) == 0 { Bound::Included(key) } else { Bound::Excluded(key) }
                };
                let range = KeyRange { from: end(), to: end() };
                let mut expected = records.clone();
                expected.retain(|(key, _)| range.contains(key));
                assert_eq!(scan(read, Space::Ended, &range, false), expected, "{range:?}");
                expected.reverse();
                assert_eq!(scan(read, Space::Ended, &range, true), expected, "{range:?} backwards");
            }
        });
    }
}

pub fn days_that_ended_are_forgotten(open: Open) {
    let store = open();
    fill(&*store, 1..=6);
    put(&*store, Space::Job, b"a", b"1");
    let days = store.history().unwrap();
    let ends: Vec<Instant> = days.iter().map(|day| day.end).collect();
    assert_eq!(ends, [1, 2, 3, 4, 5, 6].map(|day| Instant::from_millis(noon(day).millis() + DAY / 2)));
    assert!(days.iter().all(|day| day.bytes > 0), "{days:?}");
    assert_eq!(wait(store.forget_history(Instant::MIN)), Ok(0));
    // Day 3 goes on at its noon, and ends at midnight.
    assert_eq!(wait(store.forget_history(noon(3))), Ok(2));
    assert_eq!(days_of(&*store, Space::Ended), [3, 4, 5, 6]);
    let midnight = Instant::from_millis(noon(3).millis() + DAY / 2);
    assert_eq!(wait(store.forget_history(Instant::from_millis(midnight.millis() - 1))), Ok(0));
    assert_eq!(wait(store.forget_history(midnight)), Ok(1));
    assert_eq!(wait(store.forget_history(midnight)), Ok(0));
    assert_eq!(days_of(&*store, Space::Log), [4, 5, 6]);
    drop(store);
    let store = open();
    assert_eq!(days_of(&*store, Space::Ended), [4, 5, 6]);
    assert_eq!(all(&*store, Space::Job).len(), 1);
    assert_eq!(wait(store.forget_history(Instant::MAX)), Ok(3));
    assert_eq!(days_of(&*store, Space::Ended), [0u8; 0]);
}

pub fn a_forgotten_day_can_come_back(open: Open) {
    let store = open();
    for _ in 0..3 {
        fill(&*store, 1..=2);
        assert_eq!(days_of(&*store, Space::Ended), [1, 2]);
        assert_eq!(wait(store.forget_history(noon(2))), Ok(1));
        assert_eq!(days_of(&*store, Space::Log), [2]);
    }
}

pub fn history_commits_with_the_rest(open: Open) {
    let store = open();
    let moved = |day: u8| {
        submit(&*store, move |write| {
            let key = run(noon(day), 0).to_bytes().to_vec();
            write.delete(Space::Live, key.clone());
            write.put(Space::Ended, key, vec![day]);
            Verdict::Commit
        })
    };
    for day in [20, 1, 12] {
        put(&*store, Space::Live, &run(noon(day), 0).to_bytes(), &[day]);
    }
    let answers = [moved(20), moved(1), moved(12)];
    assert!(answers.into_iter().all(|answer| answer.recv().unwrap().is_ok()));
    assert_eq!(all(&*store, Space::Live), []);
    assert_eq!(days_of(&*store, Space::Ended), [1, 12, 20]);
    commit(&*store, |write| {
        assert_eq!(write.get(Space::Ended, &run(noon(12), 0).to_bytes()), Ok(Some(vec![12])));
        assert_eq!(write.as_read().count(Space::Ended, &KeyRange::all(), 9), Ok(3));
        write.delete(Space::Ended, run(noon(12), 0).to_bytes().to_vec());
    });
    assert_eq!(days_of(&*store, Space::Ended), [1, 20]);
}

pub fn reading_history_makes_no_days(open: Open) {
    let store = open();
    for day in 1..20 {
        assert_eq!(store.read(|read| read.get(Space::Ended, &run(noon(day), 0).to_bytes())), Ok(None));
    }
    // Nor does deleting what was never there.
    commit(&*store, |write| {
        write.delete(Space::Log, run(noon(1), 0).to_bytes().to_vec());
    });
    assert_eq!(days_of(&*store, Space::Ended), [0u8; 0]);
    assert_eq!(wait(store.forget_history(Instant::MAX)), Ok(0));
}
