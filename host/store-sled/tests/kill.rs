//! A process is killed in the middle of its commits, again and again: what it said was durable is there, and
//! no commit is there in part.

use sandglass_core::{Instant, JobId, RunId};
use sandglass_store::conformance::wait;
use sandglass_store::{Space, StoreError, StoreExt};
use sandglass_store_sled::{Options, SledStore};
use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

const CYCLES: u64 = 12;
const WRITERS: u8 = 6;
const FOLDER: &str = "SANDGLASS_TEST_KILL_FOLDER";

fn open(folder: &Path) -> Arc<SledStore> {
    Arc::new(SledStore::open(folder, &Options::default()).unwrap())
}

/// A run of one of three days, so that a commit is of two databases.
fn run(writer: u8, count: u64) -> Vec<u8> {
    let noon: Instant = format!("2026-05-{:02}T12:00:00Z", 1 + count % 3).parse().unwrap();
    RunId::new(JobId(u32::from(writer)), noon, count).to_bytes().to_vec()
}

/// Four records, small and large, far from each other, that all say the same number.
fn places(writer: u8, count: u64) -> [(Space, Vec<u8>, usize); 4] {
    [
        (Space::Job, vec![writer], 1),
        (Space::Row, vec![200, writer], 100),
        (Space::Chunk, vec![writer], 2_000 + (count % 4) as usize * 1_500),
        (Space::Ended, run(writer, count), 10),
    ]
}

fn count(store: &SledStore, writer: u8) -> u64 {
    let value = store.read(|read| read.get(Space::Job, &[writer])).unwrap();
    value.map_or(0, |value| u64::from_be_bytes(value.try_into().unwrap()))
}

/// What the killed process does: commits until it dies, and says what was acknowledged. Without the variable
/// it is no test.
#[test]
fn child() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let store = open(folder.as_ref());
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let store = &store;
            scope.spawn(move || {
                for next in count(store, writer) + 1.. {
                    wait(store.write::<_, StoreError, _>(move |write| {
                        for (space, key, times) in places(writer, next) {
                            write.put(space, key, next.to_be_bytes().repeat(times));
                        }
                        Ok(())
                    }))
                    .unwrap();
                    writeln!(std::io::stdout().lock(), "durable {writer} {next}").unwrap();
                }
            });
        }
    });
}

#[test]
fn nothing_acknowledged_is_lost_to_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    for cycle in 0..CYCLES {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let is_durable = |line: &String| line.starts_with("durable");
        // At a different moment of its work each time; every third time while it opens the store.
        let first = if cycle % 3 == 2 { None } else { lines.find(is_durable) };
        thread::sleep(Duration::from_millis(3 + cycle * 37 % 200 / (1 + cycle % 3)));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in first.into_iter().chain(lines.filter(is_durable)) {
            // The last line may be cut short.
            let mut words = line.split(' ').skip(1).map(str::parse::<u64>);
            if let (Some(Ok(writer)), Some(Ok(count))) = (words.next(), words.next()) {
                let newest = acknowledged.entry(writer as u8).or_insert(count);
                *newest = count.max(*newest);
            }
        }
        assert_whole(&open(folder.path()), &acknowledged);
    }
    assert!(acknowledged.values().sum::<u64>() > 100, "it came to few commits: {acknowledged:?}");
}

fn assert_whole(store: &SledStore, acknowledged: &BTreeMap<u8, u64>) {
    for writer in 0..WRITERS {
        let found = count(store, writer);
        // A number that was cut short by the kill is smaller, never larger.
        let least = acknowledged.get(&writer).copied().unwrap_or(0);
        assert!(found >= least, "{writer} was told of {least}, and {found} is there");
        if found > 0 {
            for (space, key, times) in places(writer, found) {
                let value = store.read(|read| read.get(space, &key)).unwrap();
                assert!(value == Some(found.to_be_bytes().repeat(times)), "{space:?} of {writer} at {found}");
            }
        }
        for count in 1..=found {
            let ended = store.read(|read| read.get(Space::Ended, &run(writer, count))).unwrap();
            assert!(ended.is_some(), "{writer} has lost its run {count}");
        }
    }
}
