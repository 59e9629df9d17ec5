//! Secrets: who gets one, and where none is ever found.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sandglass_tests::{Host, answers, binary};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Letters and digits that stand nowhere else.
const CANARY: &str = "kYq3Zt8WmR2xVb7NcJ5fHd9LsGp4TaUe6oXiQw1rEzBnMvKy";

/// What tells that a text was there: parts of the canary, any of which is long enough to be no accident, since what
/// stores it may cut it in two; and the same in base64, which depends on what stands before it.
fn traces() -> Vec<Vec<u8>> {
    let parts =
        |text: &str| -> Vec<Vec<u8>> { text.as_bytes().chunks_exact(16).map(<[u8]>::to_vec).collect() };
    let mut traces = parts(CANARY);
    for before in ["", "x", "xx"] {
        let encoded = STANDARD.encode(format!("{before}{CANARY}"));
        // Without the letters that depend on what is around it.
        traces.extend(parts(&encoded[4..encoded.len() - 4]));
    }
    traces
}

fn holds(bytes: &[u8], traces: &[Vec<u8>]) -> bool {
    traces.iter().any(|trace| bytes.windows(trace.len()).any(|window| window == trace.as_slice()))
}

/// The files of a folder and of those in it that hold a trace of the canary.
fn files_with_it(folder: &Path) -> Vec<PathBuf> {
    let traces = traces();
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    let mut looked_at = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                looked_at += 1;
                if holds(&fs::read(&path).unwrap(), &traces) {
                    found.push(path);
                }
            }
        }
    }
    assert!(looked_at > 3, "a data folder has more files than {looked_at}");
    found
}

#[track_caller]
fn is_clean(what: &str, text: &str) {
    assert!(!holds(text.as_bytes(), &traces()), "{what} holds the secret: {text}");
}

fn set(host: &Host, name: &str, value: &str) {
    let answer = host.put(format!("secrets/{name}")).json(&json!({ "value": value })).send();
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    is_clean("the answer to PUT", &answer.text());
}

fn probe(host: &Host, job: &str, grants: &Value) {
    let policy = json!({"retry": {"max_attempts": 2, "initial": "0s", "max": "0s"}});
    host.deploy(job, "probe", json!({ "grants": grants, "policy": policy }));
}

/// Everything that the API shows, but for mails and rows.
fn shown(host: &Host) -> Vec<(String, String)> {
    let mut paths: Vec<String> =
        ["jobs", "runs", "secrets", "tables", "upcoming", "components", "/metrics", "/readyz"]
            .map(String::from)
            .to_vec();
    for job in host.list("jobs") {
        let name = job["name"].as_str().unwrap();
        paths.push(format!("jobs/{name}"));
        paths.push(format!("jobs/{name}/runs"));
        paths.push(format!("jobs/{name}/revisions"));
    }
    for run in host.list("runs") {
        let id = run["id"].as_str().unwrap();
        paths.push(format!("runs/{id}"));
        paths.push(format!("runs/{id}/logs"));
    }
    paths.into_iter().map(|path| (path.clone(), host.get(path).send().text())).collect()
}

#[track_caller]
fn nothing_shows_it(host: &Host) {
    let shown = shown(host);
    assert!(shown.iter().filter(|(path, _)| path.ends_with("/logs")).count() > 3);
    for (path, text) in shown {
        is_clean(&path, &text);
    }
    is_clean("stderr", &host.stderr());
}

