//! Guests that take memory and tables.

use super::Guest;
use crate::wat::{OK, for_each, forever, run};
use serde_json::json;

const MEMORY: &[&str] = &["its limit is 64MiB", "(limit memory)"];
const TABLE: &[&str] = &["its limit is 20000", "(limit table_elements)"];

pub fn guests() -> Vec<Guest> {
    vec![
        Guest::by_hand("grow-page-by-page", forever("(drop (memory.grow (i32.const 1)))"))
            .fails("out-of-memory", MEMORY),
        Guest::by_hand("grow-at-once", forever("(drop (memory.grow (i32.const -1)))"))
            .fails("out-of-memory", MEMORY),
        Guest::by_hand("grow-to-the-ceiling", forever("(drop (memory.grow (i32.const 100)))"))
            .limit("memory", "1GiB")
            .fails("out-of-memory", &["its limit is 1GiB", "(limit memory)"]),
        // Seven beside the first, none of which is above the limit.
        Guest::by_hand(
            "grow-many-memories",
            run(&format!(
                "{} (unreachable)",
                for_each(1..8, |n| format!("(drop (memory.grow {n} (i32.const 150)))"))
            ))
            .module(&"(memory 1)".repeat(7)),
        )
        .fails("out-of-memory", MEMORY),
        Guest::by_hand("begin-with-a-large-memory", run(OK).module("(memory 1100)"))
            .fails("out-of-memory", MEMORY),
        Guest::by_hand("begin-with-many-memories", run(OK).module(&"(memory 160)".repeat(7)))
            .fails("out-of-memory", MEMORY),
        Guest::by_hand("grow-a-table", forever("(drop (table.grow (ref.null func) (i32.const 100)))").module("(table 1 funcref)"))
            .fails("out-of-memory", TABLE),
        Guest::by_hand(
            "grow-a-table-at-once",
            forever("(drop (table.grow (ref.null func) (i32.const 30000)))").module("(table 1 funcref)"),
        )
        .fails("out-of-memory", TABLE),
        // More than any table can have is refused by WebAssembly itself, with -1.
        Guest::by_hand(
            "grow-a-table-past-counting",
            forever("(drop (table.grow (ref.null func) (i32.const -1)))").module("(table 1 funcref)"),
        )
        .fails("out-of-fuel", &["(limit fuel)"]),
        Guest::by_hand("begin-with-a-large-table", run(OK).module("(table 30000 funcref)"))
            .fails("out-of-memory", TABLE),
        Guest::by_hand("begin-with-many-tables", run(OK).module(&"(table 1200 funcref)".repeat(19)))
            .fails("out-of-memory", TABLE),
        // Within its limit, and all of it touched: what it held is given back.
        Guest::by_hand(
            "touch-all-memory",
            run("(memory.fill (i32.const 65536) (i32.const 7) (i32.const 65000000)) (i32.const 16)").pages(1000),
        ),
        Guest::by_hand(
            "touch-many-memories",
            run(&format!(
                "{} (i32.const 16)",
                for_each(1..8, |n| format!("(memory.fill {n} (i32.const 0) (i32.const 7) (i32.const 8000000))"))
            ))
            .module(&"(memory 130)".repeat(7)),
        ),
        // Finds what another attempt left in memory. There is nothing.
        Guest::by_hand(
            "look-for-what-others-left",
            run("(local $i i32)
                (drop (memory.grow (i32.const 1000)))
                (local.set $i (i32.const 131072))
                (loop $again
                  (if (i64.ne (i64.load (local.get $i)) (i64.const 0)) (then (unreachable)))
                  (local.set $i (i32.add (local.get $i) (i32.const 8)))
                  (br_if $again (i32.lt_u (local.get $i) (i32.const 65000000))))
                (i32.const 16)"),
        )
        .limit("memory", "80MiB"),
        // Beyond the maximum that it set itself: that is between the guest and itself.
        Guest::by_hand(
            "grow-past-its-own-maximum",
            run("(if (i32.ne (memory.grow 1 (i32.const 5)) (i32.const -1)) (then (unreachable))) (i32.const 16)")
                .module("(memory 1 2)"),
        ),
        Guest::probe("grow-by-an-allocator", json!([{"grow": null}])).limit("fuel", 2_000_000_000).fails("out-of-memory", MEMORY),
        Guest::by_hand("read-beyond-memory", run("(i32.load (i32.const -4))"))
            .fails("trap", &["out of bounds memory access"]),
        Guest::by_hand(
            "write-beyond-memory",
            run("(i32.store offset=4294967292 (i32.const -1) (i32.const 7)) (i32.const 16)"),
        )
        .fails("trap", &["out of bounds memory access"]),
        Guest::by_hand(
            "call-beyond-a-table",
            run("(call_indirect (type $f) (i32.const 9)) (i32.const 16)").module("(type $f (func)) (table 1 funcref)"),
        )
        .fails("trap", &["undefined element"]),
        Guest::by_hand(
            "call-by-another-type",
            run("(call_indirect (type $f) (i64.const 0) (i32.const 0)) (i32.const 16)").module(
                "(type $f (func (param i64))) (func $g) (table 1 funcref) (elem (i32.const 0) func $g)",
            ),
        )
        .fails("trap", &["indirect call type mismatch"]),
    ]
}
