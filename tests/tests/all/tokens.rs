//! Tokens with rights of their own, and the record of who changed what.

use sandglass_tests::{Client, Host, until};
use serde_json::{Value, json};

/// A client with a new token.
#[track_caller]
fn client(host: &Host, document: &Value) -> Client {
    let made = host.post("tokens").json(document).send().json(201);
    host.with_token(Some(made["token"].as_str().unwrap()))
}

fn status(client: &Client, method: &str, path: &str, body: Option<Value>) -> u16 {
    let call = client.call(method, path);
    match body {
        Some(body) => call.json(&body).send().status,
        None => call.send().status,
    }
}

#[test]
fn a_token_does_what_its_right_says_and_no_more() {
    let host = Host::start();
    host.deploy("job", "trivial", json!({}));
    let component = host.read("jobs/job")["specification"]["component"].clone();
    let of = |right: &str| client(&host, &json!({"name": format!("a-{right}"), "right": right}));
    let (reader, runner, deployer, admin) = (of("read"), of("run"), of("deploy"), of("admin"));
    let spec = || Some(json!({ "component": component }));
    // The first of the four that may, and the answer when one may.
    for (method, path, body, first, answer) in [
        ("GET", "jobs", None, 0, 200),
        ("GET", "runs", None, 0, 200),
        ("GET", "/metrics", None, 0, 200),
        ("POST", "jobs/job/runs", Some(json!({})), 1, 202),
        ("PUT", "jobs/job", spec(), 2, 200),
        ("POST", "jobs/job/pause", Some(json!({})), 2, 200),
        ("GET", "secrets", None, 3, 200),
        ("GET", "emails", None, 3, 200),
        ("GET", "tokens", None, 3, 200),
        ("GET", "audit", None, 3, 200),
        ("PUT", "secrets/KEY", Some(json!({"value": "value"})), 3, 201),
        // A table is reached by a grant, whatever the right.
        ("GET", "tables/t/rows", None, 3, 404),
        ("PUT", "tables/t", None, 3, 201),
    ] {
        for (number, client) in [&reader, &runner, &deployer, &admin].into_iter().enumerate() {
            // A secret and a table are new once, and then they are there.
            let told = status(client, method, path, body.clone());
            assert_eq!(told, if number < first { 403 } else { answer }, "{method} {path} as number {number}");
        }
    }
    let refused = reader.post("jobs/job/runs").json(&json!({})).send().refusal(403, "forbidden");
    let detail = refused["detail"].as_str().unwrap();
    assert_eq!(detail, "this needs a token with the right `run`, and `a-read` has `read`");
}

