//! What a script reads and writes, and what becomes of it.

use super::{Open, all, commit, delete, get, put, submit, wait};
use crate::space::Space;
use crate::store::{Store, StoreError, StoreExt, Verdict};
use parking_lot::Mutex;
use std::sync::{Arc, mpsc};

pub fn puts_and_deletes(open: Open) {
    let store = open();
    assert_eq!(get(&*store, Space::Job, b"a"), None);
    put(&*store, Space::Job, b"a", b"1");
    put(&*store, Space::Job, b"", b"the empty key");
    put(&*store, Space::Job, b"b", b"");
    assert_eq!(get(&*store, Space::Job, b"a").as_deref(), Some(&b"1"[..]));
    assert_eq!(get(&*store, Space::Job, b"").as_deref(), Some(&b"the empty key"[..]));
    assert_eq!(get(&*store, Space::Job, b"b").as_deref(), Some(&b""[..]));
    put(&*store, Space::Job, b"a", b"2");
    assert_eq!(get(&*store, Space::Job, b"a").as_deref(), Some(&b"2"[..]));
    for key in [&b"a"[..], b"", b"never there"] {
        delete(&*store, Space::Job, key);
        assert_eq!(get(&*store, Space::Job, key), None);
    }
    assert_eq!(all(&*store, Space::Job), [(b"b".to_vec(), Vec::new())]);
}

pub fn spaces_are_apart(open: Open) {
    let store = open();
    for (number, space) in Space::ALL.into_iter().enumerate() {
        commit(&*store, move |write| {
            write.put(space, vec![0; 16], vec![number as u8]);
            write.put(space, vec![255; 16], vec![number as u8]);
        });
    }
    for (number, space) in Space::ALL.into_iter().enumerate() {
        let value = vec![number as u8];
        assert_eq!(all(&*store, space), [(vec![0; 16], value.clone()), (vec![255; 16], value)], "{space:?}");
    }
}

pub fn scripts_read_their_own_writes(open: Open) {
    let store = open();
    put(&*store, Space::Job, b"a", b"1");
    commit(&*store, |write| {
        assert_eq!(write.get(Space::Job, b"a").unwrap().unwrap(), b"1");
        write.put(Space::Job, b"a".to_vec(), b"2".to_vec());
        write.put(Space::Job, b"b".to_vec(), b"3".to_vec());
        assert_eq!(write.get(Space::Job, b"a").unwrap().unwrap(), b"2");
        assert_eq!(write.as_read().get(Space::Job, b"b").unwrap().unwrap(), b"3");
        write.delete(Space::Job, b"a".to_vec());
        assert_eq!(write.get(Space::Job, b"a").unwrap(), None);
    });
    assert_eq!(all(&*store, Space::Job), [(b"b".to_vec(), b"3".to_vec())]);
}

pub fn dropped_writes_are_gone(open: Open) {
    let store = open();
    put(&*store, Space::Job, b"a", b"1");
    let result = submit(&*store, |write| {
        write.put(Space::Job, b"a".to_vec(), b"2".to_vec());
        write.put(Space::Ended, vec![0; 16], b"2".to_vec());
        write.delete(Space::Job, b"a".to_vec());
        Verdict::Drop
    });
    assert_eq!(result.recv().unwrap(), Ok(()));
    assert_eq!(get(&*store, Space::Job, b"a").unwrap(), b"1");
    assert_eq!(all(&*store, Space::Ended), []);
}

pub fn later_scripts_see_earlier_ones(open: Open) {
    let store = open();
    let answers: Vec<_> = (0u8..50)
        .map(|number| {
            submit(&*store, move |write| {
                let before = write.get(Space::Job, b"a").unwrap();
                assert_eq!(before, number.checked_sub(1).map(|before| vec![before]));
                write.put(Space::Job, b"a".to_vec(), vec![number]);
                Verdict::Commit
            })
        })
        .collect();
    assert!(answers.into_iter().all(|answer| answer.recv().unwrap().is_ok()));
    assert_eq!(get(&*store, Space::Job, b"a").unwrap(), [49]);
}

pub fn a_panic_undoes_its_script_alone(open: Open) {
    let store = open();
    let before = submit(&*store, |write| {
        write.put(Space::Job, b"a".to_vec(), b"before".to_vec());
        Verdict::Commit
    });
    let panicking = submit(&*store, |write| {
        write.put(Space::Job, b"a".to_vec(), b"half".to_vec());
        panic!("this panic is part of a test");
    });
    let after = submit(&*store, |write| {
        assert_eq!(write.get(Space::Job, b"a").unwrap().unwrap(), b"before");
        write.put(Space::Job, b"b".to_vec(), b"after".to_vec());
        Verdict::Commit
    });
    assert_eq!(before.recv().unwrap(), Ok(()));
    assert!(matches!(panicking.recv().unwrap(), Err(StoreError::Failed(_))));
    assert_eq!(after.recv().unwrap(), Ok(()));
    assert_eq!(get(&*store, Space::Job, b"a").unwrap(), b"before");
    assert_eq!(get(&*store, Space::Job, b"b").unwrap(), b"after");
}

