//! What a guest may use: every limit ends with its own cause and a message that names it, and the neighbours
//! keep their pace.

use sandglass_tests::{Host, instant, millis_between, until};
use serde_json::{Value, json};

/// A probe that has no second attempt.
fn probe(host: &Host, limits: &Value, mut policy: Value) {
    policy["retry"] = json!({"max_attempts": 1});
    let grants = json!({"tables": {"t": "read-write"}});
    host.deploy("probe", "probe", json!({"limits": limits, "policy": policy, "grants": grants}));
}

/// Runs a script that fails with this cause, and a message with these words.
#[track_caller]
fn fails(host: &Host, script: &Value, cause: &str, words: &[&str]) -> Value {
    let run = host.run("probe", script);
    assert_eq!(
        (&run["outcome"], &run["cause"]),
        (&json!("failed"), &json!(cause)),
        "{}: {run:#}",
        brief(script)
    );
    let message = run["message"].as_str().unwrap_or_default();
    for word in words {
        assert!(message.contains(word), "{}: the message lacks {word:?}: {message}", brief(script));
    }
    run
}

/// Some scripts are long.
fn brief(script: &Value) -> String {
    script.to_string().chars().take(100).collect()
}

#[test]
fn fuel_memory_and_stack_end_an_attempt_by_their_names() {
    let host = Host::start();
    probe(&host, &json!({"fuel": 50_000_000, "memory": "16MiB"}), json!({"timeout": "60s"}));
    let spun = fails(
        &host,
        &json!([{"log": {"level": "info", "message": "spinning"}}, {"spin": null}]),
        "out-of-fuel",
        &["50000000", "limit fuel"],
    );
    assert_eq!(spun["usage"]["fuel"], 50_000_000);
    let grown = fails(&host, &json!([{"grow": null}]), "out-of-memory", &["16MiB", "limit memory"]);
    let peak = grown["usage"]["memory_bytes"].as_u64().unwrap();
    assert!((8 << 20..=16 << 20).contains(&peak), "{peak}");
    fails(&host, &json!([{"recurse": null}]), "stack-overflow", &["1MiB", "limit stack"]);
    host.run_well("probe", &json!([{"alloc": 1 << 20}]));
}

#[test]
fn a_timeout_ends_what_computes_and_what_sleeps() {
    let host = Host::start();
    probe(&host, &json!({"fuel": 1_000_000_000_000_u64}), json!({"timeout": "700ms"}));
    for script in [json!([{"spin": null}]), json!([{"sleep_ms": 3_600_000}])] {
        let run = fails(&host, &script, "timeout", &["700ms", "policy timeout"]);
        let wall = run["usage"]["wall_micros"].as_u64().unwrap();
        assert!((700_000..30_000_000).contains(&wall), "{run:#}");
    }
}

#[test]
fn a_trap_shows_where_the_guest_was() {
    let host = Host::start();
    probe(&host, &json!({}), json!({}));
    let run = fails(&host, &json!([{"trap": null}]), "trap", &["unreachable"]);
    let backtrace = run["backtrace"].as_str().unwrap_or_default();
    assert!(backtrace.contains("probe::"), "no function of the guest is named: {backtrace}");
    assert!(
        backtrace.lines().enumerate().all(|(number, line)| line.starts_with(&format!("{number}: "))),
        "{backtrace}"
    );
    let log: Vec<Value> = host.get(format!("runs/{}/logs", run["id"].as_str().unwrap())).send().lines();
    let panic = log.iter().find(|line| {
        line["source"] == "stderr" && line["message"].as_str().unwrap().contains("the script said so")
    });
    assert!(panic.is_some_and(|line| line["level"] == "warn"), "{log:?}");

    fails(&host, &json!([{"exit": 3}]), "error", &["calling exit"]);
    fails(&host, &json!([{"sockets": null}]), "denied", &["wasi:sockets"]);
    let answers = host.answers("probe", &json!([{"read_file": "/etc/passwd"}]));
    assert_eq!(answers[0]["error"]["code"], "io", "there are no files");
}

