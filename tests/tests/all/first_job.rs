//! What the first ten minutes with a host are like: an upload, a schedule, a run, its traces.

use sandglass_tests::{Host, guest, instant, instants, millis_between, ndjson, now, until};
use serde_json::{Value, json};
use std::process::Command;

/// The ended runs of a job that its schedule asked for, oldest first, once there are so many.
fn scheduled_runs(host: &Host, job: &str, count: usize) -> Vec<Value> {
    until(&format!("{count} runs of {job}"), || {
        let mut runs = host.list(&format!("jobs/{job}/runs?trigger=schedule"));
        runs.retain(|run| run["outcome"].is_string());
        runs.sort_by_key(|run| instant(&run["scheduled_for"]));
        (runs.len() >= count).then_some(runs)
    })
}

#[test]
fn an_upload_by_curl_is_a_job_that_runs_every_two_seconds() {
    let host = Host::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("job.wasm");
    std::fs::write(&file, guest("trivial")).unwrap();

    let url = format!("{}/v1/jobs/beat/component?every=2s", host.url());
    let curl = Command::new("curl")
        .args(["--silent", "--show-error", "--noproxy", "*", "--write-out", "\n%{http_code}"])
        .args(["--header", &format!("Authorization: Bearer {}", host.token())])
        .arg("-T")
        .args([file.as_os_str(), url.as_ref()])
        .output()
        .expect("this test needs the program `curl`");
    assert!(curl.status.success(), "{}", String::from_utf8_lossy(&curl.stderr));
    let text = String::from_utf8(curl.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    assert_eq!(status, "201", "{body}");
    let job: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (&job["name"], &job["state"], &job["revision"]),
        (&json!("beat"), &json!("active"), &json!(1))
    );
    assert_eq!(job["schedule_words"], "every 2 seconds");
    assert_eq!(job["component_report"]["digest"], job["specification"]["component"]);
    let next = instants(&job["next"]);
    assert_eq!(next.len(), 3);
    assert!(next.windows(2).all(|pair| pair[1].duration_since(pair[0]).as_millis() == 2000), "{next:?}");

    let runs = scheduled_runs(&host, "beat", 3);
    for (run, pair) in runs.iter().zip(runs.windows(2)) {
        assert_eq!(millis_between(&pair[0]["scheduled_for"], &pair[1]["scheduled_for"]), 2000);
        assert_eq!((&run["outcome"], &run["state"]), (&json!("succeeded"), &json!("succeeded")));
        assert_eq!((&run["job"], &run["attempt"], &run["cause"]), (&json!("beat"), &json!(1), &Value::Null));
        assert!(millis_between(&run["scheduled_for"], &run["started_at"]) >= 0, "{run:#}");
        assert!(millis_between(&run["started_at"], &run["ended_at"]) >= 0, "{run:#}");
        assert!(run["duration_ms"].is_u64(), "{run:#}");
        let usage = &run["usage"];
        assert!(usage["fuel"].as_u64() > Some(0), "{run:#}");
        assert!(usage["memory_bytes"].as_u64() >= Some(1 << 16), "{run:#}");
        assert!(usage["wall_micros"].as_u64() > Some(0), "{run:#}");
    }
    assert_eq!(instant(&runs[0]["scheduled_for"]), next[0], "the first run is the one that was announced");
    let job = host.read("jobs/beat");
    assert!(job["counters"]["succeeded"].as_u64() >= Some(3), "{job:#}");
    assert_eq!((&job["counters"]["skipped"], &job["counters"]["missed"]), (&json!(0), &json!(0)));
}

#[test]
fn uploading_again_keeps_the_schedule_and_makes_a_revision_only_of_another_component() {
    let host = Host::start();
    let upload = |path: &str, name: &str| host.put(path).bytes("application/wasm", guest(name)).send();
    let made = upload("jobs/a/component?every=1h", "trivial").json(201);
    let same = upload("jobs/a/component", "trivial").json(200);
    assert_eq!((&same["revision"], &same["version"]), (&made["revision"], &made["version"]));
    assert_eq!(same["next"], made["next"]);
    let other = upload("jobs/a/component", "probe").json(200);
    assert_eq!(other["revision"], 2);
    assert_eq!(other["specification"]["schedule"], made["specification"]["schedule"]);
    assert_eq!(other["next"], made["next"]);
    let cron = upload("jobs/a/component?cron=0%203%20*%20*%20*&time_zone=Europe/Zurich", "probe").json(200);
    assert_eq!(cron["specification"]["schedule"], json!({"cron": "0 3 * * *", "time_zone": "Europe/Zurich"}));
}

/// Rows whose `last_seen` is so many days ago.
fn sessions(days_ago: impl Iterator<Item = i64>) -> String {
    let row = |(number, days): (usize, i64)| {
        let last_seen = now() - jiff::SignedDuration::from_hours(24 * days);
        json!({"id": format!("s{number:05}"), "user": format!("user {number}"), "last_seen": format!("{last_seen:.3}")})
    };
    ndjson(days_ago.enumerate().map(row))
}

