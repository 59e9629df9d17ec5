//! When jobs run, and what becomes of the occurrences at which they do not.

use sandglass_tests::{Cli, Host, instant, instants, millis_between, now, until};
use serde_json::{Value, json};

/// The ended runs of a job, oldest first.
fn runs(host: &Host, job: &str) -> Vec<Value> {
    let mut runs = host.list(&format!("jobs/{job}/runs"));
    runs.retain(|run| run["outcome"].is_string());
    runs.sort_by_key(|run| (instant(&run["scheduled_for"]), instant(&run["created_at"])));
    runs
}

/// Waits until a job has succeeded so many times more. A job that runs every second is a clock that the host
/// itself winds.
#[track_caller]
fn more_runs(host: &Host, job: &str, more: u64) -> Value {
    let succeeded = |job: &Value| job["counters"]["succeeded"].as_u64().unwrap();
    let before = succeeded(&host.read(format!("jobs/{job}")));
    until(&format!("{more} more runs of {job}"), || {
        let job = host.read(format!("jobs/{job}"));
        (succeeded(&job) >= before + more).then_some(job)
    })
}

#[test]
fn a_paused_job_skips_its_occurrences_and_goes_on_from_the_next_one() {
    let host = Host::start();
    host.deploy("job", "trivial", json!({"schedule": {"every": "1s"}}));
    host.deploy("clock", "trivial", json!({"schedule": {"every": "1s"}}));
    more_runs(&host, "job", 1);
    let paused = host.post("jobs/job/pause").json(&json!({"reason": "for a test"})).send().json(200);
    assert_eq!((&paused["state"], &paused["paused"]["reason"]), (&json!("paused"), &json!("for a test")));
    assert_eq!(paused["next"], json!([]));
    until("its end", || (host.read("jobs/job")["live_runs"] == 0).then_some(()));
    let ran = runs(&host, "job").len();
    more_runs(&host, "clock", 3);
    assert_eq!(runs(&host, "job").len(), ran, "it rests");
    let manual = host.run_well("job", &Value::Null);
    assert_eq!(manual["trigger"], "manual", "it can be run by hand all the same");

    let resumed = host.post("jobs/job/resume").send().json(200);
    assert_eq!((&resumed["state"], &resumed["paused"]), (&json!("active"), &Value::Null));
    more_runs(&host, "job", 1);
    let skips = host.list("jobs/job/skips");
    let paused_skips: Vec<&Value> = skips.iter().filter(|skip| skip["reason"] == "paused").collect();
    assert_eq!(paused_skips.len(), 1, "{skips:?}");
    let skip = paused_skips[0];
    assert!(skip["count"].as_i64().unwrap() >= 2, "{skip}");
    assert_eq!(millis_between(&skip["from"], &skip["to"]), (skip["count"].as_i64().unwrap() - 1) * 1000);
    let scheduled: Vec<Value> =
        runs(&host, "job").into_iter().filter(|run| run["trigger"] == "schedule").collect();
    assert!(scheduled.iter().all(|run| instant(&run["scheduled_for"]) < instant(&skip["from"])
        || instant(&run["scheduled_for"]) > instant(&skip["to"])));
    assert_eq!(host.read("jobs/job")["counters"]["skipped"], skip["count"]);
}

#[test]
fn occurrences_of_a_job_that_still_runs_are_skipped_and_counted_in_one_record() {
    let host = Host::start();
    host.put("tables/signals").send().json(201);
    let script = json!([{"wait_for_row": {"table": "signals", "id": "go"}}]).to_string();
    let job = json!({
        "schedule": {"every": "1s"},
        "grants": {"tables": {"signals": "read"}},
        "env": {"SCRIPT": script},
    });
    host.deploy("job", "probe", job);
    let skip = until("three skips in a row", || {
        let skips = host.list("jobs/job/skips");
        assert!(skips.len() <= 1, "skips in a row are one record: {skips:?}");
        skips.into_iter().find(|skip| skip["count"].as_u64() >= Some(3))
    });
    assert_eq!(skip["reason"], "overlap");
    let job = host.read("jobs/job");
    assert_eq!((&job["live_runs"], &job["counters"]["missed"]), (&json!(1), &json!(0)));
    assert!(job["counters"]["skipped"].as_u64() >= skip["count"].as_u64());
    host.post("tables/signals/rows").json(&json!({"id": "go"})).send().json(201);
    more_runs(&host, "job", 2);
    let runs = runs(&host, "job");
    assert!(runs.iter().all(|run| run["outcome"] == "succeeded"));
    assert_eq!(
        millis_between(&runs[0]["scheduled_for"], &skip["from"]),
        1000,
        "the skips begin after the run that was in their way"
    );
}

