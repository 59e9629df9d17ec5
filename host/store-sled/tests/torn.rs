//! A commit that was cut off at any place of its writing: all of it is there after the next start, or nothing.

use sandglass_core::{Instant, JobId, RunId};
use sandglass_store::conformance::commit;
use sandglass_store::{KeyRange, Space, StoreExt as _, Write};
use sandglass_store_sled::{Options, SledStore};
use std::fs;
use std::path::Path;

fn open(folder: &Path) -> SledStore {
    SledStore::open(folder, &Options::default()).unwrap()
}

/// The records of a commit: rows, entries of an index and an email of a run's effects, and the run's end in history.
const RECORDS: [(Space, u8); 4] = [(Space::Row, 60), (Space::Index, 60), (Space::Email, 1), (Space::Live, 1)];

fn write_all(write: &mut dyn Write, generation: u8) {
    for (space, count) in RECORDS {
        for number in 0..count {
            write.put(space, vec![number], vec![generation; 300]);
        }
    }
    let noon: Instant = "2026-05-01T12:00:00Z".parse().unwrap();
    let run = RunId::new(JobId(1), noon, u64::from(generation)).to_bytes().to_vec();
    write.put(Space::Ended, run, vec![generation; 300]);
}

/// The generation of every record of the state, which is one and the same.
fn generation(store: &SledStore) -> u8 {
    let mut found = Vec::new();
    for (space, count) in RECORDS {
        let records = store
            .read(|read| {
                let mut values = Vec::new();
                read.scan(space, &KeyRange::all(), false, &mut |_, value| {
                    values.push(value[0]);
                    std::ops::ControlFlow::Continue(())
                })
                .map(|()| values)
            })
            .unwrap();
        assert_eq!(records.len(), usize::from(count), "{space:?}");
        found.extend(records);
    }
    found.dedup();
    assert_eq!(found.len(), 1, "records of more than one commit: {found:?}");
    found[0]
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

/// The log of a database in which the second state of it was written up to `cut`.
fn torn(before: &[u8], after: &[u8], cut: usize) -> Vec<u8> {
    let mut bytes = after.to_vec();
    let kept = cut.min(bytes.len());
    bytes.truncate(kept);
    bytes.extend_from_slice(before.get(kept..).unwrap_or_default());
    bytes
}

#[test]
fn a_commit_that_was_cut_anywhere_is_there_as_a_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (before, after) = (folder.path().join("before"), folder.path().join("after"));
    let live = folder.path().join("live");
    {
        let store = open(&live);
        commit(&store, |write| write_all(write, 1));
        copy_folder(&live, &before);
        commit(&store, |write| write_all(write, 2));
        copy_folder(&live, &after);
    }
    // History is written first: with it whole and the state cut, and with the state as before and history cut.
    let log = |folder: &Path, database: &str| fs::read(folder.join(database).join("db")).unwrap();
    let mut seen = [0; 3];
    for database in ["history/2026-05-01", "state"] {
        let (old, new) = (log(&before, database), log(&after, database));
        let differ = |at: &usize| old.get(*at) != new.get(*at);
        let first = (0..new.len()).find(differ).expect("a commit writes");
        let last = (0..new.len()).rfind(differ).expect("a commit writes");
        for part in 0..=30 {
            let cut = first + (last + 1 - first) * part / 30;
            let trial = tempfile::tempdir().unwrap();
            let trial = trial.path().join("data");
            copy_folder(&before, &trial);
            if database == "state" {
                // What says how far the state is comes after it.
                copy_folder(&after.join("history"), &trial.join("history"));
            }
            fs::write(trial.join(database).join("db"), torn(&old, &new, cut)).unwrap();
            let store = open(&trial);
            let generation = generation(&store);
            let is_certain = database != "state" || part == 0 || part == 30;
            let expected = if database == "state" && part == 30 { 2 } else { 1 };
            assert!(!is_certain || generation == expected, "{database}, cut {part} of 30: {generation}");
            // It goes on from there.
            commit(&store, |write| write_all(write, 3));
            seen[usize::from(generation)] += 1;
        }
    }
    assert!(seen[1] > 0 && seen[2] > 0, "{seen:?}");
}
