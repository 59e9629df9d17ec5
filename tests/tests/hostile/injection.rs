//! What a guest writes is shown to people: on terminals, in lines of logs that programs read, and on a page.

use crate::wat::run;
use sandglass_tests::{Cli, Host};
use serde_json::{Value, json};

/// Clears the screen, colours what follows, rings, goes back to the line's beginning, begins a line of its own that
/// looks like the host's, sets the window's title, and turns the direction of reading around.
const EVIL: &str = "\u{1b}[2J\u{1b}[31mred\u{7}\rover\n00:00:00.000 info  [host] all is well\u{1b}]0;title\u{7}\u{9b}1A\u{202e}dne";

/// Nothing that a terminal would act on.
#[track_caller]
fn is_harmless(what: &str, text: &str) {
    let harmful = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    assert!(!text.contains(harmful), "{what}: {text:?}");
}

/// What the command line shows of a run.
fn shown(host: &Host, job: &str, input: &Value) -> Vec<(String, String)> {
    let cli = Cli::of(host);
    let mut shown = Vec::new();
    let mut see = |line: &[&str]| {
        let ended = cli.run(line);
        shown.push((format!("{line:?}, stdout"), ended.out));
        shown.push((format!("{line:?}, stderr"), ended.err));
    };
    see(&["run", job, "--input", &input.to_string()]);
    let run = host.list(&format!("jobs/{job}/runs")).remove(0)["id"].as_str().expect("an id").to_owned();
    see(&["logs", &run]);
    see(&["logs", job]);
    see(&["runs", job]);
    see(&["show", job]);
    see(&["jobs"]);
    see(&["rows", "t"]);
    see(&["emails"]);
    shown
}

#[test]
fn what_a_guest_writes_moves_no_cursor() {
    let host = Host::start();
    let grants = json!({"tables": {"t": "read-write"}, "email": {"to": ["ops@example.com"]}});
    host.deploy("evil", "probe", json!({"grants": grants, "policy": {"retry": {"max_attempts": 1}}}));
    let one_line: String = EVIL.chars().filter(|c| *c != '\n' && *c != '\r').collect();
    let subject: String = one_line.chars().filter(|c| !c.is_control()).collect();
    let writes = json!([
        {"log": {"level": "info", "message": EVIL}},
        {"print": EVIL},
        {"eprint": EVIL},
        {"put": {"table": "t", "id": "row", "fields": {"text": EVIL, EVIL: 1}}, "must": true},
        {"email": {"to": ["ops@example.com"], "subject": subject, "text": EVIL}, "must": true},
        {"checkpoint": EVIL},
    ]);
    let ends = [
        json!([{"return": EVIL}]),
        json!([{"fail": {"retry": false, "message": EVIL}}]),
        json!([{"panic": EVIL}]),
    ];
    for end in ends {
        let script = json!(
            [writes.as_array().expect("steps").as_slice(), end.as_array().expect("a step").as_slice()]
                .concat()
        );
        for (what, text) in shown(&host, "evil", &script) {
            is_harmless(&what, &text);
        }
        let run = host.list("jobs/evil/runs").remove(0)["id"].as_str().expect("an id").to_owned();
        let lines: Vec<Value> = host.get(format!("runs/{run}/logs")).send().lines();
        // For programs it is what it was; a line of theirs is one of ours, and names where it came from.
        let of_guest = lines.iter().filter(|line| line["message"] == EVIL && line["source"] == "log").count();
        assert_eq!(of_guest, 1, "{lines:?}");
        let forged = |line: &&Value| {
            line["source"] == "host"
                && line["message"].as_str().is_some_and(|text| text.contains("all is well"))
        };
        let by_the_host: Vec<&Value> = lines.iter().filter(forged).collect();
        assert!(by_the_host.len() <= 1, "only where the host tells of the failure: {by_the_host:?}");
    }
    is_harmless("the host's own log", &host.stderr());
}

#[test]
fn a_function_s_name_is_shown_as_a_name() {
    let host = Host::start();
    let wat = run("(call $evil) (i32.const 16)")
        .module(r#"(func $evil (@name "evil\1b[2J\0a0: forged (at 0x1)\0d\e2\80\ae") (unreachable))"#);
    let digest = host.upload(&wat.bytes());
    host.put("jobs/evil")
        .json(&json!({"component": digest, "policy": {"retry": {"max_attempts": 1}}}))
        .send()
        .json(201);
    for (what, text) in shown(&host, "evil", &Value::Null) {
        is_harmless(&what, &text);
    }
    let run = host.list("jobs/evil/runs").remove(0);
    let run = host.read(format!("runs/{}", run["id"].as_str().expect("an id")));
    let backtrace = run["backtrace"].as_str().expect("a backtrace");
    assert!(backtrace.starts_with("0: evil"), "{backtrace:?}");
    assert!(
        backtrace.lines().enumerate().all(|(number, line)| line.starts_with(&format!("{number}: "))),
        "{backtrace:?}"
    );
}
