//! Random work, held against a map.

use super::{Numbers, Open, Records, scan, submit};
use crate::key::KeyRange;
use crate::layer::within;
use crate::space::Space;
use crate::store::{Read, Store, StoreExt, Verdict};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

type Model = BTreeMap<(Space, Vec<u8>), Vec<u8>>;

const SPACES: [Space; 4] = [Space::Job, Space::Row, Space::Ended, Space::Log];

fn key(numbers: &mut Numbers) -> Vec<u8> {
    // A day of history is a matter of the first bytes: a step of the third is 4.6 days.
    let mut key = vec![0, 0, numbers.below(4) as u8, 0, 0, 0];
    let length = numbers.below(3);
    key.extend((0..length).map(|_| [0, 1, 7, 255][numbers.below(4) as usize]));
    key
}

fn range(numbers: &mut Numbers) -> KeyRange {
    let mut end = || match numbers.below(5) {
        0 | 1 => Bound::Included(key(numbers)),
        2 | 3 => Bound::Excluded(key(numbers)),
        _ => Bound::Unbounded,
    };
    KeyRange { from: end(), to: end() }
}

/// Puts and deletes of one script.
fn changes(numbers: &mut Numbers) -> Vec<(Space, Vec<u8>, Option<Vec<u8>>)> {
    (0..numbers.below(12))
        .map(|_| {
            let space = SPACES[numbers.below(4) as usize];
            let length = [0, 10, 300, 5_000, 20_000][numbers.below(5) as usize];
            let value = (numbers.below(3) > 0).then(|| numbers.bytes(length));
            (space, key(numbers), value)
        })
        .collect()
}

fn assert_same(read: &dyn Read, model: &Model, numbers: &mut Numbers) {
    for space in SPACES {
        let range = range(numbers);
        let mut expected: Records =
            within(model, space, &range).map(|(key, value)| (key.to_vec(), value.clone())).collect();
        assert!(scan(read, space, &range, false) == expected, "{space:?} {range:?}");
        expected.reverse();
        assert!(scan(read, space, &range, true) == expected, "{space:?} {range:?} backwards");
        let key = key(numbers);
        assert!(
            read.get(space, &key).unwrap() == model.get(&(space, key.clone())).cloned(),
            "{space:?} {key:?}"
        );
    }
}

pub fn random_work_equals_a_map(open: Open) {
    let mut numbers = Numbers(0x5EED);
    let mut model = Model::new();
    let mut store: Arc<dyn Store> = open();
    for round in 0..120 {
        // Several scripts that wait together, some of them dropped.
        let answers: Vec<_> = (0..=numbers.below(5))
            .map(|_| {
                let changes = changes(&mut numbers);
                let verdict = if numbers.below(5) == 0 { Verdict::Drop } else { Verdict::Commit };
                let before = model.clone();
                if verdict == Verdict::Commit {
                    for (space, key, value) in changes.clone() {
                        match value {
                            Some(value) => model.insert((space, key), value),
                            None => model.remove(&(space, key)),
                        };
                    }
                }
                let mut reads = Numbers(1 + numbers.next());
                submit(&*store, move |write| {
                    assert_same(write.as_read(), &before, &mut reads);
                    let mut after = before;
                    for (space, key, value) in changes {
                        if let Some(value) = value {
                            write.put(space, key.clone(), value.clone());
                            after.insert((space, key), value);
                        } else {
                            write.delete(space, key.clone());
                            after.remove(&(space, key));
                        }
                    }
                    assert_same(write.as_read(), &after, &mut reads);
                    verdict
                })
            })
            .collect();
        for answer in answers {
            assert_eq!(answer.recv().unwrap(), Ok(()));
        }
        if round % 30 == 29 {
            drop(store);
            store = open();
        }
        for _ in 0..5 {
            store.read(|read| assert_same(read, &model, &mut numbers));
        }
    }
}
