//! `kill -9` at the worst moments: nothing that was acknowledged is lost, and nothing happens twice.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sandglass_tests::{Client, Host, answers, instant, is_full, until};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[test]
fn a_run_that_is_killed_half_way_leaves_no_trace_and_its_next_attempt_does_it_all_once() {
    let mut host = Host::start();
    let rows: Vec<Value> = (0..200).map(|n| json!({"id": format!("r{n:03}"), "n": n})).collect();
    host.post("tables/sessions/rows").json(&json!(rows)).send().json(201);
    host.put("tables/signals").send().json(201);
    host.deploy(
        "cleanup",
        "probe",
        json!({
            "schedule": {"every": "1h"},
            "policy": {"timeout": "5m"},
            "grants": {
                "tables": {"sessions": "read-write", "signals": "read"},
                "email": {"to": ["*@example.com"]},
            },
        }),
    );
    host.run_well("cleanup", &json!([{"count": {"table": "sessions"}}]));
    let before = host.rows("sessions");
    let (job, history) = (host.read("jobs/cleanup"), host.list("jobs/cleanup/runs"));

    let run = host.start(
        "cleanup",
        &json!([
            {"delete_where": {"table": "sessions", "filter": [[["n", "lt", 100]]]}, "must": true},
            {"log": {"level": "info", "message": "half is deleted"}},
            {"wait_for_row": {"table": "signals", "id": "go"}},
            {"delete_where": {"table": "sessions"}, "must": true},
            {"email": {"to": ["ops@example.com"], "subject": "all gone", "text": "all"}, "must": true},
        ]),
    );
    host.follow(&run).wait_for("half is deleted");
    assert_eq!(host.rows("sessions"), before, "nobody sees what is not committed");
    host.kill();
    host.restart();

    assert_eq!(host.rows("sessions"), before);
    let again = host.read(format!("runs/{run}"));
    let lost = &again["attempts"][0];
    assert_eq!(
        (&lost["outcome"], &lost["cause"], &lost["number"]),
        (&json!("failed"), &json!("lost"), &json!(1))
    );
    assert!(lost["message"].as_str().unwrap().contains("the host stopped"), "{again:#}");
    let mut after = host.read("jobs/cleanup");
    assert_eq!(after["live_runs"], 1);
    after["live_runs"] = job["live_runs"].clone();
    assert_eq!(after, job, "the job is as it was");
    let mut runs = host.list("jobs/cleanup/runs");
    runs.retain(|other| other["id"] != run.as_str());
    assert_eq!(runs, history, "its history too");

    host.post("tables/signals/rows").json(&json!({"id": "go"})).send().json(201);
    let ended = host.ended(&run);
    assert_eq!((&ended["outcome"], &ended["attempt"]), (&json!("succeeded"), &json!(2)), "{ended:#}");
    assert_eq!(ended["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(host.count("sessions", &[]), 0);
    let emails = host.list("emails");
    assert_eq!(emails.len(), 1, "{emails:?}");
    assert_eq!(emails[0]["run"], run.as_str());
    assert_eq!(host.read("jobs/cleanup")["next"], job["next"]);
}

#[test]
fn a_run_that_is_killed_after_a_checkpoint_goes_on_from_there() {
    let mut host = Host::start();
    host.put("tables/signals").send().json(201);
    let grants = json!({
        "tables": {"steps": "read-write", "signals": "read"},
        "email": {"to": ["*@example.com"]},
    });
    host.deploy("job", "probe", json!({ "grants": grants }));
    let insert = |id: &str| json!({"insert": {"table": "steps", "id": id, "fields": {}}});
    let email =
        |subject: &str| json!({"email": {"to": ["ops@example.com"], "subject": subject, "text": "x"}});
    let run = host.start(
        "job",
        &json!([
            {"progress": null},
            insert("one"),
            email("one"),
            {"checkpoint": "one is done"},
            insert("two"),
            email("two"),
            {"log": {"level": "info", "message": "two is not done"}},
            {"wait_for_row": {"table": "signals", "id": "go"}},
        ]),
    );
    host.follow(&run).wait_for("two is not done");
    host.kill();
    host.restart();

    let ids = |host: &Host| -> Vec<String> {
        host.rows("steps").iter().map(|row| row["id"].as_str().unwrap().to_string()).collect()
    };
    let subjects = |host: &Host| -> Vec<String> {
        host.list("emails").iter().map(|email| email["subject"].as_str().unwrap().to_string()).collect()
    };
    assert_eq!(ids(&host), ["one"]);
    // The second attempt may have come to its own checkpoint by now, which sends that mail again.
    let sent = subjects(&host);
    assert!((1..=2).contains(&sent.len()) && sent.iter().all(|subject| subject == "one"), "{sent:?}");
    assert_eq!(host.read(format!("runs/{run}"))["progress"], "one is done");
    host.post("tables/signals/rows").json(&json!({"id": "go"})).send().json(201);
    let ended = host.ended(&run);
    assert_eq!((&ended["outcome"], &ended["attempt"]), (&json!("succeeded"), &json!(2)), "{ended:#}");
    let answers = answers(&ended);
    assert_eq!(answers[0]["ok"], "one is done", "the second attempt knows how far the first one came");
    assert_eq!(answers[1]["error"]["code"], "conflict", "and finds what it did");
    assert_eq!(ids(&host), ["one", "two"]);
    // This script sends the first mail again; what matters is that no other one was lost or doubled.
    let mut subjects = subjects(&host);
    subjects.sort_unstable();
    assert_eq!(subjects, ["one", "one", "two"]);
    let emails = host.list("emails");
    let ids: BTreeSet<&str> = emails.iter().map(|email| email["message_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 3, "{emails:?}");
}

/// What the host has acknowledged, and must know for ever.
#[derive(Default)]
struct Acknowledged {
    /// Rows by their ids.
    rows: BTreeMap<String, u64>,
    /// Runs by the number that each of them writes and mails.
    runs: BTreeMap<u64, String>,
    /// Those that were seen to have succeeded.
    succeeded: BTreeSet<u64>,
    /// The newest number that was tried.
    tried: u64,
}

impl Acknowledged {
    /// Writes rows and asks for runs, until the host is gone.
    fn work(&mut self, host: &Client) {
        loop {
            self.tried += 1;
            let number = self.tried;
            let id = format!("row-{number}");
            let row = host.post("tables/ledger/rows").json(&json!({"id": id, "n": number})).try_send();
            match row {
                Ok(answer) => drop(answer.json(201)),
                Err(_) => return,
            }
            self.rows.insert(id, number);
            // Every other one is asked for and not waited for, so that some are always about to run.
            let path =
                if number.is_multiple_of(2) { "jobs/worker/runs?wait=10s" } else { "jobs/worker/runs" };
            let call = host.post(path).json(&json!({"input": script(number)}));
            let Ok(answer) = call.try_send() else { return };
            assert!(matches!(answer.status, 200 | 202), "{}", answer.text());
            let run = answer.json(answer.status);
            self.runs.insert(number, run["id"].as_str().unwrap().to_string());
            if run["outcome"] == "succeeded" {
                self.succeeded.insert(number);
            }
        }
    }

    /// Looks for all of it on a host that has just been started.
    fn check(&self, host: &Client) {
        let found: HashMap<String, Value> = ids(host.rows("ledger"));
        for (id, number) in &self.rows {
            assert_eq!(found.get(id).map(|row| &row["n"]), Some(&json!(number)), "row {id} was acknowledged");
        }
        let (left, right, mails) = effects(host);
        for number in &self.succeeded {
            let both = left.contains(number) && right.contains(number);
            assert!(both && mails.get(number) == Some(&1), "run {number} had succeeded");
        }
    }

    /// Nothing waits or runs any more: each run has all of its effects once, or has failed and has none.
    fn check_at_the_end(&self, host: &Client) {
        self.check(host);
        let (left, right, mails) = effects(host);
        for number in 1..=self.tried {
            let count = mails.get(&number).copied().unwrap_or(0);
            let done = left.contains(&number);
            assert_eq!(right.contains(&number), done, "run {number} wrote half of its rows");
            assert_eq!(count, usize::from(done), "run {number} sent {count} emails");
        }
        let mut again = 0;
        for (number, id) in &self.runs {
            let run = host.read(format!("runs/{id}"));
            again += usize::from(run["attempt"].as_u64() > Some(1));
            match run["outcome"].as_str() {
                Some("succeeded") => assert!(left.contains(number), "{run:#}"),
                // Four kills hit it, one after the other.
                Some("failed") => assert!(run["cause"] == "lost" && !left.contains(number), "{run:#}"),
                _ => panic!("run {number} was acknowledged and has no end: {run:#}"),
            }
        }
        println!("{} runs, of which {again} were tried more than once", self.runs.len());
    }
}

fn script(number: u64) -> Value {
    let row = |table: &str| json!({"insert": {"table": table, "id": number.to_string(), "fields": {}}, "must": true});
    json!([
        row("left"),
        {"log": {"level": "info", "message": "half"}},
        row("right"),
        {"email": {"to": ["ops@example.com"], "subject": number.to_string(), "text": "done"}, "must": true},
    ])
}

fn ids(rows: Vec<Value>) -> HashMap<String, Value> {
    rows.into_iter().map(|row| (row["id"].as_str().unwrap().to_string(), row)).collect()
}

/// The numbers of the rows in both tables, and how many emails there are of each.
fn effects(host: &Client) -> (BTreeSet<u64>, BTreeSet<u64>, HashMap<u64, usize>) {
    let numbers = |table: &str| ids(host.rows(table)).keys().map(|id| id.parse().unwrap()).collect();
    let (left, right) = (numbers("left"), numbers("right"));
    let mut mails = HashMap::new();
    for email in host.list("emails") {
        *mails.entry(email["subject"].as_str().unwrap().parse().unwrap()).or_default() += 1;
    }
    (left, right, mails)
}

/// Every instant of a schedule, from its first to its last run or skip, has exactly one of them.
fn check_every_second_is_accounted_for(host: &Client, job: &str) {
    let seconds = |value: &Value| instant(value).as_millisecond();
    let mut accounted: BTreeMap<i64, String> = BTreeMap::new();
    let mut account = |at: i64, what: String| {
        if let Some(before) = accounted.insert(at, what.clone()) {
            panic!("the occurrence {at} has two ends: {before}, and {what}");
        }
    };
    for run in host.list(&format!("jobs/{job}/runs")) {
        account(seconds(&run["scheduled_for"]), format!("run {}", run["id"]));
    }
    for skip in host.list(&format!("jobs/{job}/skips")) {
        let instants: Vec<i64> = (seconds(&skip["from"])..=seconds(&skip["to"])).step_by(1000).collect();
        assert_eq!(skip["count"], instants.len(), "{skip}");
        for at in instants {
            account(at, format!("skip {skip}"));
        }
    }
    let instants: Vec<i64> = accounted.into_keys().collect();
    assert!(instants.len() > 5, "{instants:?}");
    for pair in instants.windows(2) {
        assert_eq!(
            pair[1] - pair[0],
            1000,
            "the occurrences between {} and {} have no end",
            pair[0],
            pair[1]
        );
    }
}

fn seed() -> u64 {
    let given = std::env::var("SANDGLASS_SEED").ok();
    given.map_or_else(
        || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs(),
        |text| text.parse().expect("SANDGLASS_SEED is a number"),
    )
}

#[test]
fn kills_at_random_moments_lose_nothing_that_was_acknowledged() {
    let seed = seed();
    println!("SANDGLASS_SEED={seed} repeats the moments");
    let mut random = StdRng::seed_from_u64(seed);
    let cycles = if is_full() { 200 } else { 25 };

    let mut host = Host::start();
    for table in ["ledger", "left", "right"] {
        host.put(format!("tables/{table}")).send().json(201);
    }
    let policy = json!({"late_after": "1s"});
    host.deploy("beat", "trivial", json!({"schedule": {"every": "1s"}, "policy": policy}));
    let grants = json!({"tables": {"left": "write", "right": "write"}, "email": {"to": ["*@example.com"], "per_day": 100_000}});
    host.deploy("worker", "probe", json!({ "grants": grants }));
    let jobs: Vec<Value> = ["beat", "worker"].map(|job| host.read(format!("jobs/{job}/revisions"))).to_vec();

    let mut acknowledged = Acknowledged::default();
    for cycle in 0..cycles {
        let moment = Duration::from_millis(random.random_range(5..600));
        println!(
            "cycle {cycle}: killed after {moment:?}, {} rows and {} runs acknowledged",
            acknowledged.rows.len(),
            acknowledged.runs.len()
        );
        let client = host.client().clone();
        std::thread::scope(|scope| {
            let worker = scope.spawn(|| acknowledged.work(&client));
            // The moment of the kill is what is tried here; nothing waits for it.
            std::thread::sleep(moment);
            host.kill();
            worker.join().expect("the worker finds what it expects");
        });
        host.restart();
        acknowledged.check(&host);
        let now: Vec<Value> =
            ["beat", "worker"].map(|job| host.read(format!("jobs/{job}/revisions"))).to_vec();
        assert_eq!(now, jobs);
    }

    until("the end of all runs", || (host.read("jobs/worker")["live_runs"] == 0).then_some(()));
    acknowledged.check_at_the_end(&host);
    assert!(
        acknowledged.succeeded.len() >= cycles / 2,
        "the host hardly got to do anything: {}",
        acknowledged.succeeded.len()
    );
    host.post("jobs/beat/pause").send().json(200);
    until("the end of the last beat", || (host.read("jobs/beat")["live_runs"] == 0).then_some(()));
    check_every_second_is_accounted_for(&host, "beat");
}
