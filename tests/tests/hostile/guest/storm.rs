//! Guests that call the host without end. What a call costs the host costs the guest fuel.

use super::Guest;
use crate::wat::{Wat, run};
use serde_json::{Value, json};

const FUEL: &[&str] = &["all 200000000 units of fuel are burnt", "(limit fuel)"];
const CALLS: &[&str] = &["more than 20000 calls into the host", "(limit host_calls)"];

pub fn guests() -> Vec<Guest> {
    vec![
        storm("storm-of-log-lines", "(call $log (i32.const 2) (i32.const 256) (i32.const 1))"),
        storm("storm-of-empty-log-lines", "(call $log (i32.const 2) (i32.const 0) (i32.const 0))"),
        storm("storm-of-clocks", "(drop (call $now)) (drop (call $monotonic))"),
        storm("storm-of-random-numbers", "(drop (call $random_u64))"),
        storm("storm-of-polls", POLL).fails("quota", CALLS),
        storm("storm-of-opened-tables", OPEN),
        storm("storm-of-denied-tables", "(call $open (i32.const 264) (i32.const 5) (i32.const 32))"),
        storm("storm-of-settings", "(call $setting (i32.const 264) (i32.const 5) (i32.const 32))"),
        storm(
            "storm-of-empty-prints",
            "(call $write (global.get $out) (i32.const 0) (i32.const 0) (i32.const 32))",
        ),
        storm("storm-of-check-writes", "(call $check_write (global.get $out) (i32.const 32))"),
        // The same, where the calls themselves are not counted: their price ends it.
        costly("costly-log-lines", "(call $log (i32.const 2) (i32.const 256) (i32.const 1000))", 2),
        costly("costly-clocks", "(drop (call $now))", 2),
        costly("costly-polls", POLL, 2),
        // A megabyte of random numbers each.
        costly("costly-random-numbers", "(call $random_bytes (i64.const 1048576) (i32.const 32))", 40),
        // Each setting has 32 KiB.
        costly("costly-settings", "(call $setting (i32.const 256) (i32.const 1) (i32.const 32))", 4)
            .env(json!({"t": "x".repeat(32 << 10)})),
        costly("costly-environment", "(call $environment (i32.const 32))", 100).env(large_env()),
        costly("costly-gets", GET, 2),
        costly("costly-inserts", INSERT, 2),
        costly(
            "costly-prints",
            "(call $write (global.get $out) (i32.const 256) (i32.const 60000) (i32.const 32))",
            2,
        ),
        costly("costly-checkpoints", "(call $checkpoint (i32.const 0) (i32.const 0) (i32.const 0))", 2)
            .limit("fuel", 20_000_000)
            .fails("out-of-fuel", &["all 20000000 units of fuel are burnt"]),
        Guest::by_hand(
            "too-many-random-bytes",
            run("(call $random_bytes (i64.const 1048577) (i32.const 32)) (i32.const 16)").pages(40),
        )
        .fails("quota", &["1048577 random bytes", "at most 1048576"]),
        Guest::by_hand(
            "random-bytes-without-end",
            run("(call $random_bytes (i64.const -1) (i32.const 32)) (i32.const 16)"),
        )
        .fails("quota", &["18446744073709551615 random bytes", "at most 1048576"]),
        // What it is told is quota, and it goes on asking.
        Guest::probe(
            "scans-without-end",
            json!([{"repeat": {"times": 10_000, "step": {"count": {"table": "many"}}}},
                   {"repeat": {"times": 10_000, "step": {"count": {"table": "many"}}}},
                   {"count": {"table": "many"}, "must": true}]),
        )
        .grants(json!({"tables": {"many": "read"}}))
        .limit("rows_scanned", 5_000)
        .fails("error", &["quota", "5000", "limit rows_scanned"]),
        Guest::probe(
            "reads-that-are-tracked-without-end",
            json!([{"repeat": {"times": 10_000, "step": {"get": {"table": "t", "id": "absent-{i}"}}}},
                   {"get": {"table": "t", "id": "one more"}, "must": true}]),
        )
        .limit("rows_tracked", 100)
        .fails("error", &["quota", "100", "limit rows_tracked"]),
        Guest::probe(
            "rows-without-end",
            json!([{"repeat": {"times": 20_000, "step": {"put": {"table": "t", "id": "{i}", "fields": {}}}}},
                   {"put": {"table": "t", "id": "one more", "fields": {}}, "must": true}]),
        )
        .limit("fuel", 2_000_000_000)
        .fails("error", &["quota", "10000", "checkpoint"]),
        Guest::probe(
            "large-rows-without-end",
            json!([{"repeat": {"times": 100, "step": {"insert_sized": {"table": "t", "bytes": 200_000}}}},
                   {"insert_sized": {"table": "t", "bytes": 200_000}, "must": true}]),
        )
        .limit("fuel", 2_000_000_000)
        .fails("error", &["quota", "8MiB", "checkpoint"]),
    ]
}

/// Waits for what is over at once.
const POLL: &str = "
    (i32.store (i32.const 64) (call $subscribe (i64.const 0)))
    (call $poll (i32.const 64) (i32.const 1) (i32.const 32))
    (call $drop_pollable (i32.load (i32.const 64)))";

/// Opens the table `t`, and closes it.
const OPEN: &str = "
    (call $open (i32.const 256) (i32.const 1) (i32.const 32))
    (call $drop_table (i32.load (i32.const 36)))";

const GET: &str = "(call $get (global.get $t) (i32.const 256) (i32.const 1) (i32.const 64))";
const INSERT: &str = r"(call $insert (global.get $t) (i32.const 272) (i32.const 2)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64))";

/// At 256 a name that is granted, at 264 one that is not, and at 272 an object.
const DATA: &str = r#"
    (global $t (mut i32) (i32.const 0))
    (global $out (mut i32) (i32.const 0))
    (data (i32.const 256) "t") (data (i32.const 264) "other") (data (i32.const 272) "{}")
    (func $begin
      (global.set $out (call $stdout))
      (call $open (i32.const 256) (i32.const 1) (i32.const 32))
      (global.set $t (i32.load (i32.const 36))))"#;

fn endless(step: &str, pages: u32) -> Wat {
    // What the host hands over always lies in the same place.
    run(&format!("(call $begin) (loop $again {step} (br $again)) (unreachable)"))
        .module(DATA)
        .pages(pages)
        .realloc("(i32.const 4096)")
}

fn storm(name: &'static str, step: &str) -> Guest {
    Guest::by_hand(name, endless(step, 2))
        .limit("host_calls", 20_000)
        .limit("fuel", 10_000_000_000_u64)
        .fails("quota", CALLS)
}

fn costly(name: &'static str, step: &str, pages: u32) -> Guest {
    Guest::by_hand(name, endless(step, pages)).limit("host_calls", 100_000_000).fails("out-of-fuel", FUEL)
}

/// Three megabytes of it.
fn large_env() -> Value {
    (0..100).map(|n| (format!("V{n}"), json!("x".repeat(32 << 10)))).collect::<serde_json::Map<_, _>>().into()
}
