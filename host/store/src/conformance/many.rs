//! Many threads at once.

use super::{Open, commit, get, put, wait};
use crate::space::Space;
use crate::store::{Read, StoreError, StoreExt};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const THREADS: u64 = 8;
const TIMES: u64 = 60;

/// Whatever happens to the thread that holds it, the others stop: a failure is not waited for for ever.
struct EndOnDrop<'a>(&'a AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn number(read: &dyn Read, key: &[u8]) -> u64 {
    let value =
        read.get(Space::Job, key).expect("a store that can be read").expect("the number was put there");
    u64::from_be_bytes(value.try_into().expect("eight bytes"))
}

pub fn increments_are_not_lost(open: Open) {
    let store = open();
    put(&*store, Space::Job, b"n", &[0; 8]);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..TIMES {
                    let incremented = wait(store.write::<_, StoreError, _>(|write| {
                        let next = number(write.as_read(), b"n") + 1;
                        write.put(Space::Job, b"n".to_vec(), next.to_be_bytes().to_vec());
                        Ok(next)
                    }))
                    .expect("a commit");
                    // What was committed can be seen by whoever was told so.
                    assert!(store.read(|read| number(read, b"n")) >= incremented);
                }
            });
        }
    });
    assert_eq!(store.read(|read| number(read, b"n")), THREADS * TIMES);
    drop(store);
    assert_eq!(open().read(|read| number(read, b"n")), THREADS * TIMES);
}

pub fn looks_see_whole_commits(open: Open) {
    // Far from each other, and enough of them that a commit takes a while.
    const KEYS: u8 = 200;
    let store = open();
    let write_all = |value: u64| {
        commit(&*store, move |write| {
            for key in 0..KEYS {
                write.put(Space::Job, vec![key, key], value.to_be_bytes().to_vec());
            }
        });
    };
    write_all(0);
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    store.view(&mut |read| {
                        let first = number(read, &[0, 0]);
                        for key in (0..KEYS).rev() {
                            assert_eq!(number(read, &[key, key]), first);
                        }
                    });
                }
            });
        }
        let _end = EndOnDrop(&ended);
        (1..150).for_each(write_all);
    });
}

pub fn what_was_seen_settles(open: Open) {
    let store = open();
    assert_eq!(wait(store.settled()), Ok(()));
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let _end = EndOnDrop(&ended);
            for value in 0..100u8 {
                put(&*store, Space::Job, b"a", &[value]);
            }
        });
        for _ in 0..3 {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    let seen = get(&*store, Space::Job, b"a");
                    assert_eq!(wait(store.settled()), Ok(()));
                    assert!(get(&*store, Space::Job, b"a") >= seen);
                }
            });
        }
    });
    // A future that outlives its store ends too.
    let settled = store.settled();
    drop(store);
    assert_eq!(wait(settled), Ok(()));
}
