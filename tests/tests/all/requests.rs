//! Runs that somebody asks for: once, again, for a time that is over; and who is told of how runs end.

use sandglass_tests::{Host, instant, said, until};
use serde_json::{Value, json};

fn ask_once(host: &Host, key: &str, body: &Value) -> sandglass_tests::Answer {
    host.post("jobs/job/runs").header("idempotency-key", key).json(body).send()
}

#[test]
fn a_request_with_a_key_makes_one_run_through_a_kill_and_a_start() {
    let mut host = Host::start();
    host.deploy("job", "trivial", json!({}));
    let first = ask_once(&host, "order-1", &json!({"input": 1})).json(202);
    let again = ask_once(&host, "order-1", &json!({"input": 1})).json(202);
    assert_eq!(first["id"], again["id"]);
    host.kill();
    host.restart();
    let after = ask_once(&host, "order-1", &json!({"input": 1})).json(202);
    assert_eq!(first["id"], after["id"]);
    assert_eq!(host.list("jobs/job/runs").len(), 1);
    let other = ask_once(&host, "order-2", &json!({"input": 1})).json(202);
    assert_ne!(first["id"], other["id"]);
    let refused = ask_once(&host, "order-1", &json!({"input": 2})).refusal(422, "invalid");
    assert!(said(&refused).contains("another body"), "{refused}");
    ask_once(&host, "", &json!({})).refusal(400, "bad-request");
    // A key belongs to a path, and rows are added once too.
    let add = |id: &str| {
        let rows = host.post("tables/orders/rows").header("idempotency-key", "order-1");
        rows.json(&json!([{"id": id}, {"made": "by the host"}])).send()
    };
    assert_eq!(add("a").json(201), add("a").json(201));
    assert_eq!(host.count("orders", &[]), 2);
}

#[test]
fn a_failed_run_is_done_again_from_its_checkpoint() {
    let host = Host::start();
    host.put("tables/signals").send().json(201);
    let grants = json!({"tables": {"steps": "read-write", "signals": "read"}});
    host.deploy("job", "probe", json!({ "grants": grants }));
    let script = json!([
        {"progress": null},
        {"insert": {"table": "steps", "id": "one", "fields": {}}},
        {"checkpoint": "one is done"},
        {"get": {"table": "signals", "id": "go"}, "must": true},
        {"trap": null},
    ]);
    let failed = host.run("job", &script);
    assert_eq!((&failed["outcome"], &failed["cause"]), (&json!("failed"), &json!("trap")));
    let id = failed["id"].as_str().unwrap();
    let again = host.post(format!("runs/{id}/retry")).query("wait", "60s").send().json(200);
    assert_eq!((&again["retry_of"], &again["trigger"]), (&failed["id"], &json!("manual")));
    assert_eq!((&again["input"], &again["scheduled_for"]), (&script, &failed["scheduled_for"]));
    assert_eq!(again["progress"], "one is done", "{again:#}");
    assert_eq!(host.rows("steps").len(), 1);
    let running = host.start("job", &json!([{"sleep_ms": 60_000}]));
    host.post(format!("runs/{running}/retry")).send().refusal(409, "conflict");
    host.post(format!("runs/{running}/cancel")).send().json(200);
    host.delete("jobs/job").send().nothing(204);
    host.post(format!("runs/{id}/retry")).send().refusal(409, "conflict");
}

