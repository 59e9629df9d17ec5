//! Values that a backend may have to cut into pieces.

use super::{Numbers, Open, all, commit, delete, get, put};
use crate::key::KeyRange;
use crate::space::Space;
use crate::store::StoreExt;

/// The largest value is a row or a chunk with what is around it; this is more.
const SIZES: [usize; 14] =
    [0, 1, 4_000, 4_095, 4_096, 4_097, 8_192, 16_384, 65_535, 65_536, 65_541, 131_072, 262_144, 1_100_000];

pub fn values_of_every_size(open: Open) {
    let store = open();
    let mut numbers = Numbers(3);
    let values: Vec<_> = SIZES.iter().map(|size| numbers.bytes(*size)).collect();
    for (number, value) in values.iter().enumerate() {
        put(&*store, Space::Row, &[number as u8], value);
    }
    for _ in 0..2 {
        for (number, value) in values.iter().enumerate() {
            assert!(get(&*store, Space::Row, &[number as u8]).as_ref() == Some(value), "{}", value.len());
        }
        let scanned: Vec<_> = all(&*store, Space::Row).into_iter().map(|(_, value)| value).collect();
        assert!(scanned == values);
    }
    drop(store);
    let scanned: Vec<_> = all(&*open(), Space::Row).into_iter().map(|(_, value)| value).collect();
    assert!(scanned == values);
}

pub fn large_values_shrink_grow_and_go(open: Open) {
    let store = open();
    let mut numbers = Numbers(5);
    for from in SIZES {
        for to in [0, 100, 5_000, 70_000, 300_000] {
            put(&*store, Space::Row, b"a", &numbers.bytes(from));
            let value = numbers.bytes(to);
            put(&*store, Space::Row, b"a", &value);
            assert!(get(&*store, Space::Row, b"a") == Some(value), "{from} then {to}");
        }
    }
    delete(&*store, Space::Row, b"a");
    assert_eq!(get(&*store, Space::Row, b"a"), None);
    for space in Space::ALL {
        assert_eq!(all(&*store, space), [], "{space:?}");
    }
}

/// Pieces under longer keys must not be taken for records, nor those of one key for another's.
pub fn keys_that_continue_each_other(open: Open) {
    let store = open();
    let mut numbers = Numbers(9);
    let keys: Vec<Vec<u8>> = (0..4)
        .flat_map(|length| [0u8, 1, 255].map(|byte| [b"k".to_vec(), vec![byte; length * 4 / 3]].concat()))
        .collect();
    let mut records: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for (number, key) in keys.iter().enumerate() {
        let value = numbers.bytes([20_000, 3, 9_000][number % 3]);
        put(&*store, Space::Row, key, &value);
        records.retain(|(other, _)| other != key);
        records.push((key.clone(), value));
    }
    records.sort();
    assert!(all(&*store, Space::Row) == records);
    let backwards = store.read(|read| super::scan(read, Space::Row, &KeyRange::all(), true));
    assert!(backwards.iter().rev().eq(&records));
    while let Some((key, _)) = records.pop() {
        delete(&*store, Space::Row, &key);
        assert!(all(&*store, Space::Row) == records);
    }
}

pub fn large_values_in_history(open: Open) {
    let store = open();
    let value = Numbers(13).bytes(65_541);
    let write_all = value.clone();
    commit(&*store, move |write| {
        for number in 0..20 {
            write.put(Space::Log, vec![0, 0, number, 0, 0, 0, 7], write_all.clone());
        }
    });
    commit(&*store, |write| {
        write.put(Space::Log, vec![0, 0, 3, 0, 0, 0, 7], b"short".to_vec());
    });
    drop(store);
    let records = all(&*open(), Space::Log);
    assert_eq!(records.len(), 20);
    for (number, (_, read)) in records.iter().enumerate() {
        let expected: &[u8] = if number == 3 { b"short" } else { &value };
        assert!(read == expected, "{number}");
    }
}

pub fn one_script_may_write_much(open: Open) {
    let store = open();
    let value = Numbers(17).bytes(65_541);
    let written = value.clone();
    commit(&*store, move |write| {
        for number in 0..256u32 {
            write.put(Space::Chunk, number.to_be_bytes().to_vec(), written.clone());
        }
        for number in 0..10_000u32 {
            write.put(Space::Row, number.to_be_bytes().to_vec(), number.to_be_bytes().repeat(50));
        }
    });
    let store = {
        drop(store);
        open()
    };
    let chunks = all(&*store, Space::Chunk);
    assert!(chunks.len() == 256 && chunks.iter().all(|(_, chunk)| *chunk == value));
    assert_eq!(all(&*store, Space::Row).len(), 10_000);
}
