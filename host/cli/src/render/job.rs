//! Jobs: a listing of them, and everything about one.

use super::paint::{self, paint};
use super::table::{Facts, Listing, cell, state_cell};
use super::{amount, run, text, time};
use crate::shape::{Job, Revision, RunEnd};
use jiff::tz::TimeZone;
use sandglass_core::Instant;
use serde_json::Value;

pub(crate) fn listing(jobs: &[Job], now: Instant) -> String {
    let mut listing =
        Listing::new(&["JOB", "STATE", "SCHEDULE", "NEXT", "LAST RUN", "LIVE"]).wrapping(2).numbers(&[5]);
    for job in jobs {
        let last = job.last_run.as_ref();
        let end = last.map(|last| {
            format!(
                "{} {}",
                run::state(&last.outcome, last.cause.as_deref()),
                time::relative(last.ended_at, now)
            )
        });
        listing.row(vec![
            cell(&job.name),
            state_cell(&job.state, &job.state),
            cell(&job.schedule_words),
            cell(job.next.first().map(|next| time::relative(*next, now)).unwrap_or_default()),
            state_cell(last.map_or("", |last| &last.outcome), end.unwrap_or_default()),
            cell(if job.live_runs == 0 { String::new() } else { job.live_runs.to_string() }),
        ]);
    }
    listing.finish()
}

/// Everything about a job, its specification as `sandglass.toml` would have it.
pub(crate) fn full(job: &Job, now: Instant) -> String {
    let mut facts = Facts::default();
    let state = paint(paint::state(&job.state), text::plain(&job.state));
    facts.add("job", format!("{}, {state}", paint(paint::STRONG, text::plain(&job.name))));
    if let Some(pause) = &job.paused {
        let reason =
            pause.reason.as_deref().map(|reason| format!(": {}", text::plain(reason))).unwrap_or_default();
        facts.add("paused", format!("since {}{reason}", time::utc_and_relative(pause.since, now)));
    }
    facts.add("revision", format!("{} of {}", job.revision, time::utc_and_relative(job.revised_at, now)));
    schedule(job, now, &mut facts);
    if job.live_runs > 0 {
        facts.add("live", amount::many(job.live_runs, "run"));
    }
    facts.add_some("last run", job.last_run.as_ref().map(|last| end(last, now)));
    facts.add_some(
        "succeeded",
        job.last_success.map(|at| format!("last for {}", time::utc_and_relative(at, now))),
    );
    let counters = &job.counters;
    let counted = [
        ("succeeded", counters.succeeded),
        ("failed", counters.failed),
        ("cancelled", counters.cancelled),
        ("skipped", counters.skipped),
        ("missed", counters.missed),
    ];
    let counted: Vec<String> = counted.iter().map(|(word, number)| format!("{number} {word}")).collect();
    facts.add("so far", counted.join(", "));
    if !job.recent.is_empty() {
        facts.add("recent", format!("{}  (newest first)", recent(&job.recent)));
    }
    let specification =
        toml::to_string(&written(&job.specification)).unwrap_or_else(|_| format!("{:#}", job.specification));
    format!("{}\n{}", facts.finish(), text::plain_lines(&specification))
}

/// The schedule in words, and what comes next.
pub(crate) fn schedule(job: &Job, now: Instant, facts: &mut Facts) {
    facts.add("schedule", text::plain(&job.schedule_words));
    let zone = time::zone(job.specification.pointer("/schedule/time_zone").and_then(Value::as_str));
    let next: Vec<String> = job.next.iter().map(|next| occurrence(*next, now, zone.as_ref())).collect();
    if !next.is_empty() {
        facts.add("next", next.join("\n"));
    }
}

/// `2026-01-31 08:30:00 UTC (in 12 min)`, with the wall clock of the job's zone where it has one.
fn occurrence(at: Instant, now: Instant, zone: Option<&TimeZone>) -> String {
    let there = zone.map(|zone| format!("  {}", time::local(at, zone))).unwrap_or_default();
    format!("{}{there}", time::utc_and_relative(at, now))
}

/// Instants as a listing: UTC, the wall clock of the zone, and how far off.
pub(crate) fn occurrences(instants: &[Instant], zone: Option<&str>, now: Instant) -> String {
    let known = time::zone(zone);
    let mut columns = vec!["UTC", "FROM NOW"];
    if let (Some(name), Some(_)) = (zone, &known) {
        columns.insert(1, name);
    }
    let mut listing = Listing::new(&columns);
    for at in instants {
        let mut cells = vec![cell(time::utc(*at)), cell(time::relative(*at, now))];
        if let Some(zone) = &known {
            cells.insert(1, cell(time::local(*at, zone)));
        }
        listing.row(cells);
    }
    listing.finish()
}

pub(crate) fn revisions(revisions: &[Revision], now: Instant) -> String {
    let mut listing = Listing::new(&["REVISION", "COMMITTED", "SCHEDULE", "COMPONENT"]).numbers(&[0]);
    for revision in revisions {
        let of = |pointer: &str| revision.specification.pointer(pointer).and_then(Value::as_str);
        let rule = ["every", "cron", "at"]
            .iter()
            .find_map(|rule| Some(format!("{rule} {}", of(&format!("/schedule/{rule}"))?)));
        listing.row(vec![
            cell(revision.number.to_string()),
            cell(time::utc_and_relative(revision.committed_at, now)),
            cell(rule.unwrap_or_else(|| "on demand".into())),
            cell(text::brief(of("/component").unwrap_or_default(), 13)),
        ]);
    }
    listing.finish()
}