#[test]
fn a_job_deletes_old_rows_and_mails_what_it_did() {
    let host = Host::start();
    let rows = sessions((0..12_000).map(|number| number % 60));
    let imported = host.post("tables/sessions/import").bytes("application/x-ndjson", rows).send().json(200);
    assert_eq!(imported["imported"], 12_000);
    let job = host.deploy(
        "cleanup_tables",
        "cleanup_tables",
        json!({
            "schedule": {"every": "1h"},
            "policy": {"timeout": "5m"},
            "grants": {"tables": {"sessions": "read-write"}, "email": {"to": ["ops@example.com"], "per_run": 1}},
            "env": {"TABLE": "sessions", "FIELD": "last_seen", "KEEP_DAYS": "30", "REPORT_TO": "ops@example.com"},
        }),
    );
    assert_eq!(job["warnings"], json!([]), "nothing is missing");

    let run = host.run_well("cleanup_tables", &Value::Null);
    // Those of 31 to 59 days ago, and none of 30: they were written after the run's instant less 30 days, or before.
    let deleted = run["usage"]["rows_written"].as_u64().unwrap();
    assert!((5_800..=6_000).contains(&deleted), "{run:#}");
    assert_eq!(run["result"], format!("deleted {deleted} of 12000 rows"));
    assert_eq!((&run["trigger"], &run["usage"]["emails"]), (&json!("manual"), &json!(1)));
    assert_eq!(host.count("sessions", &[]), 12_000 - deleted);
    assert!(
        host.rows("sessions")
            .iter()
            .all(|row| millis_between(&row["last_seen"], &run["scheduled_for"]) <= 30 * 86_400_000)
    );

    let id = run["id"].as_str().unwrap();
    let log: Vec<Value> = host.get(format!("runs/{id}/logs")).send().lines();
    assert_eq!(
        (&log[0]["level"], &log[0]["source"], &log[0]["attempt"]),
        (&json!("info"), &json!("log"), &json!(1))
    );
    assert!(
        log[0]["message"]
            .as_str()
            .unwrap()
            .starts_with("deleting rows of sessions whose last_seen is before 20")
    );
    assert_eq!(log[1]["message"], "5000 deleted so far");
    assert_eq!(log.len(), 2);

    let emails = host.list("emails");
    assert_eq!(emails.len(), 1);
    let email = &emails[0];
    assert_eq!(email["subject"], format!("sessions: deleted {deleted} of 12000 rows"));
    assert_eq!((&email["to"], &email["job"]), (&json!(["ops@example.com"]), &json!("cleanup_tables")));
    assert_eq!((&email["run"], &email["state"]), (&run["id"], &json!("queued")));
    assert!(email["text"].as_str().unwrap().ends_with(&format!("\n\nRun {id}\n")));
    assert!(email["message_id"].as_str().unwrap().contains(id));
    assert_eq!(host.read(format!("emails/{}", email["id"].as_str().unwrap())), *email);
}

#[test]
fn a_preview_says_what_the_job_will_do() {
    let host = Host::start();
    for (name, schedule) in [
        ("hourly", json!({"every": "1h"})),
        ("monthly", json!({"every": "1mo", "start": "2026-01-31T08:30:00Z", "time_zone": "Europe/Zurich"})),
        ("nightly", json!({"cron": "30 2 * * *", "time_zone": "America/New_York", "dst_repeat": "both"})),
        ("seconds", json!({"cron": "15 30 4 * * mon-fri"})),
        ("once", json!({"at": "2099-01-01T00:00:00Z"})),
    ] {
        let job = host.deploy(name, "trivial", json!({"schedule": schedule}));
        let mut preview = host.get("schedules/preview").query("count", "3");
        for (member, value) in schedule.as_object().unwrap() {
            preview = preview.query(member, value.as_str().unwrap());
        }
        if name == "hourly" {
            // Its hours begin with its making, which only the host knows.
            preview = preview.query("start", job["created_at"].as_str().unwrap());
        }
        let preview = preview.send().json(200);
        let of_job = host.get("schedules/preview").query("job", name).query("count", "3").send().json(200);
        let job = host.read(format!("jobs/{name}"));
        assert_eq!(of_job["occurrences"], job["next"], "{name}");
        assert_eq!(of_job["words"], job["schedule_words"], "{name}");
        let from_now: Vec<_> =
            instants(&preview["occurrences"]).into_iter().filter(|at| *at > now()).collect();
        assert!(
            !from_now.is_empty() && instants(&job["next"]).starts_with(&from_now[..1]),
            "{name}: {preview} {job:#}"
        );
    }
    let upcoming = host.list("upcoming?until=2100-01-01T00:00:00Z");
    let jobs: Vec<&str> = upcoming.iter().map(|one| one["job"].as_str().unwrap()).collect();
    assert_eq!(jobs.len(), 5, "{jobs:?}");
    assert!(upcoming.is_sorted_by_key(|one| instant(&one["at"])), "{upcoming:?}");
    assert_eq!(upcoming[4]["job"], "once");

    let preview =
        host.get("schedules/preview").query("cron", "0 3 * * 7").query("after", "2026-06-01T00:00:00Z");
    let occurrences = preview.query("count", "2").send().json(200)["occurrences"].clone();
    assert_eq!(occurrences, json!(["2026-06-07T03:00:00.000Z", "2026-06-14T03:00:00.000Z"]));
    let wrong = host.get("schedules/preview").query("cron", "61 3 * *").query("time_zone", "Mars/Olympus");
    let wrong = wrong.send().refusal(422, "invalid");
    let pointers: Vec<&str> =
        wrong["problems"].as_array().unwrap().iter().map(|one| one["pointer"].as_str().unwrap()).collect();
    assert!(pointers.contains(&"/cron") && pointers.contains(&"/time_zone"), "{wrong}");
}
