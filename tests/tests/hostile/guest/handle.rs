//! Guests that hoard handles, invent them, and use them when they are gone.

use super::Guest;
use crate::wat::{Wat, forever, run, times};
use serde_json::json;

const HANDLES: &[&str] = &["more than 1000 resource handles", "(limit handles)"];

pub fn guests() -> Vec<Guest> {
    vec![
        Guest::by_hand("hoard-pollables", forever("(drop (call $subscribe (i64.const 1)))"))
            .fails("quota", HANDLES),
        Guest::by_hand("hoard-streams", forever("(drop (call $stdout))")).fails("quota", HANDLES),
        // A stream, and what waits for it, again and again.
        Guest::by_hand("hoard-nested-streams", forever("(drop (call $subscribe_stream (call $stdout)))"))
            .fails("quota", HANDLES),
        // Opening one more answers that there are too many, and it goes on asking.
        Guest::by_hand(
            "hoard-tables",
            forever("(call $open (i32.const 256) (i32.const 1) (i32.const 32))")
                .module("(data (i32.const 256) \"t\")")
                .realloc("(i32.const 4096)"),
        )
        .limit("host_calls", 20_000)
        .fails("quota", &["more than 20000 calls into the host", "(limit host_calls)"]),
        Guest::probe(
            "hoard-tables-and-be-told",
            json!([{"hold_tables": {"table": "t", "count": 1_001}, "must": true}]),
        )
        .fails("error", &["quota", "more than 1000 resource handles", "(limit handles)"]),
        Guest::by_hand(
            "hoard-things-of-its-own",
            things("(loop $again (drop (call $new (i32.const 7))) (br $again)) (unreachable)"),
        )
        .fails("quota", HANDLES),
        // A handle that is lent to a call counts twice while the call lasts.
        Guest::by_hand("poll-thousands", poll(4_900))
            .limit("handles", 10_000)
            .timeout("1s")
            .fails("timeout", &["not done within 1s"]),
        Guest::by_hand("poll-ten-thousand", poll(9_990))
            .limit("handles", 10_000)
            .timeout("60s")
            .fails("quota", &["more than 10000 resource handles", "(limit handles)"]),
        Guest::by_hand("handle-that-was-dropped", dropped("(call $drop_pollable (local.get $p))"))
            .fails("trap", &["handle"]),
        Guest::by_hand("handle-that-was-dropped-in-use", dropped("(call $block (local.get $p))"))
            .fails("trap", &["handle"]),
        Guest::by_hand("handle-that-never-was", run("(call $block (i32.const 12345)) (i32.const 16)"))
            .fails("trap", &["handle"]),
        Guest::by_hand("handle-zero", run("(call $drop_table (i32.const 0)) (i32.const 16)"))
            .fails("trap", &["handle"]),
        Guest::by_hand(
            "handle-minus-one",
            run("(call $check_write (i32.const -1) (i32.const 32)) (i32.const 16)"),
        )
        .fails("trap", &["handle"]),
        Guest::by_hand("handle-of-another-type", run("(call $block (call $stdout)) (i32.const 16)"))
            .fails("trap", &["handle"]),
        Guest::by_hand(
            "handles-invented-in-a-list",
            run("(memory.fill (i32.const 256) (i32.const 5) (i32.const 4000))
                (call $poll (i32.const 256) (i32.const 1000) (i32.const 32)) (i32.const 16)"),
        )
        .fails("trap", &["handle"]),
        // One pollable in every place of the list.
        Guest::by_hand(
            "one-handle-ten-thousand-times",
            run("(local $p i32) (local $n i32)
                (local.set $p (call $subscribe (i64.const 1)))
                (loop $again
                  (i32.store (i32.add (i32.const 4096) (i32.mul (local.get $n) (i32.const 4))) (local.get $p))
                  (local.set $n (i32.add (local.get $n) (i32.const 1)))
                  (br_if $again (i32.lt_u (local.get $n) (i32.const 10000))))
                (call $poll (i32.const 4096) (i32.const 10000) (i32.const 32))
                (i32.const 16)")
            .realloc("(i32.const 65536)"),
        )
        .fails("quota", HANDLES),
        Guest::by_hand(
            "poll-for-nothing",
            run("(call $poll (i32.const 0) (i32.const 0) (i32.const 32)) (i32.const 16)"),
        )
        .fails("trap", &["empty poll list"]),
        // What waits for a stream belongs to it.
        Guest::by_hand(
            "drop-a-stream-that-is-waited-for",
            run("(local $s i32)
                (local.set $s (call $stdout))
                (drop (call $subscribe_stream (local.get $s)))
                (call $drop_stream (local.get $s))
                (i32.const 16)"),
        )
        .fails("trap", &["children"]),
        // Nothing of it is held too long.
        Guest::by_hand(
            "take-and-give-back",
            times(3_000, "(call $drop_pollable (call $subscribe (i64.const 1)))"),
        ),
        Guest::by_hand(
            "destroy-a-thing-twice",
            things(
                "(local $t i32) (local.set $t (call $new (i32.const 7))) (call $drop (local.get $t))
                (call $drop (local.get $t)) (i32.const 16)",
            ),
        )
        .fails("trap", &["handle"]),
    ]
}

/// A guest that uses `$p` once it has dropped it.
fn dropped(then: &str) -> Wat {
    run(&format!(
        "(local $p i32)
        (local.set $p (call $subscribe (i64.const 1)))
        (call $drop_pollable (local.get $p))
        {then} (i32.const 16)"
    ))
}

/// A guest with a resource of its own.
fn things(body: &str) -> Wat {
    let before = r#"
  (type $thing (resource (rep i32)))
  (core func $new (canon resource.new $thing))
  (core func $drop (canon resource.drop $thing))
  (core instance $thing (export "new" (func $new)) (export "drop" (func $drop)))"#;
    run(body).before(before, r#"(with "thing" (instance $thing))"#).module(
        r#"(import "thing" "new" (func $new (param i32) (result i32)))
        (import "thing" "drop" (func $drop (param i32)))"#,
    )
}

/// Waits for so many things, none of which ever comes.
fn poll(count: u32) -> Wat {
    run(&format!(
        "(local $n i32)
        (loop $again
          (i32.store (i32.add (i32.const 4096) (i32.mul (local.get $n) (i32.const 4)))
            (call $subscribe (i64.const -1)))
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (br_if $again (i32.lt_u (local.get $n) (i32.const {count}))))
        (call $poll (i32.const 4096) (i32.const {count}) (i32.const 32))
        (unreachable)"
    ))
}
