//! What an attempt writes is its own until it commits, and then everybody's; or nobody's.

use sandglass_tests::{Host, answers};
use serde_json::{Value, json};

fn probe(host: &Host, job: &str, grants: &Value) -> Value {
    let policy = json!({"retry": {"max_attempts": 2, "initial": "0s", "max": "0s"}});
    host.deploy(job, "probe", json!({ "grants": grants, "policy": policy }))
}

fn all() -> Value {
    json!({"tables": {"t": "read-write", "signals": "read"}, "email": {"to": ["*@example.com"]}})
}

fn email(subject: &str) -> Value {
    json!({"email": {"to": ["a@example.com"], "subject": subject, "text": "x"}, "must": true})
}

#[test]
fn uncommitted_writes_are_seen_by_their_attempt_and_by_nobody_else() {
    let host = Host::start();
    probe(&host, "writer", &all());
    probe(&host, "reader", &json!({"tables": {"t": "read"}}));
    host.put("tables/signals").send().json(201);
    host.post("tables/t/rows")
        .json(&json!([{"id": "old", "n": 1}, {"id": "going", "n": 2}]))
        .send()
        .json(201);

    let run = host.start(
        "writer",
        &json!([
            {"insert": {"table": "t", "id": "new", "fields": {"n": 3}}},
            {"update": {"table": "t", "id": "old", "fields": {"n": 10}}},
            {"delete": {"table": "t", "id": "going"}},
            email("written"),
            {"get": {"table": "t", "id": "new"}},
            {"get": {"table": "t", "id": "going"}},
            {"count": {"table": "t"}},
            {"query": {"table": "t", "filter": [[["n", "ge", 3]]], "order": [["n", true]]}},
            {"log": {"level": "info", "message": "written"}},
            {"wait_for_row": {"table": "signals", "id": "go"}},
        ]),
    );
    host.follow(&run).wait_for("written");
    let seen = host.answers(
        "reader",
        &json!([{"get": {"table": "t", "id": "new"}}, {"get": {"table": "t", "id": "old"}}, {"count": {"table": "t"}}]),
    );
    assert_eq!(
        (&seen[0]["ok"], &seen[1]["ok"]["fields"], &seen[2]["ok"]),
        (&Value::Null, &json!({"n": 1}), &json!(2))
    );
    host.get("tables/t/rows/new").send().refusal(404, "not-found");
    assert_eq!(host.read("tables/t/rows/old")["n"], 1);
    assert_eq!(host.count("t", &[]), 2);
    assert_eq!(host.list("emails").len(), 0);

    host.post("tables/signals/rows").json(&json!({"id": "go"})).send().json(201);
    let run = host.ended(&run);
    let own = answers(&run);
    assert_eq!((&own[4]["ok"]["fields"], &own[4]["ok"]["version"]), (&json!({"n": 3}), &json!(0)));
    assert_eq!((&own[5]["ok"], &own[6]["ok"]), (&Value::Null, &json!(2)));
    let page: Vec<&str> =
        own[7]["ok"]["rows"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(page, ["old", "new"]);

    let rows = host.rows("t");
    let shown: Vec<(&str, i64)> =
        rows.iter().map(|row| (row["id"].as_str().unwrap(), row["n"].as_i64().unwrap())).collect();
    assert_eq!(shown, [("new", 3), ("old", 10)]);
    assert_eq!(rows[0]["version"], rows[1]["version"], "one commit wrote both");
    assert_eq!(host.list("emails").len(), 1);
}

#[test]
fn whatever_ends_an_attempt_but_success_drops_what_it_wrote() {
    let host = Host::start();
    probe(&host, "probe", &all());
    host.put("tables/t").send().json(201);
    for last in [
        json!({"fail": {"message": "no"}}),
        json!({"fail": {"retry": true}}),
        json!({"trap": null}),
        json!({"recurse": null}),
        json!({"exit": 0}),
    ] {
        let run = host
            .run("probe", &json!([{"insert": {"table": "t", "fields": {}}, "must": true}, email("x"), last]));
        assert_eq!(run["outcome"], "failed", "{run:#}");
        let usage = &run["usage"];
        assert_eq!(
            (&usage["rows_written"], &usage["emails"]),
            (&json!(1), &json!(1)),
            "it did write: {run:#}"
        );
        assert_eq!((host.count("t", &[]), host.list("emails").len()), (0, 0), "{last}");
    }
}

#[test]
fn a_cancelled_run_leaves_nothing_and_a_second_cancel_is_refused() {
    let host = Host::start();
    probe(&host, "probe", &all());
    host.put("tables/signals").send().json(201);
    host.put("tables/t").send().json(201);
    let run = host.start(
        "probe",
        &json!([
            {"insert": {"table": "t", "fields": {}}, "must": true},
            email("x"),
            {"log": {"level": "info", "message": "written"}},
            {"wait_for_row": {"table": "signals", "id": "never"}},
        ]),
    );
    host.follow(&run).wait_for("written");
    host.post(format!("runs/{run}/cancel")).send().json(200);
    let ended = host.ended(&run);
    assert_eq!((&ended["outcome"], &ended["cause"]), (&json!("cancelled"), &Value::Null), "{ended:#}");
    assert_eq!((host.count("t", &[]), host.list("emails").len()), (0, 0));
    host.post(format!("runs/{run}/cancel")).send().refusal(409, "conflict");
    assert_eq!(host.read("jobs/probe")["counters"]["cancelled"], 1);
    // Its slot is free again.
    host.run_well("probe", &json!([]));
}

#[test]
fn a_checkpoint_stays_whatever_comes_after_it() {
    let host = Host::start();
    probe(&host, "probe", &all());
    let put = |id: &str| json!({"put": {"table": "t", "id": id, "fields": {}}, "must": true});
    let run = host.run(
        "probe",
        &json!([put("a"), email("a"), {"checkpoint": "one"}, put("b"), email("b"), {"trap": null}]),
    );
    assert_eq!((&run["cause"], &run["progress"]), (&json!("trap"), &json!("one")), "{run:#}");
    let ids = || host.rows("t").iter().map(|row| row["id"].as_str().unwrap().to_string()).collect::<Vec<_>>();
    assert_eq!(ids(), ["a"]);
    assert_eq!(host.list("emails").len(), 1);

    let script = json!([{"progress": null}, put("c"), {"checkpoint": "two"}, put("d"), {"fail_until_attempt": 2}, {"progress": null}]);
    let run = host.run_well("probe", &script);
    let answers = answers(&run);
    assert_eq!(
        (&answers[0]["ok"], &answers[5]["ok"]),
        (&json!("two"), &json!("two")),
        "the second attempt began there"
    );
    assert_eq!(run["attempt"], 2);
    assert_eq!(ids(), ["a", "c", "d"]);
    // A new run begins with nothing.
    assert_eq!(host.answers("probe", &json!([{"progress": null}]))[0]["ok"], Value::Null);
}

#[test]
fn a_denied_call_names_the_grant_and_the_run_may_go_on() {
    let host = Host::start();
    let job = probe(&host, "probe", &json!({"tables": {"readable": "read", "writable": "write"}}));
    let warnings = job["warnings"].to_string();
    assert!(warnings.contains("email"), "the deploy had warned: {warnings}");
    host.put("tables/readable").send().json(201);
    for (step, words) in [
        (json!({"get": {"table": "other", "id": "a"}}), "grants.tables"),
        (json!({"insert": {"table": "readable", "fields": {}}}), "grants.tables.readable"),
        (json!({"query": {"table": "writable"}}), "grants.tables.writable"),
        (json!({"update": {"table": "writable", "id": "a", "fields": {}}}), "grants.tables.writable"),
        (json!({"email": {"to": ["a@example.com"], "subject": "x", "text": "x"}}), "grants.email"),
        (json!({"secret": "API_KEY"}), "secret"),
        (json!({"http": {"url": "https://example.com/"}}), "http"),
    ] {
        let run = host.run_well("probe", &json!([step, {"insert": {"table": "writable", "fields": {}}}]));
        let answers = answers(&run);
        assert_eq!(answers[0]["error"]["code"], "denied", "{step}: {answers:?}");
        let message = answers[0]["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{step}: {message}");
        assert!(run["last_error"].as_str().unwrap().starts_with("denied: "), "{run:#}");
        assert!(answers[1]["ok"].is_string(), "the run goes on: {answers:?}");
    }
    assert_eq!(host.count("writable", &[]), 7);
    // A step that must go well ends the run, with the guest's own error.
    let run = host.run("probe", &json!([{"get": {"table": "other", "id": "a"}, "must": true}]));
    assert_eq!((&run["cause"], &run["attempt"]), (&json!("error"), &json!(1)), "{run:#}");
    assert!(run["last_error"].as_str().unwrap().contains("grants.tables"), "{run:#}");
}

#[test]
fn emails_go_where_they_may_and_no_more_than_may() {
    let host = Host::start();
    let grants = json!({"email": {"to": ["*@example.com", "ops@other.org"], "per_run": 2, "per_day": 3}});
    probe(&host, "probe", &grants);
    let to = |address: &str| json!({"email": {"to": [address], "subject": "x", "text": "x"}});
    let answers =
        host.answers("probe", &json!([to("a@other.org"), to("not an address"), to("ops@other.org")]));
    assert_eq!(answers[0]["error"]["code"], "denied");
    assert!(answers[0]["error"]["message"].as_str().unwrap().contains("grants.email.to"), "{answers:?}");
    assert_eq!(answers[1]["error"]["code"], "invalid");
    assert!(answers[2]["ok"].is_string());

    let three = json!([{"repeat": {"times": 3, "step": to("a@example.com")}}]);
    let answers = host.answers("probe", &three);
    assert_eq!(answers[0]["ok"]["done"], 2);
    let message = answers[0]["ok"]["error"]["message"].as_str().unwrap();
    assert!(message.contains("2 (grants.email.per_run)"), "{message}");
    let answers = host.answers("probe", &three);
    assert_eq!(answers[0]["ok"]["done"], 0);
    let message = answers[0]["ok"]["error"]["message"].as_str().unwrap();
    assert!(message.contains("3 (grants.email.per_day)"), "{message}");

    let emails = host.list("emails");
    assert_eq!(emails.len(), 3);
    let mut ids: Vec<&str> = emails.iter().map(|email| email["message_id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3, "each has a Message-ID of its own");
}
