//! A run that fails names the true cause, everywhere: in the API, in what the command line prints, and in the run's
//! own log; and the guest's function, where it was in one.

use sandglass_tests::{Cli, Client, Host, until};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};

/// How a run is made to fail, and what is to be said of it.
struct Case {
    name: &'static str,
    script: Value,
    limits: Value,
    policy: Value,
    cause: &'static str,
    /// What its message says, the limit's name and figure among it.
    words: &'static [&'static str],
    /// The guest's function where it failed.
    function: Option<&'static str>,
    attempts: u64,
    /// Grants of hosts that it may ask.
    hosts: Vec<Value>,
}

impl Case {
    fn new(name: &'static str, script: Value, cause: &'static str, words: &'static [&'static str]) -> Case {
        let (limits, policy) = (json!({}), json!({}));
        Case { name, script, limits, policy, cause, words, function: None, attempts: 1, hosts: Vec::new() }
    }

    fn within(self, limits: Value) -> Case {
        Case { limits, ..self }
    }

    fn under(self, policy: Value) -> Case {
        Case { policy, ..self }
    }

    fn in_function(self, function: &'static str) -> Case {
        Case { function: Some(function), ..self }
    }

    fn after_attempts(self, attempts: u64) -> Case {
        Case { attempts, ..self }
    }

    fn asking(self, host: SocketAddr) -> Case {
        Case { hosts: vec![json!({"host": host.to_string(), "private": true})], ..self }
    }

    fn deploy(&self, host: &Client) {
        let grants = json!({"tables": {"t": "read-write"}, "http": self.hosts});
        host.deploy(
            self.name,
            "probe",
            json!({"limits": self.limits, "policy": self.policy, "grants": grants}),
        );
    }

    /// Runs it as a user does, and looks for the cause wherever there is something to read.
    fn check(&self, host: &Client) {
        self.deploy(host);
        let cli = Cli::of(host);
        let ran = cli.run(&["run", self.name, "--input", &self.script.to_string()]).badly(1, &[]);
        let run = host.list(&format!("jobs/{}/runs", self.name)).remove(0);
        self.check_document(host, &run);
        self.check_summary(&ran.out, &run);
        self.check_listing_and_log(&cli, &run);
    }

    fn check_document(&self, host: &Client, run: &Value) {
        let attempts = run["attempts"].as_array().expect("a list");
        assert_eq!((&run["outcome"], &run["cause"]), (&json!("failed"), &json!(self.cause)), "{run:#}");
        assert_eq!(run["attempt"], self.attempts, "{run:#}");
        let message = run["message"].as_str().expect("a failure has a message");
        for word in self.words {
            assert!(message.contains(word), "{}: the message lacks {word:?}: {message}", self.name);
        }
        for attempt in attempts {
            assert_eq!((&attempt["outcome"], &attempt["cause"]), (&run["outcome"], &run["cause"]), "{run:#}");
        }
        let last = attempts.last().expect("an attempt");
        assert_eq!((&last["message"], &last["backtrace"]), (&run["message"], &run["backtrace"]), "{run:#}");
        if let Some(function) = self.function {
            let backtrace = run["backtrace"].as_str().unwrap_or_default();
            assert!(
                backtrace.contains(function),
                "{}: {function} is not in the backtrace: {run:#}",
                self.name
            );
        }
        let path = format!("jobs/{}/runs?outcome={}", self.name, self.cause);
        assert_eq!(host.list(&path), std::slice::from_ref(run), "it is found by its cause");
        let job = host.read(format!("jobs/{}", self.name));
        assert_eq!(
            (&job["last_run"]["outcome"], &job["last_run"]["cause"]),
            (&run["outcome"], &run["cause"])
        );
    }

    /// What `sandglass run` prints: the log, then how it ended.
    fn check_summary(&self, printed: &str, run: &Value) {
        let (log, summary) = printed.split_once("\nfailed: ").expect("it says that it failed");
        assert!(summary.starts_with(self.cause), "{summary}");
        let message = run["message"].as_str().expect("a message");
        assert!(summary.contains(message.lines().next().expect("a line")), "{summary}");
        if let Some(function) = self.function {
            assert!(summary.contains(function), "{}: {function} is not in {summary}", self.name);
        }
        self.check_log(log);
    }

    /// Each attempt's last line is the host's, and says why it ended.
    fn check_log(&self, log: &str) {
        for attempt in 1..=self.attempts {
            let line = format!("error [host] attempt {attempt} ended: {}: ", self.cause);
            assert!(log.contains(&line), "{}: no {line:?} in the log: {log}", self.name);
        }
    }

    fn check_listing_and_log(&self, cli: &Cli, run: &Value) {
        let id = run["id"].as_str().expect("an id");
        let failed = format!("failed: {}", self.cause);
        for line in [&["runs", self.name][..], &["runs", "--failed"], &["runs", "--outcome", self.cause]] {
            let listed = cli.run(line).well();
            let row = listed.lines().find(|row| row.contains(id));
            assert!(row.is_some_and(|row| row.contains(&failed)), "{line:?}: {listed}");
        }
        let found = cli.run(&["runs", "--outcome", self.cause, "--json"]).json();
        assert!(found.as_array().expect("a list").contains(run), "{found:#}");
        self.check_log(&cli.run(&["logs", id]).well());
    }
}

