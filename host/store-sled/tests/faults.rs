//! Full disks, damaged files, two processes, and what a commit costs.

use sandglass_core::{Instant, JobId, RunId};
use sandglass_store::conformance::{commit, wait};
use sandglass_store::{KeyRange, Space, Store, StoreError, StoreExt, Write};
use sandglass_store_sled::{OpenError, Options, SledStore};
use std::fs::{self, File};
use std::io::{Read as _, Seek, SeekFrom, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

fn open(folder: &Path) -> Result<SledStore, OpenError> {
    SledStore::open(folder, &Options::default())
}

fn try_put(store: &SledStore, key: u8, length: usize) -> Result<(), StoreError> {
    wait(store.write(move |write| {
        write.put(Space::Row, vec![key], vec![key; length]);
        Ok(())
    }))
}

fn get(store: &SledStore, key: u8) -> Result<Option<Vec<u8>>, StoreError> {
    store.read(|read| read.get(Space::Row, &[key]))
}

fn run(day: u8) -> Vec<u8> {
    let noon: Instant = format!("2026-05-{day:02}T12:00:00Z").parse().unwrap();
    RunId::new(JobId(1), noon, 0).to_bytes().to_vec()
}

/// A store with some records in its state and in two days of history.
fn filled() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    for number in 0..100u8 {
        commit(&store, move |write| {
            write.put(Space::Row, vec![number], vec![number; 3000]);
            write.put(Space::Ended, run(1 + number % 2), vec![number; 3000]);
        });
    }
    folder
}

#[test]
fn a_full_disk_refuses_writes_until_there_is_space() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    try_put(&store, 1, 10).unwrap();
    store.set_reserve(u64::MAX / 2);
    assert_eq!(try_put(&store, 2, 10), Err(StoreError::Full));
    // Reading goes on, and what only reads commits.
    assert_eq!(get(&store, 1), Ok(Some(vec![1; 10])));
    assert_eq!(wait(store.settled()), Ok(()));
    assert_eq!(wait(store.write::<_, StoreError, _>(|write| write.get(Space::Row, &[2]))), Ok(None));
    // Forgetting makes space, so it is never refused.
    assert_eq!(wait(store.forget_history(Instant::MAX)), Ok(0));
    store.set_reserve(0);
    try_put(&store, 3, 10).unwrap();
    assert_eq!((get(&store, 2), get(&store, 3)), (Ok(None), Ok(Some(vec![3; 10]))));
}

#[test]
fn two_cannot_use_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let refused = open(folder.path()).err().expect("the folder is in use");
    assert!(matches!(refused, OpenError::InUse(_)), "{refused}");
    assert!(refused.to_string().starts_with("another sandglass uses the folder"), "{refused}");
    drop(store);
    open(folder.path()).unwrap();
}

#[test]
fn a_newer_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    fs::write(folder.path().join("format"), "sandglass store 999\n").unwrap();
    assert!(matches!(open(folder.path()), Err(OpenError::Newer { found: 999, .. })));
}

#[test]
fn a_store_can_be_opened_and_closed_many_times() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..30 {
        let store = Arc::new(open(folder.path()).unwrap());
        try_put(&store, number, 100).unwrap();
        // The last handle may be let go of on the thread that commits.
        let last = store.clone();
        store.submit(Box::new(|_| sandglass_store::Verdict::Drop), Box::new(move |_| drop(last)));
        drop(store);
        wait_until_closed(folder.path());
    }
    let store = open(folder.path()).unwrap();
    assert!((0..30).all(|number| get(&store, number) == Ok(Some(vec![number; 100]))));
}

/// A store that was let go of by its own thread closes a little later.
fn wait_until_closed(folder: &Path) {
    let lock = File::open(folder.join("lock")).unwrap();
    lock.lock().unwrap();
}