#[test]
fn a_failure_of_the_guests_own_is_tried_again_if_it_says_so() {
    let host = Host::start();
    let retry = json!({"max_attempts": 3, "initial": "20ms", "max": "40ms"});
    host.deploy("probe", "probe", json!({"policy": {"retry": retry}}));
    let run = fails(
        &host,
        &json!([{"fail": {"retry": false, "message": "no such customer"}}]),
        "error",
        &["no such customer"],
    );
    assert_eq!(run["attempt"], 1);
    let run = fails(
        &host,
        &json!([{"fail": {"retry": true, "message": "the other side is down"}}]),
        "error",
        &["the other side is down"],
    );
    assert_eq!((&run["attempt"], run["attempts"].as_array().map(Vec::len)), (&json!(3), Some(3)));
    let run = host.run_well("probe", &json!([{"fail_until_attempt": 3}, {"info": null}]));
    assert_eq!(run["attempt"], 3);
    assert_eq!(run["attempts"][1]["message"], "attempt 2 of 3");
    // A trap is not worth another attempt unless the policy names it.
    assert_eq!(fails(&host, &json!([{"trap": null}]), "trap", &[])["attempt"], 1);
    host.deploy(
        "probe",
        "probe",
        json!({"policy": {"retry": {"max_attempts": 2, "initial": "0s", "on": ["trap"]}}}),
    );
    assert_eq!(fails(&host, &json!([{"trap": null}]), "trap", &[])["attempt"], 2);
    assert_eq!(fails(&host, &json!([{"fail": {"retry": false}}]), "error", &[])["attempt"], 1);
}

#[test]
fn quotas_that_no_answer_can_carry_end_the_attempt() {
    let host = Host::start();
    probe(&host, &json!({"host_calls": 1_000, "call": "128KiB", "result": "1KiB"}), json!({}));
    let log = json!({"log": {"level": "info", "message": "{i}"}});
    fails(
        &host,
        &json!([{"repeat": {"times": 1_000_000, "step": log}}]),
        "quota",
        &["1000", "limit host_calls"],
    );
    fails(
        &host,
        &json!([{"insert_sized": {"table": "t", "bytes": 200_000}}]),
        "quota",
        &["128KiB", "limit call"],
    );
    fails(&host, &json!([{"big_result": 1_025}]), "quota", &["1025", "1KiB", "limit result"]);
    host.run_well("probe", &json!([{"big_result": 1_024}]));
    fails(&host, &json!([{"checkpoint": "x".repeat(70_000)}]), "quota", &["70000", "64KiB"]);
    assert_eq!(host.list("tables"), [] as [Value; 0], "nothing of them was committed");
}

/// The answer of a step, or of one that repeats it, is this code with these words.
#[track_caller]
fn quota(answer: &Value, words: &[&str]) {
    let error = if answer["ok"]["error"].is_object() { &answer["ok"]["error"] } else { &answer["error"] };
    assert_eq!(error["code"], "quota", "{answer}");
    for word in words {
        assert!(error["message"].as_str().unwrap().contains(word), "the message lacks {word:?}: {answer}");
    }
}

#[test]
fn quotas_that_an_answer_can_carry_are_answers() {
    let host = Host::start();
    probe(&host, &json!({"handles": 50, "rows_scanned": 500, "rows_tracked": 100}), json!({}));
    let rows: Vec<Value> = (0..600).map(|n| json!({"id": format!("r{n:03}"), "n": n})).collect();
    host.post("tables/t/rows").json(&json!(rows)).send().json(201);

    let run = host.run_well("probe", &json!([{"hold_tables": {"table": "t", "count": 51}}, {"info": null}]));
    let answers = sandglass_tests::answers(&run);
    quota(&answers[0], &["50", "limit handles"]);
    assert!(run["last_error"].as_str().unwrap().starts_with("quota: "), "{run:#}");
    assert!(answers[1]["ok"].is_object(), "the run goes on");
    quota(&host.answers("probe", &json!([{"count": {"table": "t"}}]))[0], &["500", "limit rows_scanned"]);
    let get = json!({"get": {"table": "t", "id": "absent-{i}"}});
    let answers = host.answers("probe", &json!([{"repeat": {"times": 200, "step": get}}]));
    assert_eq!(answers[0]["ok"]["done"], 100);
    quota(&answers[0], &["100", "limit rows_tracked"]);
    let put = json!({"put": {"table": "t", "id": "new-{i}", "fields": {}}});
    let answers = host.answers("probe", &json!([{"repeat": {"times": 10_001, "step": put}}]));
    assert_eq!(answers[0]["ok"]["done"], 10_000);
    quota(&answers[0], &["10000", "checkpoint"]);
    assert_eq!(host.count("t", &[]), 10_600, "what was within the limit is committed");
    let sized = json!({"insert_sized": {"table": "t", "bytes": 200_000}});
    let answers = host.answers("probe", &json!([{"repeat": {"times": 50, "step": sized}}]));
    quota(&answers[0], &["8MiB", "checkpoint"]);
    let answers = host.answers("probe", &json!([{"insert_sized": {"table": "t", "bytes": 256 << 10}}]));
    assert_eq!(answers[0]["error"]["code"], "invalid", "{answers:?}");
}