#[test]
fn a_secret_is_found_nowhere_but_where_its_job_was_allowed_to_put_it() {
    // The host's own log tells all that it can.
    let mut host = Host::start_in(&[("SANDGLASS_LOG", "trace")]);
    set(&host, "CANARY", CANARY);
    let grants = json!({
        "secrets": ["CANARY"],
        "tables": {"t": "read-write"},
        "email": {"to": ["*@example.com"]},
    });
    probe(&host, "canary", &grants);
    let escaped = "\"{secret CANARY}\"\\{secret CANARY}";
    let told = [
        // Printed, in one write and in several, to both streams and to the log; and returned.
        json!([
            {"secret": "CANARY"},
            {"print": "a {secret CANARY} b"},
            {"eprint": "{secret CANARY}{secret CANARY}"},
            {"log": {"level": "error", "message": "{secret CANARY}"}},
            {"log": {"level": "info", "message": escaped}},
        ]),
        json!([{"return": "the key is {secret CANARY}"}]),
        // Failed, with another attempt and without.
        json!([{"fail": {"message": "401 for {secret CANARY}"}}]),
        json!([{"fail": {"message": "{secret CANARY}", "retry": true}}]),
        // In the errors of host calls: an argument that is wrong, a row that is not there, a table nobody granted.
        json!([{"get": {"table": "t", "id": "{secret CANARY}"}}]),
        json!([{"update": {"table": "t", "id": "{secret CANARY}", "fields": {}}}]),
        json!([{"get": {"table": "t{secret CANARY}", "id": "x"}, "must": true}]),
        json!([{"email": {"to": ["{secret CANARY}@other.org"], "subject": "x", "text": "x"}, "must": true}]),
        json!([{"secret": "{secret CANARY}", "must": true}]),
        json!([{"http": {"url": "http://{secret CANARY}.example.com/"}, "must": true}]),
        // Trapped, with it on the stack and in a panic's words.
        json!([{"secret": "CANARY"}, {"trap": null}]),
        json!([{"panic": "unexpected: {secret CANARY}"}]),
        json!([{"secret": "CANARY"}, {"exit": 1}]),
        json!([{"secret": "CANARY"}, {"print": "{secret CANARY}"}, {"recurse": null}]),
    ];
    for script in &told {
        host.run("canary", script);
    }
    let runs = host.list("runs");
    assert_eq!(runs.len(), told.len());
    let returned = runs.iter().any(|run| run["result"] == "the key is [secret CANARY]");
    let runs: Vec<Value> =
        runs.iter().map(|run| host.read(format!("runs/{}", run["id"].as_str().unwrap()))).collect();
    let failed = runs.iter().any(|run| run.to_string().contains("401 for [secret CANARY]"));
    let returned = returned || runs.iter().any(|run| run["result"] == "the key is [secret CANARY]");
    assert!(returned && failed, "{runs:#?}");
    nothing_shows_it(&host);
    host.stop();
    assert_eq!(files_with_it(host.place()), [""; 0].map(PathBuf::from));

    // A mail to an address that was granted is one place where the job may put it, and a row is another.
    host.restart();
    let mail = json!({"email": {"to": ["ops@example.com"], "subject": "key", "text": "{secret CANARY}"}, "must": true});
    host.run_well("canary", &json!([mail]));
    let mails = host.list("emails");
    assert_eq!(mails[0]["text"], CANARY);
    nothing_shows_it(&host);
    host.stop();
    let files = files_with_it(host.place());
    let of_state = |path: &PathBuf| path.starts_with(host.folder().join("store/state"));
    assert!(!files.is_empty() && files.iter().all(of_state), "{files:?}");
}

#[test]
fn a_conflict_over_a_row_that_is_named_by_a_secret_does_not_tell_its_name() {
    let host = Host::start();
    set(&host, "CANARY", CANARY);
    let grants = json!({"secrets": ["CANARY"], "tables": {"t": "read-write", "signals": "read"}});
    probe(&host, "canary", &grants);
    host.put("tables/signals").send().json(201);
    host.post("tables/t/rows").json(&json!({"id": CANARY, "n": 1})).send().json(201);
    let run = host.start(
        "canary",
        &json!([
            {"update": {"table": "t", "id": "{secret CANARY}", "fields": {"n": 2}}},
            {"log": {"level": "info", "message": "written"}},
            {"wait_for_row": {"table": "signals", "id": "go"}},
        ]),
    );
    host.follow(&run).wait_for("written");
    let changed = host.patch(format!("tables/t/rows/{CANARY}")).json(&json!({"n": 3})).send();
    assert_eq!(changed.status, 200);
    host.post("tables/signals/rows").json(&json!({"id": "go"})).send().json(201);
    let run = host.ended(&run);
    let conflict = run["attempts"][0].to_string();
    assert!(conflict.contains("a row of table `t` was written by somebody else"), "{conflict}");
    is_clean("the run", &run.to_string());
    is_clean("stderr", &host.stderr());
}

