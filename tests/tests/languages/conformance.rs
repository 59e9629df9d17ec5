//! One job, written in each language: every call of the contract, and one expectation of what comes of them.

use crate::tool::built;
use sandglass_tests::{Host, guest};
use serde_json::{Value, json};

const INPUT: &str = r#"{"n":9007199254740993,"text":"Grüße 🌍"}"#;
const SECRET: &str = "s3cret-value";

/// What the second attempt returns: the lines of the first, as its checkpoint kept them, and its own.
const EXPECTED: &str = include_str!("../../languages/conformance/expected.txt");

#[track_caller]
fn conforms(component: &[u8], kind: &str, language: Option<&str>) {
    let host = Host::start();
    let uploaded = host.post("components").bytes("application/wasm", component).send().json(201);
    assert_eq!(
        (uploaded["kind"].as_str(), uploaded["language"].as_str()),
        (Some(kind), language),
        "{uploaded:#}"
    );
    assert_eq!(uploaded["warnings"], json!([]));
    host.put("secrets/API_KEY").json(&json!({ "value": SECRET })).send();
    host.post("tables/readonly/import").bytes("application/x-ndjson", "{\"id\":\"1\"}\n").send().json(200);
    let specification = json!({
        "component": uploaded["digest"],
        "env": {"CITY": "Zürich 🌍"},
        "policy": {"retry": {"max_attempts": 2, "initial": "100ms"}},
        "grants": {
            "tables": {"items": "read-write", "readonly": "read"},
            "email": {"to": ["team@example.com"], "per_run": 1},
            "secrets": ["API_KEY"],
        },
    });
    host.put("jobs/conformance").json(&specification).send().json(201);
    // As text: an input keeps all its digits.
    let asked = host
        .post("jobs/conformance/runs")
        .query("wait", "60s")
        .bytes("application/json", format!("{{\"input\":{INPUT}}}"));
    let run = asked.send().json(200);
    assert_eq!(run["outcome"], "succeeded", "{run:#}");
    assert_eq!(run["result"].as_str().unwrap(), EXPECTED.trim_end(), "{run:#}");
    let first = &run["attempts"][0];
    assert_eq!((&first["cause"], &first["message"]), (&json!("error"), &json!("again")));

    let log = host.get(format!("runs/{}/logs", run["id"].as_str().unwrap())).send().lines();
    let of_job: Vec<(Value, Value)> = log
        .iter()
        .filter(|line| line["source"] == "log")
        .map(|line| (line["level"].clone(), line["message"].clone()))
        .collect();
    let levels = ["trace", "debug", "info", "warn", "error"];
    assert_eq!(of_job, levels.map(|level| (json!(level), json!(format!("{level} ü")))));

    let items = host.rows("items");
    assert_eq!(items.len(), 3);
    let kept = items.iter().find(|row| row["id"] == "a").expect("the row that was inserted first");
    assert_eq!(
        (&kept["extra"], kept["n"].to_string().as_str()),
        (&json!(true), "9007199254740993"),
        "{kept}"
    );
    let emails = host.list("emails");
    assert_eq!(emails.len(), 1);
    let email = host.read(format!("emails/{}", emails[0]["id"].as_str().unwrap()));
    assert_eq!(email["subject"], "Grüße 🌍", "{email:#}");
    assert!(email.to_string().contains("a.txt"), "{email:#}");
}

#[test]
fn rust() {
    conforms(&guest("conformance"), "component", Some("Rust"));
}

#[test]
fn javascript() {
    conforms(&built("tests/languages/conformance/javascript"), "component", Some("JavaScript"));
}

#[test]
fn python() {
    conforms(&built("tests/languages/conformance/python"), "component", Some("Python"));
}

#[test]
fn c() {
    conforms(&built("tests/languages/conformance/c"), "module", Some("C11"));
}

#[test]
fn go() {
    conforms(&built("tests/languages/conformance/go"), "module", Some("Go"));
}
