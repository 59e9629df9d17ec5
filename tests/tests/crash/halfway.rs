//! `kill -9` at a moment that is known: in the middle of a run, and behind a checkpoint.

use sandglass_tests::{Host, answers};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn a_run_that_is_killed_half_way_leaves_no_trace_and_its_next_attempt_does_it_all_once() {
    let mut host = Host::start();
    let rows: Vec<Value> = (0..200).map(|n| json!({"id": format!("r{n:03}"), "n": n})).collect();
    host.post("tables/sessions/rows").json(&json!(rows)).send().json(201);
    host.put("tables/signals").send().json(201);
    host.deploy(
        "cleanup",
        "probe",
        json!({
            "schedule": {"every": "1h"},
            "policy": {"timeout": "5m"},
            "grants": {
                "tables": {"sessions": "read-write", "signals": "read"},
                "email": {"to": ["*@example.com"]},
            },
        }),
    );
    host.run_well("cleanup", &json!([{"count": {"table": "sessions"}}]));
    let before = host.rows("sessions");
    let (job, history) = (host.read("jobs/cleanup"), host.list("jobs/cleanup/runs"));

    let run = host.start(
        "cleanup",
        &json!([
            {"delete_where": {"table": "sessions", "filter": [[["n", "lt", 100]]]}, "must": true},
            {"log": {"level": "info", "message": "half is deleted"}},
            {"wait_for_row": {"table": "signals", "id": "go"}},
            {"delete_where": {"table": "sessions"}, "must": true},
            {"email": {"to": ["ops@example.com"], "subject": "all gone", "text": "all"}, "must": true},
        ]),
    );
    host.follow(&run).wait_for("half is deleted");
    assert_eq!(host.rows("sessions"), before, "nobody sees what is not committed");
    host.kill();
    host.restart();

    assert_eq!(host.rows("sessions"), before);
    let again = host.read(format!("runs/{run}"));
    let lost = &again["attempts"][0];
    assert_eq!(
        (&lost["outcome"], &lost["cause"], &lost["number"]),
        (&json!("failed"), &json!("lost"), &json!(1))
    );
    assert!(lost["message"].as_str().unwrap().contains("the host stopped"), "{again:#}");
    let mut after = host.read("jobs/cleanup");
    assert_eq!(after["live_runs"], 1);
    after["live_runs"] = job["live_runs"].clone();
    assert_eq!(after, job, "the job is as it was");
    let mut runs = host.list("jobs/cleanup/runs");
    runs.retain(|other| other["id"] != run.as_str());
    assert_eq!(runs, history, "its history too");

    host.post("tables/signals/rows").json(&json!({"id": "go"})).send().json(201);
    let ended = host.ended(&run);
    assert_eq!((&ended["outcome"], &ended["attempt"]), (&json!("succeeded"), &json!(2)), "{ended:#}");
    assert_eq!(ended["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(host.count("sessions", &[]), 0);
    let emails = host.list("emails");
    assert_eq!(emails.len(), 1, "{emails:?}");
    assert_eq!(emails[0]["run"], run.as_str());
    assert_eq!(host.read("jobs/cleanup")["next"], job["next"]);
}

#[test]
fn a_run_that_is_killed_after_a_checkpoint_goes_on_from_there() {
    let mut host = Host::start();
    host.put("tables/signals").send().json(201);
    let grants = json!({
        "tables": {"steps": "read-write", "signals": "read"},
        "email": {"to": ["*@example.com"]},
    });
    host.deploy("job", "probe", json!({ "grants": grants }));
    let insert = |id: &str| json!({"insert": {"table": "steps", "id": id, "fields": {}}});
    let email =
        |subject: &str| json!({"email": {"to": ["ops@example.com"], "subject": subject, "text": "x"}});
    let run = host.start(
        "job",
        &json!([
            {"progress": null},
            insert("one"),
            email("one"),
            {"checkpoint": "one is done"},
            insert("two"),
            email("two"),
            {"log": {"level": "info", "message": "two is not done"}},
            {"wait_for_row": {"table": "signals", "id": "go"}},
        ]),
    );
    host.follow(&run).wait_for("two is not done");
    host.kill();
    host.restart();

    let ids = |host: &Host| -> Vec<String> {
        host.rows("steps").iter().map(|row| row["id"].as_str().unwrap().to_string()).collect()
    };
    let subjects = |host: &Host| -> Vec<String> {
        host.list("emails").iter().map(|email| email["subject"].as_str().unwrap().to_string()).collect()
    };
    assert_eq!(ids(&host), ["one"]);
    // The second attempt may have come to its own checkpoint by now, which sends that mail again.
    let sent = subjects(&host);
    assert!((1..=2).contains(&sent.len()) && sent.iter().all(|subject| subject == "one"), "{sent:?}");
    assert_eq!(host.read(format!("runs/{run}"))["progress"], "one is done");
    host.post("tables/signals/rows").json(&json!({"id": "go"})).send().json(201);
    let ended = host.ended(&run);
    assert_eq!((&ended["outcome"], &ended["attempt"]), (&json!("succeeded"), &json!(2)), "{ended:#}");
    let answers = answers(&ended);
    assert_eq!(answers[0]["ok"], "one is done", "the second attempt knows how far the first one came");
    assert_eq!(answers[1]["error"]["code"], "conflict", "and finds what it did");
    assert_eq!(ids(&host), ["one", "two"]);
    // This script sends the first mail again; what matters is that no other one was lost or doubled.
    let mut subjects = subjects(&host);
    subjects.sort_unstable();
    assert_eq!(subjects, ["one", "one", "two"]);
    let emails = host.list("emails");
    let ids: BTreeSet<&str> = emails.iter().map(|email| email["message_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 3, "{emails:?}");
}
