//! Guests that write without end, and what they write is meant for a terminal.

use super::Guest;
use crate::wat::{run, times};
use serde_json::json;

pub fn guests() -> Vec<Guest> {
    vec![
        // Logs are cut, and the runs go on.
        flood("flood-of-lines", "(call $log (i32.const 2) (i32.const 4096) (i32.const 1000))", 3_000),
        flood("flood-of-long-lines", "(call $log (i32.const 2) (i32.const 4096) (i32.const 60000))", 300),
        flood("flood-of-empty-lines", "(call $write (global.get $out) (i32.const 65536) (i32.const 60000) (i32.const 32))", 30),
        // A line that never ends is kept up to the limit of a line.
        flood("flood-without-a-line", "(call $write (global.get $out) (i32.const 4096) (i32.const 60000) (i32.const 32))", 300),
        flood("flood-of-streams", "(call $write (call $stdout) (i32.const 65536) (i32.const 100) (i32.const 32))", 900),
        Guest::by_hand(
            "write-more-than-may-be-written",
            run("(call $write (call $stdout) (i32.const 0) (i32.const 65537) (i32.const 32)) (i32.const 16)"),
        )
        .fails("trap", &["more was written than check-write allowed"]),
        Guest::probe(
            "flood-of-emails",
            json!([{"repeat": {"times": 100, "step": {"email": {"to": ["ops@example.com"], "subject": "{i}", "text": "x"}}}},
                   {"email": {"to": ["ops@example.com"], "subject": "one more", "text": "x"}, "must": true}]),
        )
        .grants(json!({"email": {"to": ["ops@example.com"], "per_run": 5}}))
        .fails("error", &["quota", "at most 5", "grants.email.per_run"]),
        Guest::probe(
            "emails-that-forge-headers",
            json!([{"email": {"to": ["ops@example.com"], "subject": "x\r\nBcc: all@example.com", "text": "x"}, "must": true}]),
        )
        .grants(json!({"email": {"to": ["ops@example.com"]}}))
        .fails("error", &["invalid"]),
        Guest::probe("email-that-is-too-large", json!([{"email": {"to": ["ops@example.com"], "subject": "x", "text": "x", "attachments": [["a", "text/plain", "x".repeat(100_000)]]}, "must": true}]))
            .grants(json!({"email": {"to": ["ops@example.com"]}}))
            .limit("call", "64KiB")
            .fails("quota", &["more than 64KiB", "(limit call)"]),
        Guest::probe("flood-of-progress", json!([{"checkpoint": "x".repeat(70_000)}]))
            .fails("quota", &["70000", "64KiB"]),
        Guest::probe("result-in-rust-that-is-too-long", json!([{"big_result": 65_537}]))
            .fails("quota", &["65537", "64KiB", "(limit result)"]),
    ]
}

/// Does this so many times, with letters from 4096 on, line breaks from 65536 on, and stdout in `$out`.
fn flood(name: &'static str, step: &str, count: u32) -> Guest {
    let begin = "(func $begin
        (memory.fill (i32.const 4096) (i32.const 97) (i32.const 61440))
        (memory.fill (i32.const 65536) (i32.const 10) (i32.const 61440))
        (global.set $out (call $stdout)))";
    let once = format!("(if (i32.eqz (local.get $n)) (then (call $begin))) {step}");
    let wat = times(count, &once).module(&format!("(global $out (mut i32) (i32.const 0)) {begin}"));
    Guest::by_hand(name, wat).limit("fuel", 1_000_000_000).limit("log", "256KiB")
}