#[test]
fn a_backfill_runs_each_instant_of_a_time_that_is_over() {
    let host = Host::start();
    host.deploy("job", "trivial", json!({"schedule": {"cron": "0 3 * * *", "time_zone": "Europe/Zurich"}}));
    let backfill =
        |from: &str, to: &str| host.post("jobs/job/backfill").json(&json!({"from": from, "to": to})).send();
    let made = backfill("2026-03-27T00:00:00Z", "2026-03-30T01:00:00Z").json(202);
    assert_eq!(made["count"], 4, "{made}");
    let ids: Vec<&str> = made["runs"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    let runs: Vec<Value> = ids.iter().map(|id| host.ended(id)).collect();
    let instants: Vec<&str> = runs.iter().map(|run| run["scheduled_for"].as_str().unwrap()).collect();
    assert_eq!(
        instants,
        [
            "2026-03-27T02:00:00.000Z",
            "2026-03-28T02:00:00.000Z",
            "2026-03-29T01:00:00.000Z",
            "2026-03-30T01:00:00.000Z",
        ]
    );
    assert!(runs.iter().all(|run| run["trigger"] == "backfill" && run["outcome"] == "succeeded"));
    assert!(runs.is_sorted_by_key(|run| instant(&run["started_at"])), "the oldest first");
    assert_eq!(host.list("jobs/job/runs?trigger=backfill").len(), 4);
    backfill("2026-03-27T03:00:00Z", "2026-03-27T04:00:00Z").refusal(422, "invalid");
    backfill("2026-03-27T03:00:00Z", "2126-03-27T04:00:00Z").refusal(422, "invalid");
    backfill("2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z").refusal(429, "too-many");
    host.post("jobs/nobody/backfill")
        .json(&json!({"from": "2026-03-27T03:00:00Z"}))
        .send()
        .refusal(422, "invalid");
}

#[test]
fn failure_and_recovery_are_told_once_each() {
    let host = Host::start();
    let notify = json!({"on": ["failure", "recovery"], "email": ["ops@example.com"]});
    host.deploy("job", "probe", json!({ "notify": notify }));
    for _ in 0..2 {
        host.run("job", &json!([{"trap": null}]));
    }
    for _ in 0..2 {
        host.run_well("job", &json!([]));
    }
    let mut emails = host.list("emails");
    emails.reverse();
    let subjects: Vec<&str> = emails.iter().map(|email| email["subject"].as_str().unwrap()).collect();
    assert_eq!(subjects, ["[sandglass] job failed: trap", "[sandglass] job has recovered"]);
    assert!(emails[0]["text"].as_str().unwrap().contains("wasm trap"), "{}", emails[0]);
    assert_eq!(emails[0]["to"], json!(["ops@example.com"]));
}

#[test]
fn a_run_that_waits_too_long_is_skipped_and_counted_as_missed() {
    let host = Host::start();
    host.deploy("job", "probe", json!({"policy": {"start_within": "1s", "timeout": "5m"}}));
    let long = host.start("job", &json!([{"sleep_ms": 120_000}]));
    let waits = host.start("job", &json!([]));
    assert!(host.read(format!("runs/{waits}"))["start_by"].is_string());
    let skipped = until("it is given up", || {
        let run = host.read(format!("runs/{waits}"));
        run["outcome"].is_string().then_some(run)
    });
    assert_eq!((&skipped["state"], &skipped["attempt"]), (&json!("skipped"), &json!(0)));
    assert!(skipped["message"].as_str().unwrap().contains("had not begun by"), "{skipped}");
    assert_eq!(host.read("jobs/job")["counters"]["missed"], 1);
    host.post(format!("runs/{long}/cancel")).send().json(200);
}

#[test]
fn what_the_host_counts_is_told_to_those_with_a_token() {
    let host = Host::start();
    host.deploy("job", "trivial", json!({"schedule": {"every": "1s"}}));
    until("a run", || (host.read("jobs/job")["counters"]["succeeded"] != 0).then_some(()));
    assert_eq!(host.with_token(None).get("/metrics").send().status, 401);
    let metrics = host.get("/metrics").send();
    assert_eq!(metrics.status, 200);
    let text = metrics.text();
    for name in [
        "sandglass_occurrences_total",
        "sandglass_lateness_seconds_bucket",
        "sandglass_attempts_ended_total{outcome=\"succeeded\"}",
        "sandglass_runs_waiting",
    ] {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name}: {text}");
    }
}
