//! All of them on one host, side by side and again and again, beside a job that minds its own business.

use crate::guest;
use crate::upload::{self, Upload, binary, bomb};
use sandglass_tests::{Footprint, Host, fill_caches, guest as component, is_full, said, until};
use serde_json::{Value, json};
use std::io::Write as _;
use std::sync::Mutex;

/// Resident memory that may be left over.
const LEFT_OVER_KIB: u64 = 32 << 10;
/// Resident memory that the host may take while children compile: it holds one upload and what the child says.
const COMPILING_KIB: u64 = 64 << 10;

/// How many clients send at one time.
const CLIENTS: usize = 4;

fn rounds() -> usize {
    if is_full() { 50 } else { 2 }
}

/// Does `work` with each of `items`, several at a time, and gives what went wrong.
fn each<T: Sync>(items: &[T], work: impl Fn(&T) -> Result<(), String> + Sync) -> Vec<String> {
    let left = Mutex::new(items.iter());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                loop {
                    let next = left.lock().expect("nobody panics with it").next();
                    let Some(item) = next else { return };
                    if let Err(message) = work(item) {
                        wrong.lock().expect("nobody panics with it").push(message);
                    }
                }
            });
        }
    });
    wrong.into_inner().expect("nobody panics with it")
}

#[track_caller]
fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

/// Deploys the job that is to notice nothing.
fn settle_a_neighbour(host: &Host) {
    let policy = json!({"overlap": "allow", "max_concurrency": 20, "retry": {"max_attempts": 1}});
    host.deploy("neighbour", "trivial", json!({"schedule": {"every": "1s"}, "policy": policy}));
}

/// It ran all the while, and goes on.
fn ask_the_neighbour(host: &Host) {
    let counters = || host.read("jobs/neighbour")["counters"].clone();
    let before = counters()["succeeded"].as_u64();
    until("the neighbour to go on", || (counters()["succeeded"].as_u64() > before).then_some(()));
    let counters = counters();
    for bad in ["failed", "missed", "skipped"] {
        assert_eq!(counters[bad], 0, "{counters}");
    }
}

/// Threads for work that blocks come and go, and so do connections: how many there may be more than before. What is
/// left over of guests would be many more.
const COMING_AND_GOING: usize = 4;

/// What the host holds once it is quiet again: as many threads and files as `before`.
fn settled(host: &Host, before: Footprint) -> Footprint {
    let mut now = before;
    let is_quiet = || {
        now = Footprint::of(host.pid());
        let threads = now.threads <= before.threads + COMING_AND_GOING as u64;
        (threads && now.files <= before.files + COMING_AND_GOING).then_some(())
    };
    until("threads and files as before", is_quiet);
    println!(
        "{} threads and {} files before, {} and {} after",
        before.threads, before.files, now.threads, now.files
    );
    now
}

#[test]
fn every_guest_is_contained() {
    let host = Host::start();
    settle_a_neighbour(&host);
    let many: Vec<Value> = (0..1_000).map(|n| json!({"id": n.to_string(), "n": n})).collect();
    host.post("tables/many/rows").json(&json!(many)).send().json(201);
    host.put("tables/t").send().json(201);
    let guests = guest::all();
    assert!(guests.len() >= 80, "{}", guests.len());
    for guest in &guests {
        guest.deploy(&host);
    }
    // So that all is loaded that is loaded once.
    fill_caches(&host, &component("trivial"));
    none(&each(&guests, |guest| guest.run(&host)));
    let before = Footprint::of(host.pid());
    for _ in 0..rounds() {
        none(&each(&guests, |guest| guest.run(&host)));
    }
    let after = settled(&host, before);
    println!(
        "{} guests, {} rounds: {} MiB after a first one, {} at the end",
        guests.len(),
        rounds(),
        before.kib >> 10,
        after.kib >> 10
    );
    assert!(after.kib <= before.kib + LEFT_OVER_KIB, "{before:?} {after:?}");
    ask_the_neighbour(&host);
    // None of them that wrote rows was to succeed.
    assert_eq!(host.rows("t"), [] as [Value; 0]);
}

#[test]
fn every_upload_is_answered() {
    let host = Host::start();
    settle_a_neighbour(&host);
    fill_caches(&host, &component("trivial"));
    let uploads = upload::all();
    let cut: Vec<Vec<u8>> = binary::truncations(&component("trivial"), 30).collect();
    let round = || {
        none(&each(&uploads, |upload: &Upload| upload.send(&host).map(drop)));
        none(&each(&cut, |bytes| refused(&host, bytes)));
    };
    round();
    let before = Footprint::of(host.pid());
    for _ in 1..rounds() {
        round();
    }
    let after = settled(&host, before);
    println!(
        "{} uploads: {} MiB before, {} after",
        uploads.len() + cut.len(),
        before.kib >> 10,
        after.kib >> 10
    );
    assert!(after.kib <= before.kib + LEFT_OVER_KIB, "{before:?} {after:?}");
    ask_the_neighbour(&host);
}

fn refused(host: &Host, bytes: &[u8]) -> Result<(), String> {
    let answer = host.post("components").bytes("application/wasm", bytes).send();
    if answer.status != 422 {
        return Err(format!("cut at {}: {}: {}", bytes.len(), answer.status, answer.text()));
    }
    let said = said(&answer.refusal(422, "invalid-component"));
    let knows = ["cut short", "not a valid component", "not WebAssembly", "does not export"];
    if knows.iter().any(|words| said.contains(words)) {
        return Ok(());
    }
    Err(format!("cut at {}: {said}", bytes.len()))
}

#[test]
fn compile_bombs_end_at_a_limit_that_is_named() {
    let mut settings = tempfile::NamedTempFile::new().expect("a temporary file");
    // Less than the defaults, so that it does not take minutes; the figures are in what is said.
    writeln!(settings, "compile_cpu = '3s'\ncompile_memory = '256MiB'").expect("a file can be written");
    let host = Host::start_with(&["--config", &settings.path().to_string_lossy()]);
    settle_a_neighbour(&host);
    // One at a time, as they compile one at a time.
    let bombs = bomb::uploads();
    let before = Footprint::of(host.pid());
    let mut first = before;
    let mut met = String::new();
    for round in 0..rounds() {
        let said: Vec<_> = bombs.iter().map(|bomb| (bomb.name, bomb.send(&host))).collect();
        none(&said.iter().filter_map(|(_, said)| said.clone().err()).collect::<Vec<_>>());
        for (name, said) in said {
            let said = said.unwrap_or_default();
            let line = said.lines().next().unwrap_or_default();
            if round == 0 {
                println!("{name}: {line}");
            }
            met.push_str(line);
        }
        if round == 0 {
            first = Footprint::of(host.pid());
        }
    }
    for limit in ["3s of processor time (limit compile_cpu)", "256MiB of memory (limit compile_memory)"] {
        assert!(met.contains(limit), "no bomb met {limit}");
    }
    let after = settled(&host, first);
    println!(
        "{} bombs: {} MiB before, {} after, {} at most",
        bombs.len(),
        before.kib >> 10,
        after.kib >> 10,
        after.peak_kib >> 10
    );
    assert!(after.peak_kib <= before.kib + COMPILING_KIB, "{before:?} {after:?}");
    ask_the_neighbour(&host);
}