pub fn done_comes_in_order(open: Open) {
    let store = open();
    let order = Arc::new(Mutex::new(Vec::new()));
    let (tell, told) = mpsc::channel::<()>();
    for number in 0..200 {
        let (order, tell) = (order.clone(), tell.clone());
        store.submit(
            Box::new(move |write| {
                assert!(number % 7 != 0, "this panic is part of a test");
                write.put(Space::Job, b"a".to_vec(), vec![number]);
                if number % 3 == 0 { Verdict::Drop } else { Verdict::Commit }
            }),
            Box::new(move |result| {
                assert_eq!(result.is_err(), number % 7 == 0);
                order.lock().push(number);
                drop(tell);
            }),
        );
    }
    drop(tell);
    // The channel ends when the last `done` was called.
    assert!(told.recv().is_err());
    assert_eq!(*order.lock(), (0..200).collect::<Vec<_>>());
}

pub fn scripts_may_be_submitted_from_done(open: Open) {
    let store = open();
    let (tell, told) = mpsc::channel();
    let again = Arc::downgrade(&store);
    store.submit(
        Box::new(|write| {
            write.put(Space::Job, b"a".to_vec(), b"1".to_vec());
            Verdict::Commit
        }),
        Box::new(move |result| {
            assert_eq!(result, Ok(()));
            let store = again.upgrade().expect("the test holds the store");
            store.submit(
                Box::new(|write| {
                    write.put(Space::Job, b"b".to_vec(), b"2".to_vec());
                    Verdict::Commit
                }),
                Box::new(move |result| tell.send(result).unwrap()),
            );
        }),
    );
    assert_eq!(told.recv().unwrap(), Ok(()));
    assert_eq!(all(&*store, Space::Job).len(), 2);
}

pub fn sequences_grow_and_are_never_used_twice(open: Open) {
    let mut newest = 0;
    for _ in 0..3 {
        let store = open();
        for number in 0..40u8 {
            let (tell, told) = mpsc::channel();
            // Scripts that write nothing see a new number too, which the next commit may get.
            commit(&*store, move |write| {
                let sequence = write.sequence();
                assert_eq!(write.sequence(), sequence);
                if number % 4 != 0 {
                    write.put(Space::Job, vec![number], sequence.to_be_bytes().to_vec());
                }
                tell.send(sequence).unwrap();
            });
            let sequence = told.recv().unwrap();
            assert!(sequence > newest, "{sequence} follows {newest}");
            if number % 4 != 0 {
                newest = sequence;
            }
        }
    }
}

pub fn what_was_committed_is_there_after_opening_again(open: Open) {
    let store = open();
    for number in 0..100u8 {
        put(&*store, Space::Job, &[number], &[number]);
        put(&*store, Space::Ended, &[0, 0, number, 0, 0, 0, number], &[number]);
    }
    delete(&*store, Space::Job, &[50]);
    let (job, ended) = (all(&*store, Space::Job), all(&*store, Space::Ended));
    assert_eq!((job.len(), ended.len()), (99, 100));
    drop(store);
    let store = open();
    assert_eq!(all(&*store, Space::Job), job);
    assert_eq!(all(&*store, Space::Ended), ended);
}

pub fn an_error_of_the_script_is_given_back(open: Open) {
    #[derive(Debug, PartialEq)]
    enum Refusal {
        Mine,
        Store(StoreError),
    }
    impl From<StoreError> for Refusal {
        fn from(error: StoreError) -> Refusal {
            Refusal::Store(error)
        }
    }
    let store = open();
    let refused = wait(store.write::<(), Refusal, _>(|write| {
        write.put(Space::Job, b"a".to_vec(), b"1".to_vec());
        Err(Refusal::Mine)
    }));
    assert_eq!(refused, Err(Refusal::Mine));
    let panicked = wait(store.write::<(), Refusal, _>(|_| panic!("this panic is part of a test")));
    assert!(matches!(panicked, Err(Refusal::Store(StoreError::Failed(_)))), "{panicked:?}");
    assert_eq!(all(&*store, Space::Job), []);
    assert_eq!(wait(store.write::<_, Refusal, _>(|write| Ok(write.sequence() > 0))), Ok(true));
    drop::<Arc<dyn Store>>(store);
}