#[test]
fn many_days_of_history_are_read_with_few_open() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    for day in 1..=28 {
        commit(&store, move |write| write.put(Space::Ended, run(day), vec![day; 20]));
    }
    std::thread::scope(|scope| {
        for backwards in [true, false, true] {
            let store = &store;
            scope.spawn(move || {
                for _ in 0..3 {
                    let mut days: Vec<u8> = Vec::new();
                    let visit = &mut |_: &[u8], value: &[u8]| {
                        days.push(value[0]);
                        ControlFlow::Continue(())
                    };
                    store.read(|read| read.scan(Space::Ended, &KeyRange::all(), backwards, visit)).unwrap();
                    let mut expected: Vec<u8> = (1..=28).collect();
                    if backwards {
                        expected.reverse();
                    }
                    assert_eq!(days, expected);
                }
            });
        }
        for day in 1..=28 {
            commit(&store, move |write| write.put(Space::Log, run(day), vec![day; 20]));
        }
    });
    assert_eq!(fs::read_dir(folder.path().join("history")).unwrap().count(), 28);
}

#[test]
fn commits_cost_no_more_than_what_they_write() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let before = store.stats();
    commit(&store, |write| {
        write.put(Space::Row, vec![1], vec![1; 100_000]);
        write.put(Space::Row, vec![2], vec![1]);
        write.delete(Space::Row, vec![3]);
    });
    let after = store.stats();
    assert_eq!((after.commits - before.commits, after.records - before.records), (1, 3));
    assert_eq!(after.syncs - before.syncs, 1);
    // History is a database more to sync.
    commit(&store, |write| {
        write.put(Space::Ended, run(1), vec![1]);
        write.delete(Space::Row, vec![2]);
    });
    assert_eq!(store.stats().syncs - after.syncs, 2);
    // Looking costs nothing.
    let before = store.stats();
    for _ in 0..100 {
        commit(&store, |write: &mut dyn Write| assert!(write.get(Space::Row, &[1]).unwrap().is_some()));
    }
    assert_eq!(store.stats(), before);
}

#[test]
fn a_log_that_lost_its_end_is_found() {
    for database in ["state", "history/2026-05-01"] {
        let folder = filled();
        let log = folder.path().join(database).join("db");
        let length = fs::metadata(&log).unwrap().len();
        File::options().write(true).open(&log).unwrap().set_len(length / 2).unwrap();
        assert_damage(folder.path(), database);
    }
}

#[test]
fn garbage_in_a_log_is_found() {
    for database in ["state", "history/2026-05-02"] {
        let folder = filled();
        let log = folder.path().join(database).join("db");
        let length = fs::metadata(&log).unwrap().len();
        let mut file = File::options().write(true).open(&log).unwrap();
        for part in 1..16 {
            file.seek(SeekFrom::Start(length * part / 16)).unwrap();
            file.write_all(&[0xAA; 64]).unwrap();
        }
        assert_damage(folder.path(), database);
    }
}

/// Either the store does not open, or reading what is damaged says so; nothing is missing in silence.
fn assert_damage(folder: &Path, database: &str) {
    match open(folder) {
        Err(OpenError::Damaged { .. }) => assert_eq!(database, "state"),
        Err(other) => panic!("{database}: {other}"),
        Ok(store) => {
            let space = if database == "state" { Space::Row } else { Space::Ended };
            let mut records = 0;
            let read = store.read(|read| {
                read.scan(space, &KeyRange::all(), false, &mut |_, _| {
                    records += 1;
                    ControlFlow::Continue(())
                })
            });
            assert!(
                matches!(read, Err(StoreError::Damaged(_))),
                "{database}: {read:?} after {records} records"
            );
        }
    }
}