#[test]
fn a_secret_is_handed_to_nobody_who_was_not_granted_it() {
    let host = Host::start();
    set(&host, "KEY", "the secret of one");
    probe(&host, "granted", &json!({"secrets": ["KEY", "LATER"]}));
    probe(&host, "other", &json!({"secrets": ["OTHER"]}));
    probe(&host, "none", &json!({}));
    let script = json!([{"secret": "KEY"}]);
    let run = host.run_well("granted", &script);
    assert_eq!(answers(&run)[0], json!({"ok": "[secret KEY]"}));
    assert!(run["attempts"][0]["usage"]["host_calls"].as_u64().unwrap() > 0);
    for job in ["other", "none"] {
        let run = host.run_well(job, &script);
        let error = &answers(&run)[0]["error"];
        assert_eq!(error["code"], "denied");
        let message = "no grant of this job covers the secret `KEY`: add \"KEY\" to grants.secrets";
        assert_eq!(error["message"], message);
        assert_eq!(run["attempts"][0]["last_error"], format!("denied: {message}"));
    }
    // Granted, and not set yet.
    let later = json!([{"secret": "LATER"}]);
    let error = host.answers("granted", &later)[0]["error"].clone();
    assert_eq!(
        (&error["code"], error["message"].as_str().unwrap().contains("never set")),
        (&json!("denied"), true)
    );
    set(&host, "LATER", "now it is");
    assert_eq!(host.answers("granted", &later)[0], json!({"ok": "[secret LATER]"}));
    host.delete("secrets/LATER").send().nothing(204);
    assert_eq!(host.answers("granted", &later)[0]["error"]["code"], "denied");
}

