//! `kill -9` at random moments under load: nothing that was acknowledged is lost, nothing is committed twice, and
//! each occurrence has exactly one outcome.

use crate::change::Changes;
use crate::effect::Effects;
use crate::occurrence::{Reign, account, preview};
use crate::request::Requests;
use crate::row::Rows;
use crate::shown::Shown;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use sandglass_tests::{Client, Host, PATIENCE, instant, is_full, now, seeded};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// One kind of work that clients have for a host, with all that the host has told them.
pub(crate) trait Load: Send {
    /// Does one thing. None where the host is gone: what was asked for has happened, or it has not.
    fn act(&mut self, host: &Client) -> Option<()>;

    /// Holds the host, which was started again, to what it has told.
    fn check(&mut self, host: &Client);

    /// The same when nothing runs any more.
    fn check_at_the_end(&mut self, host: &Client);

    /// How much the host has told.
    fn acknowledged(&self) -> usize;
}

/// A job that only its schedule starts, and what each of its runs does.
struct Scheduled {
    job: &'static str,
    policy: Value,
    script: Value,
    effects: Option<Effects>,
}

/// Every second, with every policy of overlapping and catching up, some of them late after the shortest outage.
fn scheduled() -> Vec<Scheduled> {
    let insert = |table: &str| json!({"insert": {"table": table, "id": "{run}", "fields": {}}, "must": true});
    let plain = |job, policy| Scheduled { job, policy, script: json!([]), effects: None };
    let writing = |job, policy, before: Value, after: Value| {
        let script = json!([before, insert(job), after]);
        Scheduled { job, policy, script, effects: Some(Effects::once(job, job)) }
    };
    let sleep = |millis: u64| json!({ "sleep_ms": millis });
    let retry = json!({"max_attempts": 5, "initial": "50ms", "max": "100ms"});
    vec![
        plain("latest", json!({"late_after": "1s"})),
        plain("none", json!({"late_after": "1s", "catch_up": "none"})),
        plain("all", json!({"late_after": "1s", "catch_up": {"all": {"max": 3, "window": "1m"}}})),
        writing(
            "allow",
            json!({"overlap": "allow", "max_concurrency": 3, "late_after": "2s"}),
            sleep(0),
            sleep(1_600),
        ),
        writing("replace", json!({"overlap": "replace"}), sleep(400), sleep(400)),
        writing(
            "queue",
            json!({"overlap": "queue", "retry": retry}),
            json!({"fail_until_attempt": 2}),
            sleep(0),
        ),
        writing("hurry", json!({"overlap": "queue", "start_within": "1s"}), sleep(1_300), sleep(1_300)),
    ]
}

fn deploy(host: &Client, scheduled: &[Scheduled]) {
    for one in scheduled {
        let tables = one.effects.as_ref().map(|_| json!({ one.job: "write" }));
        let document = json!({
            "schedule": {"every": "1s"},
            "policy": one.policy,
            "env": {"SCRIPT": one.script.to_string()},
            "grants": {"tables": tables.unwrap_or_else(|| json!({}))},
        });
        host.deploy(one.job, "probe", document);
    }
}

/// All clients work until the host is killed.
fn work_until_killed(host: &mut Host, loads: &mut [Box<dyn Load>], moment: Duration) {
    let client = host.client().clone();
    std::thread::scope(|scope| {
        let workers: Vec<_> =
            loads.iter_mut().map(|load| scope.spawn(|| while load.act(&client).is_some() {})).collect();
        // The moment of the kill is what is tried here; nothing waits for it.
        std::thread::sleep(moment);
        host.kill();
        for worker in workers {
            worker.join().expect("a client finds what it expects");
        }
    });
}

/// Ends the schedule of a job and waits for its runs. Gives the schedule's reign, which asked for what the host
/// had foretold.
fn settle(host: &Client, job: &str) -> Reign {
    let path = format!("jobs/{job}");
    let before = host.read(path.as_str());
    let began = instant(&before["created_at"]);
    let foretold = preview(host, &[("job", job)], began, now() + 2 * PATIENCE);
    let ended = host.patch(path.as_str()).json(&json!({"schedule": {"every": null}})).send().json(200);
    let until = instant(&ended["revised_at"]);
    let reign = Reign { schedule: before["specification"]["schedule"].clone(), after: began, until };
    let foretold: Vec<i64> = foretold.into_iter().filter(|at| *at <= until.as_millisecond()).collect();
    assert_eq!(reign.instants(host), foretold, "{job}");
    reign
}

#[test]
fn kills_at_random_moments_lose_nothing_and_double_nothing() {
    let mut random = seeded();
    let cycles = if is_full() { 200 } else { 25 };
    let mut host = Host::start();
    let scheduled = scheduled();
    deploy(&host, &scheduled);
    let mut client = || StdRng::seed_from_u64(random.next_u64());
    let mut loads: Vec<Box<dyn Load>> = vec![
        Box::new(Rows::new(&host, client())),
        Box::new(Requests::at_once(&host, client())),
        Box::new(Requests::retried(&host, client())),
        Box::new(Requests::staged(&host, client())),
        Box::new(Changes::new(&host, client())),
        Box::new(Shown::new(scheduled.iter().map(|one| one.job).collect(), client())),
    ];

    let mut starts_killed = 0;
    for cycle in 0..cycles {
        let moment = Duration::from_millis(random.random_range(5..900));
        work_until_killed(&mut host, &mut loads, moment);
        while random.random_bool(0.3) {
            starts_killed += 1;
            host.start_and_kill(Duration::from_millis(random.random_range(1..60)));
        }
        if random.random_bool(0.1) {
            // Long enough to miss what may not be late.
            std::thread::sleep(Duration::from_millis(random.random_range(1_200..2_500)));
        }
        let began = Instant::now();
        host.restart();
        let told: usize = loads.iter().map(|load| load.acknowledged()).sum();
        println!("cycle {cycle}: killed after {moment:?}, started in {:?}; {told} told", began.elapsed());
        for load in &mut loads {
            load.check(&host);
        }
    }
    println!("{cycles} kills at work, {starts_killed} kills of a start");

    let reigns: Vec<Reign> = scheduled.iter().map(|one| settle(&host, one.job)).collect();
    for load in &mut loads {
        load.check_at_the_end(&host);
    }
    for (one, reign) in scheduled.iter().zip(reigns) {
        let runs = account(&host, one.job, &[reign]);
        if let Some(effects) = &one.effects {
            effects.check_at_the_end(&host, &runs);
        }
    }
}

#[test]
fn a_first_start_that_is_killed_is_made_again() {
    let mut random = seeded();
    for _ in 0..if is_full() { 40 } else { 8 } {
        let mut host = Host::new();
        for _ in 0..3 {
            host.start_and_kill(Duration::from_millis(random.random_range(1..60)));
        }
        host.restart();
        host.deploy("job", "trivial", json!({}));
        host.run_well("job", &Value::Null);
    }
}