fn end(end: &RunEnd, now: Instant) -> String {
    let outcome = run::state(&end.outcome, end.cause.as_deref());
    let outcome = paint(paint::state(&end.outcome), text::plain(&outcome));
    let took = end.duration_ms.map(|millis| format!(", {}", time::duration_ms(millis))).unwrap_or_default();
    format!("{outcome} {}{took}  {}", time::relative(end.ended_at, now), text::plain(&end.id))
}

/// A mark for each end: `✓✓✗✓`.
fn recent(ends: &[RunEnd]) -> String {
    let mark = |end: &RunEnd| match end.outcome.as_str() {
        "succeeded" => '✓',
        "failed" => '✗',
        _ => '·',
    };
    ends.iter().map(|end| paint(paint::state(&end.outcome), mark(end))).collect()
}

/// What a specification says, without members that say nothing: TOML has no null.
fn written(value: &Value) -> Value {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(values) => values.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), written(value)));
            Value::Object(members.filter(|(_, value)| !empty(value)).collect())
        }
        Value::Array(values) => {
            Value::Array(values.iter().map(written).filter(|value| !empty(value)).collect())
        }
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anstream::adapter::strip_str;
    use serde_json::json;

    fn job() -> Job {
        let end = |outcome: &str| {
            let cause = (outcome == "failed").then_some("trap");
            json!({"id": "0199", "outcome": outcome, "cause": cause, "ended_at": "2026-01-31T08:29:00Z", "duration_ms": 1500})
        };
        serde_json::from_value(json!({
            "name": "nightly", "version": 9, "revision": 3, "created_at": "2026-01-01T00:00:00Z",
            "revised_at": "2026-01-30T08:30:00Z", "state": "paused",
            "paused": {"since": "2026-01-31T08:00:00Z", "reason": "10 failed runs in a row"},
            "specification": {"component": "ab", "schedule": {"cron": "0 3 * * *", "time_zone": "Europe/Zurich"},
                              "policy": {"retry": {"on": []}, "timeout": "1m"}, "grants": {}, "env": {}},
            "schedule_words": "at 03:00, Europe/Zurich", "next": ["2026-02-01T02:00:00Z"], "live_runs": 1,
            "last_success": "2026-01-30T02:00:00Z", "last_run": end("failed"),
            "recent": [end("failed"), end("succeeded"), end("cancelled")],
            "counters": {"succeeded": 12, "failed": 1, "cancelled": 1, "skipped": 0, "missed": 2}, "warnings": [],
        }))
        .unwrap()
    }

    fn now() -> Instant {
        "2026-01-31T08:30:00Z".parse().unwrap()
    }

    #[test]
    fn a_job_is_told_in_full() {
        let text = strip_str(&full(&job(), now())).to_string();
        let expected = [
            "job        nightly, paused",
            "paused     since 2026-01-31 08:00:00 UTC (30 min ago): 10 failed runs in a row",
            "revision   3 of 2026-01-30 08:30:00 UTC (1 d ago)",
            "schedule   at 03:00, Europe/Zurich",
            "next       2026-02-01 02:00:00 UTC (in 17 h 30 min)  2026-02-01 03:00:00 +01:00 CET",
            "live       1 run",
            "last run   failed: trap 1 min ago, 1.50 s  0199",
            "succeeded  last for 2026-01-30 02:00:00 UTC (1 d 6 h ago)",
            "so far     12 succeeded, 1 failed, 1 cancelled, 0 skipped, 2 missed",
            "recent     ✗✓·  (newest first)",
            "",
            "component = \"ab\"",
            "",
            "[policy]",
            "timeout = \"1m\"",
            "",
            "[schedule]",
            "cron = \"0 3 * * *\"",
            "time_zone = \"Europe/Zurich\"",
            "",
        ];
        assert_eq!(text, expected.join("\n"));
    }

    #[test]
    fn occurrences_have_the_zones_clock_beside_utc() {
        let at = ["2026-03-28T02:00:00Z", "2026-03-29T01:00:00Z"].map(|at| at.parse().unwrap());
        let text = strip_str(&occurrences(&at, Some("Europe/Zurich"), now())).to_string();
        assert!(
            text.starts_with("UTC                      Europe/Zurich                    FROM NOW\n"),
            "{text}"
        );
        assert!(
            text.contains("2026-03-29 01:00:00 UTC  2026-03-29 03:00:00 +02:00 CEST  in 56 days\n"),
            "{text}"
        );
        assert!(!occurrences(&at, Some("UTC"), now()).contains('+'));
    }

    #[test]
    fn a_listing_has_a_line_for_each() {
        let text = strip_str(&listing(&[job()], now())).to_string();
        let line = "nightly  paused  at 03:00, Europe/Zurich  in 17 h 30 min  failed: trap 1 min ago     1";
        assert_eq!(text.lines().nth(1), Some(line), "{text}");
    }
}
