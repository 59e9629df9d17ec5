//! One job, written in each language: every call of the contract, and one expectation of what comes of them.

use crate::tool::{artifacts, built};
use sandglass_tests::{Host, guest, is_full};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};

const INPUT: &str = r#"{"n":9007199254740993,"text":"Grüße 🌍"}"#;
const SECRET: &str = "s3cret-value";

/// What the second attempt returns: the lines of the first, as its checkpoint kept them, and its own.
const EXPECTED: &str = include_str!("../../languages/conformance/expected.txt");

/// Bytes of the text in the largest row, rows of 1,000 bytes each, and the fuel for them. In full nearly what one row may
/// have, and rows for several pages: millions of units each, in an engine that interprets.
fn sizes() -> (u64, u64, u64) {
    if is_full() { (262_000, 4_000, 100_000_000_000) } else { (200_000, 20, 10_000_000_000) }
}

#[track_caller]
fn conforms(component: &[u8], kind: &str, language: Option<&str>) {
    let mut host = Host::start();
    let echo = echo();
    // Nobody listens there any more.
    let gone = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let uploaded = host.post("components").bytes("application/wasm", component).send().json(201);
    assert_eq!(
        (uploaded["kind"].as_str(), uploaded["language"].as_str()),
        (Some(kind), language),
        "{uploaded:#}"
    );
    assert_eq!(uploaded["warnings"], json!([]));
    host.put("secrets/API_KEY").json(&json!({ "value": SECRET })).send();
    host.post("tables/readonly/import").bytes("application/x-ndjson", "{\"id\":\"1\"}\n").send().json(200);
    let granted = [echo, gone].map(|address| json!({"host": address.to_string(), "private": true}));
    let (large, many, fuel) = sizes();
    let specification = json!({
        "component": uploaded["digest"],
        "limits": {"fuel": fuel},
        "env": {
            "LARGE": large.to_string(),
            "MANY": many.to_string(),
            "CITY": "Zürich 🌍",
            "ECHO": format!("http://{echo}/"),
            "GONE": format!("http://{gone}/"),
        },
        "policy": {"retry": {"max_attempts": 2, "initial": "100ms"}},
        "grants": {
            "tables": {"items": "read-write", "readonly": "read"},
            "email": {"to": ["team@example.com"], "per_run": 1},
            "secrets": ["API_KEY"],
            "http": granted,
        },
    });
    let expected = EXPECTED
        .trim_end()
        .replace("{large}", &large.to_string())
        .replace("{many}", &many.to_string())
        .replace("{sum}", &(many * (many - 1) / 2).to_string());
    once(&host, &specification, &expected);
    // What was compiled when it was uploaded serves every start of the host.
    let made = artifacts(&host);
    for _ in 0..if is_full() { 5 } else { 0 } {
        host.restart();
        host.delete("jobs/conformance").send().nothing(204);
        host.delete("tables/items").send();
        once(&host, &specification, &expected);
        assert_eq!(artifacts(&host), made, "something was compiled again");
    }
}

/// The first run of a job from its request to what is left of it, where there were no rows before.
#[track_caller]
fn once(host: &Host, specification: &Value, expected: &str) {
    host.put("jobs/conformance").json(specification).send().json(201);
    let sent = host.list("emails").len();
    // As text: an input keeps all its digits.
    let asked = host
        .post("jobs/conformance/runs")
        .query("wait", "60s")
        .bytes("application/json", format!("{{\"input\":{INPUT}}}"));
    let run = asked.send().json(200);
    assert_eq!(run["outcome"], "succeeded", "{run:#}");
    assert_eq!(run["result"].as_str().unwrap(), expected, "{run:#}");
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
    assert_eq!(emails.len(), sent + 1);
    let email = host.read(format!("emails/{}", emails[0]["id"].as_str().unwrap()));
    assert_eq!(email["subject"], "Grüße 🌍", "{email:#}");
    assert!(email.to_string().contains("a.txt"), "{email:#}");
}

/// A server that answers each request with its body and its header x-a.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
            let (mut header, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).is_err() || line.trim().is_empty() {
                    break;
                }
                match line.trim().to_ascii_lowercase().split_once(": ") {
                    Some(("x-a", value)) => header = value.to_string(),
                    Some(("content-length", value)) => length = value.parse().unwrap_or(0),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            if reader.read_exact(&mut body).is_ok() {
                let head =
                    format!("HTTP/1.1 201 Created\r\nx-a: {header}\r\ncontent-length: {length}\r\n\r\n");
                // A client that is gone needs no answer.
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
            }
        }
    });
    address
}

#[test]
fn rust() {
    conforms(&guest("conformance"), "component", Some("Rust"));
}

#[test]
fn javascript() {
    conforms(&built("tests/languages/conformance/javascript"), "component", Some("JavaScript"));
}

/// The same source on another engine, in a component that imports `wasi:http` and more whether it needs them or not.
#[test]
fn javascript_on_starlingmonkey() {
    conforms(&built("tests/languages/conformance/starlingmonkey"), "component", Some("JavaScript"));
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
