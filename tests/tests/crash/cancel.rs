//! Thousands of runs, cancelled whatever they are doing: all of them end so, and the host gets back what they held.

use crate::effect::stages_done;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use sandglass_tests::{Client, Footprint, Host, is_full, seeded, until};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// Attempts that this host executes at one time. There are more runs than that: others wait.
const SLOTS: usize = 64;
const JOBS: usize = 20;
/// Clients that ask for runs and cancel them at the same time.
const CLIENTS: usize = 4;
/// Runs that one client leaves uncancelled at one time.
const OPEN_MAX: usize = 60;

/// What a run is doing when it is cancelled, if that comes at the right moment.
fn scripts() -> Vec<Value> {
    let an_hour = json!({"sleep_ms": 3_600_000});
    let row = |id: &str| json!({"insert": {"table": "written", "id": id, "fields": {}}, "must": true});
    vec![
        // It waits, with a row that must never be committed.
        json!([row("{run}"), an_hour]),
        // It computes.
        json!([row("{run}"), {"spin": null}]),
        // It calls the host all the time.
        json!([{"repeat": {"times": 10_000_000, "step": {"count": {"table": "signals"}}}}]),
        json!([{"wait_for_row": {"table": "signals", "id": "never"}}]),
        json!([{"repeat": {"times": 10_000_000, "step": {"log": {"level": "info", "message": "round {i}"}}}}]),
        // It waits for its next attempt.
        json!([row("{run}"), {"fail": {"retry": true, "message": "not yet"}}]),
        // It commits, again and again.
        json!([{"stages": {"count": 1_000_000, "steps": [row("{run}.{i}")]}, "must": true}]),
        // It commits once and is done.
        json!([row("{run}")]),
    ]
}

fn deploy(host: &Client) {
    for table in ["signals", "written"] {
        host.put(format!("tables/{table}")).send().json(201);
    }
    let document = json!({
        "policy": {
            "overlap": "allow",
            "max_concurrency": 100,
            "timeout": "1h",
            "retry": {"max_attempts": 100, "initial": "1h", "max": "1h"},
        },
        "limits": {"fuel": 1_000_000_000_000_u64, "host_calls": 100_000_000, "rows_scanned": 100_000_000, "memory": "16MiB"},
        "grants": {"tables": {"signals": "read", "written": "read-write"}},
    });
    for job in 0..JOBS {
        host.deploy(&name(job), "probe", document.clone());
    }
}

fn name(job: usize) -> String {
    format!("job-{job:02}")
}

/// Runs by whether they were cancelled; the others had ended before.
type Answers = BTreeMap<String, bool>;

/// Asks for so many runs, and cancels each at some later moment, in any order.
fn ask_and_cancel(host: &Client, mut random: StdRng, runs: usize) -> Answers {
    let scripts = scripts();
    let mut open: Vec<String> = Vec::new();
    let mut answers = Answers::new();
    let mut asked = 0;
    while asked < runs || !open.is_empty() {
        let room = asked < runs && open.len() < OPEN_MAX;
        if room && (open.is_empty() || random.random_bool(0.6)) {
            let script = &scripts[random.random_range(0..scripts.len())];
            open.push(host.start(&name(random.random_range(0..JOBS)), script));
            asked += 1;
            continue;
        }
        // The newest ones too, whose attempts have hardly begun.
        let at = if random.random_bool(0.3) { open.len() - 1 } else { random.random_range(0..open.len()) };
        let run = open.swap_remove(at);
        let answer = host.post(format!("runs/{run}/cancel")).send();
        let cancelled = answer.status == 200;
        if cancelled {
            assert_eq!(answer.json(200)["outcome"], "cancelled");
        } else {
            answer.refusal(409, "conflict");
        }
        answers.insert(run, cancelled);
    }
    answers
}

/// A round of all clients.
fn round(host: &Client, random: &mut StdRng, runs: usize) -> Answers {
    let all = Mutex::new(Answers::new());
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let random = StdRng::seed_from_u64(random.next_u64());
            scope.spawn(|| {
                let mut answers = ask_and_cancel(host, random, runs / CLIENTS);
                all.lock().expect("nobody panics with it").append(&mut answers);
            });
        }
    });
    all.into_inner().expect("nobody panics with it")
}

