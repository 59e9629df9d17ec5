//! The host as a process of its own, first idle but for a job every second, then with two guests that compute without
//! end on all of its threads for guests: how its API, its schedule and its deadlines keep.

use crate::process::Process;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long each of the two is looked at.
const LOOK: Duration = Duration::from_secs(15);
/// Between one request and the next.
const PAUSE: Duration = Duration::from_millis(5);
/// Jobs that are due every second, so that there are enough runs to speak of the hundredth.
const BEATS: usize = 10;
/// Attempts that are ended by their deadline, so many at a time.
const ATTEMPTS: usize = 120;
const AT_A_TIME: usize = 4;
const TIMEOUT: Duration = Duration::from_millis(300);

/// What is promised.
const SLOWER_MAX: f64 = 3.0;
const SLOW: Duration = Duration::from_millis(5);
const LATE: Duration = Duration::from_secs(1);
const OVERSHOOT: Duration = Duration::from_millis(100);

/// Sorted times.
struct Times(Vec<Duration>);

impl Times {
    fn of(mut times: Vec<Duration>) -> Result<Times> {
        anyhow::ensure!(!times.is_empty(), "nothing was measured");
        times.sort_unstable();
        Ok(Times(times))
    }

    /// That below which so many of a hundred are.
    fn percentile(&self, percent: usize) -> Duration {
        self.0[((self.0.len() * percent).div_ceil(100)).clamp(1, self.0.len()) - 1]
    }

    fn show(&self, what: &str) {
        let ms = |percent| self.percentile(percent).as_secs_f64() * 1e3;
        println!("  {what:<44} p50 {:>8.2} ms, p99 {:>8.2} ms, {} of them", ms(50), ms(99), self.0.len());
    }
}

pub fn show(trivial: &[u8], probe: &[u8]) -> Result<()> {
    let mut host = Process::start()?;
    let (trivial, probe) = (host.upload(trivial)?, host.upload(probe)?);
    for beat in 0..BEATS {
        let job = json!({"component": trivial, "schedule": {"every": "1s"}});
        host.put(&format!("/v1/jobs/beat-{beat}"), &job)?;
    }
    let spinner = |timeout: &str, most: usize| {
        json!({
            "component": probe,
            "limits": {"fuel": 1_000_000_000_000_u64},
            "policy": {"timeout": timeout, "overlap": "allow", "max_concurrency": most, "retry": {"max_attempts": 1}},
        })
    };
    host.put("/v1/jobs/spin", &spinner("10m", 2))?;
    host.put("/v1/jobs/late", &spinner("300ms", AT_A_TIME))?;

    println!("the host, idle but for {BEATS} jobs every second");
    let idle = requests(&mut host)?;
    idle.show("GET /v1/jobs");
    println!("with two guests that compute without end on both of its threads for guests");
    let spins = [host.run("spin", &json!([{"spin": null}]))?, host.run("spin", &json!([{"spin": null}]))?];
    let since = now()?;
    let busy = requests(&mut host)?;
    busy.show("GET /v1/jobs");
    let late = lateness(&mut host, since)?;
    late.show("from when a run was due to when it began");
    let overshoot = overshoots(&mut host)?;
    overshoot.show("from a deadline to the end of the attempt");
    for spin in &spins {
        let run = host.get(&format!("/v1/runs/{spin}"))?;
        anyhow::ensure!(run["outcome"].is_null(), "a guest was to compute all the while: {run}");
    }

    println!("what is promised");
    let slower = busy.percentile(99).as_secs_f64() / idle.percentile(99).as_secs_f64();
    let is_kept = slower <= SLOWER_MAX || busy.percentile(99) <= SLOW;
    verdict(
        &format!("GET /v1/jobs, p99: {slower:.2} times the idle host's; at most {SLOWER_MAX}, or 5 ms"),
        is_kept,
    );
    verdict("lateness, p99: under 1 s", late.percentile(99) < LATE);
    verdict("deadlines, p99: at most 100 ms over", overshoot.percentile(99) <= OVERSHOOT);
    Ok(())
}

fn verdict(promise: &str, is_kept: bool) {
    println!("  {:<8} {promise}", if is_kept { "kept" } else { "BROKEN" });
}

/// How long a request takes, one after the other on one connection.
fn requests(host: &mut Process) -> Result<Times> {
    let ends_at = Instant::now() + LOOK;
    let mut times = Vec::new();
    while Instant::now() < ends_at {
        let began = Instant::now();
        host.get("/v1/jobs")?;
        times.push(began.elapsed());
        std::thread::sleep(PAUSE);
    }
    Times::of(times)
}

/// Of the runs of all beats that were due after `since`.
fn lateness(host: &mut Process, since: i64) -> Result<Times> {
    let mut times = Vec::new();
    for beat in 0..BEATS {
        let runs = host.get(&format!("/v1/jobs/beat-{beat}/runs?limit=1000"))?;
        for run in runs["items"].as_array().context("a listing")? {
            let due = instant(&run["scheduled_for"])?;
            if due >= since && !run["started_at"].is_null() {
                let late = instant(&run["started_at"])? - due;
                times.push(Duration::from_millis(late.max(0) as u64));
            }
        }
    }
    Times::of(times)
}

/// How much longer than their timeout attempts take that are ended by it: half of them compute, half sleep.
fn overshoots(host: &mut Process) -> Result<Times> {
    let scripts = [json!([{"spin": null}]), json!([{"sleep_ms": 3_600_000}])];
    let mut times = Vec::new();
    for _ in 0..ATTEMPTS / AT_A_TIME {
        let runs = (0..AT_A_TIME)
            .map(|number| host.run("late", &scripts[number % scripts.len()]))
            .collect::<Result<Vec<_>>>()?;
        for run in runs {
            let run = host.ended(&run)?;
            anyhow::ensure!(run["cause"] == "timeout", "its deadline was to end it: {run}");
            let wall = run["usage"]["wall_micros"].as_u64().context("the time that it took")?;
            times.push(Duration::from_micros(wall).saturating_sub(TIMEOUT));
        }
    }
    Times::of(times)
}

fn instant(value: &Value) -> Result<i64> {
    let text = value.as_str().context("an instant")?;
    let instant: sandglass_core::Instant = text.parse().map_err(anyhow::Error::msg)?;
    Ok(instant.millis())
}

fn now() -> Result<i64> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(now.as_millis() as i64)
}
