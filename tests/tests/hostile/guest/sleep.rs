//! Guests that wait.

use super::Guest;
use crate::wat::{OK, forever, run, times};
use serde_json::json;

const LATE: &[&str] = &["not done within 300ms", "(policy timeout)"];

pub fn guests() -> Vec<Guest> {
    let for_ever = "(call $block (call $subscribe (i64.const -1)))";
    let guests = vec![
        Guest::by_hand("sleep-for-ever", run(&format!("{for_ever} (i32.const 16)"))),
        Guest::by_hand(
            "sleep-for-most-of-ever",
            run("(call $block (call $subscribe (i64.const 9223372036854775807))) (i32.const 16)"),
        ),
        Guest::by_hand("sleep-in-start", run(OK).module(&format!("(func $s {for_ever}) (start $s)"))),
        Guest::by_hand(
            "poll-for-ever",
            run("(i32.store (i32.const 64) (call $subscribe (i64.const -1)))
                (i32.store (i32.const 68) (call $subscribe (i64.const -2)))
                (call $poll (i32.const 64) (i32.const 2) (i32.const 32))
                (i32.const 16)"),
        ),
        Guest::by_hand(
            "sleep-a-little-for-ever",
            forever(
                "(call $block (call $subscribe (i64.const 1000000)))
            (call $drop_pollable (i32.const 1))",
            ),
        ),
        // The pollable waits while the guest computes: it is the guest's time that is over.
        Guest::by_hand(
            "compute-beside-a-sleep",
            run("(drop (call $subscribe (i64.const -1))) (loop $again (br $again)) (unreachable)"),
        ),
        Guest::probe("sleep-in-rust", json!([{"sleep_ms": 86_400_000}])),
    ];
    let mut guests: Vec<Guest> =
        guests.into_iter().map(|guest| guest.timeout("300ms").fails("timeout", LATE)).collect();
    // What is done after the result was read may call nobody.
    guests.push(
        Guest::by_hand("sleep-in-post-return", run(OK).post_return(for_ever))
            .fails("trap", &["cannot leave component instance"]),
    );
    // Waiting does not have to be hostile.
    guests
        .push(Guest::by_hand("sleep-well", times(5, "(call $block (call $subscribe (i64.const 1000000)))")));
    guests
}
