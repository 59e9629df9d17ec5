//! Guests that recurse.

use super::Guest;
use crate::wat::{OK, Wat, for_each, run};
use serde_json::json;

const STACK: &[&str] = &["1MiB", "(limit stack)"];

pub fn guests() -> Vec<Guest> {
    let recursion = "(call $f (i32.const 0))";
    vec![
        Guest::by_hand("recurse-in-run", run("(call $run (i32.const 0) (i32.const 0) (i32.const 0))"))
            .fails("stack-overflow", STACK),
        Guest::by_hand(
            "recurse-in-start",
            run(OK).module(&format!("(func $f (param i32) {recursion}) (func $s {recursion}) (start $s)")),
        )
        .fails("stack-overflow", STACK),
        Guest::by_hand("recurse-in-realloc", run(OK).realloc("(call $realloc (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))"))
            .input(json!("anything"))
            .fails("stack-overflow", STACK),
        Guest::by_hand("recurse-in-post-return", run(OK).post_return("(call $post (i32.const 0))"))
            .fails("stack-overflow", STACK),
        Guest::by_hand(
            "recurse-by-indirect-calls",
            run("(call $f) (i32.const 16)").module(
                "(type $t (func)) (table 1 funcref) (elem (i32.const 0) func $f)
                (func $f (type $t) (call_indirect (type $t) (i32.const 0)))",
            ),
        )
        .fails("stack-overflow", STACK),
        // Each frame has some kilobytes.
        Guest::by_hand("recurse-with-large-frames", run("(call $f (i32.const 1)) (i32.const 16)").module(&large_frames()))
            .fails("stack-overflow", STACK),
        // The host's functions run above it, wherever it is: the last of these calls has next to no room left.
        Guest::by_hand(
            "recurse-and-call-the-host",
            run("(call $f (i32.const 0)) (i32.const 16)").module(
                "(func $f (param $n i32)
                  (drop (call $now))
                  (call $log (i32.const 0) (i32.const 0) (i32.const 10))
                  (call $f (i32.add (local.get $n) (i32.const 1)))
                  (drop (call $now)))",
            ),
        )
        .fails("stack-overflow", STACK),
        Guest::by_hand(
            "recurse-and-be-called-back",
            run("(call $f) (i32.const 16)")
                .module("(func $f (call $setting (i32.const 256) (i32.const 1) (i32.const 32)) (call $f)) (data (i32.const 256) \"t\")")
                .realloc("(i32.const 4096)"),
        )
        .env(json!({"t": "some text"}))
        .fails("stack-overflow", STACK),
        // The host calls `realloc` to answer, and that calls the host.
        Guest::by_hand("call-the-host-while-it-answers", reentrant()).env(json!({"t": "some text"})).fails(
            "trap",
            &["cannot leave component instance"],
        ),
        Guest::probe("recurse-in-rust", json!([{"recurse": null}])).fails("stack-overflow", STACK),
    ]
}

/// A function with four hundred values that all live across its call of itself.
fn large_frames() -> String {
    let locals = "(local i64)".repeat(400);
    let sets = for_each(1..401, |n| {
        format!("(local.set {n} (i64.extend_i32_u (i32.mul (local.get 0) (i32.const {n}))))")
    });
    let uses = for_each(1..401, |n| format!("(i64.store (i32.const 8192) (local.get {n}))"));
    format!("(func $f (param i32) {locals} {sets} (call $f (i32.add (local.get 0) (i32.const 1))) {uses})")
}

/// A guest whose `realloc` reads the clock. It stands in a module of its own that comes last.
fn reentrant() -> Wat {
    let before = r#"
  (core module $r
    (import "env" "now" (func $now (result i64)))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (drop (call $now)) (i32.const 4096)))
  (core instance $r (instantiate $r (with "env" (instance $env))))
  (alias core export $r "realloc" (core func $calls_back))
  (core func $other (canon lower (func $this "setting") (memory $mem) (realloc $calls_back)))
  (core instance $other (export "setting" (func $other)))"#;
    run("(call $other (i32.const 256) (i32.const 1) (i32.const 32)) (i32.const 16)")
        .before(before, r#"(with "other" (instance $other))"#)
        .module(
            r#"(import "other" "setting" (func $other (param i32 i32 i32)))
            (data (i32.const 256) "t")"#,
        )
}