#[test]
fn nobody_deploys_a_grant_that_their_own_token_lacks() {
    let host = Host::start();
    let grants =
        json!({"tables": {"mine": "read-write"}, "email": {"to": ["*@example.com"]}, "secrets": ["KEY"]});
    let deployer = client(&host, &json!({"name": "ci", "right": "deploy", "grants": grants}));
    let component = deployer.upload(&sandglass_tests::guest("trivial"));
    let spec = |grants: Value| json!({ "component": component, "grants": grants });
    deployer.put("jobs/job").json(&spec(json!({"tables": {"mine": "read"}}))).send().json(201);
    let beyond = spec(json!({
        "tables": {"mine": "read", "theirs": "read"},
        "email": {"to": ["a@example.com", "a@example.org"]},
        "http": ["api.example.com"],
        "secrets": ["KEY", "OTHER"],
    }));
    let refused = deployer.put("jobs/job").json(&beyond).send().refusal(403, "forbidden");
    let pointers: Vec<&str> = refused["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["pointer"].as_str().unwrap())
        .collect();
    let expected = ["/grants/tables/theirs", "/grants/email/to/1", "/grants/http/0", "/grants/secrets/1"];
    assert_eq!(pointers, expected);
    let patch = json!({"notify": {"on": ["failure"], "email": ["a@example.org"]}});
    deployer.patch("jobs/job").json(&patch).send().refusal(403, "forbidden");

    // Nor by going back to what somebody else had deployed, nor by new code under grants that are there.
    host.put("jobs/job").json(&beyond).send().json(200);
    host.put("jobs/job").json(&spec(json!({}))).send().json(200);
    deployer.post("jobs/job/rollback").json(&json!({"revision": 2})).send().refusal(403, "forbidden");
    assert_eq!(host.read("jobs/job")["revision"], 3);
    host.post("jobs/job/rollback").json(&json!({"revision": 2})).send().json(200);
    deployer.patch("jobs/job").json(&json!({"schedule": {"every": "1h"}})).send().refusal(403, "forbidden");
    assert_eq!(host.read("jobs/job")["revision"], 4);
}

#[test]
fn tables_are_reached_as_the_token_was_granted() {
    let host = Host::start();
    host.post("tables/log/rows").json(&json!({"id": "1", "n": 1})).send().json(201);
    let sensor =
        client(&host, &json!({"name": "sensor", "right": "read", "grants": {"tables": {"log": "write"}}}));
    let viewer =
        client(&host, &json!({"name": "viewer", "right": "read", "grants": {"tables": {"log": "read"}}}));
    sensor.post("tables/log/rows").json(&json!({"id": "2", "n": 2})).send().json(201);
    sensor.get("tables/log/rows").send().refusal(403, "forbidden");
    sensor.delete("tables/log/rows/1").send().refusal(403, "forbidden");
    let insert = |table: &str| json!({"writes": [{"table": table, "insert": {"id": table}}]});
    sensor.post("batch").json(&insert("log")).send().json(200);
    sensor.post("batch").json(&insert("other")).send().refusal(403, "forbidden");
    let update = json!({"writes": [{"table": "log", "update": {"id": "1", "n": 5}}]});
    sensor.post("batch").json(&update).send().refusal(403, "forbidden");
    assert_eq!(viewer.list("tables/log/rows").len(), 3);
    viewer.post("tables/log/rows").json(&json!({"n": 3})).send().refusal(403, "forbidden");
    viewer.get("tables/log2/rows").send().refusal(403, "forbidden");
    // However its name is written.
    viewer.get("tables/%6cog2/rows").send().refusal(403, "forbidden");
    assert_eq!(viewer.list("tables/%6cog/rows").len(), 3);
}

#[test]
fn a_token_ends_when_its_time_or_somebody_says_so() {
    let host = Host::start();
    let brief = client(&host, &json!({"name": "brief", "right": "read", "expires_in": "1ms"}));
    until("the token's end", || (brief.get("jobs").send().status == 401).then_some(()));
    let other = client(&host, &json!({"name": "other", "right": "admin"}));
    let again = host.post("tokens").json(&json!({"name": "other", "right": "read"})).send();
    again.refusal(409, "conflict");
    let names = |client: &Client| -> Vec<String> {
        client.list("tokens").iter().map(|token| token["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&host), ["brief", "first", "other"]);
    assert!(!host.get("tokens").send().text().contains("sgl_"));
    other.delete("tokens/first").send().nothing(204);
    host.get("jobs").send().refusal(401, "unauthorized");
    // Somebody must be able to make others.
    let refused = other.delete("tokens/other").send().refusal(409, "conflict");
    assert!(refused["detail"].as_str().unwrap().contains("last token"), "{refused}");
    for (document, pointer) in [
        (json!({"name": "No", "right": "read"}), "/name"),
        (json!({"name": "no", "right": "write"}), "/right"),
        (json!({"name": "no", "right": "admin", "grants": {"secrets": ["A"]}}), "/grants"),
        (json!({"name": "no", "right": "read", "expires_in": "0s"}), "/expires_in"),
    ] {
        let refused = other.post("tokens").json(&document).send().refusal(422, "invalid");
        assert_eq!(refused["problems"][0]["pointer"], pointer, "{refused}");
    }
}

#[test]
fn changes_are_recorded_with_who_made_them() {
    let mut host = Host::start();
    let runner = client(&host, &json!({"name": "night-shift", "right": "run"}));
    host.deploy("job", "trivial", json!({}));
    host.put("secrets/KEY").json(&json!({"value": "canary-canary"})).send().json(201);
    runner.put("secrets/KEY").json(&json!({"value": "other-value"})).send().refusal(403, "forbidden");
    let run = runner.post("jobs/job/runs").json(&json!({})).send().json(202);
    host.ended(run["id"].as_str().unwrap());
    host.put("jobs/%00").json(&json!({})).send();
    host.kill();
    host.restart();
    let entries = host.list("audit");
    let told: Vec<String> = entries
        .iter()
        .rev()
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            format!("{} {} {} {}", text("token"), text("method"), text("path"), entry["status"])
        })
        .collect();
    assert_eq!(
        told,
        [
            "first POST /tokens 201",
            "first POST /components 201",
            "first PUT /jobs/job 201",
            "first PUT /secrets/KEY 201",
            "night-shift PUT /secrets/KEY 403",
        ]
    );
    assert!(!format!("{entries:?}").contains("canary"));
}

#[test]
fn a_batch_needs_a_grant_for_each_of_its_tables() {
    let host = Host::start();
    let grants = json!({"tables": {"added": "write", "kept": "read-write", "seen": "read"}});
    let client = client(&host, &json!({"name": "writer", "right": "read", "grants": grants}));
    let insert = |table: &str| json!({"table": table, "insert": {"id": "x"}});
    let put = |table: &str| json!({"table": table, "put": {"id": "x"}});
    let update = |table: &str| json!({"table": table, "update": {"id": "x", "n": 1}});
    for (writes, expected) in [
        (vec![insert("added"), put("kept")], 200),
        (vec![update("added")], 403),
        (vec![insert("seen")], 403),
        (vec![put("kept"), insert("other")], 403),
    ] {
        let body = Some(json!({ "writes": writes }));
        assert_eq!(status(&client, "POST", "batch", body), expected, "{writes:?}");
    }
    assert_eq!(host.rows("added").len() + host.rows("kept").len(), 2);
}