/// All slots are free: as many runs as there are go on side by side, and one more has to wait.
fn check_slots(host: &Client) {
    let sleep = json!([{"sleep_ms": 3_600_000}]);
    let runs: Vec<String> = (0..SLOTS).map(|slot| host.start(&name(slot % JOBS), &sleep)).collect();
    let running = || host.list("runs?outcome=running").len();
    until("every slot to be taken", || (running() == SLOTS).then_some(()));
    let further = host.start(&name(0), &json!([]));
    assert_eq!(host.read(format!("runs/{further}"))["state"], "queued");
    for run in &runs {
        host.post(format!("runs/{run}/cancel")).send().json(200);
    }
    assert_eq!(host.ended(&further)["outcome"], "succeeded", "the slots are free again");
    for what in ["sandglass_attempts_executing", "sandglass_attempts_memory_bytes"] {
        until(what, || (host.metric(what) == 0.0).then_some(()));
    }
}

/// Each run has ended as the answer to its cancellation said, and has left what it had committed by then.
fn check_runs(host: &Client, answers: &Answers) {
    let runs: BTreeMap<String, Value> = (0..JOBS)
        .flat_map(|job| host.list(&format!("jobs/{}/runs", name(job))))
        .map(|run| (run["id"].as_str().expect("an id").to_string(), run))
        .collect();
    let mut expected = BTreeSet::new();
    for (id, cancelled) in answers {
        let run = &runs[id];
        assert_eq!(run["outcome"], if *cancelled { "cancelled" } else { "succeeded" }, "{run:#}");
        expected.extend((0..stages_done(run)).map(|stage| format!("{id}.{stage}")));
        expected.extend((!cancelled).then(|| id.clone()));
    }
    let rows = host.rows("written");
    let found: BTreeSet<String> =
        rows.iter().map(|row| row["id"].as_str().expect("an id").to_string()).collect();
    let difference: Vec<&String> = found.symmetric_difference(&expected).collect();
    assert!(difference.is_empty(), "rows that nobody committed, or that were lost: {difference:?}");
}

#[test]
fn runs_cancelled_at_random_moments_end_so_and_give_back_what_they_held() {
    let mut random = seeded();
    let (rounds, runs) = if is_full() { (5, 400) } else { (2, 240) };
    let slots = SLOTS.to_string();
    let mut host = Host::start_with(&["--attempts-max", &slots]);
    deploy(&host);
    // What is loaded, opened and cached once is not given back.
    let mut answers = round(&host, &mut random, runs);
    check_slots(&host);
    let before = Footprint::of(host.pid());

    for _ in 0..rounds {
        answers.append(&mut round(&host, &mut random, runs));
    }
    check_slots(&host);
    let after = until("files and threads to be given back", || {
        let after = Footprint::of(host.pid());
        (after.files <= before.files && after.threads <= before.threads).then_some(after)
    });
    println!("before {rounds} rounds of {runs} runs: {before:?}, after them: {after:?}");
    assert!(after.kib < before.kib + MEMORY_KIB, "memory is not given back: {before:?}, {after:?}");

    check_runs(&host, &answers);
    let cancelled = answers.values().filter(|cancelled| **cancelled).count();
    println!("{} runs, {cancelled} of them cancelled, the others had ended", answers.len());
    assert!(cancelled >= rounds * runs, "too few were still there to be cancelled");
    let counted: u64 = (0..JOBS)
        .map(|job| host.read(format!("jobs/{}", name(job))))
        .inspect(|job| assert_eq!(job["live_runs"], 0, "{job:#}"))
        .map(|job| job["counters"]["cancelled"].as_u64().expect("a number"))
        .sum();
    assert_eq!(counted, (cancelled + 2 * SLOTS) as u64, "the counters say the same");
    host.stop();
    assert!(!host.stderr().contains("while attempts were running"), "an attempt is left over");
}

/// What the host may hold more than before: its caches, and records of runs. One attempt that is left over holds a
/// guest's memory of more than 1 MiB.
const MEMORY_KIB: u64 = 64 << 10;
