//! Schedules: whatever a specification says, it is refused with its problems, or its occurrences follow each other,
//! and every way to ask for them gives the same ones.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sandglass_core::schedule::{Schedule, ScheduleSpec};
use sandglass_core::{Instant, JobId};
use serde_json::json;

/// Where clocks do what others do not: change by half an hour, at midnight, during Ramadan, or skip a day.
const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Zurich",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "Nowhere/At_All",
];
const REPEATS: [&str; 4] = ["first", "last", "both", "first"];
/// Occurrences that are looked at.
const LOOKED_AT: usize = 12;

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let document = match first & 3 {
        0 => match serde_json::from_str(text) {
            Ok(document) => document,
            Err(_) => return,
        },
        1 => json!({"every": text, "time_zone": ZONES[usize::from(first >> 5)]}),
        _ => json!({
            "cron": text,
            "time_zone": ZONES[usize::from(first >> 5)],
            "dst_gap": if first & 4 == 0 { "shift" } else { "skip" },
            "dst_repeat": REPEATS[usize::from(first >> 3 & 3)],
        }),
    };
    let Ok(spec) = serde_json::from_value::<ScheduleSpec>(document) else { return };
    // In the year of a day that Samoa did not have.
    let anchor = Instant::from_millis(1_310_000_000_123);
    match Schedule::new(&spec, anchor) {
        Ok(schedule) => check(&schedule, anchor),
        Err(problems) => assert!(!problems.is_empty() && problems.iter().all(|it| it.message.len() < 2_000)),
    }
});

fn check(schedule: &Schedule, after: Instant) {
    assert!(!schedule.words().is_empty());
    let instants: Vec<Instant> = schedule.instants_after(after).take(LOOKED_AT).collect();
    let mut before = after;
    for (number, at) in instants.iter().enumerate() {
        assert!(*at > before, "{at} does not follow {before}");
        assert_eq!(schedule.last_until(before, *at), Some(*at));
        assert_eq!(schedule.count(after, *at), number as u64 + 1);
        let due = schedule.jittered(JobId(7), *at);
        assert!(due >= *at && instants.get(number + 1).is_none_or(|next| due < *next));
        before = *at;
    }
}
