//! Writing fails in the middle of commits: the store stops, says so to everybody, and nothing acknowledged is
//! lost.

use sandglass_store::conformance::wait;
use sandglass_store::{KeyRange, Space, Store, StoreError, StoreExt};
use sandglass_store_sled::{Options, SledStore};
use std::env;
use std::path::Path;
use std::process::Command;
use std::thread;

const FOLDER: &str = "SANDGLASS_TEST_STOP_FOLDER";

fn open(folder: &Path) -> SledStore {
    SledStore::open(folder, &Options::default()).unwrap()
}

fn commit(store: &SledStore, writer: u8, number: u32) -> Result<(), StoreError> {
    wait(store.write(move |write| {
        // Two records that are there together or not at all, and that are never the same.
        for part in 0..2 {
            let key = [&[writer, part][..], &number.to_be_bytes()].concat();
            write.put(Space::Row, key, number.wrapping_mul(2_654_435_761).to_be_bytes().repeat(300));
        }
        Ok(())
    }))
}

/// What runs where no file can grow beyond a few megabytes. Without the variable it is no test.
#[test]
fn child() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let store = open(folder.as_ref());
    let acknowledged: Vec<(u8, u32)> = thread::scope(|scope| {
        let writers = [1, 2, 3].map(|writer| {
            let store = &store;
            scope.spawn(move || {
                let mut number = 0;
                let error = loop {
                    match commit(store, writer, number) {
                        Ok(()) => number += 1,
                        Err(error) => break error,
                    }
                };
                assert!(matches!(error, StoreError::Stopped(_)), "{error}");
                assert!(error.to_string().contains("until the next start"), "{error}");
                (writer, number)
            })
        });
        writers.map(|writer| writer.join().unwrap()).to_vec()
    });
    // It stays so, for writers, for those who looked, and for history. Looking itself goes on.
    assert!(commit(&store, 9, 0).is_err());
    assert!(wait(store.settled()).is_err());
    assert!(wait(store.forget_history(sandglass_core::Instant::MAX)).is_err());
    assert!(store.read(|read| read.get(Space::Row, &[1, 0, 0, 0, 0, 0])).unwrap().is_some());
    drop(store);
    for (writer, count) in acknowledged {
        println!("acknowledged {writer} {count}");
    }
}

#[test]
fn a_write_that_fails_stops_the_store_until_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    // A signal that is ignored stays so in the program that takes the shell's place: writing then fails with
    // EFBIG, as it would with ENOSPC.
    let limited = "trap '' XFSZ; ulimit -f 6000; exec \"$0\" child --exact --nocapture";
    let output = Command::new("sh")
        .args(["-c", limited])
        .arg(env::current_exe().unwrap())
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));

    let store = open(folder.path());
    let mut total = 0;
    for line in said.lines().filter_map(|line| line.strip_prefix("acknowledged ")) {
        let (writer, count) = line.split_once(' ').unwrap();
        let (writer, count): (u8, usize) = (writer.parse().unwrap(), count.parse().unwrap());
        let [first, second] = [0, 1].map(|part| {
            store
                .read(|read| read.count(Space::Row, &KeyRange::prefix(vec![writer, part]), usize::MAX))
                .unwrap()
        });
        // At most the one more whose answer was that nobody knows.
        assert!(first == second && (first == count || first == count + 1), "{line}: {first} {second}");
        total += count;
    }
    assert!(total > 100, "{said}");
    commit(&store, 9, 0).unwrap();
}
