//! Guests that compute for ever, wherever the host calls into them.

use super::Guest;
use crate::wat::{OK, Wat, forever, run};
use serde_json::json;

/// Fuel that [`Guest::by_hand`] gives.
const FUEL: &[&str] = &["all 200000000 units of fuel are burnt", "(limit fuel)"];
const LATE: &[&str] = &["not done within 300ms", "(policy timeout)"];

const SPIN: &str = "(loop $again (br $again))";

pub fn guests() -> Vec<Guest> {
    vec![
        Guest::by_hand("loop-in-run", forever("")).fails("out-of-fuel", FUEL),
        Guest::by_hand("loop-in-start", run(OK).module(&format!("(func $start {SPIN}) (start $start)")))
            .fails("out-of-fuel", FUEL),
        // The host calls it to hand over the input.
        Guest::by_hand("loop-in-realloc", run(OK).realloc(&format!("{SPIN} (unreachable)")))
            .input(json!("anything"))
            .fails("out-of-fuel", FUEL),
        Guest::by_hand("loop-in-post-return", run(OK).post_return(SPIN)).fails("out-of-fuel", FUEL),
        Guest::by_hand("loop-in-destructor", destructor(SPIN)).fails("out-of-fuel", FUEL),
        Guest::by_hand(
            "loop-by-tail-calls",
            run("(call $tail) (unreachable)").module("(func $tail (return_call $tail))"),
        )
        .fails("out-of-fuel", FUEL),
        Guest::by_hand(
            "loop-by-indirect-calls",
            run("(loop $again (call_indirect (type $f) (i32.const 0)) (br $again)) (unreachable)").module(
                "(type $f (func)) (func $nothing) (table 1 funcref) (elem (i32.const 0) func $nothing)",
            ),
        )
        .fails("out-of-fuel", FUEL),
        Guest::by_hand("late-in-run", forever("")).timeout("300ms").fails("timeout", LATE),
        Guest::by_hand("late-in-start", run(OK).module(&format!("(func $start {SPIN}) (start $start)")))
            .timeout("300ms")
            .fails("timeout", LATE),
        Guest::by_hand("late-in-realloc", run(OK).realloc(&format!("{SPIN} (unreachable)")))
            .input(json!("anything"))
            .timeout("300ms")
            .fails("timeout", LATE),
        Guest::by_hand("late-in-post-return", run(OK).post_return(SPIN))
            .timeout("300ms")
            .fails("timeout", LATE),
        Guest::by_hand("late-in-destructor", destructor(SPIN)).timeout("300ms").fails("timeout", LATE),
        // One instruction each that touches 48 MiB.
        Guest::by_hand(
            "memory-copy",
            forever("(memory.copy (i32.const 0) (i32.const 65536) (i32.const 50000000))").pages(800),
        )
        .timeout("300ms")
        .fails("timeout", LATE),
        Guest::by_hand(
            "memory-fill",
            forever("(memory.fill (i32.const 0) (i32.const 7) (i32.const 50000000))").pages(800),
        )
        .timeout("300ms")
        .fails("timeout", LATE),
        Guest::by_hand(
            "table-copy",
            forever("(table.copy $a $a (i32.const 0) (i32.const 1) (i32.const 19000))")
                .module("(table $a 19001 funcref)"),
        )
        .timeout("300ms")
        .fails("timeout", LATE),
        Guest::by_hand(
            "table-fill",
            forever("(table.fill $a (i32.const 0) (ref.func $run) (i32.const 19000))")
                .module("(table $a 19001 funcref) (elem declare func $run)"),
        )
        .timeout("300ms")
        .fails("timeout", LATE),
        // Each leaves the guest for the host, and does nothing there.
        Guest::by_hand("memory-grow-by-nothing", forever("(drop (memory.grow (i32.const 0)))"))
            .timeout("300ms")
            .fails("timeout", LATE),
    ]
}

/// A guest with a resource of its own, whose destructor is this.
fn destructor(body: &str) -> Wat {
    let before = format!(
        r#"
  (core module $d (func (export "dtor") (param i32) {body}))
  (core instance $d (instantiate $d))
  (type $thing (resource (rep i32) (dtor (core func $d "dtor"))))
  (core func $new (canon resource.new $thing))
  (core func $drop (canon resource.drop $thing))
  (core instance $thing (export "new" (func $new)) (export "drop" (func $drop)))"#
    );
    run("(call $drop (call $new (i32.const 7))) (i32.const 16)")
        .before(&before, r#"(with "thing" (instance $thing))"#)
        .module(
            r#"(import "thing" "new" (func $new (param i32) (result i32)))
            (import "thing" "drop" (func $drop (param i32)))"#,
        )
}
