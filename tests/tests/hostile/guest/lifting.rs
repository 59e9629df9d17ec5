//! Guests that hand over what is no text, no list, no address, or too much of it.

use super::Guest;
use crate::wat::{Wat, run};
use serde_json::json;

pub fn guests() -> Vec<Guest> {
    vec![
        log("text-beyond-memory", "(i32.const 2) (i32.const 131000) (i32.const 1000)", "")
            .fails("trap", &["out of bounds"]),
        log("text-across-the-end-of-addresses", "(i32.const 2) (i32.const -8) (i32.const 100)", "")
            .fails("trap", &["out of bounds"]),
        // More than four gigabytes of it would be needed.
        log("text-without-end", "(i32.const 2) (i32.const 0) (i32.const -1)", "").fails("trap", &["string"]),
        log("text-that-is-not-utf-8", "(i32.const 2) (i32.const 256) (i32.const 3)", r#""\ff\fe\fd""#)
            .fails("trap", &["utf-8"]),
        log("text-with-half-a-character", "(i32.const 2) (i32.const 256) (i32.const 2)", r#""\e2\82""#)
            .fails("trap", &["utf-8"]),
        log("text-with-a-surrogate", "(i32.const 2) (i32.const 256) (i32.const 3)", r#""\ed\a0\80""#)
            .fails("trap", &["utf-8"]),
        log("text-with-an-overlong-nul", "(i32.const 2) (i32.const 256) (i32.const 2)", r#""\c0\80""#)
            .fails("trap", &["utf-8"]),
        log("a-level-that-is-none", "(i32.const 9) (i32.const 0) (i32.const 0)", "")
            .fails("trap", &["discriminant"]),
        Guest::by_hand(
            "text-larger-than-a-call",
            run("(call $log (i32.const 2) (i32.const 0) (i32.const 8388609)) (i32.const 16)").pages(200),
        )
        .fails("quota", &["more than 8MiB", "(limit call)"]),
        Guest::by_hand(
            "text-larger-than-its-own-limit-of-a-call",
            run("(call $log (i32.const 2) (i32.const 0) (i32.const 70000)) (i32.const 16)"),
        )
        .limit("call", "64KiB")
        .fails("quota", &["more than 64KiB", "(limit call)"]),
        Guest::by_hand("list-without-end", run("(call $poll (i32.const 0) (i32.const 1000000000) (i32.const 32)) (i32.const 16)"))
            .fails("trap", &["out of bounds"]),
        Guest::by_hand("list-that-is-larger-than-numbers", run("(call $poll (i32.const 0) (i32.const -1) (i32.const 32)) (i32.const 16)"))
            .fails("trap", &["out of bounds"]),
        Guest::by_hand("list-at-an-odd-address", run("(call $poll (i32.const 257) (i32.const 1) (i32.const 32)) (i32.const 16)"))
            .fails("trap", &["not aligned"]),
        Guest::by_hand("a-choice-that-is-none", run("(call $checkpoint (i32.const 7) (i32.const 0) (i32.const 0)) (i32.const 16)"))
            .fails("trap", &["discriminant"]),
        Guest::by_hand("an-answer-at-an-odd-address", run("(call $setting (i32.const 0) (i32.const 0) (i32.const 33)) (i32.const 16)"))
            .fails("trap", &["not aligned"]),
        Guest::by_hand("an-answer-beyond-memory", run("(call $setting (i32.const 0) (i32.const 0) (i32.const -16)) (i32.const 16)"))
            .fails("trap", &["out of bounds"]),
        // What it returns.
        returns("result-at-an-odd-address", "(i32.const 17)").fails("trap", &["not aligned"]),
        returns("result-beyond-memory", "(i32.const -16)").fails("trap", &["out of bounds"]),
        returns("result-that-is-neither", "(i32.store8 (i32.const 512) (i32.const 9)) (i32.const 512)")
            .fails("trap", &["discriminant"]),
        returns("result-that-is-not-utf-8", &text_at(512, 256, 1))
            .fails("trap", &["utf-8"]),
        returns("result-of-megabytes", &text_at(512, 4096, 5_000_000)).fails("quota", &["5000000 bytes", "64KiB", "(limit result)"]),
        returns("result-larger-than-a-call", &text_at(512, 4096, 12_000_000)).fails("quota", &["8MiB", "(limit call)"]),
        returns("result-one-byte-too-long", &text_at(512, 4096, 65_537)).fails("quota", &["65537 bytes", "64KiB", "(limit result)"]),
        // A message is cut, and the failure stays the guest's own.
        returns(
            "failure-of-megabytes",
            "(i32.store8 (i32.const 512) (i32.const 1)) (i32.store (i32.const 520) (i32.const 4096))
            (i32.store (i32.const 524) (i32.const 5000000)) (i32.const 512)",
        )
        .fails("error", &["[cut]"]),
        // What it says of where the host may write.
        realloc("memory-beyond-memory", "(i32.const -64)").fails("trap", &["beyond end of memory"]),
        realloc("memory-at-the-very-end", "(i32.const 131070)").fails("trap", &["beyond end of memory"]),
        Guest::by_hand("memory-at-an-odd-address", run("(call $environment (i32.const 32)) (i32.const 16)").realloc("(i32.const 4097)"))
            .env(json!({"A": "1"}))
            .fails("trap", &["not aligned"]),
        realloc("memory-that-is-refused", "(unreachable)").fails("trap", &["unreachable"]),
        // The host writes where it is told to, if that is the guest's own memory.
        realloc("memory-that-holds-the-result", "(i32.const 16)").fails("trap", &["discriminant"]),
        Guest::probe("row-that-is-too-large", json!([{"insert_sized": {"table": "t", "bytes": 300_000}, "must": true}]))
            .fails("error", &["invalid", "256KiB"]),
        Guest::probe(
            "row-that-is-nested-too-deeply",
            json!([{"insert_text": {"table": "t", "id": "deep", "text": nested(5_000)}, "must": true}]),
        )
        .fails("error", &["invalid"]),
        Guest::probe(
            "row-that-is-no-json",
            json!([{"insert_text": {"table": "t", "id": "no", "text": "{\"a\": 1e999999, \u{0}}"}, "must": true}]),
        )
        .fails("error", &["invalid"]),
    ]
}

/// Writes one line, with these bytes at 256.
fn log(name: &'static str, arguments: &str, data: &str) -> Guest {
    let wat = run(&format!("(call $log {arguments}) (i32.const 16)"));
    let data = if data.is_empty() { String::new() } else { format!("(data (i32.const 256) {data})") };
    Guest::by_hand(name, wat.module(&data))
}

fn returns(name: &'static str, body: &str) -> Guest {
    Guest::by_hand(name, run(body).pages(200).module(r#"(data (i32.const 256) "\ff")"#))
}

/// A result at `result` that is the text at `at`.
fn text_at(result: u32, at: u32, len: u32) -> String {
    format!(
        "(memory.fill (i32.const 4096) (i32.const 97) (i32.const 13000000))
        (i32.store8 (i32.const {}) (i32.const 1)) (i32.store (i32.const {}) (i32.const {at}))
        (i32.store (i32.const {}) (i32.const {len})) (i32.const {result})",
        result + 4,
        result + 8,
        result + 12
    )
}

/// A guest that has an input, for which `realloc` gives this.
fn realloc(name: &'static str, body: &str) -> Guest {
    let wat: Wat = run("(i32.const 16)").realloc(body);
    Guest::by_hand(name, wat).input(json!("a text of some length, none of which is zero"))
}

fn nested(levels: usize) -> String {
    format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels))
}