#[test]
fn a_log_is_cut_with_a_mark_and_the_run_goes_on() {
    let host = Host::start();
    probe(&host, &json!({"log": "64KiB"}), json!({}));
    let long = json!({"print": "y".repeat(20_000)});
    let line = json!({"log": {"level": "info", "message": "x".repeat(1_000)}});
    let run = host.run_well("probe", &json!([long, {"repeat": {"times": 100, "step": line}}]));
    let log: Vec<Value> = host.get(format!("runs/{}/logs", run["id"].as_str().unwrap())).send().lines();
    let messages: Vec<&str> = log.iter().map(|line| line["message"].as_str().unwrap()).collect();
    let first = messages[0];
    assert!(
        first.starts_with('y') && first.contains("16KiB") && first.len() < 17_000,
        "{}",
        &first[16_000..]
    );
    let last = log.last().unwrap();
    assert_eq!((&last["source"], &last["level"]), (&json!("host"), &json!("warn")));
    assert!(last["message"].as_str().unwrap().contains("64KiB (limit log)"), "{last}");
    assert!((40..60).contains(&log.len()), "{}", log.len());
    assert!(run["usage"]["log_bytes"].as_u64().unwrap() <= 64 << 10);
}

#[test]
fn a_job_beside_hostile_ones_keeps_its_beat() {
    let host = Host::start();
    host.deploy("beat", "trivial", json!({"schedule": {"every": "1s"}}));
    // Those that end by themselves have time for it, however little is left to them.
    for (name, timeout) in [("endless", "4s"), ("greedy", "60s")] {
        let retry = json!({"max_attempts": 1});
        let policy = json!({"timeout": timeout, "retry": retry, "overlap": "allow", "max_concurrency": 20});
        let limits = json!({"fuel": 1_000_000_000_000_u64, "memory": "64MiB"});
        host.deploy(name, "probe", json!({"limits": limits, "policy": policy}));
    }
    let beats_before = host.read("jobs/beat")["counters"]["succeeded"].as_u64().unwrap();
    // More of those that compute than there are threads for them.
    let spinners = std::iter::repeat_n(("endless", json!([{"spin": null}]), "timeout"), 8);
    let others = [
        ("endless", json!([{"sleep_ms": 3_600_000}]), "timeout"),
        ("greedy", json!([{"grow": null}]), "out-of-memory"),
        ("greedy", json!([{"recurse": null}]), "stack-overflow"),
    ];
    let runs: Vec<(String, &str)> =
        spinners.chain(others).map(|(job, script, cause)| (host.start(job, &script), cause)).collect();
    for (run, cause) in &runs {
        assert_eq!(host.ended(run)["cause"], *cause);
    }
    let job = until("three more beats", || {
        let job = host.read("jobs/beat");
        (job["counters"]["succeeded"].as_u64() >= Some(beats_before + 3)).then_some(job)
    });
    assert_eq!((&job["counters"]["skipped"], &job["counters"]["missed"]), (&json!(0), &json!(0)), "{job:#}");
    assert_eq!(job["counters"]["failed"], 0);
    let mut beats = host.list("jobs/beat/runs?outcome=succeeded");
    beats.sort_by_key(|run| instant(&run["scheduled_for"]));
    for pair in beats.windows(2) {
        assert_eq!(millis_between(&pair[0]["scheduled_for"], &pair[1]["scheduled_for"]), 1000);
    }
    for beat in &beats {
        // A loose bound: other tests share the machine.
        let late = millis_between(&beat["scheduled_for"], &beat["started_at"]);
        assert!((0..10_000).contains(&late), "{late} ms late: {beat:#}");
    }
}