/// More than any of these runs burns in its time.
const MUCH_FUEL: u64 = 1_000_000_000_000;

fn cases() -> Vec<Case> {
    let row = json!({"insert": {"table": "t", "id": "{run}", "fields": {}}, "must": true});
    let log = json!({"log": {"level": "info", "message": "{i}"}});
    let retry = json!({"retry": {"max_attempts": 3, "initial": "10ms", "max": "20ms"}});
    let fail = |retry: bool| json!([row, {"fail": {"retry": retry, "message": "the other side is down"}}]);
    vec![
        Case::new("trap", json!([row, {"trap": null}]), "trap", &["unreachable"]).in_function("probe::"),
        Case::new("fuel", json!([row, {"spin": null}]), "out-of-fuel", &["50000000", "limit fuel"])
            .within(json!({"fuel": 50_000_000}))
            .in_function("probe::hostile::spin"),
        Case::new("memory", json!([row, {"grow": null}]), "out-of-memory", &["16MiB", "limit memory"])
            .within(json!({"memory": "16MiB"}))
            .in_function("probe::hostile::"),
        Case::new("stack", json!([row, {"recurse": null}]), "stack-overflow", &["1MiB", "limit stack"])
            .in_function("probe::hostile::recurse"),
        Case::new("timeout", json!([row, {"spin": null}]), "timeout", &["300ms", "policy timeout"])
            .within(json!({"fuel": MUCH_FUEL}))
            .under(json!({"timeout": "300ms"}))
            .in_function("probe::hostile::spin"),
        Case::new("sleeps", json!([row, {"sleep_ms": 3_600_000}]), "timeout", &["300ms", "policy timeout"])
            .under(json!({"timeout": "300ms"})),
        Case::new(
            "calls",
            json!([{"repeat": {"times": 1_000, "step": log}}]),
            "quota",
            &["100", "limit host_calls"],
        )
        .within(json!({"host_calls": 100}))
        .in_function("probe::step::perform"),
        Case::new("result", json!([row, {"big_result": 1_025}]), "quota", &["1025", "1KiB", "limit result"])
            .within(json!({"result": "1KiB"})),
        Case::new("sockets", json!([row, {"sockets": null}]), "denied", &["wasi:sockets"])
            .in_function("probe::step::perform"),
        Case::new("exit", json!([row, {"exit": 3}]), "error", &["calling exit"]),
        Case::new("permanent", fail(false), "error", &["the other side is down"]).under(retry.clone()),
        Case::new("transient", fail(true), "error", &["the other side is down"])
            .under(retry)
            .after_attempts(3),
    ]
}

#[test]
fn each_cause_is_named_in_the_api_the_command_line_and_the_log() {
    let host = Host::start();
    host.put("tables/t").send().json(201);
    for case in cases() {
        case.check(&host);
    }
    assert_eq!(host.rows("t"), [] as [Value; 0], "nothing that a failed run wrote is there");
}

/// The twentieth conflict is followed by a last attempt.
const CONFLICTS: u64 = 21;

/// Whoever asks at this address has row `row` of table `t` written before it is answered.
fn overtaker(host: &Client) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let host = host.clone();
    std::thread::spawn(move || {
        for (n, stream) in listener.incoming().enumerate() {
            let mut stream = stream.expect("a connection");
            for line in BufReader::new(&stream).lines() {
                if line.expect("a line of the request's head").is_empty() {
                    break;
                }
            }
            host.put("tables/t/rows/row").json(&json!({"n": 1_000 + n})).send().json(200);
            stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").expect("it listens");
        }
    });
    address
}

#[test]
fn a_run_that_others_always_overtake_is_a_conflict() {
    let host = Host::start();
    host.post("tables/t/rows").json(&json!({"id": "row", "n": 0})).send().json(201);
    let overtaker = overtaker(&host);
    let increment = json!({"increment": {"table": "t", "id": "row", "field": "n"}, "must": true});
    let overtaken = json!({"http": {"url": format!("http://{overtaker}/")}, "must": true});
    let case = Case::new("conflict", json!([increment, overtaken]), "conflict", &["row `row`", "table `t`"])
        .asking(overtaker)
        .after_attempts(CONFLICTS);
    case.check(&host);
    // Twenty attempts are newer than all that is kept.
    let kept = CONFLICTS - 1;
    let run = host.list("jobs/conflict/runs").remove(0);
    assert_eq!(run["attempts"].as_array().map(Vec::len), Some(kept as usize));
    let n = host.get("tables/t/rows/row").send().json(200)["n"].as_u64();
    assert_eq!(n, Some(1_000 + CONFLICTS - 1), "what the run wrote was dropped");
}

#[test]
fn a_run_that_the_host_dies_under_again_and_again_is_lost() {
    let mut host = Host::start();
    let case =
        Case::new("lost", json!([{"sleep_ms": 3_600_000}]), "lost", &["the host stopped"]).after_attempts(4);
    case.deploy(&host);
    let run = host.start("lost", &case.script);
    for attempt in 1..=4 {
        until("the next attempt", || {
            let run = host.read(format!("runs/{run}"));
            (run["attempt"] == attempt && run["state"] == "running").then_some(())
        });
        host.restart();
    }
    let run = host.ended(&run);
    case.check_document(&host, &run);
    case.check_listing_and_log(&Cli::of(&host), &run);
}