#[test]
fn occurrences_wait_in_line_or_run_side_by_side_where_the_policy_says_so() {
    let host = Host::start();
    host.put("tables/signals").send().json(201);
    let script = json!([{"wait_for_row": {"table": "signals", "id": "go"}}]).to_string();
    for (name, policy, together) in [
        ("queue", json!({"overlap": "queue"}), 2),
        ("allow", json!({"overlap": "allow", "max_concurrency": 3}), 3),
    ] {
        host.deploy(
            name,
            "probe",
            json!({
                "schedule": {"every": "1s"},
                "policy": policy,
                "grants": {"tables": {"signals": "read"}},
                "env": {"SCRIPT": &script},
            }),
        );
        let job = until("a skip behind those that wait or run", || {
            let job = host.read(format!("jobs/{name}"));
            (job["counters"]["skipped"].as_u64() >= Some(1)).then_some(job)
        });
        assert_eq!(job["live_runs"], together, "{name}");
        let running = host.list(&format!("jobs/{name}/runs?outcome=running")).len();
        assert_eq!(running, if name == "queue" { 1 } else { 3 });
    }
    host.post("tables/signals/rows").json(&json!({"id": "go"})).send().json(201);
    for name in ["queue", "allow"] {
        more_runs(&host, name, 3);
    }
}

#[test]
fn so_many_failures_in_a_row_pause_the_job() {
    let host = Host::start();
    let script = json!([{"fail": {"message": "no"}}]).to_string();
    let policy = json!({"pause_after": 2, "retry": {"max_attempts": 1}});
    host.deploy(
        "job",
        "probe",
        json!({"schedule": {"every": "1s"}, "policy": policy, "env": {"SCRIPT": script}}),
    );
    let job = until("the pause", || {
        let job = host.read("jobs/job");
        (job["state"] == "paused").then_some(job)
    });
    assert_eq!((&job["counters"]["failed"], &job["next"]), (&json!(2), &json!([])), "{job:#}");
    assert!(job["paused"]["reason"].as_str().unwrap().contains("2 runs in a row failed"), "{job:#}");
    assert_eq!((&job["last_run"]["outcome"], &job["last_run"]["cause"]), (&json!("failed"), &json!("error")));
    host.post("jobs/job/resume").send().json(200);
    until("the next failures", || (host.read("jobs/job")["counters"]["failed"] == 4).then_some(()));
    host.run_well("job", &json!([]));
}

#[test]
fn an_instant_comes_once() {
    let host = Host::start();
    let at = format!("{:.3}", now() + jiff::SignedDuration::from_secs(2));
    let job = host.deploy("once", "trivial", json!({"schedule": {"at": at}}));
    assert_eq!(job["next"], json!([at]));
    let job = more_runs(&host, "once", 1);
    assert_eq!(job["next"], json!([]));
    let runs = runs(&host, "once");
    assert_eq!(
        (runs.len(), &runs[0]["scheduled_for"], &runs[0]["trigger"]),
        (1, &json!(at), &json!("schedule"))
    );
    assert!(host.list("upcoming").is_empty());
}

#[test]
fn a_cron_of_six_fields_runs_at_whole_seconds() {
    let host = Host::start();
    host.deploy("job", "trivial", json!({"schedule": {"cron": "* * * * * *"}}));
    more_runs(&host, "job", 3);
    let runs = runs(&host, "job");
    for pair in runs.windows(2) {
        assert_eq!(millis_between(&pair[0]["scheduled_for"], &pair[1]["scheduled_for"]), 1000);
    }
    assert!(runs.iter().all(|run| instant(&run["scheduled_for"]).as_millisecond() % 1000 == 0));
}

