//! A host that was off for a year, with jobs that are due every second: what it does about that does not grow with
//! the outage, and follows what each job says.

use sandglass_core::effect::Effects;
use sandglass_core::job::{Reason, Skip, Status};
use sandglass_core::limit::Limits;
use sandglass_core::run::{Ending, Run, Traces, Trigger};
use sandglass_core::spec::Specification;
use sandglass_core::{Digest, Instant, Name, Span};
use sandglass_runtime::{AttemptContext, BoxFuture, Clock, Finished};
use sandglass_scheduler::{Executor, Host, Options, system_random};
use sandglass_store::op::{self, OpError};
use sandglass_store::record::{Artifact, Component};
use sandglass_store::{KeyRange, Space, StoreError, StoreExt as _};
use sandglass_store_sled::{SledStore, Stats};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// Guests that succeed at once.
struct Idle;

impl Executor for Idle {
    fn attempt(&self, _: Digest, _: AttemptContext) -> BoxFuture<'_, Finished> {
        let ending = Ending { result: Ok(None), traces: Traces::default() };
        Box::pin(async { Finished::Ended { ending, effects: Effects::default() } })
    }
}

/// A machine with a disk, and a clock that goes on while the host is off.
struct Machine {
    disk: TempDir,
    now: Arc<AtomicI64>,
}

/// A host that is on.
struct Booted {
    store: Arc<SledStore>,
    host: Arc<Host>,
}

const SECOND: Span = Span::from_secs(1);
const HOUR: Span = Span::from_secs(3_600);
const YEAR: Span = Span::from_secs(365 * 86_400);

impl Machine {
    fn new() -> Machine {
        let start: Instant = "2026-01-01T00:00:00Z".parse().unwrap();
        Machine { disk: tempfile::tempdir().unwrap(), now: Arc::new(AtomicI64::new(start.millis())) }
    }

    fn now(&self) -> Instant {
        Instant::from_millis(self.now.load(Ordering::SeqCst))
    }

    fn pass(&self, time: Span) {
        self.now.fetch_add(time.millis() as i64, Ordering::SeqCst);
    }

    async fn boot(&self) -> Booted {
        let store =
            SledStore::open(&self.disk.path().join("store"), &sandglass_store_sled::Options::default());
        let store = Arc::new(store.unwrap());
        let now = self.now.clone();
        let clock: Clock = Arc::new(move || Instant::from_millis(now.load(Ordering::SeqCst)));
        let random = Arc::new(system_random);
        let host =
            Host::start(store.clone(), Arc::new(Idle), clock, random, Options::default()).await.unwrap();
        Booted { store, host }
    }
}

impl Booted {
    async fn deploy(&self, job: &str, mut document: Value) {
        document["component"] = json!(Digest::of(b""));
        let spec = Specification::from_json(document, &Limits::CEILING, self.host.now()).unwrap();
        let job: Name = job.parse().unwrap();
        let made = self.host.change::<_, OpError, _>(move |write, now| {
            op::component::put(write, &component(), 0, &Artifact { digest: Digest::of(b""), size: 0 });
            op::job::put(write, &job, spec, op::job::Expect::Anything, now)
        });
        made.await.unwrap();
    }

