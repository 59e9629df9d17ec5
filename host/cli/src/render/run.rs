//! Runs: a listing of them, and how one ended.

use super::paint::{self, paint};
use super::table::{Facts, Listing, cell, state_cell};
use super::{amount, text, time};
use crate::shape::{Exchange, Run, Usage};
use sandglass_core::Instant;

/// A line each, newest first as they come.
pub(crate) fn listing(runs: &[Run], now: Instant) -> String {
    let columns = ["RUN", "JOB", "STATE", "TRIGGER", "MADE", "TOOK", "MESSAGE"];
    let mut listing = Listing::new(&columns).wrapping(6).numbers(&[5]);
    for run in runs {
        let state = match run.next_attempt_at {
            Some(at) if run.state == "retrying" => format!("retrying {}", time::relative(at, now)),
            _ => state(&run.state, run.cause.as_deref()),
        };
        listing.row(vec![
            cell(&run.id),
            cell(&run.job),
            state_cell(&run.state, state),
            cell(&run.trigger),
            cell(time::relative(run.created_at, now)),
            cell(run.duration_ms.map(time::duration_ms).unwrap_or_default()),
            cell(text::brief(run.message.as_deref().unwrap_or_default(), 60)),
        ]);
    }
    listing.finish()
}

/// `failed: trap`.
pub(crate) fn state(state: &str, cause: Option<&str>) -> String {
    match cause {
        Some(cause) => format!("{state}: {cause}"),
        None => state.to_owned(),
    }
}

/// How a run ended, or how it stands: what it gave, and what it used.
pub(crate) fn summary(run: &Run, now: Instant) -> String {
    let mut facts = Facts::default();
    facts.add_some("message", plain(run.message.as_ref()));
    facts.add_some("backtrace", plain(run.backtrace.as_ref()));
    facts.add_some("last error", plain(run.last_error.as_ref()));
    facts.add_some("result", plain(run.result.as_ref()));
    if run.outcome.is_none() {
        facts.add_some("progress", plain(run.progress.as_ref()));
        facts.add_some("next attempt", run.next_attempt_at.map(|at| time::utc_and_relative(at, now)));
    }
    if run.attempts.len() > 1 {
        facts.add("attempts", attempts(run));
    }
    if let Some(usage) = &run.usage {
        used(usage, &mut facts);
        facts.add_some("requests", requests(run, usage.http_calls));
    }
    format!("{}\n{}", headline(run), indent(&facts.finish()))
}