#[test]
fn an_edit_keeps_the_anchor_until_the_schedule_changes_and_a_rollback_adds_a_copy() {
    let host = Host::start();
    let first = host.deploy("job", "trivial", json!({"schedule": {"every": "1h"}, "env": {"A": "1"}}));
    let second = host.patch("jobs/job").json(&json!({"env": {"A": "2"}})).send().json(200);
    assert_eq!(
        (&second["revision"], &second["next"]),
        (&json!(2), &first["next"]),
        "deploying often starves nobody"
    );
    assert!(second["version"].as_u64() > first["version"].as_u64());
    let same = host.patch("jobs/job").json(&json!({"env": {"A": "2"}})).send().json(200);
    assert_eq!(same["revision"], 2, "nothing changed");
    let third = host.patch("jobs/job").json(&json!({"schedule": {"every": "2h"}})).send().json(200);
    let from_then = millis_between(&third["revised_at"], &third["next"][0]);
    assert_eq!(from_then, 2 * 3_600_000, "a new schedule counts from its commit");

    let back = host.post("jobs/job/rollback").json(&json!({"revision": 1})).send().json(200);
    assert_eq!((&back["revision"], &back["specification"]), (&json!(4), &first["specification"]));
    let revisions = host.list("jobs/job/revisions");
    let numbers: Vec<u64> = revisions.iter().map(|one| one["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [4, 3, 2, 1]);
    assert_eq!(revisions[0]["specification"], revisions[3]["specification"]);
    assert_eq!(revisions[1]["specification"]["schedule"], json!({"every": "2h"}));
}

#[test]
fn an_edited_schedule_owns_what_comes_after_the_edit() {
    let host = Host::start();
    host.deploy("job", "trivial", json!({"schedule": {"every": "1s"}}));
    more_runs(&host, "job", 2);
    let edited = host
        .patch("jobs/job")
        .json(&json!({"schedule": {"every": null, "at": "2099-01-01T00:00:00Z"}}))
        .send()
        .json(200);
    assert_eq!(edited["next"], json!(["2099-01-01T00:00:00.000Z"]));
    until("its end", || (host.read("jobs/job")["live_runs"] == 0).then_some(()));
    host.deploy("clock", "trivial", json!({"schedule": {"every": "1s"}}));
    more_runs(&host, "clock", 2);
    let last = runs(&host, "job").pop().unwrap();
    assert!(instant(&last["scheduled_for"]) <= instant(&edited["revised_at"]), "{last:#}");
}

#[test]
fn a_name_that_is_deleted_and_made_again_is_another_job() {
    let host = Host::start();
    let spec = json!({"schedule": {"every": "1s"}});
    host.deploy("job", "trivial", spec.clone());
    more_runs(&host, "job", 1);
    host.put("tables/signals").send().json(201);
    host.deploy("waiter", "probe", json!({"grants": {"tables": {"signals": "read"}}}));
    let wait = json!([{"log": {"level": "info", "message": "here"}}, {"wait_for_row": {"table": "signals", "id": "go"}}]);
    let (running, waiting) = (host.start("waiter", &wait), host.start("waiter", &wait));
    host.follow(&running).wait_for("here");

    host.delete("jobs/job").send().nothing(204);
    host.delete("jobs/waiter").send().nothing(204);
    host.get("jobs/job").send().refusal(404, "not-found");
    assert!(host.list("jobs").is_empty() && host.list("upcoming").is_empty());
    assert_eq!(host.ended(&waiting)["outcome"], "cancelled", "what waited is cancelled");
    host.post("tables/signals/rows").json(&json!({"id": "go"})).send().json(201);
    assert_eq!(host.ended(&running)["outcome"], "succeeded", "what ran goes on to its end");
    assert!(host.list("runs").iter().any(|run| run["job"] == "job"), "its history stays");

    let again = host.deploy("job", "trivial", json!({"schedule": spec["schedule"]}));
    assert_eq!(
        (&again["revision"], &again["counters"]["succeeded"], &again["recent"]),
        (&json!(1), &json!(0), &json!([]))
    );
    assert!(instants(&again["next"]).iter().all(|next| *next > now()));
}

#[test]
fn what_was_missed_while_the_host_was_down_is_caught_up_once() {
    let mut host = Host::start();
    let missing = |policy: Value| json!({"schedule": {"every": "1s"}, "policy": policy});
    host.deploy("latest", "trivial", missing(json!({"late_after": "1s"})));
    host.deploy("none", "trivial", missing(json!({"late_after": "1s", "catch_up": "none"})));
    host.deploy("patient", "trivial", missing(json!({"late_after": "1h"})));
    more_runs(&host, "latest", 1);
    more_runs(&host, "none", 1);
    host.stop();
    // Nothing can be waited for but time itself: nobody runs.
    std::thread::sleep(std::time::Duration::from_secs(5));
    host.restart();
    more_runs(&host, "latest", 2);
    more_runs(&host, "none", 2);

    let caught: Vec<Value> =
        runs(&host, "latest").into_iter().filter(|run| run["trigger"] == "catch-up").collect();
    assert_eq!(caught.len(), 1, "{caught:#?}");
    let missed: Vec<Value> =
        host.list("jobs/latest/skips").into_iter().filter(|skip| skip["reason"] == "missed").collect();
    assert_eq!(missed.len(), 1, "{missed:#?}");
    let count = missed[0]["count"].as_i64().unwrap();
    assert!((1..=30).contains(&count), "{missed:#?}");
    assert_eq!(millis_between(&missed[0]["from"], &missed[0]["to"]), (count - 1) * 1000);
    assert_eq!(
        millis_between(&missed[0]["to"], &caught[0]["scheduled_for"]),
        1000,
        "the newest one is caught up"
    );
    let job = host.read("jobs/latest");
    assert_eq!(job["counters"]["missed"], count);
    assert!(instant(&job["last_skip"]) >= instant(&missed[0]["to"]), "{job:#}");

    let none = runs(&host, "none");
    assert!(none.iter().all(|run| run["trigger"] == "schedule"));
    let missed: Vec<Value> =
        host.list("jobs/none/skips").into_iter().filter(|skip| skip["reason"] == "missed").collect();
    assert_eq!(missed.len(), 1, "{missed:#?}");
    assert!(missed[0]["count"].as_i64().unwrap() >= 3);

    // What is not late by its own policy is not missed: one runs, and the others find it in their way, or run too.
    assert_eq!(host.read("jobs/patient")["counters"]["missed"], 0);
}

#[test]
fn what_is_foretold_anywhere_is_what_the_scheduler_does() {
    let host = Host::start();
    let cli = Cli::of(&host);
    let after = "2026-10-24T12:00:00.000Z";
    let schedules = [
        json!({"every": "90s", "start": "2026-01-01T00:00:00.000Z"}),
        json!({"every": "1mo", "start": "2026-01-31T09:30:00.000Z", "time_zone": "America/New_York"}),
        json!({"cron": "30 2 * * *", "time_zone": "Europe/Zurich", "dst_repeat": "both"}),
        json!({"cron": "*/20 * 13 * fri", "time_zone": "Australia/Lord_Howe"}),
        json!({"cron": "15 30 0 1 jan,jul *", "time_zone": "Africa/Casablanca", "dst_gap": "skip"}),
        json!({"at": "2031-03-04T05:06:07.000Z"}),
    ];
    for (number, schedule) in schedules.iter().enumerate() {
        let name = format!("job-{number}");
        let members = schedule.as_object().unwrap();
        let pairs: Vec<(&str, &str)> =
            members.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
        let options: Vec<String> = pairs
            .iter()
            .flat_map(|(name, value)| [format!("--{}", name.replace('_', "-")), (*value).into()])
            .collect();
        let preview = |pairs: &[(&str, &str)]| {
            let call = host.get("schedules/preview").queries(pairs).query("after", after);
            call.query("count", "50").send().json(200)
        };
        let next = |of: &[&str]| {
            let command = [&["next", "--json", "-n", "50", "--after", after], of].concat();
            cli.run(&command).json()
        };
        let foretold = preview(&pairs);
        assert!(!foretold["occurrences"].as_array().unwrap().is_empty(), "{schedule}");
        assert_eq!(next(&options.iter().map(String::as_str).collect::<Vec<_>>()), foretold, "{schedule}");

        // The same of a job, which the scheduler awaits.
        host.deploy(&name, "trivial", json!({ "schedule": schedule }));
        assert_eq!(preview(&[("job", &name)]), foretold, "{schedule}");
        assert_eq!(next(&[&name]), foretold, "{schedule}");
        let awaited = host.list("upcoming").into_iter().find(|item| item["job"] == name.as_str()).unwrap();
        let since = host.read(format!("jobs/{name}"))["revised_at"].as_str().unwrap().to_string();
        let of_job =
            host.get("schedules/preview").query("job", &name).query("after", &since).send().json(200);
        assert_eq!(awaited["scheduled_for"], of_job["occurrences"][0], "{schedule}");
        assert_eq!(awaited["at"], awaited["scheduled_for"], "{schedule}");
    }

    // What was foretold is what runs, and is skipped.
    host.deploy("tick", "trivial", json!({"schedule": {"cron": "* * * * * *"}}));
    let since = host.read("jobs/tick")["created_at"].as_str().unwrap().to_string();
    let foretold = host.get("schedules/preview").query("job", "tick").query("after", &since).send().json(200);
    more_runs(&host, "tick", 4);
    host.post("jobs/tick/pause").send().json(200);
    until("its end", || (host.read("jobs/tick")["live_runs"] == 0).then_some(()));
    let mut dealt_with: Vec<Value> =
        runs(&host, "tick").iter().map(|run| run["scheduled_for"].clone()).collect();
    dealt_with.extend(host.list("jobs/tick/skips").iter().flat_map(|skip| {
        let (from, to) = (instant(&skip["from"]).as_millisecond(), instant(&skip["to"]).as_millisecond());
        foretold["occurrences"]
            .as_array()
            .unwrap()
            .clone()
            .into_iter()
            .filter(move |at| (from..=to).contains(&instant(at).as_millisecond()))
    }));
    dealt_with.sort_by_key(instant);
    let compared = dealt_with.len().min(foretold["occurrences"].as_array().unwrap().len());
    assert!(compared >= 4);
    assert_eq!(dealt_with[..compared], foretold["occurrences"].as_array().unwrap()[..compared]);
}
