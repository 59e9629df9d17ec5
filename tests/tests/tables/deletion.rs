//! A job that deletes half of a large table in parts, with a checkpoint after each, killed at any moment.

use rand::RngExt as _;
use sandglass_tests::{Footprint, Host, PATIENCE, is_full, ndjson, seeded, until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// More than a host may take above what it takes at rest.
const GROWTH_KIB: u64 = 200 << 10;

#[test]
fn a_large_deletion_goes_on_where_it_was_killed() {
    let mut random = seeded();
    let (rows, part) = if is_full() { (1_000_000, 10_000) } else { (40_000, 1_000) };
    // Milliseconds that each part rests before its checkpoint, so that the run outlasts the kills.
    let rest = 100;
    // A run may lose so many attempts.
    let kills = 3;
    let mut host = Host::start();
    let row = |n: u64| json!({"id": format!("{n:07}"), "gone": n % 2 == 1, "n": n, "text": "x".repeat(80)});
    for begin in (0..rows).step_by(100_000) {
        let body = ndjson((begin..(begin + 100_000).min(rows)).map(row));
        host.post("tables/rows/import").bytes("application/x-ndjson", body).send().json(200);
    }
    host.put("tables/rows").json(&json!({"indexes": [{"fields": ["gone"]}]})).send().json(200);
    let deadline = Instant::now() + 10 * PATIENCE;
    while host.read("tables/rows")["indexes"][0]["state"] != "ready" {
        assert!(Instant::now() < deadline, "the index is not built");
        std::thread::sleep(Duration::from_millis(20));
    }
    // What it takes at rest: not what the import left behind.
    host.restart();
    let baseline = Footprint::of(host.pid()).kib;
    let memory = 8 << 20;
    let specification = json!({
        "grants": {"tables": {"rows": "read-write"}},
        "policy": {"timeout": "30m"},
        "limits": {"memory": memory, "fuel": 100_000_000_000_u64},
    });
    host.deploy("delete", "probe", specification);
    let stages = rows / 2 / part;
    let filter = json!([[["gone", "eq", true]]]);
    let step = json!({"delete_where": {"table": "rows", "filter": filter, "limit": part}});
    let run =
        host.start("delete", &json!([{"stages": {"count": stages, "steps": [step, {"sleep_ms": rest}]}}]));

    let done = |host: &Host| -> u64 {
        let run = host.read(format!("runs/{run}"));
        run["progress"].as_str().and_then(|progress| progress.parse().ok()).unwrap_or(0)
    };
    let mut highest = baseline;
    for kill in 0..kills {
        let before = done(&host);
        until("the run to go on", || (done(&host) > before).then_some(()));
        highest = highest.max(Footprint::of(host.pid()).peak_kib);
        std::thread::sleep(Duration::from_millis(random.random_range(0..2 * rest)));
        host.kill();
        println!("killed at stage {before} and after, for the {kill}th time");
        host.restart();
        // What was committed before is gone, and nothing else: parts go in the order of the rows, and a page is a view
        // of one moment, whatever the run does meanwhile.
        let call = host.get("tables/rows/rows").queries(&[("gone", "eq.true")]).query("limit", "1000");
        let page = call.send().json(200);
        let numbers: Vec<u64> =
            page["items"].as_array().unwrap().iter().filter_map(|row| row["n"].as_u64()).collect();
        let gone = numbers[0] / 2;
        assert!(
            gone / part >= before && gone.is_multiple_of(part),
            "a part is deleted as a whole or not at all: {gone} are"
        );
        assert!(numbers.iter().zip(gone..).all(|(n, at)| *n == 2 * at + 1), "after {gone}: {numbers:?}");
    }
    let ended = loop {
        highest = highest.max(Footprint::of(host.pid()).peak_kib);
        let now = host.read(format!("runs/{run}"));
        if now["outcome"].is_string() {
            break now;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(ended["outcome"], "succeeded", "{ended:#}");
    let used = ended["usage"]["memory_bytes"].as_u64().expect("what it used");
    println!(
        "{rows} rows, {} deleted in parts of {part}, {kills} kills: the guest took {} KiB, the host {} MiB above {} MiB",
        rows / 2,
        used >> 10,
        (highest - baseline) >> 10,
        baseline >> 10
    );
    assert!(used <= memory, "the guest took {used} bytes");
    assert!(highest - baseline <= GROWTH_KIB, "the host took {highest} KiB, from {baseline} KiB");
    assert_eq!(host.count("rows", &[]), rows / 2);
    assert_eq!(host.count("rows", &[("gone", "eq.true")]), 0);
    let survivors: Vec<Value> = host.rows("rows");
    assert!(survivors.iter().enumerate().all(|(at, row)| row["n"] == 2 * at));
}
