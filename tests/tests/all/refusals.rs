//! What the host refuses: with a sentence that helps, and without a trace.

use sandglass_tests::{Answer, Client, Host, guest, said};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// Everything that a refusal must leave as it was.
fn everything(host: &Host) -> Vec<Vec<Value>> {
    let mut lists: Vec<Vec<Value>> =
        ["components", "jobs", "tables", "runs", "emails"].map(|path| host.list(path)).to_vec();
    for job in host.list("jobs") {
        lists.push(host.list(&format!("jobs/{}/revisions", job["name"].as_str().unwrap())));
    }
    for table in host.list("tables") {
        lists.push(host.rows(table["name"].as_str().unwrap()));
    }
    lists
}

/// A host with one of each thing.
fn furnished() -> Host {
    let host = Host::start();
    host.deploy("job", "trivial", json!({"schedule": {"at": "2099-01-01T00:00:00Z"}, "env": {"A": "1"}}));
    host.run_well("job", &Value::Null);
    host.post("tables/t/rows").json(&json!({"id": "row", "n": 1})).send().json(201);
    host
}

fn text(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).expect("the test's own component")
}

/// Uploads that are no jobs, each with words that its refusal must have.
fn bad_uploads() -> Vec<(&'static str, Vec<u8>, Vec<&'static str>)> {
    let probe = guest("probe");
    let noise: Vec<u8> = (0..10_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let other_run = r#"(component
        (core module $m (func (export "run") (result i32) i32.const 7))
        (core instance $i (instantiate $m))
        (func $run (result u32) (canon lift (core func $i "run")))
        (instance $api (export "run" (func $run)))
        (export "sandglass:job/run@0.1.0" (instance $api)))"#;
    vec![
        ("random bytes", noise, vec!["not WebAssembly", "wasm32-wasip2"]),
        ("text", b"(component)".to_vec(), vec!["text format"]),
        (
            "a truncated component",
            probe[..probe.len() / 2].to_vec(),
            vec!["cut short", "send the whole file"],
        ),
        ("a header alone", probe[..6].to_vec(), vec!["cut short"]),
        (
            "a core module",
            text("(module)"),
            vec!["it exports neither `sandglass:job/run@0.1.0#run`", "docs/core-module-abi.md"],
        ),
        (
            "an unknown import",
            text(r#"(component (import "acme:db/sql" (instance (export "query" (func)))))"#),
            vec!["`acme:db/sql`", "does not have", "sandglass:job/", "table", "wasi:"],
        ),
        (
            "another version",
            text(r#"(component (import "sandglass:job/table@9.9.9" (instance (export "open" (func)))))"#),
            vec!["`sandglass:job/table@9.9.9`", "sandglass:job/table@0.1.0"],
        ),
        ("no run", text("(component)"), vec!["does not export `sandglass:job/run@0.1.0`", "world `job`"]),
        (
            "another run",
            text(other_run),
            vec!["wrong type", "func() -> u32", "option<string>", "result<option<string>, failure>"],
        ),
        (
            "a damaged component",
            {
                let mut bytes = probe.clone();
                let middle = bytes.len() / 2;
                bytes[middle..middle + 64].fill(0xff);
                bytes
            },
            vec!["not a valid component"],
        ),
        (
            "one with too many memories",
            text(&format!(
                r"(component (core module $m {}) {})",
                "(memory 1)",
                "(core instance (instantiate $m))".repeat(9)
            )),
            vec!["more than a job is given", "9 ", "of 8"],
        ),
    ]
}

#[test]
fn an_upload_that_is_no_job_is_refused_with_what_is_wrong_and_stores_nothing() {
    let host = furnished();
    let before = everything(&host);
    for (name, bytes, words) in bad_uploads() {
        for call in
            [host.post("components"), host.put("jobs/new/component?every=1h"), host.put("jobs/job/component")]
        {
            let refusal =
                call.bytes("application/wasm", bytes.clone()).send().refusal(422, "invalid-component");
            let said = said(&refusal);
            for word in &words {
                assert!(said.contains(word), "{name}: it does not say {word:?}: {said}");
            }
        }
        assert_eq!(everything(&host), before, "{name}");
    }
    host.run_well("job", &Value::Null);
}

#[test]
fn a_good_component_with_a_bad_schedule_is_not_stored() {
    let host = furnished();
    let before = everything(&host);
    for (query, pointer) in [
        ("every=1+fortnight", "/every"),
        ("cron=61+*+*+*+*", "/cron"),
        ("at=tomorrow", "/at"),
        ("every=1h&cron=@daily", "/cron"),
        ("every=1h&time_zone=Mars/Olympus", "/time_zone"),
        ("evry=1h", "/evry"),
    ] {
        let upload =
            host.put(format!("jobs/new/component?{query}")).bytes("application/wasm", guest("probe"));
        let refusal = upload.send().refusal(422, "invalid");
        let problems = refusal["problems"].as_array().unwrap();
        let ends = |one: &Value| one["pointer"].as_str().unwrap().ends_with(pointer);
        assert!(problems.iter().any(ends), "{query}: {refusal}");
        assert_eq!(everything(&host), before, "{query}");
    }
}

#[test]
fn a_bad_specification_is_refused_with_every_problem_at_its_place() {
    let host = furnished();
    let before = everything(&host);
    let unknown = "0".repeat(64);
    let refusal = host.put("jobs/new").json(&json!({
        "component": "abc",
        "schedule": {"every": "1 fortnight"},
        "policy": {"overlap": "maybe"},
        "limits": {"memory": "2GiB"},
        "grants": {"email": {"to": ["nobody"]}},
        "env": {"A": 1},
        "notifies": {},
    }));
    let refusal = refusal.send().refusal(422, "invalid");
    let pointers: Vec<&str> =
        refusal["problems"].as_array().unwrap().iter().map(|one| one["pointer"].as_str().unwrap()).collect();
    for pointer in [
        "/component",
        "/schedule/every",
        "/policy/overlap",
        "/limits/memory",
        "/grants/email/to/0",
        "/env/A",
        "/notifies",
    ] {
        assert!(pointers.contains(&pointer), "{pointer}: {refusal}");
    }
    let refusal = host.put("jobs/new").json(&json!({"component": unknown})).send().refusal(422, "invalid");
    assert!(said(&refusal).contains("upload it first"), "{refusal}");
    host.put("jobs/NO!").json(&json!({"component": unknown})).send().refusal(422, "invalid");
    host.patch("jobs/job").json(&json!({"policy": {"timeout": "2d"}})).send().refusal(422, "invalid");
    host.post("jobs/job/rollback").json(&json!({"revision": 7})).send().refusal(404, "not-found");
    assert_eq!(everything(&host), before);
}

/// The status of the answer to a request that only begins.
fn status_of(host: &Host, method: &str, path: &str, headers: &str, body: &[u8]) -> u16 {
    let address = host.url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "{method} /v1/{path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n{headers}\r\n",
        host.token()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The host may hang up on what it refuses.
    let _ = stream.write_all(body);
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer
        .strip_prefix("HTTP/1.1 ")
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("{answer}"))
}

#[test]
fn what_is_too_large_is_refused_before_it_is_taken() {
    let host = furnished();
    let before = everything(&host);
    let wasm = "content-type: application/wasm\r\n";
    let announced = format!("{wasm}content-length: {}\r\n", (64 << 20) + 1);
    for (method, path) in
        [("POST", "components"), ("PUT", "jobs/new/component"), ("PUT", "jobs/job/component?every=1h")]
    {
        assert_eq!(status_of(&host, method, path, &announced, b""), 413, "{method} {path}");
    }
    // One that never says how long it is.
    let chunk = [b"100000\r\n".as_slice(), &vec![0; 1 << 20], b"\r\n"].concat().repeat(65);
    assert_eq!(
        status_of(&host, "POST", "components", &format!("{wasm}transfer-encoding: chunked\r\n"), &chunk),
        413
    );

    let large = |bytes: usize| json!("x".repeat(bytes));
    host.put("jobs/job").json(&json!({"component": large(5 << 20)})).send().refusal(413, "too-large");
    let run = host.post("jobs/job/runs").json(&json!({"input": large((256 << 10) + 1)}));
    run.send().refusal(413, "too-large");
    let row = host.post("tables/t/rows").json(&json!({"text": large(257 << 10)})).send();
    assert!(matches!(row.status, 413 | 422), "{}: {}", row.status, row.text());
    // Headers come in pieces, and are measured after each.
    let headers = format!("x-long: {}\r\ncontent-length: 0\r\n", "x".repeat(200 << 10));
    assert_eq!(status_of(&host, "POST", "jobs/job/runs", &headers, b""), 431);
    assert_eq!(everything(&host), before);
}

#[test]
fn without_a_token_nothing_below_v1_answers() {
    let host = furnished();
    let before = everything(&host);
    let component = host.list("components")[0]["digest"].as_str().unwrap().to_string();
    let run = host.list("runs")[0]["id"].as_str().unwrap().to_string();
    let routes = [
        ("GET", "components".to_string()),
        ("POST", "components".into()),
        ("GET", format!("components/{component}")),
        ("GET", format!("components/{component}/wasm")),
        ("GET", "jobs".into()),
        ("GET", "jobs/job".into()),
        ("PUT", "jobs/job".into()),
        ("PATCH", "jobs/job".into()),
        ("DELETE", "jobs/job".into()),
        ("PUT", "jobs/job/component".into()),
        ("POST", "jobs/job/pause".into()),
        ("POST", "jobs/job/resume".into()),
        ("POST", "jobs/job/rollback".into()),
        ("GET", "jobs/job/revisions".into()),
        ("GET", "jobs/job/skips".into()),
        ("GET", "jobs/job/runs".into()),
        ("POST", "jobs/job/runs".into()),
        ("GET", "runs".into()),
        ("GET", format!("runs/{run}")),
        ("POST", format!("runs/{run}/cancel")),
        ("GET", format!("runs/{run}/logs")),
        ("GET", "schedules/preview?every=1h".into()),
        ("GET", "upcoming".into()),
        ("GET", "tables".into()),
        ("GET", "tables/t".into()),
        ("PUT", "tables/new".into()),
        ("DELETE", "tables/t".into()),
        ("GET", "tables/t/rows".into()),
        ("POST", "tables/t/rows".into()),
        ("DELETE", "tables/t/rows?all=true".into()),
        ("GET", "tables/t/rows/row".into()),
        ("PUT", "tables/t/rows/row".into()),
        ("PATCH", "tables/t/rows/row".into()),
        ("DELETE", "tables/t/rows/row".into()),
        ("GET", "tables/t/export".into()),
        ("POST", "tables/t/import".into()),
        ("GET", "emails".into()),
        ("GET", "emails/1-0".into()),
        ("GET", "nothing/here".into()),
    ];
    let another = format!("sgl_{}", "A".repeat(43));
    for token in [None, Some(another.as_str()), Some("sgl_"), Some(&host.token()[..20])] {
        let stranger: Client = host.with_token(token);
        for (method, path) in &routes {
            let answer: Answer = stranger.call(method, path.clone()).send();
            answer.refusal(401, "unauthorized");
            let challenge = answer.header("www-authenticate").unwrap_or_default();
            assert!(challenge.starts_with("Bearer"), "{method} {path}: {challenge}");
        }
    }
    let stranger = host.with_token(None);
    assert_eq!(stranger.read("/healthz"), json!({"status": "ok"}));
    assert_eq!(stranger.get("/readyz").send().status, 200);
    assert_eq!(everything(&host), before);
}

#[test]
fn what_does_not_exist_or_does_not_fit_has_its_own_status() {
    let host = furnished();
    let before = everything(&host);
    let run = host.list("runs")[0]["id"].as_str().unwrap().to_string();
    let no_run = "0199a1b2-0000-7000-8000-000000000001";
    for path in [
        "nothing",
        "jobs/none",
        "jobs/none/runs",
        "jobs/none/skips",
        "jobs/none/revisions",
        &format!("runs/{no_run}"),
        &format!("runs/{no_run}/logs"),
        "tables/none",
        "tables/none/rows",
        "tables/none/export",
        "tables/t/rows/none",
        "emails/999999-0",
        &format!("components/{}", "0".repeat(64)),
        "schedules/preview?job=none",
    ] {
        host.get(path).send().refusal(404, "not-found");
    }
    for (method, path) in [
        ("DELETE", "jobs/none"),
        ("PATCH", "jobs/none"),
        ("POST", "jobs/none/runs"),
        ("POST", "jobs/none/pause"),
        ("DELETE", "tables/none"),
        ("DELETE", "tables/t/rows/none"),
        ("PATCH", "tables/t/rows/none"),
    ] {
        let mut call = host.call(method, path);
        if method != "DELETE" {
            call = call.json(&json!({}));
        }
        call.send().refusal(404, "not-found");
    }
    for (method, path) in [
        ("DELETE", "jobs"),
        ("POST", "jobs/job"),
        ("PUT", "runs"),
        ("PATCH", "tables/t"),
        ("DELETE", "emails"),
    ] {
        let answer = host.call(method, path).send();
        answer.refusal(405, "method-not-allowed");
        assert!(answer.header("allow").is_some_and(|allow| allow.contains("GET")), "{method} {path}");
    }
    host.post(format!("runs/{run}/cancel")).send().refusal(409, "conflict");
    host.post("tables/t/rows").json(&json!({"id": "row"})).send().refusal(409, "conflict");
    host.put("jobs/job").bytes("application/json", "{\"component\": ").send().refusal(400, "bad-request");
    host.put("jobs/job").bytes("text/plain", "{}").send().refusal(415, "unsupported-media-type");
    host.post("components")
        .bytes("text/plain", guest("trivial"))
        .send()
        .refusal(415, "unsupported-media-type");
    host.get("runs?outcome=splendid").send().refusal(422, "invalid");
    host.get("jobs?limit=0").send().refusal(422, "invalid");
    host.get("jobs?cursor=nonsense").send().refusal(422, "invalid");
    host.delete("tables/t/rows").send().refusal(422, "invalid");
    assert_eq!(everything(&host), before);
}

#[test]
fn a_change_of_another_version_is_refused() {
    let host = furnished();
    let before = everything(&host);
    let job = host.get("jobs/job").send();
    let tag = job.header("etag").expect("a job has a tag").to_string();
    assert_eq!(tag, format!("\"{}\"", job.json(200)["version"]));
    let specification = job.json(200)["specification"].clone();
    for (call, header, value) in [
        (host.put("jobs/job").json(&specification), "if-match", "\"1\""),
        (host.put("jobs/job").json(&specification), "if-none-match", "*"),
        (host.put("jobs/none").json(&specification), "if-match", "\"1\""),
        (host.patch("jobs/job").json(&json!({"env": {"A": "2"}})), "if-match", "\"1\""),
        (host.post("jobs/job/pause"), "if-match", "\"1\""),
        (host.delete("jobs/job"), "if-match", "\"1\""),
    ] {
        call.header(header, value).send().refusal(412, "precondition-failed");
    }
    assert_eq!(everything(&host), before);
    let changed =
        host.patch("jobs/job").json(&json!({"env": {"A": "2"}})).header("if-match", &tag).send().json(200);
    assert_eq!(changed["specification"]["env"], json!({"A": "2"}));
    host.patch("jobs/job")
        .json(&json!({"env": {"A": "3"}}))
        .header("if-match", &tag)
        .send()
        .refusal(412, "precondition-failed");
}