/// `failed: trap, attempt 3 of revision 2, after 1.23 s`.
fn headline(run: &Run) -> String {
    let state = state(&text::plain(&run.state), run.cause.as_deref().map(text::plain).as_deref());
    let whole = run.started_at.zip(run.ended_at).map(|(from, to)| to.since(from).millis());
    let parts = [
        Some(paint(paint::state(&run.state).bold(), state)),
        (run.attempt > 1).then(|| format!("attempt {}", run.attempt)),
        run.revision.map(|revision| format!("revision {revision}")),
        whole.or(run.duration_ms).map(time::duration_ms),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What the attempts before the last one came to.
fn attempts(run: &Run) -> String {
    let lines = run.attempts.iter().map(|attempt| {
        let state = state(&attempt.outcome, attempt.cause.as_deref());
        let message = text::brief(attempt.message.as_deref().unwrap_or_default(), 80);
        let line = format!("{}  {}  {message}", attempt.number, text::plain(&state));
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn used(usage: &Usage, facts: &mut Facts) {
    facts.add("fuel", amount::count(usage.fuel));
    facts.add("memory", amount::bytes(usage.memory_bytes));
    facts.add("wall time", time::duration(usage.wall_micros));
    let calls = amount::many(usage.host_calls, "call");
    facts.add("host", format!("{calls}, {}", time::duration(usage.host_call_micros)));
    if usage.rows_read + usage.rows_written > 0 {
        facts.add("rows", format!("{} read, {} written", usage.rows_read, usage.rows_written));
    }
    if usage.emails > 0 {
        facts.add("emails", usage.emails.to_string());
    }
    if usage.http_calls > 0 {
        let calls = amount::many(usage.http_calls, "request");
        let (sent, received) = (amount::bytes(usage.http_sent), amount::bytes(usage.http_received));
        facts.add("http", format!("{calls}, {sent} sent, {received} received"));
    }
    if usage.log_bytes > 0 {
        facts.add("log", amount::bytes(usage.log_bytes));
    }
}

/// The requests to other hosts, a line each, and how many more of `all` there were.
fn requests(run: &Run, all: u64) -> Option<String> {
    const LINES_MAX: usize = 10;
    let mut lines: Vec<String> = run.exchanges.iter().take(LINES_MAX).map(request).collect();
    let more = all.saturating_sub(lines.len() as u64);
    if more > 0 && !lines.is_empty() {
        lines.push(format!("and {more} more"));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// `GET https://api.example.com:443  200  12 ms  1.2 KiB`.
fn request(exchange: &Exchange) -> String {
    let Exchange { method, scheme, host, port, .. } = exchange;
    let target = text::plain(&format!("{method} {scheme}://{host}:{port}")).into_owned();
    let status = exchange.status.map(|status| status.to_string());
    let came: Vec<String> =
        status.into_iter().chain(exchange.error.as_deref().map(|error| text::plain(error).into())).collect();
    let took = time::duration_ms(exchange.duration.millis());
    format!("{target}  {}  {took}  {}", came.join(" "), amount::bytes(exchange.sent + exchange.received))
}

fn plain(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(|text| text::plain_lines(text).into_owned())
}

fn indent(lines: &str) -> String {
    lines.lines().flat_map(|line| ["  ", line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anstream::adapter::strip_str;
    use serde_json::json;

    fn now() -> Instant {
        "2026-01-31T08:30:10Z".parse().unwrap()
    }

    fn run(over: &serde_json::Value) -> Run {
        let mut document = json!({
            "id": "0199a1b2-0000-7000-8000-000000000001", "job": "cleanup_tables", "trigger": "manual",
            "state": "succeeded", "outcome": "succeeded", "cause": null, "message": null,
            "scheduled_for": "2026-01-31T08:30:00Z", "created_at": "2026-01-31T08:30:00Z",
            "started_at": "2026-01-31T08:30:00Z", "ended_at": "2026-01-31T08:30:01.5Z", "next_attempt_at": null,
            "attempt": 1, "revision": 3, "duration_ms": 1500, "result": "12 rows", "input": null, "progress": null,
            "backtrace": null, "last_error": null, "attempts": [],
            "usage": {"fuel": 12_345_678, "memory_bytes": 1_179_648, "wall_micros": 1_499_000, "host_call_micros": 4_210,
                      "host_calls": 23, "rows_read": 12, "rows_written": 12, "emails": 0, "log_bytes": 2_048},
        });
        let over = over.as_object().unwrap().clone();
        document.as_object_mut().unwrap().extend(over);
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn a_success_says_what_it_gave_and_used() {
        let text = strip_str(&summary(&run(&json!({})), now())).to_string();
        let expected = [
            "succeeded, revision 3, 1.50 s",
            "  result     12 rows",
            "  fuel       12.3 M",
            "  memory     1.1 MiB",
            "  wall time  1.50 s",
            "  host       23 calls, 4.21 ms",
            "  rows       12 read, 12 written",
            "  log        2 KiB",
            "",
        ];
        assert_eq!(text, expected.join("\n"));
    }

    #[test]
    fn a_failure_says_why() {
        let attempt = |number: u32| json!({"number": number, "outcome": "failed", "cause": "trap", "message": "unreachable"});
        let failed = run(&json!({
            "state": "failed", "outcome": "failed", "cause": "trap", "message": "unreachable\u{7}", "attempt": 2,
            "backtrace": "0: a\n1: b", "last_error": "denied: table x", "result": null, "usage": null,
            "attempts": [attempt(1), attempt(2)],
        }));
        let text = strip_str(&summary(&failed, now())).to_string();
        let expected = [
            "failed: trap, attempt 2, revision 3, 1.50 s",
            "  message     unreachable\\u{7}",
            "  backtrace   0: a",
            "              1: b",
            "  last error  denied: table x",
            "  attempts    1  failed: trap  unreachable",
            "              2  failed: trap  unreachable",
            "",
        ];
        assert_eq!(text, expected.join("\n"));
    }

    #[test]
    fn a_listing_has_a_line_for_each() {
        let retrying = run(&json!({
            "state": "retrying", "outcome": null, "message": "busy", "next_attempt_at": "2026-01-31T08:30:15Z",
        }));
        let text = strip_str(&listing(&[retrying, run(&json!({}))], now())).to_string();
        let mut lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        assert_eq!(lines.next().as_deref(), Some("RUN JOB STATE TRIGGER MADE TOOK MESSAGE"));
        let first =
            "0199a1b2-0000-7000-8000-000000000001 cleanup_tables retrying in 5 s manual 10 s ago 1.50 s busy";
        assert_eq!(lines.next().as_deref(), Some(first));
        assert_eq!(lines.count(), 1);
    }
}
