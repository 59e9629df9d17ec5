//! Ranges of keys.

use super::{Numbers, Open, Records, commit, scan};
use crate::key::KeyRange;
use crate::space::Space;
use crate::store::{Read, StoreExt};
use std::ops::{Bound, ControlFlow};

/// Keys about the places where an order of bytes is easily got wrong.
const KEYS: [&[u8]; 14] = [
    b"",
    &[0],
    &[0, 0],
    &[0, 255],
    &[1],
    &[1, 0],
    &[1, 255],
    &[1, 255, 255],
    &[2],
    b"a",
    b"ab",
    &[254, 255],
    &[255],
    &[255, 255],
];

fn bounds() -> Vec<Bound<Vec<u8>>> {
    // Keys that are there, and some that are not.
    let ends = KEYS.iter().copied().chain([&[0, 1][..], &[1, 254], &[3], &[255, 255, 255]]);
    let ends = ends.flat_map(|key| [Bound::Included(key.to_vec()), Bound::Excluded(key.to_vec())]);
    ends.chain([Bound::Unbounded]).collect()
}

fn assert_ranges(read: &dyn Read, space: Space, records: &Records) {
    for from in bounds() {
        for to in bounds() {
            let range = KeyRange { from: from.clone(), to };
            let mut expected: Records = records.clone();
            expected.retain(|(key, _)| range.contains(key));
            assert_eq!(scan(read, space, &range, false), expected, "{range:?}");
            expected.reverse();
            assert_eq!(scan(read, space, &range, true), expected, "{range:?} backwards");
        }
    }
}

pub fn ranges_in_both_directions(open: Open) {
    let store = open();
    // The spaces next to it have the same keys.
    for space in [Space::Due, Space::Live, Space::Skip] {
        commit(&*store, move |write| {
            for key in KEYS {
                write.put(space, key.to_vec(), vec![space as u8]);
            }
        });
    }
    let records = KEYS.map(|key| (key.to_vec(), vec![Space::Live as u8])).to_vec();
    store.view(&mut |read| assert_ranges(read, Space::Live, &records));
}

pub fn scans_end_when_told(open: Open) {
    let store = open();
    for space in [Space::Live, Space::Log] {
        commit(&*store, move |write| {
            for number in 0..100 {
                write.put(space, vec![0, 0, number, 0, 0, 0], vec![number]);
            }
        });
        for (backwards, last) in [(false, 2), (true, 97)] {
            let mut seen = Vec::new();
            let result = store.read(|read| {
                read.scan(space, &KeyRange::all(), backwards, &mut |_, value| {
                    seen.push(value[0]);
                    if seen.len() < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                })
            });
            assert_eq!((result, seen.len(), seen[2]), (Ok(()), 3, last));
        }
    }
}

pub fn scripts_scan_over_their_own_writes(open: Open) {
    let store = open();
    let (even, odd): (Vec<_>, Vec<_>) = KEYS.iter().enumerate().partition(|(number, _)| number % 2 == 0);
    commit(&*store, move |write| {
        for (_, key) in even {
            write.put(Space::Live, key.to_vec(), b"old".to_vec());
        }
    });
    commit(&*store, move |write| {
        for (_, key) in odd {
            write.put(Space::Live, key.to_vec(), b"new".to_vec());
        }
        write.put(Space::Live, KEYS[4].to_vec(), b"replaced".to_vec());
        write.delete(Space::Live, KEYS[6].to_vec());
        let mut expected = Records::new();
        for (number, key) in KEYS.iter().enumerate().filter(|(number, _)| *number != 6) {
            let value: &[u8] = match number {
                4 => b"replaced",
                number if number % 2 == 0 => b"old",
                _ => b"new",
            };
            expected.push((key.to_vec(), value.to_vec()));
        }
        assert_ranges(write.as_read(), Space::Live, &expected);
    });
}

pub fn prefixes_end_at_the_right_key(open: Open) {
    let store = open();
    let mut numbers = Numbers(7);
    let mut keys: Vec<Vec<u8>> = Vec::new();
    for _ in 0..600 {
        // Few different bytes, so that many keys begin alike.
        let length = numbers.below(5);
        keys.push((0..length).map(|_| [0, 1, 254, 255][numbers.below(4) as usize]).collect());
    }
    keys.sort();
    keys.dedup();
    let written = keys.clone();
    commit(&*store, move |write| {
        for key in written {
            write.put(Space::Row, key.clone(), key);
        }
    });
    store.view(&mut |read| {
        for prefix in keys.iter().filter(|key| key.len() < 4) {
            let mut expected: Records = keys.iter().map(|key| (key.clone(), key.clone())).collect();
            expected.retain(|(key, _)| key.starts_with(prefix));
            let after: Records = expected[1..].to_vec();
            assert_eq!(scan(read, Space::Row, &KeyRange::prefix(prefix.clone()), false), expected);
            let range = KeyRange::prefix_after(prefix.clone(), prefix.clone());
            assert_eq!(scan(read, Space::Row, &range, false), after);
            expected.reverse();
            assert_eq!(scan(read, Space::Row, &KeyRange::prefix(prefix.clone()), true), expected);
        }
    });
}