/// What a job has put into rows of the table `seen`, oldest first.
fn seen(host: &Host) -> Vec<String> {
    let mut rows = host.rows("seen");
    rows.sort_by_key(|row| row["version"].as_u64());
    rows.iter().map(|row| row["value"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_secret_that_is_set_anew_is_the_next_attempts() {
    let host = Host::start();
    set(&host, "KEY", "the first value");
    let grants = json!({"secrets": ["KEY"], "tables": {"seen": "read-write", "signals": "read"}});
    probe(&host, "job", &grants);
    host.put("tables/signals").send().json(201);
    let look = json!({"insert": {"table": "seen", "fields": {"value": "{secret KEY}"}}, "must": true});
    let run = host.start(
        "job",
        &json!([
            look,
            {"checkpoint": null},
            {"log": {"level": "info", "message": "waits"}},
            {"wait_for_row": {"table": "signals", "id": "go"}},
            look,
            {"checkpoint": null},
            {"fail_until_attempt": 2},
        ]),
    );
    host.follow(&run).wait_for("waits");
    set(&host, "KEY", "the second value");
    host.post("tables/signals/rows").json(&json!({"id": "go"})).send().json(201);
    assert_eq!(host.ended(&run)["outcome"], "succeeded");
    let expected = ["the first value", "the first value", "the second value", "the second value"];
    assert_eq!(seen(&host), expected);
}

/// Whether the job finds `value` in its secret; if not, the error that it gets.
fn looked_up(host: &Host, value: &str) -> Result<(), Value> {
    let before = host.rows("seen").len();
    let look = json!([{"secret": "KEY"}, {"insert": {"table": "seen", "fields": {"value": "{secret KEY}"}}}]);
    let run = host.run("job", &look);
    if run["outcome"] != "succeeded" {
        return Err(host.read(format!("runs/{}", run["id"].as_str().unwrap()))["attempts"][0].clone());
    }
    assert_eq!(seen(host)[before..], [value]);
    Ok(())
}

fn with_key_file(host: &Host, change: impl FnOnce(&Path)) {
    change(&host.folder().join("secret.key"));
}

#[test]
fn secrets_outlive_restarts_changes_of_the_key_and_a_key_that_is_away() {
    let mut host = Host::start();
    host.put("tables/seen").send().json(201);
    with_key_file(&host, |path| assert!(!path.exists(), "a host without secrets has no key"));
    set(&host, "KEY", "the value");
    with_key_file(&host, |path| {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    });
    probe(&host, "job", &json!({"secrets": ["KEY"], "tables": {"seen": "read-write"}}));
    looked_up(&host, "the value").unwrap();
    host.restart();
    looked_up(&host, "the value").unwrap();

    let mut old = Vec::new();
    with_key_file(&host, |path| old = fs::read(path).unwrap());
    let rotated = host.post("secret-key/rotate").send().json(200);
    assert_eq!(rotated["secrets"], 1);
    let mut new = Vec::new();
    with_key_file(&host, |path| new = fs::read(path).unwrap());
    assert_ne!(old, new);
    looked_up(&host, "the value").unwrap();
    host.restart();
    looked_up(&host, "the value").unwrap();

    // The old key opens nothing any more, and says so: the host goes on, and loses nothing.
    with_key_file(&host, |path| fs::write(path, &old).unwrap());
    host.restart();
    assert!(host.stderr().contains("these secrets cannot be opened"), "{}", host.stderr());
    let error = looked_up(&host, "the value").unwrap_err();
    let words = format!(
        "secret `KEY` cannot be opened: it is sealed under the key {}",
        rotated["key"].as_str().unwrap()
    );
    assert!(error["last_error"].as_str().unwrap().starts_with(&format!("unavailable: {words}")), "{error}");
    host.post("secret-key/rotate").send().refusal(409, "conflict");

    // No key is made in place of one that is gone.
    with_key_file(&host, |path| fs::remove_file(path).unwrap());
    host.restart();
    host.put("secrets/OTHER").json(&json!({"value": "another"})).send().refusal(409, "conflict");
    with_key_file(&host, |path| assert!(!path.exists()));
    host.put("tables/unrelated").send().json(201);

    with_key_file(&host, |path| {
        fs::write(path, &new).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    });
    host.restart();
    looked_up(&host, "the value").unwrap();
}

#[test]
fn a_key_that_others_can_read_stops_the_host_before_it_starts() {
    let mut host = Host::start();
    set(&host, "KEY", "the value");
    host.stop();
    with_key_file(&host, |path| fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap());
    let serve = Command::new(binary())
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(host.folder())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&serve.stderr);
    assert_eq!(serve.status.code(), Some(1), "{said}");
    assert!(said.contains("secret.key has the mode 640") && said.contains("chmod 600"), "{said}");
}

#[test]
fn a_key_may_be_handed_over_and_changed_by_handing_over_two() {
    let key = |byte: u8| STANDARD.encode([byte; 32]);
    let mut host = Host::start_in(&[("SANDGLASS_SECRET_KEY", &key(1))]);
    host.put("tables/seen").send().json(201);
    set(&host, "KEY", "the value");
    probe(&host, "job", &json!({"secrets": ["KEY"], "tables": {"seen": "read-write"}}));
    looked_up(&host, "the value").unwrap();
    host.post("secret-key/rotate").send().refusal(409, "conflict");
    with_key_file(&host, |path| assert!(!path.exists()));
    for keys in [format!("{},{}", key(2), key(1)), key(2)] {
        host.set_environment("SANDGLASS_SECRET_KEY", &keys);
        host.restart();
        looked_up(&host, "the value").unwrap();
    }
    host.set_environment("SANDGLASS_SECRET_KEY", &key(1));
    host.restart();
    looked_up(&host, "the value").unwrap_err();
    for byte in [1, 2] {
        assert!(!host.stderr().contains(&key(byte)));
    }
}

#[test]
fn a_change_of_the_key_that_is_killed_loses_no_secret() {
    const SECRETS: usize = 40;
    let mut host = Host::start();
    for number in 0..SECRETS {
        set(&host, &format!("S{number}"), &format!("value {number}"));
    }
    let names: Vec<String> = (0..SECRETS).map(|number| format!("S{number}")).collect();
    probe(&host, "job", &json!({"secrets": names, "tables": {"seen": "read-write"}}));
    host.put("tables/seen").send().json(201);
    let looks: Vec<Value> = names
        .iter()
        .map(|name| json!({"put": {"table": "seen", "id": name, "fields": {"value": format!("{{secret {name}}}")}}}))
        .collect();
    // Wherever it is killed: before, in the middle, or when all is done.
    for millis in [0, 1, 3, 10, 30] {
        let client = host.client().clone();
        let rotate = std::thread::spawn(move || client.post("secret-key/rotate").try_send().map(drop));
        std::thread::sleep(std::time::Duration::from_millis(millis));
        host.kill();
        let _ = rotate.join();
        host.restart();
        host.run_well("job", &json!(looks));
        for number in 0..SECRETS {
            assert_eq!(host.read(format!("tables/seen/rows/S{number}"))["value"], format!("value {number}"));
        }
        let mut keys = String::new();
        with_key_file(&host, |path| keys = fs::read_to_string(path).unwrap());
        assert_eq!(keys.lines().count(), 1, "what was begun is finished at the start");
    }
}

#[test]
fn a_host_that_crashes_leaves_no_image_of_its_memory() {
    let mut host = Host::start();
    set(&host, "CANARY", CANARY);
    let limits = fs::read_to_string(format!("/proc/{}/limits", host.pid())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{core}");
    let status = host.abort();
    assert!(status.signal().is_some() && !status.core_dumped(), "{status}");
    assert_eq!(files_with_it(host.place()), [""; 0].map(PathBuf::from));
}

#[test]
fn the_command_line_sets_lists_and_deletes_secrets() {
    let host = Host::start();
    let run = |arguments: &[&str], input: &str| -> (Option<i32>, String, String) {
        let mut child = Command::new(binary())
            .args(arguments)
            .env("SANDGLASS_URL", host.url())
            .env("SANDGLASS_TOKEN", host.token())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Where the command does not read it, the pipe is closed.
        let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    assert!(run(&["secrets"], "").2.contains("there are no secrets yet"));
    let (status, out, _) = run(&["secrets", "set", "API_KEY"], &format!("{CANARY}\n"));
    assert_eq!((status, out.as_str()), (Some(0), "API_KEY is set\n"));
    let (status, out, _) = run(&["secrets", "--json"], "");
    let listed: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, &listed[0]["name"]), (Some(0), &json!("API_KEY")));
    let (_, table, _) = run(&["secrets"], "");
    assert!(table.contains("API_KEY"), "{table}");
    for text in [&out, &table] {
        is_clean("the command line", text);
    }

    probe(&host, "job", &json!({"secrets": ["API_KEY"], "tables": {"seen": "read-write"}}));
    let look = json!([{"insert": {"table": "seen", "fields": {"value": "{secret API_KEY}"}}}]);
    host.run_well("job", &look);
    assert_eq!(seen(&host), [CANARY], "the line break is not part of it");

    let (status, out, _) = run(&["secrets", "rotate-key"], "");
    assert_eq!(status, Some(0));
    assert!(out.starts_with("1 secrets are sealed under the new key "), "{out}");
    let (status, _, said) = run(&["secrets", "set", "SHORT"], "abc\n");
    assert_eq!(status, Some(2), "{said}");
    assert!(!said.contains("abc"), "{said}");
    assert_eq!(run(&["secrets", "rm", "API_KEY"], "").1, "API_KEY is deleted\n");
    assert_eq!(run(&["secrets", "rm", "API_KEY"], "").0, Some(3));
}
