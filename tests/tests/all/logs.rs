//! A run's log while the run goes on, and afterwards.

use sandglass_tests::{Host, instant};
use serde_json::{Value, json};

fn log(level: &str, message: &str) -> Value {
    json!({"log": {"level": level, "message": message}})
}

fn probe(host: &Host) {
    let policy = json!({"retry": {"max_attempts": 2, "initial": "0s", "max": "0s"}});
    let grants = json!({"tables": {"signals": "read"}});
    host.put("tables/signals").send().json(201);
    host.deploy("probe", "probe", json!({"policy": policy, "grants": grants}));
}

#[test]
fn a_log_is_followed_line_by_line_over_all_attempts_and_ends_with_the_run() {
    let host = Host::start();
    probe(&host);
    let run = host.start(
        "probe",
        &json!([
            log("debug", "first"),
            {"print": "to stdout"},
            {"eprint": "to stderr"},
            {"fail_until_attempt": 2},
            {"wait_for_row": {"table": "signals", "id": "go"}},
            log("error", "last"),
        ]),
    );
    let mut following = host.follow(&run);
    let mut seen = Vec::new();
    // The second attempt waits: whatever comes now comes while the run goes on.
    while seen.iter().filter(|line: &&Value| line["message"] == "to stderr").count() < 2 {
        seen.push(following.next().expect("the run goes on"));
    }
    host.post("tables/signals/rows").json(&json!({"id": "go"})).send().json(201);
    seen.extend(following);

    let told = |line: &Value| {
        let word = |member: &str| line[member].as_str().unwrap().to_string();
        (line["attempt"].as_u64().unwrap(), word("level"), word("source"), word("message"))
    };
    let line = |attempt, level: &str, source: &str, message: &str| {
        (attempt, level.into(), source.into(), message.into())
    };
    let told: Vec<(u64, String, String, String)> = seen.iter().map(told).collect();
    let expected = [
        line(1, "debug", "log", "first"),
        line(1, "info", "stdout", "to stdout"),
        line(1, "warn", "stderr", "to stderr"),
        line(1, "error", "host", "attempt 1 ended: error: attempt 1 of 2"),
        line(2, "debug", "log", "first"),
        line(2, "info", "stdout", "to stdout"),
        line(2, "warn", "stderr", "to stderr"),
        line(2, "error", "log", "last"),
    ];
    assert_eq!(told, expected);
    assert!(seen.is_sorted_by_key(|line| instant(&line["at"])));
    let stored: Vec<Value> = host.get(format!("runs/{run}/logs")).send().lines();
    assert_eq!(stored, seen, "what was followed is what is kept");
}

/// The events of a stream: their names, ids and data.
fn events(text: &str) -> Vec<(String, String, Value)> {
    let field = |event: &str, name: &str| {
        let line = event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("an event without {name}: {event}")).to_string()
    };
    let pieces = text.split("\n\n").filter(|event| !event.trim().is_empty() && !event.starts_with(':'));
    pieces
        .map(|event| {
            let data = serde_json::from_str(&field(event, "data")).expect("JSON");
            (field(event, "event"), field(event, "id"), data)
        })
        .collect()
}

#[test]
fn events_go_on_after_the_last_one_that_was_seen() {
    let host = Host::start();
    probe(&host);
    let step = log("info", "line {i}");
    let run = host.run_well("probe", &json!([{"repeat": {"times": 5_000, "step": step}}]));
    let path = format!("runs/{}/logs", run["id"].as_str().unwrap());
    let read = |last: Option<&str>| {
        let mut call = host.get(&path).header("accept", "text/event-stream");
        if let Some(last) = last {
            call = call.header("last-event-id", last);
        }
        call.send()
    };
    let answer = read(None);
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream")));
    let all = events(&answer.text());
    assert_eq!(all.len(), 5_001);
    for (number, (name, id, line)) in all[..5_000].iter().enumerate() {
        assert_eq!((name.as_str(), &line["place"]), ("line", &json!(id)));
        assert_eq!(line["message"], format!("line {number}"));
    }
    let (name, end, document) = &all[5_000];
    assert_eq!((name.as_str(), document), ("end", &run));

    for seen in [0, 1_998, 4_998, 4_999] {
        assert_eq!(events(&read(Some(&all[seen].1)).text()), all[seen + 1..], "after {seen}");
    }
    read(Some(end)).nothing(204);
    read(Some("yesterday")).refusal(400, "bad-request");
}