    /// Until nothing is due and every run has ended.
    async fn settle(&self) {
        // The clock has jumped, which the host would notice within a second.
        self.host.change::<_, StoreError, _>(|_, _| Ok(())).await.unwrap();
        loop {
            // In one look: between two of them a run that was due may have become live.
            let look = self.store.read(|read| -> Result<_, StoreError> {
                Ok((read.count(Space::Live, &KeyRange::all(), 1)?, op::due::next(read, true)?))
            });
            let (live, next) = look.unwrap();
            if live == 0 && next.is_none_or(|next| next > self.host.now()) {
                return;
            }
            // Nobody tells of the end of it.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn shut_down(self) {
        self.host.stop(Span::from_secs(60)).await;
    }

    fn look(&self, job: &str) -> (Status, Vec<Run>, Vec<Skip>) {
        let job: Name = job.parse().unwrap();
        let looked = self.store.read(|read| -> Result<_, OpError> {
            let id = op::job::find(read, &job)?.id;
            let runs = op::run::list_of_job(read, id, &op::run::Filter::default(), None, 10_000)?.runs;
            let skips = op::job::skips(read, id, None, 10_000)?;
            Ok((op::job::status(read, id)?, runs, skips.into_iter().map(|(_, skip)| skip).collect()))
        });
        looked.unwrap()
    }
}

fn component() -> Component {
    Component {
        digest: Digest::of(b""),
        size: 0,
        uploaded_at: Instant::EPOCH,
        kind: "component".into(),
        language: None,
        tools: Vec::new(),
        source_lines: false,
        adapted: Vec::new(),
        imports: vec![],
        exports: vec![],
        warnings: vec![],
    }
}

/// Runs that a job makes at most that catches up on all.
const ALL: u64 = 50;

/// A job that is due every second, by elapsed time or by the clock on the wall, and what it does about what it
/// missed.
struct Case {
    job: String,
    schedule: Value,
    catch_up: Value,
    caught_up: u64,
}

fn cases() -> Vec<Case> {
    let schedules = [("every", json!({"every": "1s"})), ("cron", json!({"cron": "* * * * * *"}))];
    let policies = [
        ("latest", json!("latest"), 1),
        ("none", json!("none"), 0),
        ("all", json!({"all": {"max": ALL, "window": "1h"}}), ALL),
    ];
    let of = |(rule, schedule): &(&str, Value)| {
        let case = |(name, catch_up, caught_up): &(&str, Value, u64)| Case {
            job: format!("{rule}-{name}"),
            schedule: schedule.clone(),
            catch_up: catch_up.clone(),
            caught_up: *caught_up,
        };
        policies.iter().map(case).collect::<Vec<_>>()
    };
    schedules.iter().flat_map(of).collect()
}

/// Deploys the jobs, lets them run for a while, and has the host off for so long. Gives it when it has dealt with
/// what it missed, and what it wrote for that.
async fn after_an_outage(machine: &Machine, outage: Span) -> (Booted, Stats) {
    let booted = machine.boot().await;
    for case in cases() {
        let policy = json!({"late_after": "1s", "catch_up": case.catch_up});
        booted.deploy(&case.job, json!({"schedule": case.schedule, "policy": policy})).await;
    }
    for _ in 0..3 {
        machine.pass(SECOND);
        booted.settle().await;
    }
    booted.shut_down().await;
    machine.pass(outage);
    let began = std::time::Instant::now();
    let booted = machine.boot().await;
    let opened = began.elapsed();
    booted.settle().await;
    println!("off for {outage}: started in {opened:?}, up to date after {:?}", began.elapsed());
    let stats = booted.store.stats();
    (booted, stats)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_says_is_done_about_a_year_and_what_was_missed_is_counted() {
    let machine = Machine::new();
    let (booted, _) = after_an_outage(&machine, YEAR).await;
    // The last two seconds are on time: they are late by a second at most.
    let missed = YEAR.millis() / 1000 - 2;
    let last = machine.now().minus(SECOND).minus(SECOND);
    for Case { job, caught_up, .. } in cases() {
        let (status, runs, skips) = booted.look(&job);
        let others: Vec<&Run> = runs.iter().filter(|run| run.status() != "succeeded").collect();
        assert!(others.is_empty(), "{job}: {others:?}");
        let of_catching_up = runs.iter().filter(|run| run.trigger == Trigger::CatchUp);
        let instants: Vec<Instant> = of_catching_up.map(|run| run.scheduled_for).collect();
        let mut newest = std::iter::successors(Some(last), |at| Some(at.minus(SECOND)));
        assert_eq!(instants, newest.by_ref().take(caught_up as usize).collect::<Vec<_>>(), "{job}");
        assert_eq!(status.missed, missed - caught_up, "{job}");
        let records: Vec<&Skip> = skips.iter().filter(|skip| skip.reason == Reason::Missed).collect();
        assert_eq!(records.len(), 1, "{job}: a year of missed seconds is one record: {records:?}");
        let (count, to) = (records[0].count, records[0].to);
        assert_eq!((count, Some(to)), (missed - caught_up, newest.next()), "{job}: {records:?}");
    }
    let succeeded = |job: &str| booted.look(job).0.succeeded;
    let before: Vec<u64> = cases().iter().map(|case| succeeded(&case.job)).collect();
    machine.pass(SECOND);
    booted.settle().await;
    for (case, before) in cases().iter().zip(before) {
        assert_eq!(succeeded(&case.job), before + 1, "{} goes on", case.job);
    }
    booted.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_costs_no_more_than_an_hour() {
    // What is caught up, and what is on time when the host is back.
    let runs: u64 = cases().iter().map(|case| case.caught_up + 2).sum();
    for outage in [HOUR, YEAR] {
        let machine = Machine::new();
        let (booted, stats) = after_an_outage(&machine, outage).await;
        println!("{runs} runs: {stats:?}");
        // A run is claimed and ends. How scripts fall into batches differs from time to time, and with it how many
        // records they write: seven at most for a run, beside those of skips.
        assert!(stats.commits <= 3 * runs, "{runs} runs: {stats:?}");
        assert!(stats.records <= 10 * runs, "{runs} runs: {stats:?}");
        booted.shut_down().await;
    }
}