#[test]
fn a_bit_that_flipped_is_never_read_as_data() {
    let folder = filled();
    let log = folder.path().join("state/db");
    let whole = fs::read(&log).unwrap();
    // Opening writes, so each trial starts from the same files.
    for trial in 0..40 {
        let copy = tempfile::tempdir().unwrap();
        copy_folder(folder.path(), copy.path());
        let at = whole.len() * (2 * trial + 1) / 80;
        let mut bytes = whole.clone();
        bytes[at] ^= 16;
        fs::write(copy.path().join("state/db"), bytes).unwrap();
        let Ok(store) = open(copy.path()) else { continue };
        for key in 0..100 {
            match get(&store, key) {
                Ok(Some(value)) => assert_eq!(value, vec![key; 3000], "byte {at}"),
                Ok(None) => panic!("record {key} is missing in silence after a flip in byte {at}"),
                Err(_) => {}
            }
        }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn what_a_killed_opening_leaves_does_no_harm() {
    let folder = filled();
    drop(open(folder.path()).unwrap());
    for database in ["state", "history/2026-05-01"] {
        let database = folder.path().join(database);
        let snapshots = fs::read_dir(&database).unwrap().map(|entry| entry.unwrap().path());
        let snapshots: Vec<PathBuf> = snapshots
            .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("snap."))
            .collect();
        for snapshot in snapshots {
            let mut half = Vec::new();
            let length = fs::metadata(&snapshot).unwrap().len();
            File::open(&snapshot).unwrap().take(length / 2).read_to_end(&mut half).unwrap();
            fs::write(snapshot.with_extension("FFFFFFFFFFFFFFFF.generating"), half).unwrap();
        }
        fs::write(database.join("snap.FFFFFFFFFFFFFFFF.generating"), "").unwrap();
    }
    fs::create_dir_all(folder.path().join("history/2026-04-30.gone/blobs")).unwrap();
    let store = open(folder.path()).unwrap();
    assert_eq!(get(&store, 99), Ok(Some(vec![99; 3000])));
    assert_eq!(store.read(|read| read.count(Space::Ended, &KeyRange::all(), 10)), Ok(2));
    assert!(!folder.path().join("history/2026-04-30.gone").exists());
}

#[test]
fn what_a_killed_making_leaves_does_no_harm() {
    let made = filled();
    let made = made.path().join("history/2026-05-01");
    let conf = fs::read(made.join("conf")).unwrap();
    // Nothing of these days was ever acknowledged, because the file `newest` is made last.
    let leftovers: [&[(&str, &[u8])]; 6] = [
        &[],
        &[("conf", b"")],
        &[("conf", &conf[..conf.len() / 2])],
        &[("conf", &vec![0; conf.len()])],
        &[("conf", &conf), ("db", b"")],
        &[("conf", &conf), ("db", b""), ("newest.new", b"")],
    ];
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    for (day, files) in (1..).zip(leftovers) {
        let day = folder.path().join(format!("history/2026-05-{day:02}"));
        fs::create_dir(&day).unwrap();
        for (name, bytes) in files {
            fs::write(day.join(name), bytes).unwrap();
        }
    }
    let store = open(folder.path()).unwrap();
    for day in 1..=6 {
        commit(&store, move |write| write.put(Space::Ended, run(day), vec![day]));
    }
    assert_eq!(store.read(|read| read.count(Space::Ended, &KeyRange::all(), 10)), Ok(6));
}

#[test]
fn a_day_that_cannot_be_opened_says_so_and_harms_nothing_else() {
    let folder = filled();
    let log = folder.path().join("history/2026-05-01/db");
    fs::remove_file(&log).unwrap();
    fs::create_dir(&log).unwrap();
    let store = open(folder.path()).unwrap();
    assert!(store.read(|read| read.get(Space::Ended, &run(1))).is_err());
    assert!(store.read(|read| read.get(Space::Ended, &run(2))).unwrap().is_some());
    let refused = wait(store.write::<(), StoreError, _>(|write| {
        write.put(Space::Ended, run(1), vec![1]);
        write.put(Space::Row, vec![200], vec![1]);
        Ok(())
    }));
    assert!(refused.is_err());
    // Nothing of that was written, and the store goes on.
    assert_eq!(get(&store, 200), Ok(None));
    try_put(&store, 201, 10).unwrap();
}
